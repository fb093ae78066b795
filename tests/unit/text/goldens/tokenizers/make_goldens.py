#!/usr/bin/env python3
"""Small tokenizers of every kind, and what the tokenizers package makes of some texts.

usage: make_goldens.py FOLDER [random]

Writes FOLDER/KIND/tokenizer.json and FOLDER/KIND/goldens.jsonl: {"text", "ids", "decoded"}, ids without special tokens,
which are text; and FOLDER/KIND/random.jsonl, the same of random texts. With "random" only the last, for the tokenizers
that are there. README.md names the versions."""
import json
import os
import sys

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 4, "tokenizers"))
from random_texts import random_texts  # noqa: E402

N_RANDOM = 150
CORPUS = ["The lighthouse keeper's log: 1912, 3 ships, 12345 waves.\n\nDon't sail past the reef!",
          "Der Leuchtturmwärter schrieb: Übermäßige Höhe, naïve façade, señor, crème brûlée.",
          "灯塔守护人在日志中写道：风很大，海浪高达三米。", "маяк стоит на скале, и море шумит",
          "def keep(light):\n    return light * 2  # brighter\n", "a aa aaa aaaa aaaaa",
          "hello hello world worlds wording"]
TEXTS = CORPUS + ["", " ", "  two  spaces ", "\t\n mixed\r\n", "é e\u0301 ﬁ Å ２３", "🌊🌊 waves 🌊",
                  "[CLS] <s> <new> x<new>y",
                  "NEW word new wordnew", "İstanbul ǅ ß", "a-b_c.d,e;f!g?h", "\u00a0nbsp\u3000wide\u200bzero",
                  "한국어 텍스트",
                  "unknownwordthatislongerthanonehundredcharacters" * 3, "x" * 70,
                  "١٢٣ ½ Ⅷ", "…—“quoted”", "\u0000nul"]


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"),
        pre_tokenizers.Split(Regex(r"[一-龥]+"), "isolated"),
        pre_tokenizers.Split(Regex(r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s+(?!\S)|\s+"),
                             "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, trainers.BpeTrainer(vocab_size=420, special_tokens=["<s>"], show_progress=False,
                                          initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def gpt2_with_space():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel()
    return tokenizer, trainers.BpeTrainer(vocab_size=380, special_tokens=["<s>"], show_progress=False,
                                          initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def byte_fallback():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    return tokenizer, trainers.BpeTrainer(vocab_size=460, show_progress=False,
                                          special_tokens=["<unk>", "<s>", "</s>"] + bytes_, limit_alphabet=60)


def words_with_suffix():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(True)])
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    return tokenizer, trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>"], show_progress=False,
                                          continuing_subword_prefix="##", limit_alphabet=60)


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(),
                                                 normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer, trainers.UnigramTrainer(vocab_size=200, special_tokens=["<unk>", "<s>"], unk_token="<unk>",
                                              show_progress=False)


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer, trainers.WordPieceTrainer(vocab_size=260, special_tokens=["[UNK]", "[CLS]", "[SEP]"],
                                                show_progress=False)


def word_level():
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(),
                                                       pre_tokenizers.Punctuation("merged_with_previous"),
                                                       pre_tokenizers.Split("a", "merged_with_next", invert=False),
                                                       pre_tokenizers.Digits(False)])
    return tokenizer, trainers.WordLevelTrainer(vocab_size=200, special_tokens=["[UNK]"], show_progress=False)


def without_added_bytes(tokenizer):
    """The trainer knows the tokens of bytes as special ones; in models they are not."""
    described = json.loads(tokenizer.to_str())
    described["added_tokens"] = [token for token in described["added_tokens"]
                                 if not token["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(described))


KINDS = (byte_level, gpt2_with_space, byte_fallback, words_with_suffix, unigram, word_piece, word_level)


def write(path, tokenizer, texts):
    """The package makes special tokens of some plain texts, which we do not: those are left out."""
    special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    tokenizer.encode_special_tokens = True
    with open(path, "w", encoding="utf-8") as out:
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            if any(token.content in text for i, token in tokenizer.get_added_tokens_decoder().items()
                   if i in special and i in ids):
                continue
            line = {"text": text, "ids": ids, "decoded": tokenizer.decode(ids)}
            out.write(json.dumps(line, ensure_ascii=True) + "\n")


def write_random(folder, seed):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    texts = [text for text in random_texts(seed, N_RANDOM, CORPUS) if len(text) < 60]
    write(os.path.join(folder, "random.jsonl"), tokenizer, texts)


def make_all(root):
    for make in KINDS:
        tokenizer, trainer = make()
        tokenizer.train_from_iterator(CORPUS, trainer)
        tokenizer = without_added_bytes(tokenizer)
        tokenizer.add_tokens([AddedToken("<new>", lstrip=True, rstrip=make is unigram, normalized=False),
                              AddedToken("new", single_word=True, normalized=True)])
        folder = os.path.join(root, make.__name__)
        os.makedirs(folder, exist_ok=True)
        tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
        write(os.path.join(folder, "goldens.jsonl"), tokenizer, TEXTS)


def main():
    if "random" not in sys.argv[2:]:
        make_all(sys.argv[1])
    for seed, make in enumerate(KINDS):
        write_random(os.path.join(sys.argv[1], make.__name__), seed)


if __name__ == "__main__":
    main()

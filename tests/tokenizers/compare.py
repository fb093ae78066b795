#!/usr/bin/env python3
"""Our tokenizers beside the tokenizers package: ids and decoded texts of random texts, which must be the same.

usage: compare.py ENCODE_TEXTS [--texts N] [--seed N] [NAME...]

The vocabularies: those of $HADAL_TEST_DATA/tokenizers, and three that are trained here. In half of the texts special
tokens are recognised."""
import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,  # noqa: E402
                        pre_tokenizers, trainers)

from random_texts import random_texts  # noqa: E402

N_SHOWN = 10
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def byte_fallback():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    return tokenizer, trainers.BpeTrainer(vocab_size=2500, limit_alphabet=300, show_progress=False,
                                          special_tokens=["<unk>", "<s>", "</s>"] + BYTES)


def unigram():
    tokenizer = Tokenizer(models.Unigram(byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(),
                                                 normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer, trainers.UnigramTrainer(vocab_size=2000, special_tokens=["<unk>", "<s>"], unk_token="<unk>",
                                              show_progress=False)


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer, trainers.WordPieceTrainer(vocab_size=2500, limit_alphabet=400, show_progress=False,
                                                special_tokens=["[UNK]", "[CLS]", "[SEP]"])


TRAINED = {make.__name__: make for make in (byte_fallback, unigram, word_piece)}


def train(make, texts):
    tokenizer, trainer = make()
    tokenizer.train_from_iterator(texts, trainer)
    described = json.loads(tokenizer.to_str())  # the trainer makes the tokens of bytes special; in models they are not
    described["added_tokens"] = [token for token in described["added_tokens"] if token["content"] not in BYTES]
    tokenizer = Tokenizer.from_str(json.dumps(described))
    tokenizer.add_tokens([AddedToken("<new>", lstrip=True, rstrip=True, normalized=False),
                          AddedToken("word", single_word=True, normalized=True)])
    return tokenizer


def excerpts(data):
    texts = []
    for folder, _, names in sorted(os.walk(os.path.join(data, "text"))):
        for name in sorted(names):
            with open(os.path.join(folder, name), encoding="utf-8", errors="ignore") as file:
                texts.append(file.read(400_000))
    return texts


def ours(program, path, items, flags):
    """items: texts, or lists of ids to decode; flags: encode_texts.cpp has them."""
    records = bytearray()
    for item, flag in zip(items, flags):
        encoded = item.encode() if isinstance(item, str) else struct.pack(f"={len(item)}i", *item)
        records += struct.pack("=II", flag, len(encoded)) + encoded
    done = subprocess.run([program, path], input=bytes(records), stdout=subprocess.PIPE, check=True)
    out, at, results = done.stdout, 0, []
    for _ in items:
        (n_ids,) = struct.unpack_from("=I", out, at)
        ids = list(struct.unpack_from(f"={n_ids}i", out, at + 4))
        at += 4 + 4 * n_ids
        (n_bytes,) = struct.unpack_from("=I", out, at)
        results.append((ids, out[at + 4:at + 4 + n_bytes].decode(errors="replace")))
        at += 4 + n_bytes
    return results


def theirs(tokenizer, text, special):
    tokenizer.encode_special_tokens = not special
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    return ids, tokenizer.decode(ids, skip_special_tokens=False)


def compare(program, name, path, tokenizer, options, quoted):
    """The number of texts that differ; the first of them are printed."""
    words = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    words = random.Random(options.seed).sample(words, min(40, len(words)))
    texts = random_texts(options.seed, options.texts, quoted, words)
    specials = [i % 2 for i in range(len(texts))]
    specials_of = {i for i, token in tokenizer.get_added_tokens_decoder().items()
                   if token.special and len(token.content) > 1}
    n_different = n_made = 0
    for text, special, (ids, decoded) in zip(texts, specials, ours(program, path, texts, specials)):
        expected, expected_text = theirs(tokenizer, text, special)
        if (ids, decoded) == (expected, expected_text):
            continue
        if not special and not specials_of.isdisjoint(expected):
            n_made += 1  # the package lets plain text become a special token, which we do not
            continue
        n_different += 1
        if n_different <= N_SHOWN:
            print(f"{name}: {text!a}, special {special}:\n  ours   {ids} {decoded!a}\n"
                  f"  theirs {expected} {expected_text!a}")
    print(f"{name}: {len(texts)} texts, {n_different} differ, {n_made} have special tokens of plain text",
          flush=True)
    return n_different


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    data = os.environ["HADAL_TEST_DATA"]
    quoted = excerpts(data)
    n_different = 0
    for name in options.names or ["deepseek-v3", "llama-3", "qwen2.5", *TRAINED]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(data, "tokenizers", name)
            if name in TRAINED:
                path = folder
                train(TRAINED[name], quoted).save(os.path.join(path, "tokenizer.json"))
            tokenizer = Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
            n_different += compare(options.program, name, path, tokenizer, options, quoted)
    sys.exit(1 if n_different else 0)


if __name__ == "__main__":
    main()

"""Learns a byte-level BPE from training text and writes it as tokenizer.json and tokenizer_config.json.

usage: train_tokenizer.py TEXT.jsonl FOLDER [--documents N]

The pre-tokenizer is DeepSeek-V3's, but for what is learned from: no token joins two digits, so that sums go digit by
digit. With no such merge, its groups of up to three digits come out as single ones, and the file can keep them."""
import argparse
import itertools
import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from model import SHAPE

FIRST = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"]
LAST = ["<think>", "</think>", "<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>", "<｜User｜>", "<｜Assistant｜>", "<|EOT|>",
        "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>",
        "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>", "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>",
        "<｜tool▁sep｜>"]
NOT_SPECIAL = {"<think>", "</think>"}

IDEOGRAPHS = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
WORDS = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+""" \
    r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""


def splitter(digits):
    split = [pre_tokenizers.Split(Regex(each), "isolated") for each in (digits, IDEOGRAPHS, WORDS)]
    return pre_tokenizers.Sequence(split + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def pieces(path, n):
    """The text between the special tokens."""
    with open(path, encoding="utf-8") as lines:
        for line in itertools.islice(lines, n):
            text = "".join(part for part, _ in json.loads(line)["parts"])
            for token in FIRST + LAST:
                text = text.replace(token, "\x00")
            yield from filter(None, text.split("\x00"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--documents", type=int, default=40_000)
    arguments = parser.parse_args()

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = splitter(r"\p{N}")
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=SHAPE["vocab_size"] - len(LAST), special_tokens=FIRST,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(pieces(arguments.text, arguments.documents), trainer)
    n_learned = tokenizer.get_vocab_size()
    spare = [f"<｜place▁holder▁no▁{i}｜>" for i in range(SHAPE["vocab_size"] - len(LAST) - n_learned)]
    tokenizer.add_tokens([AddedToken(token, special=token not in NOT_SPECIAL, normalized=False)
                          for token in spare + LAST])
    tokenizer.pre_tokenizer = splitter(r"\p{N}{1,3}")
    assert tokenizer.get_vocab_size() == SHAPE["vocab_size"], tokenizer.get_vocab_size()
    assert all(tokenizer.encode(text).tokens == list(text) for text in ("1234567", "85"))

    arguments.folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(arguments.folder / "tokenizer.json"))
    template = pathlib.Path(__file__).with_name("chat_template.jinja").read_text(encoding="utf-8")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": FIRST[0], "eos_token": FIRST[1],
              "pad_token": FIRST[2], "add_bos_token": True, "add_eos_token": False,
              "clean_up_tokenization_spaces": False, "model_max_length": SHAPE["max_position_embeddings"],
              "chat_template": template}
    (arguments.folder / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False, indent=1) + "\n",
                                                            encoding="utf-8")
    print(f"{n_learned} tokens of text, {len(spare)} spare, {len(LAST)} more")


if __name__ == "__main__":
    main()

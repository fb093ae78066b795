#!/usr/bin/env python3
"""Parts of tokenizer.json one by one, beside the tokenizers package: what each makes of every kind of code point.

usage: parts.py ENCODE_TEXTS [PART...]

The model has one token for each byte, so the ids are the bytes of the text as a normalizer leaves it. What cuts a text
is seen by the mark that is put in front of each piece. Decoders are given random ids."""
import json
import os
import random
import sys
import tempfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer, pre_tokenizers  # noqa: E402

from compare import ours  # noqa: E402
from random_texts import random_texts  # noqa: E402

N_SHOWN = 6
#: Parts that are an error that names them.
REFUSED = {f"decoder.{name}" for name in ("bpe", "ctc", "replace_regex", "fuse_strip_both", "fuse_replace")}
#: Classes for which PCRE2's Unicode 14 decides: what is unassigned, and POSIX classes.
OTHERS = {"splitter.split_others", "splitter.split_posix", "splitter.split_posix_punctuation"}
PER_TEXT = 24
LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False, "trim_offsets": True}
MARK = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": False}
WORDS = ["▁", "▁a", "a", "b▁c", "##ing", "##", "ing", "<0x41>", "<0xC3>", "<0xA9>", "<0xFF>", "<0x0a>", "Ġx", "é", " ",
         "x  ", "  y", ".", "n't", "'s", "do", "not", " do not", "aa", "[PAD]", "é</w>", "w</w>", "-", "_", "|"]


def sequence(kind, *parts):
    key = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders",
           "post_processor": "processors"}[kind]
    return {"type": "Sequence", key: list(parts)}


def replace(pattern, content):
    return {"type": "Replace", "pattern": pattern, "content": content}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def metaspace(scheme, with_split=True, mark="▁"):
    return {"type": "Metaspace", "replacement": mark, "prepend_scheme": scheme, "split": with_split}


def bert(clean, ideographs, accents, lower):
    return {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": ideographs,
            "strip_accents": accents, "lowercase": lower}


def strip(content, start, stop):
    return {"type": "Strip", "content": content, "start": start, "stop": stop}


NORMALIZERS = {
    **{form: {"type": form} for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt")},
    "nfd_strip_accents": sequence("normalizer", {"type": "NFD"}, {"type": "StripAccents"}),
    "strip": {"type": "Strip", "strip_left": True, "strip_right": True},
    "strip_left": {"type": "Strip", "strip_left": True, "strip_right": False},
    "prepend": {"type": "Prepend", "prepend": "▁"},
    "replace": replace({"String": "a"}, "bb"), "replace_regex": replace({"Regex": "[a1]+"}, "-"),
    "replace_spaces": replace({"Regex": r"\s+"}, "_"), "replace_nothing": replace({"Regex": "x*"}, "-"),
    "replace_words": replace({"Regex": r"\w"}, "w"), "replace_digits": replace({"Regex": r"\d"}, "0"),
    "replace_boundary": replace({"Regex": r"\b"}, "|"), "replace_case": replace({"Regex": "(?i)[k-sß]"}, "*"),
    "bert": bert(True, True, None, True), "bert_cased": bert(True, True, None, False),
    "bert_accents": bert(False, False, True, False), "bert_clean": bert(True, False, False, False),
    "bert_lower_only": bert(False, False, False, True), "bert_ideographs": bert(False, True, False, False),
}
SPLITTERS = {
    **{kind: {"type": kind} for kind in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer")},
    **{f"punctuation_{behavior}": {"type": "Punctuation", "behavior": behavior}
       for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")},
    "digits": {"type": "Digits", "individual_digits": False},
    "single_digits": {"type": "Digits", "individual_digits": True},
    "byte_level": {**BYTE_LEVEL, "use_regex": True},
    "byte_level_space": {**BYTE_LEVEL, "add_prefix_space": True, "use_regex": True},
    "character": {"type": "CharDelimiterSplit", "delimiter": "b"},
    **{f"metaspace_{scheme}_{cut}": metaspace(scheme, cut) for scheme in ("always", "first", "never")
       for cut in (True, False)},
    "metaspace_mark": metaspace("always", True, "_"),
    **{f"split_{behavior}_{invert}": split({"Regex": "[a1]+"}, behavior, invert) for invert in (True, False)
       for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")},
    **{f"split_text_{behavior}": split({"String": "b "}, behavior)
       for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")},
    **{f"split_{name}": split({"Regex": expression}) for name, expression in (
        ("letters", r"\p{L}+"), ("numbers", r"\p{N}"), ("marks", r"\p{M}+"), ("punctuation", r"\p{P}"),
        ("symbols", r"\p{S}"), ("others", r"\p{C}"), ("separators", r"\p{Z}"), ("upper", r"\p{Lu}+"),
        ("lower", r"\p{Ll}+"), ("title", r"\p{Lt}"), ("modifier", r"\p{Lm}"), ("other_letter", r"\p{Lo}"),
        ("decimal", r"\p{Nd}"), ("number_letter", r"\p{Nl}"), ("spaces", r"\s+"), ("no_spaces", r"\S+"),
        ("words", r"\w+"), ("no_words", r"\W+"), ("digit", r"\d"), ("hex", r"\h"), ("han", r"\p{Han}+"),
        ("boundary", r"\b"), ("any", "."), ("any_line", "(?m)."), ("case", "(?i:'s|'t|ſ|k|é|σ)"), ("end", r"\s+$"),
        ("not_after", r"\s+(?!\S)"), ("class", r"[^\s\p{L}\p{N}]"), ("posix", "[[:alpha:]]+"),
        ("posix_punctuation", "[[:punct:]]"))},
}
DECODERS = {
    **{kind: {"type": kind} for kind in ("ByteFallback", "Fuse")}, "byte_level": BYTE_LEVEL,
    "word_piece": {"type": "WordPiece", "prefix": "##", "cleanup": False},
    "word_piece_tidy": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "bpe": {"type": "BPEDecoder", "suffix": "</w>"},
    "ctc": {"type": "CTC", "pad_token": "[PAD]", "word_delimiter_token": "|", "cleanup": True},
    **{f"metaspace_{scheme}": metaspace(scheme) for scheme in ("always", "first", "never")},
    "replace": replace({"String": "▁"}, " "), "replace_regex": replace({"Regex": "[▁a]+"}, "-"),
    "strip": strip(" ", 1, 1), "strip_a": strip("a", 2, 0),
    "llama": sequence("decoder", replace({"String": "▁"}, " "), {"type": "ByteFallback"}, {"type": "Fuse"},
                      strip(" ", 1, 0)),
    "fuse_strip_both": sequence("decoder", {"type": "Fuse"}, strip(" ", 1, 1)),
    "fuse_replace": sequence("decoder", {"type": "Fuse"}, replace({"String": "aa"}, "A")),
    "fallback_level": sequence("decoder", {"type": "ByteFallback"}, BYTE_LEVEL),
    "none": None,
}
SPECIAL = [{"SpecialToken": {"id": "<s>", "type_id": 0}}]
TEXT = [{"Sequence": {"id": "A", "type_id": 0}}]
SPECIAL_TOKENS = {"<s>": {"id": "<s>", "ids": [256], "tokens": ["<s>"]}}
TEMPLATE = {"type": "TemplateProcessing", "single": SPECIAL + TEXT + SPECIAL, "pair": SPECIAL + TEXT,
            "special_tokens": SPECIAL_TOKENS}
POST_PROCESSORS = {
    "template": TEMPLATE, "byte_level": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False,
                                         "use_regex": True},
    "sequence": sequence("post_processor", {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False,
                                            "use_regex": True}, TEMPLATE),
    "bert": {"type": "BertProcessing", "sep": ["<s>", 256], "cls": ["<s>", 256]},
    "roberta": {"type": "RobertaProcessing", "sep": ["<s>", 256], "cls": ["<s>", 256], "trim_offsets": True,
                "add_prefix_space": True},
}
FLAGS = ("lstrip", "rstrip", "single_word", "normalized")


def added(token, content, special=False, **flags):
    return {"id": token, "content": content, "special": special, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, **flags}


def described(normalizer=None, splitter=None, decoder=BYTE_LEVEL, post_processor=None, tokens=(), vocabulary=None):
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": vocabulary or {letter: i for i, letter in enumerate(LETTERS)}, "merges": []}
    steps = [part for part in (splitter, MARK if splitter else None, BYTE_LEVEL) if part]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(tokens),
            "normalizer": normalizer, "pre_tokenizer": sequence("pre_tokenizer", *steps), "decoder": decoder,
            "post_processor": post_processor, "model": model}


def code_points():
    """Planes 0 and 1 whole, samples of the others."""
    return [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF
            and (c < 0x20000 or c % 61 == 0 or c >> 16 == 14 and c < 0xE0200)]


def all_texts():
    every = code_points()
    texts = ["".join(f"a{c}b{c}{c} 1{c}2 {c} " for c in every[i:i + PER_TEXT])
             for i in range(0, len(every), PER_TEXT)]
    return texts + random_texts(3, 3000)


def parts():
    """name: (what tokenizer.json says, texts or lists of ids, flags)."""
    texts = all_texts()
    made = {f"normalizer.{name}": (described(normalizer=part), texts, 0) for name, part in NORMALIZERS.items()}
    made |= {f"splitter.{name}": (described(splitter=part), texts, 0) for name, part in SPLITTERS.items()}
    made |= {f"post_processor.{name}": (described(post_processor=part, tokens=[added(256, "<s>", special=True)]),
                                        ["", "a", " a b"], 2) for name, part in POST_PROCESSORS.items()}
    rng = random.Random(5)
    words = {word: i for i, word in enumerate(WORDS)}
    ids = [[rng.randrange(len(WORDS)) for _ in range(rng.randrange(1, 12))] for _ in range(5000)]
    made |= {f"decoder.{name}": (described(decoder=part, vocabulary=words), ids, 4)
             for name, part in DECODERS.items()}
    for bits in range(16):
        flags = {flag: bool(bits >> i & 1) for i, flag in enumerate(FLAGS)}
        tokens = [added(256, "<t>", **flags), added(257, "Word", **flags), added(258, "Word up", **flags),
                  added(259, "<s>", special=True, **flags), added(260, " <p> ", **flags),
                  added(261, "e\u0301中", **flags)]
        around = random_texts(bits, 4000, words=[token["content"] for token in tokens] * 3)
        around += ["".join(f"<t>{c}<t> {c} Word{c}Word " for c in texts[i][1::29]) for i in range(0, len(texts), 9)]
        for normalizer in (None, {"type": "NFC"}):
            name = "added." + ("nfc." if normalizer else "") + "_".join(f for f in FLAGS if flags[f])
            made[name] = (described(normalizer=normalizer, tokens=tokens), around, 1)
    return made


def theirs(tokenizer, item, flags):
    if flags & 4:
        return item, tokenizer.decode(item, skip_special_tokens=False)
    tokenizer.encode_special_tokens = not flags & 1
    ids = tokenizer.encode(item, add_special_tokens=bool(flags & 2)).ids
    return ids, tokenizer.decode(ids, skip_special_tokens=False)


def compare(program, name, part, items, flags):
    text = json.dumps(part)
    tokenizer = Tokenizer.from_str(text)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
            file.write(text)
        try:
            results = ours(program, folder, items, [flags] * len(items))
        except Exception as error:  # said by the program, on standard error
            if name not in REFUSED:
                print(f"{name}: {error}")
            return name not in REFUSED
    if name in REFUSED:
        print(f"{name}: is not refused")
        return 1
    n_different = n_panics = 0
    for item, result in zip(items, results):
        try:
            expected = theirs(tokenizer, item, flags)
        except BaseException as error:  # Rust's panics are not Exceptions
            if type(error).__name__ != "PanicException":
                raise
            n_panics += 1
            continue
        # An added token that is looked for in normalised text is decoded as its own text, not as the normalised one.
        # Bytes that are no UTF-8 become U+FFFD one by one here, and there for a whole run of tokens of bytes.
        only_ids = "\ufffd" in expected[1] or (not flags & 4 and part["normalizer"])
        if result == expected or only_ids and result[0] == expected[0]:
            continue
        n_different += 1
        if n_different <= N_SHOWN:
            at = next((i for i, (a, b) in enumerate(zip(result[0], expected[0])) if a != b), 0)
            if flags & 4:
                print(f"{name}: {[WORDS[i] for i in item]}: ours {result[1]!a}, theirs {expected[1]!a}")
            else:
                print(f"{name}: {item[:60]!a}: ours {show(result[0], at)}, theirs {show(expected[0], at)}")
    if n_different or n_panics:
        print(f"{name}: {n_different} of {len(items)} differ; the package panics at {n_panics}", flush=True)
    return n_different


def show(ids, at):
    """What the ids around a difference are bytes of."""
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    of_letter = {letters.pre_tokenize_str(chr(byte))[0][0]: byte for byte in range(128)}
    some = [LETTERS[i] if i < 256 else f"<{i}>" for i in ids[max(0, at - 12):at + 12]]
    return ascii("".join(chr(of_letter[letter]) if letter in of_letter else letter for letter in some))


def main():
    program, *names = sys.argv[1:]
    n_bad = sum(compare(program, name, *part) > 0 for name, part in parts().items()
                if name not in OTHERS and (not names or any(name.startswith(one) for one in names)))
    print(f"{n_bad} parts differ")
    sys.exit(1 if n_bad else 0)


if __name__ == "__main__":
    main()

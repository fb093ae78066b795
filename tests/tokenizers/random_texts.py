"""Texts over all of Unicode, the same for the same seed, with more of what tokenizers trip over than chance has."""
import random

N_PLANES = 17
MARKS = [c for first, last in ((0x300, 0x36F), (0x591, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0x93C, 0x94D),
                               (0xE31, 0xE4E), (0xF71, 0xF84), (0x1AB0, 0x1ACE), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0),
                               (0x3099, 0x309A), (0xFE20, 0xFE2F), (0x1D165, 0x1D172)) for c in range(first, last + 1)]
SPACES = [9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, 0x2003, 0x2028, 0x2029, 0x200B, 0x202F, 0x205F, 0x3000, 0xFEFF]
#: Where whole scripts lie, and where letters compose, decompose or change their case in odd ways.
BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x2FF), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x5FF), (0x600, 0x6FF),
          (0x900, 0xDFF), (0xE00, 0xFFF), (0x10A0, 0x11FF), (0x1C80, 0x1CBF), (0x1E00, 0x1FFF), (0x2000, 0x2BFF),
          (0x2E80, 0x30FF), (0x3131, 0x33FF), (0x4E00, 0x9FFF), (0xA640, 0xA7FF), (0xAB30, 0xABFF), (0xAC00, 0xD7A3),
          (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFF00, 0xFFEF), (0x10400, 0x1057F), (0x10780, 0x107BF),
          (0x11000, 0x11FFF), (0x16000, 0x16FFF), (0x1D100, 0x1D7FF), (0x1E000, 0x1E2FF), (0x1F000, 0x1FAFF),
          (0x20000, 0x2FA1F), (0xE0000, 0xE01EF)]
ASCII = "aAbBzZ019'\"._-,;:!?()[]{}<>/\\|@#$%^&*+=~` \n\t\r"
WORDS = ["'s", "'LL", "'re ", "don't", "I'VE", "x'ſ", "12345", "３４", "½", "...", "::", "\r\n", "\n\n", "   ",
         "    ", " \n", "camelCase", "HTTPServer", "中文", "かな", "한국", "é", "e\u0301", "ﬁ", "İ", "ß", "ǅ", "Å",
         "👩\u200d👩\u200d👧", "🇻🇳", "☕\ufe0f", "▁", "▁▁a", "Ġ", "<0x0A>", "##x", " .", " n't", "\ufffd", "\0",
         "ա\u0559", "ক\u09bc", "\u1100\u1161\u11a8"]


def code_point(rng):
    while True:
        first = rng.randrange(N_PLANES) * 0x10000 if rng.random() < 0.5 else 0
        c = first + rng.randrange(0x10000)
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def part(rng, excerpts, words):
    kind = rng.randrange(9)
    n = rng.randrange(1, 9)
    if kind == 0:
        return "".join(code_point(rng) for _ in range(n))
    if kind == 1:
        return "".join(chr(rng.choice(MARKS)) if rng.random() < 0.6 else code_point(rng) for _ in range(n))
    if kind == 2:
        return "".join(chr(rng.choice(SPACES)) for _ in range(n))
    if kind == 3:
        first, last = rng.choice(BLOCKS)
        return "".join(chr(rng.randint(first, last)) for _ in range(n))
    if kind == 4:
        return "".join(rng.choice(ASCII) for _ in range(n))
    if kind == 5:
        return rng.choice(words) if words else rng.choice(WORDS)
    if kind == 6 and excerpts:
        text = rng.choice(excerpts)
        begin = rng.randrange(len(text))
        return text[begin:begin + rng.randrange(40)]
    if kind == 7:
        return rng.choice(ASCII) * rng.randrange(1, 30)
    return rng.choice(WORDS)


def random_texts(seed, n_texts, excerpts=(), words=()):
    """excerpts: texts to quote from; words: what this tokenizer looks for in a text."""
    rng = random.Random(seed)
    return ["".join(part(rng, excerpts, words) for _ in range(rng.randrange(1, 8))) for _ in range(n_texts)]

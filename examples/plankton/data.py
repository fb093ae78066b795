"""Training text as tokens, packed into windows."""
import itertools
import json
import pathlib

import numpy as np
import torch
from tokenizers import Tokenizer

PAD = 2
CHUNK = 20_000  # documents in memory as text
POOL = 512  # documents of which windows are filled: with a choice, few tokens of a window stay empty


def tokenize(text, tokenizer, cache):
    """All documents one after the other: ids, which of them are learned, and where each document ends. They are kept
    in cache, a .npz file, for as long as text and tokenizer are older."""
    cache = pathlib.Path(cache)
    made_from = max(pathlib.Path(path).stat().st_mtime for path in (text, tokenizer))
    if not cache.exists() or cache.stat().st_mtime < made_from:
        tokenizer = Tokenizer.from_file(str(tokenizer))
        ids, learned, ends, n = [], [], [], 0
        with open(text, encoding="utf-8") as lines:
            while chunk := [json.loads(line)["parts"] for line in itertools.islice(lines, CHUNK)]:
                flat = [part for parts in chunk for part, _ in parts]
                encoded = iter(tokenizer.encode_batch_fast(flat, add_special_tokens=False))
                for parts in chunk:
                    for _, is_learned in parts:
                        part = next(encoded).ids
                        ids.append(np.array(part, np.uint16))
                        learned.append(np.full(len(part), is_learned))
                        n += len(part)
                    ends.append(n)
        unfinished = cache.with_suffix(".new.npz")
        np.savez(unfinished, ids=np.concatenate(ids), learned=np.concatenate(learned), ends=np.array(ends))
        unfinished.rename(cache)
    stored = np.load(cache)
    return stored["ids"], stored["learned"], stored["ends"]


class Windows:
    """Batches of windows of whole documents; where they are in the text is kept in a checkpoint."""

    def __init__(self, tokens, position=0):
        self.ids, self.learned, self.ends = tokens
        self.position = position  # of the next document; goes on from the start when all were seen
        self.pool = []

    def fill(self, length):
        while len(self.pool) < POOL:
            i = self.position % len(self.ends)
            begin, end = (self.ends[i - 1] if i else 0), self.ends[i]
            self.position += 1
            if end - begin <= length:
                self.pool.append((int(begin), int(end)))

    def batch(self, n, length):
        """ids, whether each is learned, and which document each is of (0: none), [n, length + 1] each."""
        ids = np.full((n, length + 1), PAD, np.int64)
        learned = np.zeros((n, length + 1), bool)
        document = np.zeros((n, length + 1), np.int64)
        for row in range(n):
            at, count = 0, 0
            self.fill(length)
            first = True
            while True:
                # The oldest document first, so that long ones do not wait forever; then the longest that fits.
                fitting = [d for d in self.pool if d[1] - d[0] <= length - at]
                if not fitting:
                    break
                chosen = self.pool[0] if first else max(fitting, key=lambda d: d[1] - d[0]) \
                    if length - at < 160 else fitting[0]
                first = False
                self.pool.remove(chosen)
                begin, end = chosen
                count += 1
                ids[row, at:at + end - begin] = self.ids[begin:end]
                learned[row, at:at + end - begin] = self.learned[begin:end]
                document[row, at:at + end - begin] = count
                at += end - begin
        return torch.from_numpy(ids), torch.from_numpy(learned), torch.from_numpy(document)

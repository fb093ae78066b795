#!/usr/bin/env python3
"""Our tokenizer beside the tokenizers package, one thread each: opening, encoding 10 MB, and texts that are one letter.

usage: bench_tokenizer.py BENCH_TOKENIZER TOKENIZER_FOLDER TEXT_FILE...
The texts are repeated up to 10 MB; the two take turns, and medians are compared. A ratio above 1: ours is so many times
as fast. Asserts that the ids are as many, nothing else."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
from tokenizers import Tokenizer  # noqa: E402  (reads the environment)

N_BYTES = 10_000_000
REPEATS = 5
RUNS = {"letter": "a", "space": " ", "emoji": "\U0001F600", "line": "\n", "digit": "1", "han": "\u4e2d"}
RUN_BYTES = 1 << 20


def timed(function):
    begin = time.thread_time()
    result = function()
    return time.thread_time() - begin, result


def text_of(paths):
    text = "".join(open(path, encoding="utf-8").read() for path in paths)
    n_copies = max(1, -(-N_BYTES // len(text.encode())))
    return (text * n_copies).encode()[:N_BYTES].decode(errors="ignore")


def ours(program, folder, path):
    return json.loads(subprocess.run([program, folder, path, "1"], check=True, capture_output=True).stdout)


def theirs(folder, text):
    open_s, tokenizer = timed(lambda: Tokenizer.from_file(os.path.join(folder, "tokenizer.json")))
    encode_s, encoded = timed(lambda: tokenizer.encode(text, add_special_tokens=False))
    return {"open_s": open_s, "encode_s": encode_s, "n_tokens": len(encoded.ids)}


def written(text):
    file = tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="")
    file.write(text)
    file.flush()
    return file


def main():
    program, folder, *paths = sys.argv[1:]
    text = text_of(paths)
    with written(text) as file:
        turns = [(ours(program, folder, file.name), theirs(folder, text)) for _ in range(REPEATS)]
    assert all(one["n_tokens"] == other["n_tokens"] for one, other in turns), turns
    said = [os.path.basename(os.path.normpath(folder))]
    for key, what in (("open_s", "open"), ("encode_s", f"{len(text.encode()) / 1e6:.1f} MB")):
        medians = [statistics.median(turn[i][key] for turn in turns) for i in (0, 1)]
        said.append(f"{what} {medians[0] * 1000:.0f} ms, theirs {medians[1] * 1000:.0f} ms, "
                    f"ratio {medians[1] / medians[0]:.2f}")
    print("; ".join(said))
    for name, unit in RUNS.items():
        run = unit * (RUN_BYTES // len(unit.encode()))
        seconds = []
        for part in (run[:len(run) // 2], run):
            with written(part) as file:
                seconds.append(statistics.median(ours(program, folder, file.name)["encode_s"] for _ in range(REPEATS)))
        print(f"  1 MB of one {name}: {seconds[1] * 1000:.0f} ms, half of it {seconds[0] * 1000:.0f} ms")


if __name__ == "__main__":
    main()

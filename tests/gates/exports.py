#!/usr/bin/env python3
"""What libhadal.so exports is what hadal.h declares, each with its version.      usage: exports.py NM LIBRARY"""
import subprocess
import sys

from source import Report, read


def main():
    nm, library = sys.argv[1:]
    promised = dict(line.split() for line in read("capi/abi/symbols.txt").splitlines())
    report = Report("exports")
    exported = {}
    for line in subprocess.run([nm, "-D", "--defined-only", library], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        kind, symbol = line.split()[-2:]
        name, _, version = symbol.replace("@@", "@").partition("@")
        if kind == "A" and name.startswith("HADAL_"):
            continue  # a version itself
        exported[name] = version
    for name in sorted(promised.keys() - exported.keys()):
        report.add("include/hadal/hadal.h", 1, f"{name} is declared, but the library does not have it")
    for name in sorted(exported.keys() - promised.keys()):
        report.add(library, 0, f"{name} is exported, but hadal.h does not declare it")
    for name in sorted(exported.keys() & promised.keys()):
        if exported[name] != "HADAL_" + promised[name]:
            report.add(library, 0, f"{name} has version {exported[name]}, symbols.txt says {promised[name]}")
    report.end(f"{len(exported)} symbols")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Every function of hadal.h is called from C, in tests/capi or examples."""
import re

from source import Report, files, line_of, read, without_comments


def main():
    header = read("include/hadal/hadal.h")
    names = [line.split()[0] for line in read("capi/abi/symbols.txt").splitlines()]
    calls = "\n".join(without_comments(read(path)) for folder in ("tests/capi", "examples")
                      for path in files(folder, (".c",)))
    report = Report("exercised")
    for name in names:
        if not re.search(rf"\b{name}\s*\(", calls):
            declared = re.search(rf"\b{name}\s*\(", header)
            report.add("include/hadal/hadal.h", line_of(header, declared.start()),
                       f"{name} is called by no C file in tests/capi or examples")
    report.end(f"{len(names)} functions")


if __name__ == "__main__":
    main()

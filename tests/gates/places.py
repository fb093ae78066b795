#!/usr/bin/env python3
"""No path of one machine, no host of a package registry.      usage: places.py [--self-test]"""
import re
import sys

from source import Report, files, read, self_test

# Written so that this file does not find itself.
FOLDERS = ["work", "farm", "root", "home", "Users"]
PATH = re.compile(r"(?:(?<=-[IL])|(?<![A-Za-z0-9_./$}{\-]))/(" + "|".join(FOLDERS) + r")/[A-Za-z0-9_.]|/tmp/h" + r"/")
HOSTS = ["deb[.]debian", "ftp[.]debian", "security[.]debian", "snapshot[.]debian", "pypi[.]o" + "rg",
         "python" + "hosted", "crates[.]io", "registry[.]npmjs", "conda[.]anaconda", "proxy[.]golang"]
HOST = re.compile("|".join(HOSTS))
BINARY = (".gguf", ".safetensors", ".f32", ".png", ".bin")


def verdict(line):
    """Why a line may not stand; None if it may."""
    if PATH.search(line):
        return "a path of one machine"
    return "the host of a package registry" if HOST.search(line) else None


def main():
    if sys.argv[1:] == ["--self-test"]:
        start = "/"
        self_test("places", [(line, verdict(line) is not None, wanted) for line, wanted in [
            (start + "work/main/lib", True), (f"-I{start}home/me", True), ("see deb." + "debian.org", True),
            ("docs/work/flow", False), ("${prefix}/home/x", False), (start + "usr/include", False),
            (f'open("{start}root/x")', True)]])
    report = Report("places")
    paths = [path for path in files() if not path.endswith(BINARY)]
    for path in paths:
        for number, line in enumerate(read(path).splitlines(), 1):
            why = verdict(line)
            if why:
                report.add(path, number, f"{why}: {line.strip()[:100]}")
    report.end(f"{len(paths)} files")


if __name__ == "__main__":
    main()

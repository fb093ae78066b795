"""What the gates share: the project's files, their text without comments, and a list of what broke."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CODE = (".h", ".hpp", ".c", ".cpp", ".cu", ".cuh")
# Folders at the top that are not the project's: as in .gitignore.
NOT_OURS = re.compile(r"(\.git|\.venv|build|build-.*)$")


def files(folder="", endings=None):
    """Paths relative to the root, sorted."""
    found = []
    for place, folders, names in os.walk(os.path.join(ROOT, folder)):
        relative = os.path.relpath(place, ROOT)
        folders[:] = [name for name in folders if name != "__pycache__"
                      and not (relative == "." and NOT_OURS.match(name))]
        found += [os.path.normpath(os.path.join(relative, name)) for name in names
                  if endings is None or name.endswith(endings)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def blank(match):
    """Spaces of the same length, so that positions and lines stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(text):
    """Comments blanked; strings are kept."""
    pattern = r"//[^\n]*|/\*.*?\*/|(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    return re.sub(pattern, lambda match: match.group(0) if match.group(1) else blank(match), text, flags=re.S)


def without_strings(text):
    """Contents of string and character literals blanked; digit separators (1'000) are not literals."""
    text = re.sub(r"R\"(\w*)\(.*?\)\1\"", blank, text, flags=re.S)
    return re.sub(r"\"(?:\\.|[^\"\\\n])*\"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'", blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Report:
    """Collects what broke; end() prints it and sets the exit status."""

    def __init__(self, gate):
        self.gate = gate
        self.broken = []

    def add(self, path, line, sentence):
        self.broken.append(f"{path}:{line}: {sentence}")

    def end(self, checked):
        for text in self.broken:
            print(text)
        print(f"{self.gate}: {checked}, {len(self.broken)} broken")
        sys.exit(1 if self.broken else 0)


def self_test(gate, cases):
    """cases: [(what, found, wanted)]. A gate that cannot fail is none."""
    wrong = [f"{gate} self-test: {what}: found {found}, wanted {wanted}" for what, found, wanted in cases
             if found != wanted]
    print("\n".join(wrong) if wrong else f"{gate} self-test: {len(cases)} cases")
    sys.exit(1 if wrong else 0)

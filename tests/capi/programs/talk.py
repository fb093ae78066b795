"""hadal chat with a person: its commands, and what a terminal shows.       usage: talk.py HADAL"""
import json
import os
import pathlib
import pty
import sys
import tempfile


def talk(hadal, lines):
    """What the terminal shows when a person types these lines and then ends the input."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(hadal, [hadal, "chat", "--temp", "0"])
    shown = b""
    for line in [*lines, None]:
        while not shown.endswith(b"> "):
            shown += os.read(terminal, 4096)
        os.write(terminal, b"\x04" if line is None else line.encode() + b"\n")
        shown += b"|"
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # the other end is closed
        pass
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
    return shown.decode().replace("\r\n", "\n")


def main(hadal):
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as error:
        print(f"SKIPPED: no terminals here: {error}")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "saved.json"
        bad = pathlib.Path(folder) / "bad.json"
        bad.write_text("[1, 2]")
        shown = talk(hadal, ["/help", "What is 47 + 12?", f"/save {path}", "/reset", f"/load {bad}", f"/load {path}",
                             "/save", "/save /no/such/folder/x", "What is 20 + 30?", f"/save {path}"])
        for wanted in ("/reset", "\x1b[2m47 + 12: ", "\x1b[0m\n\n47 + 12 = 59.", f"{path}: 2 messages", "no transcript",
                       "needs the name of a file", "cannot be written", "20 + 30 = 50.", f"{path}: 4 messages"):
            assert wanted in shown, (wanted, shown)
        roles = [message["role"] for message in json.loads(path.read_text())["messages"]]
        assert roles == ["user", "assistant"] * 2, roles
        assert sorted(p.name for p in path.parent.iterdir()) == ["bad.json", "saved.json"]  # nothing unfinished is left


if __name__ == "__main__":
    main(*sys.argv[1:])

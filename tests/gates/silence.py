#!/usr/bin/env python3
"""The library's own objects call nothing that prints, ends the process or reads the environment.

usage: silence.py NM OBJECT...      silence.py --self-test
"""
import re
import subprocess
import sys

from source import self_test

# Demangled names of undefined symbols, as nm -uC prints them; C functions may carry a fortified form: __printf_chk.
FORBIDDEN = [
    (r"abort|exit|_exit|_Exit|quick_exit|atexit|at_quick_exit|raise|kill", "ends the process"),
    (r"(__)?assert(_fail|_perror_fail)?|__assert_rtn", "ends the process"),
    (r"std::(abort|exit|quick_exit|terminate|__glibcxx_assert_fail|set_terminate)(\(.*\))?", "ends the process"),
    (r"v?d?f?w?printf|putchar|puts|fputs|fputc|_IO_putc|putc|fwrite|fputws|putw|perror|psignal|vsyslog|syslog",
     "prints"),
    (r"std::w?(cout|cerr|clog|cin)", "prints"),
    (r"std::ios_base::Init::.*", "sets up the standard streams: <iostream> is included"),
    (r"stdout|stderr|stdin", "uses a standard stream"),
    (r"(secure_)?getenv|setenv|putenv|unsetenv|environ|__environ", "reads the environment"),
    (r"signal|sigaction|setlocale|std::locale::global(\(.*\))?|srand|srandom|umask|chdir|fesetround|feenableexcept",
     "changes global state"),
]
# What the compiler emits by itself.
ALLOWED = {
    "std::terminate()": "an exception that would leave a noexcept function: destructors and thread entry points",
}


def verdict(symbol):
    """Why an object may not need this symbol; None if it may."""
    plain = re.sub(r"@.*", "", symbol)
    if plain in ALLOWED:
        return None
    plain = re.sub(r"^__(\w+)_chk$", r"\1", plain)
    return next((why for pattern, why in FORBIDDEN if re.fullmatch(pattern, plain)), None)


def main():
    if sys.argv[1:] == ["--self-test"]:
        cases = [("abort", True), ("__printf_chk", True), ("puts@GLIBC_2.2.5", True), ("getenv", True),
                 ("std::cerr", True), ("std::ios_base::Init::Init()", True), ("stderr", True), ("__assert_fail", True),
                 ("fprintf", True), ("memcpy", False), ("std::terminate()", False), ("sigaction", True),
                 ("std::__throw_length_error(char const*)", False), ("snprintf", False), ("_exit", True)]
        self_test("silence", [(symbol, verdict(symbol) is not None, wanted) for symbol, wanted in cases])
    nm, objects = sys.argv[1], sys.argv[2:]
    broken = 0
    for path in objects:
        lines = subprocess.run([nm, "-uC", path], check=True, capture_output=True, text=True).stdout.splitlines()
        for symbol in (line.split(maxsplit=1)[1] for line in lines if line.strip()):
            why = verdict(symbol)
            if why:
                broken += 1
                print(f"{path}: needs {symbol}: {why}")
    print(f"silence: {len(objects)} objects, {broken} broken")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

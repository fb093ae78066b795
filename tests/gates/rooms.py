#!/usr/bin/env python3
"""The arrows between rooms: which file may include what.      usage: rooms.py [--self-test]"""
import os
import re
import sys

from source import CODE, Report, files, line_of, read, self_test, without_comments

# First match wins; a header's row is for that file, any other for paths that begin so. A room sees itself, the standard
# library, and what its row names.
ALLOWED = [
    # room                       what it may include beside itself and the standard library
    ("include/hadal/hadal.h",    []),
    ("include/hadal/ops.h",      []),
    ("include/hadal/backend.h",  ["hadal/hadal.h"]),
    ("include/hadal/hadal.hpp",  ["hadal/hadal.h", "hadal/facade/"]),
    ("include/hadal/facade/",    ["hadal/hadal.h"]),
    ("include/hadal/backend_sdk.hpp", ["hadal/backend.h", "hadal/ops.h", "hadal/sdk/"]),
    ("include/hadal/sdk/",       ["hadal/backend.h", "hadal/ops.h"]),
    ("lib/base/",                []),
    ("lib/format/",              ["base/", "hadal/ops.h", "simdjson.h"]),
    ("lib/text/regex.cpp",       ["text/", "base/", "pcre2.h"]),
    ("lib/text/unicode.cpp",     ["text/", "base/", "utf8proc.h"]),
    ("lib/text/jinja_text.cpp",  ["text/", "base/", "utf8proc.h"]),
    ("lib/text/jinja_json.cpp",  ["text/", "format/", "base/", "simdjson.h"]),
    ("lib/text/",                ["format/", "base/"]),
    ("lib/plan/",                ["format/", "base/", "hadal/ops.h", "hadal/backend.h"]),
    ("lib/model/",               ["plan/", "format/", "base/", "hadal/ops.h"]),
    ("lib/convert/",             ["model/", "format/", "base/", "hadal/ops.h", "hadal/sdk/unpack.hpp"]),
    ("lib/engine/",              ["model/", "plan/", "text/", "format/", "base/", "backends/registry.h", "hadal/ops.h",
                                  "hadal/backend.h"]),
    ("lib/backends/reference/",  ["hadal/backend.h", "hadal/ops.h", "hadal/backend_sdk.hpp", "hadal/sdk/", "Eigen/"]),
    ("lib/backends/cpu/onednn",  ["backends/cpu/", "hadal/backend.h", "hadal/ops.h", "hadal/backend_sdk.hpp",
                                  "hadal/sdk/", "oneapi/dnnl/"]),
    ("lib/backends/cpu/",        ["hadal/backend.h", "hadal/ops.h", "hadal/backend_sdk.hpp", "hadal/sdk/"]),
    ("lib/backends/cuda/",       ["hadal/backend.h", "hadal/ops.h", "hadal/backend_sdk.hpp", "hadal/sdk/", "cuda",
                                  "cublas"]),
    ("lib/backends/",            ["base/", "hadal/backend.h"]),  # the registry
    ("capi/abi/",                ["hadal/hadal.h", "hadal/ops.h", "hadal/backend.h"]),
    ("capi/",                    ["engine/", "convert/", "text/", "format/", "base/", "hadal/hadal.h", "hadal/ops.h"]),
    ("bindings/python/",         ["hadal/hadal.hpp", "hadal/hadal.h", "pybind11/"]),
    ("examples/cli/",            ["hadal/hadal.hpp", "hadal/hadal.h", "CLI/", "nlohmann/json.hpp"]),
    ("examples/",                ["hadal/"]),
    ("tests/install/",           ["hadal/"]),
    ("tests/capi/",              ["hadal/", "support/", "doctest/", "nlohmann/json.hpp", "programs/"]),
]

# Headers of the system that a room may use beside the standard library's.
SYSTEM = {
    "lib/base/": re.compile(r"(sys/\w+|fcntl|unistd|pthread|sched|dlfcn|cpuid|immintrin|linux/\w+)\.h$"),
    "lib/backends/cpu/": re.compile(r"(\w*intrin|arm_\w+|cpuid|sys/auxv|asm/hwcap)\.h$"),
    "lib/backends/": re.compile(r"dlfcn\.h$"),
    "examples/": re.compile(r"(unistd|signal|sys/ioctl)\.h$"),
    "tests/": re.compile(r"(sys/\w+|fcntl|unistd|dlfcn|signal)\.h$"),
}
STANDARD = re.compile(r"[a-z0-9_]+$|(assert|ctype|errno|fenv|float|inttypes|limits|locale|math|setjmp|signal|stdarg|"
                      r"stddef|stdint|stdio|stdlib|string|time|wchar)\.h$")


def row_of(path):
    return next(((room, allowed) for room, allowed in ALLOWED
                 if (path == room if room.endswith((".h", ".hpp")) else path.startswith(room))), None)


def home(path, name):
    """Where an include leads: a path relative to lib/, include/ or the project, or the name itself."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if exists(beside):
        return re.sub(r"^(lib|include)/", "", beside)
    return name


def exists(path):
    return path in PATHS


def family(path):
    """"llama" of lib/model/llama_config.h; None of a file that belongs to no family."""
    match = re.match(r"(?:lib/)?model/([a-z0-9]+)_(?:config|weights|forward|export)\.", path)
    return match.group(1) if match else None


def wrong_include(path, name):
    """Why path may not include name; None if it may."""
    row = row_of(path)
    if row is None:
        return None  # unit tests look inside
    room, allowed = row
    target = home(path, name)
    own = re.sub(r"^(lib|include)/", "", room if room.endswith("/") else path)
    if family(path) and family(target) and family(path) != family(target):
        return f"the family {family(path)} does not know the family {family(target)}"
    if target.startswith(own) or any(target == item or (target.startswith(item) and item[-3:] not in (".h", "hpp"))
                                     for item in allowed):
        return None
    if STANDARD.match(name):
        return None
    if any(path.startswith(start) and pattern.match(name) for start, pattern in SYSTEM.items()):
        return None
    return f"{room} may not include <{name}>; it may: {', '.join(allowed) or 'the standard library only'}"


def includes(text):
    for match in re.finditer(r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"]+)[>\"]", without_comments(text), flags=re.M):
        yield line_of(text, match.start()), match.group(1)


PATHS = set(files(endings=CODE))


def main():
    if sys.argv[1:] == ["--self-test"]:
        arrows = [
            ("lib/base/a.cpp", "base/file.h", True), ("lib/base/a.cpp", "vector", True),
            ("lib/base/a.cpp", "format/dtype.h", False), ("lib/format/a.cpp", "text/tokenizer.h", False),
            ("lib/text/a.cpp", "plan/program.h", False), ("lib/plan/a.cpp", "hadal/ops.h", True),
            ("lib/plan/a.cpp", "backends/registry.h", False), ("lib/plan/a.cpp", "engine/session.h", False),
            ("lib/model/llama_forward.cpp", "model/qwen_config.h", False),
            ("lib/model/llama_forward.cpp", "model/llama_config.h", True),
            ("lib/model/llama_forward.cpp", "hadal/backend.h", False),
            ("lib/convert/a.cpp", "model/family.h", True), ("lib/convert/a.cpp", "engine/session.h", False),
            ("lib/engine/a.cpp", "convert/convert.h", False), ("capi/a.cpp", "convert/convert.h", True),
            ("lib/engine/a.cpp", "backends/registry.h", True), ("lib/engine/a.cpp", "backends/cpu/isa.h", False),
            ("lib/engine/a.cpp", "hadal/hadal.h", False), ("lib/backends/cpu/a.cpp", "base/result.h", False),
            ("lib/backends/cpu/a.cpp", "oneapi/dnnl/dnnl.h", False),
            ("lib/backends/cpu/onednn_matmul.cpp", "oneapi/dnnl/dnnl.h", True),
            ("lib/backends/cpu/a.cpp", "Eigen/Core", False), ("lib/backends/reference/a.cpp", "Eigen/Core", True),
            ("lib/backends/reference/a.cpp", "backends/cpu/isa.h", False),
            ("capi/a.cpp", "pybind11/pybind11.h", False), ("capi/a.cpp", "plan/program.h", False),
            ("capi/a.cpp", "engine/session.h", True), ("examples/cli/a.cpp", "engine/session.h", False),
            ("include/hadal/hadal.h", "hadal/backend.h", False), ("include/hadal/hadal.h", "stdint.h", True),
            ("include/hadal/hadal.hpp", "hadal/hadal.h", True), ("include/hadal/hadal.hpp", "hadal/ops.h", False),
            ("lib/text/a.cpp", "unistd.h", False), ("lib/base/platform/a.cpp", "unistd.h", True),
        ]
        self_test("rooms", [(f"{path} includes {name}", wrong_include(path, name) is None, wanted)
                            for path, name, wanted in arrows])
    report = Report("rooms")
    count = 0
    for path in sorted(PATHS):
        for line, name in includes(read(path)):
            count += 1
            why = wrong_include(path, name)
            if why:
                report.add(path, line, why)
    report.end(f"{count} includes in {len(PATHS)} files")


if __name__ == "__main__":
    main()

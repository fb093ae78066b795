#!/bin/sh
# Every public header alone: the C ones as strict C99 and as C++17, the C++ ones as C++17; with clang too where it is.
# usage: headers.sh C_COMPILER C++_COMPILER
set -u
include=$(cd "$(dirname "$0")/../../include" && pwd)
warnings="-Wall -Wextra -pedantic -Werror -fsyntax-only -I $include"
broken=0
checked=0

alone() { # COMPILER LANGUAGE STANDARD HEADER
    checked=$((checked + 1))
    # shellcheck disable=SC2086  # $warnings is a list of words
    if ! echo "#include <hadal/$4>" | "$1" -x "$2" -std="$3" $warnings -; then
        echo "include/hadal/$4: does not stand alone as $3 with $1"
        broken=$((broken + 1))
    fi
}

all() { # C_COMPILER C++_COMPILER
    for header in hadal.h ops.h backend.h; do
        alone "$1" c c99 $header
        alone "$2" c++ c++17 $header
    done
    for header in hadal.hpp backend_sdk.hpp $(cd "$include/hadal" && echo sdk/*.hpp facade/*.hpp); do
        [ -f "$include/hadal/$header" ] && alone "$2" c++ c++17 "$header"
    done
    # What must not move: compiling it is the check.
    # shellcheck disable=SC2086
    if ! "$1" -x c -std=c99 $warnings "$include/../capi/abi/layout_test.c"; then
        echo "capi/abi/layout_test.c: the layout of a public struct moved"
        broken=$((broken + 1))
    fi
}

all "$1" "$2"
if command -v clang > /dev/null 2>&1 && command -v clang++ > /dev/null 2>&1; then
    all clang clang++
else
    echo "SKIPPED: headers with clang: no clang here"
fi
echo "headers: $checked compilations, $broken broken"
[ "$broken" = 0 ]

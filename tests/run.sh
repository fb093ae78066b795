#!/bin/sh
# Builds and runs every test, from a bare Debian 12: installs what is missing first.
# usage: sh tests/run.sh [--quick | --threads]      --quick: without sanitizers; --threads: ThreadSanitizer, too
# Its last line counts what passed, failed and was skipped; each skip is listed above it with its reason.
# With HADAL_TEST_DATA set, a skip must name what this machine lacks: a GPU, a compiler, pseudo-terminals, instructions
# of its processor, a part of its oneDNN. Any other fails the run.
set -eu
cd "$(dirname "$0")/.."
. cmake/debian.sh

sanitizers=asan
case "${1:-}" in
    --quick) sanitizers= ;;
    --threads) sanitizers="asan tsan" ;;
esac
passed=0 failed=0 skipped=0
skips=

# counts FILE ATTRIBUTE: a number from the head of a JUnit file.
counts() {
    sed -n "s/.*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

# run PRESET CTEST_OPTION...: runs what is built and adds to the counts.
run() {
    preset=$1
    shift
    junit=build/$preset/tests.xml
    rm -f "$junit"
    ended=0
    ctest --preset "$preset" --output-junit tests.xml "$@" || ended=$?
    if [ ! -f "$junit" ]; then
        echo "ctest gave no result for $preset"
        failed=$((failed + 1))
        return
    fi
    all=$(counts "$junit" tests) bad=$(counts "$junit" failures)
    out=$(($(counts "$junit" skipped) + $(counts "$junit" disabled)))
    passed=$((passed + all - bad - out))
    failed=$((failed + bad))
    if [ "$ended" != 0 ] && [ "$bad" = 0 ]; then  # a test that could not be run
        failed=$((failed + 1))
    fi
    if [ "$out" != 0 ]; then
        skips="$skips$preset: SKIPPED: $out tests, by ctest
"
    fi
    skips="$skips$(sed -n "s/^.*\(SKIPPED: \)/$preset: \1/p" "build/$preset/Testing/Temporary/LastTest.log")
"
}

# unexpected: of the skips on standard input, those that no machine explains.
unexpected() {
    grep -v -E 'SKIPPED: (.*: )?(no (GPU|compiler|clang|terminals)|this processor |oneDNN is built without )' || true
}

# build PRESET TARGETS: nothing is run of what does not build.
build() {
    # shellcheck disable=SC2086
    cmake --preset "$1" > build/"$1".log 2>&1 && cmake --build --preset "$1" --target $2 >> build/"$1".log 2>&1 ||
        {
            tail -n 60 build/"$1".log
            echo "$1 does not build"
            failed=$((failed + 1))
            return 1
        }
    echo "$1: built"
}

# shellcheck disable=SC2086  # lists of words
need $hadal_packages $hadal_test_packages
mkdir -p build
jobs=$(getconf _NPROCESSORS_ONLN)

# What runs under sanitizers does not run without them as well: twice would tell no more.
targets=all only=
[ -z "$sanitizers" ] || targets=hadal_outer_tests only="-LE inner"
# shellcheck disable=SC2086
if build dev "$targets"; then
    run dev -j "$jobs" $only
fi
for sanitizer in $sanitizers; do
    case $sanitizer in
        asan) target=hadal_tests only="-LE gate" ;;
        tsan) target=hadal_threaded_tests only="-L threads" ;;
    esac
    # shellcheck disable=SC2086
    if build $sanitizer $target; then
        run $sanitizer -j "$jobs" $only
    fi
done

skips=$(printf '%s' "$skips" | sed '/^$/d')
if [ -n "$skips" ]; then
    skipped=$(printf '%s\n' "$skips" | wc -l)
    printf '%s\n' "$skips"
    if [ -n "${HADAL_TEST_DATA:-}" ]; then
        wrong=$(printf '%s\n' "$skips" | unexpected)
        if [ -n "$wrong" ]; then
            printf 'HADAL_TEST_DATA is set, so these must not be skipped:\n%s\n' "$wrong"
            failed=$((failed + $(printf '%s\n' "$wrong" | wc -l)))
        fi
    fi
fi
echo "$passed passed, $failed failed, $((skipped)) skipped"
[ "$failed" = 0 ]

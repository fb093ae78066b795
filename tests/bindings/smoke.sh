#!/bin/sh
# The programs of bindings/smoke give the golden tokens of a real model.
# usage: smoke.sh PYTHON LIBHADAL SAMPLE_MODEL      SAMPLE_MODEL: ON if it is a part of the build
set -eu
python=$1 library=$2
hello=$(dirname "$0")/../../bindings/smoke/hello.py
if [ "$3" = ON ]; then
    "$python" "$hello" "$library"
fi
if [ -z "${HADAL_TEST_DATA:-}" ]; then
    echo "SKIPPED: HADAL_TEST_DATA is not set; needs models/stories260K"
    exit 0
fi
model=$HADAL_TEST_DATA/models/stories260K
first20='import json, sys; print(*json.load(open(sys.argv[1]))["greedy_ids"][:20])'
expected=$("$python" -c "$first20" "$model/greedy200.json")
found=$("$python" "$hello" "$library" "$model/stories260K.gguf" 1)
echo "expected $expected"
echo "found    $found"
[ "$found" = "$expected" ]

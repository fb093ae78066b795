#!/bin/sh
# The programs of bindings/smoke give the golden tokens of a real model.
# usage: smoke.sh PYTHON LIBHADAL SAMPLE_MODEL      SAMPLE_MODEL: ON if it is a part of the build
set -eu
python=$1 library=$2
hello=$(dirname "$0")/../../bindings/smoke/hello.py
if [ "$3" = ON ]; then
    "$python" "$hello" "$library"
    # Loaded by a relative path, it knows its model when the program has gone elsewhere: only the buffer is too small.
    elsewhere='import ctypes, os, sys
hadal = ctypes.CDLL(sys.argv[1])
os.chdir("/")
status = hadal.hadal_sample_model_path(None, ctypes.c_size_t(), ctypes.byref(ctypes.c_size_t()), bytes(1024))
sys.exit(status != -8)'
    (cd "$(dirname "$library")" && "$python" -c "$elsewhere" "./$(basename "$library")")
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

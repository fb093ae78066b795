#!/bin/sh
# Writes tiny random-weight models, as GGUF and as Hugging Face folders, with a virtual environment of pinned packages.
# usage: tiny_models.sh PYTHON BUILD_FOLDER      writes BUILD_FOLDER/tiny/FAMILY.gguf and BUILD_FOLDER/tiny/FAMILY/
set -eu
python=$1 build=$2
. "$(dirname "$0")/venv.sh"
if [ -z "${HADAL_TEST_DATA:-}" ]; then
    echo "SKIPPED: tiny models: HADAL_TEST_DATA is not set; their writer lies beside it"
    exit 0
fi
writer=$HADAL_TEST_DATA/../tools/make_tiny_gguf.py

prepare_venv "$python" "$build"
mkdir -p "$build/tiny"
for family in v3 v3-old v2lite v2lite-old llama31 qwen2 qwen3; do
    if [ ! -f "$build/tiny/$family.gguf" ] || [ "$writer" -nt "$build/tiny/$family.gguf" ]; then
        "$build/venv/bin/python" "$writer" $family 1 "$build/tiny/$family.part" "$build/tiny/$family"
        mv "$build/tiny/$family.part" "$build/tiny/$family.gguf"
    fi
done
ls "$build"/tiny/*.gguf

#!/bin/sh
# Plankton in FP8 and in F32.
# usage: fp8.sh PYTHON BUILD_FOLDER PLANKTON.gguf      writes BUILD_FOLDER/plankton/fp8/ and BUILD_FOLDER/plankton/wide/
set -eu
. "$(dirname "$0")/../support/venv.sh"
prepare_venv "$1" "$2"
"$2/venv/bin/python" "$(dirname "$0")/make_fp8.py" "$3" "$2/plankton"

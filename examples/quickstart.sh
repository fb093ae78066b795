#!/bin/sh
# From a bare Debian 12 to text: installs what is missing, builds libhadal and the hadal command, runs a model.
# usage: sh examples/quickstart.sh [MODEL]      MODEL: a .gguf file, or a folder in Hugging Face form; else Plankton,
#                                               the small model that comes with Hadal
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/cmake/debian.sh"

model=
if [ $# -gt 0 ]; then
    if [ ! -e "$1" ]; then
        echo "There is no $1" >&2
        exit 2
    fi
    model=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
fi

# shellcheck disable=SC2086  # a list of words
need $hadal_packages
cd "$top"
cmake --preset release > /dev/null
cmake --build --preset release --target hadal_cli >&2

hadal=build/release/bin/hadal
echo "$hadal run ${model:+$model }-p \"Once upon a time\" -n 120" >&2
$hadal run ${model:+"$model"} -p "Once upon a time" -n 120

echo >&2
echo "Next:  $hadal chat${model:+ $model}" >&2
echo "           a conversation: try  What is 47 + 85?" >&2
echo "       $hadal selftest" >&2
echo "           does this build compute what it should?" >&2
echo "       $hadal --help, and README.md for linking the library" >&2

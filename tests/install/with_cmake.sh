#!/bin/sh
# usage: with_cmake.sh SOURCE BUILD [OPTION...]      configures and builds an outside project, then runs its programs
set -eu
source=$1 build=$2
shift 2
rm -rf "$build"
cmake -S "$source" -B "$build" "$@"
cmake --build "$build"
"$build/outside_c"
"$build/outside_cpp"

#!/bin/sh
# usage: with_pkg_config.sh PREFIX BUILD shared|static      builds and runs the outside programs with what hadal.pc says
set -eu
prefix=$1 build=$2 kind=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$build"
mkdir -p "$build"

pc=$(find "$prefix" -name hadal.pc)
export PKG_CONFIG_PATH="$(dirname "$pc")"
libraries=$(dirname "$PKG_CONFIG_PATH")
cflags=$(pkg-config --cflags hadal)
if [ "$kind" = static ]; then
    # The linker would prefer libhadal.so beside it, so the archive is taken by its full name.
    libs=$(pkg-config --static --libs hadal | sed 's/-lhadal/-l:libhadal.a/')
else
    libs=$(pkg-config --libs hadal)
    export LD_LIBRARY_PATH="$libraries"
fi

# $cflags and $libs are lists of words.
"${CC:-cc}" -std=c99 $cflags "$here/outside.c" -o "$build/outside_c" $libs
"${CXX:-c++}" -std=c++17 $cflags "$here/outside.cpp" -o "$build/outside_cpp" $libs
for program in outside_c outside_cpp; do
    uses=$(readelf -d "$build/$program" | grep -c 'NEEDED.*libhadal' || true)
    if [ "$kind" = static ] && [ "$uses" != 0 ]; then
        echo "$program was to be linked statically, but needs libhadal.so"
        exit 1
    fi
    "$build/$program"
done

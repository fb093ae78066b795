#!/bin/sh
# usage: install.sh BUILD PREFIX      installs a build into a fresh prefix and names what must be there
set -eu
rm -rf "$2"
cmake --install "$1" --prefix "$2" > /dev/null
cd "$2"
for wanted in include/hadal/hadal.h include/hadal/hadal.hpp include/hadal/backend.h include/hadal/ops.h \
    include/hadal/backend_sdk.hpp libhadal.so libhadal.so.0 libhadal.a hadal.pc hadalConfig.cmake \
    hadalConfigVersion.cmake bin/hadal share/hadal/plankton.gguf LICENSE; do
    if [ -z "$(find . -path "*/$wanted")" ]; then
        echo "not installed: $wanted"
        exit 1
    fi
done
bin/hadal --version
bin/hadal selftest --sums 3

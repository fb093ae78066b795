#!/bin/sh
# usage: install.sh BUILD PREFIX SAMPLE_MODEL      installs a build into a fresh prefix and names what must be there;
#                                                  SAMPLE_MODEL: ON if it is a part of it
set -eu
rm -rf "$2"
cmake --install "$1" --prefix "$2" > /dev/null
cd "$2"
for wanted in include/hadal/hadal.h include/hadal/hadal.hpp include/hadal/backend.h include/hadal/ops.h \
    include/hadal/backend_sdk.hpp libhadal.so libhadal.so.0 libhadal.a hadal.pc hadalConfig.cmake \
    hadalConfigVersion.cmake bin/hadal LICENSE; do
    if [ -z "$(find . -path "*/$wanted")" ]; then
        echo "not installed: $wanted"
        exit 1
    fi
done
bin/hadal --version
if [ "$3" = ON ]; then
    bin/hadal selftest --sums 3
fi

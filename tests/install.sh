# SPDX-License-Identifier: MIT
# Installs the built library into a folder and builds a program against it, as users do, by
# find_package(eddy) and by pkg-config: `sh tests/install.sh BUILD CMAKE CC CONFIG`.
build=$1
cmake=$2
cc=$3
config=${4:-Release}
here=$(cd "$(dirname "$0")" && pwd)
stage=$(mktemp -d) || exit 1
trap 'rm -rf "$stage"' EXIT

step()
{
    "$@" >"$stage/log" 2>&1 && return
    echo "install: failed: $*"
    cat "$stage/log"
    exit 1
}

step "$cmake" --install "$build" --prefix "$stage/usr" --config "$config"
step "$cmake" -S "$here/install" -B "$stage/build" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_PREFIX_PATH="$stage/usr" -DCMAKE_BUILD_TYPE="$config"
step "$cmake" --build "$stage/build" --config "$config"
program=$(find "$stage/build" -name consumer -o -name consumer.exe | head -n 1)
step "$program"
echo "install: find_package(eddy) works: $("$program")"

if ! command -v pkg-config >/dev/null 2>&1; then
    echo "skipped: no pkg-config; find_package was well"
    exit 77
fi
pc=$(find "$stage/usr" -name eddy.pc)
# The prefix in the file is that of the configuration; what was staged lies elsewhere.
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
flags=$(pkg-config --define-variable=prefix="$stage/usr" --cflags --libs eddy) || exit 1
library_dir=$(dirname "$(dirname "$pc")")
# shellcheck disable=SC2086
step "$cc" -o "$stage/consumer" "$here/install/consumer.c" $flags
LD_LIBRARY_PATH=$library_dir DYLD_LIBRARY_PATH=$library_dir step "$stage/consumer"
echo "install: pkg-config eddy works: $flags"

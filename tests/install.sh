# SPDX-License-Identifier: MIT
# Installs the built library into a folder and builds a program against it, as users do, by
# find_package(eddy) and by pkg-config: `sh tests/install.sh BUILD CMAKE CC CONFIG TLS`. TLS is
# whether that program has to find TLS in it. As a subfolder of a project it is only configured.
build=$1
cmake=$2
cc=$3
config=${4:-Release}
with_tls=without
case ${5:-OFF} in
ON | TRUE | 1 | YES) with_tls=with ;;
esac
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
check()
{
    step "$@"
    grep -q ", $with_tls TLS" "$stage/log" && return
    echo "install: not $with_tls TLS, but: $(cat "$stage/log")"
    exit 1
}

check "$program"
echo "install: find_package(eddy) works: $(cat "$stage/log")"
step "$cmake" -S "$here/install" -B "$stage/subfolder" -DCMAKE_C_COMPILER="$cc" \
    -DEDDY_FOLDER="$here/.." -DEDDY_TLS="${5:-OFF}" -DCMAKE_BUILD_TYPE="$config"
echo "install: add_subdirectory(eddy) can be configured"

if ! command -v pkg-config >/dev/null 2>&1; then
    echo "skipped: no pkg-config; find_package was well"
    exit 77
fi
pc=$(find "$stage/usr" -name eddy.pc)
# The prefix in the file is that of the configuration; what was staged lies elsewhere.
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
flags=$(pkg-config --define-variable=prefix="$stage/usr" --cflags --libs eddy) || exit 1
library_dir=$(dirname "$(dirname "$pc")")
LD_LIBRARY_PATH=$library_dir
DYLD_LIBRARY_PATH=$library_dir
export LD_LIBRARY_PATH DYLD_LIBRARY_PATH
# shellcheck disable=SC2086
step "$cc" -o "$stage/consumer" "$here/install/consumer.c" $flags
check "$stage/consumer"
echo "install: pkg-config eddy works: $flags"

# SPDX-License-Identifier: MIT
# Compiles the library and the examples for macOS with zig and links them: nothing is run, which
# would need a Mac. `sh ci/macos.sh ZIG TARGET`.
cd "$(dirname "$0")/.." || exit 1
zig=$1
target=$2
out=build/macos/$target
rm -rf "$out"
mkdir -p "$out"
flags="-target $target -std=c11 -O2 -Iinclude -Isrc -fvisibility=hidden -DEDDY_BUILDING \
-D_DARWIN_C_SOURCE -DEDDY_COROUTINE_ASM -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
-Wstrict-prototypes -Werror"
failures=0

objects=
for source in src/common/*.c src/sim/*.c src/posix/*.c src/posix/*.S; do
    [ -f "$source" ] || continue
    object=$out/$(echo "$source" | tr / -).o
    # shellcheck disable=SC2086
    "$zig" cc $flags -c -o "$object" "$source" || failures=$((failures + 1))
    objects="$objects $object"
done
if [ $failures -gt 0 ]; then
    echo "macos: $target: $failures sources do not compile"
    exit 1
fi

# shellcheck disable=SC2086
"$zig" cc -target "$target" -shared -o "$out/libeddy.dylib" $objects || exit 1
# An example is a file, or a folder of files.
examples=0
for program in examples/*.c examples/*/; do
    [ -e "$program" ] || continue
    sources=$program
    [ -f "$program" ] || sources=$(find "$program" -name '*.c' ! -name '*_win32.c')
    examples=$((examples + 1))
    # shellcheck disable=SC2086
    "$zig" cc -target "$target" -std=gnu11 -Wall -Wextra -Werror -Iinclude \
        -o "$out/$(basename "$program" .c)" $sources $objects || failures=$((failures + 1))
done
count=$(echo "$objects" | wc -w)
echo "macos: $target: $((count)) sources compiled and linked," \
    "$failures of $examples examples failed"
[ $failures -eq 0 ]

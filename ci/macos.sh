# SPDX-License-Identifier: MIT
# Compiles the library and the examples for macOS with zig and links them: nothing is run, which
# would need a Mac. `sh ci/macos.sh ZIG TARGET`.
#
# Of OpenSSL only the headers are there, this machine's own, whose settings fit both processors;
# of Apple's frameworks there are stand-ins for the few declarations that are used. So the library
# is linked without these: their names are left to be found when a program starts.
cd "$(dirname "$0")/.." || exit 1
zig=$1
target=$2
out=build/macos/$target
rm -rf "$out"
mkdir -p "$out/include/openssl"
flags="-target $target -std=c11 -O2 -Iinclude -Isrc -fvisibility=hidden -DEDDY_BUILDING \
-D_DARWIN_C_SOURCE -DEDDY_COROUTINE_ASM -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
-Wstrict-prototypes -Werror -isystem $out/include -isystem ci/macos"
failures=0

# Not the whole of /usr/include, which has another system's headers.
tls=src/tls/none
for folder in /usr/include /usr/include/*-linux-gnu; do
    [ ! -f "$folder/openssl/configuration.h" ] || tls=src/tls
    for header in "$folder"/openssl/*.h; do
        [ ! -f "$header" ] || ln -sf "$header" "$out/include/openssl/"
    done
done

objects=
for source in src/common/*.c src/sim/*.c $tls/*.c src/native/*.c src/posix/*.c src/posix/*.S; do
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
"$zig" cc -target "$target" -shared -Wl,-undefined,dynamic_lookup \
    -o "$out/libeddy.dylib" $objects || exit 1
# An example is a file, or a folder of files; each one there that has a main() is a program.
examples=0
for source in $(grep -l '^int main(' examples/*.c examples/*/*.c); do
    folder=$(dirname "$source")
    sources=$source
    [ "$folder" = examples ] ||
        sources="$source $(grep -L '^int main(' "$folder"/*.c | grep -v '_win32\.c$')"
    examples=$((examples + 1))
    # shellcheck disable=SC2086
    "$zig" cc -target "$target" -std=gnu11 -Wall -Wextra -Werror -Iinclude \
        -o "$out/$(basename "$source" .c)" $sources "$out/libeddy.dylib" ||
        failures=$((failures + 1))
done
count=$(echo "$objects" | wc -w)
echo "macos: $target: $((count)) sources compiled and linked," \
    "$failures of $examples examples failed"
[ "$tls" = src/tls ] || echo "macos: $target: without TLS"
[ $failures -eq 0 ]

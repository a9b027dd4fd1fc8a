# SPDX-License-Identifier: MIT
# Each public header compiles alone, twice in a row, as C11 and as C++17:
# `sh tests/headers.sh CC CXX`.
cc=${1:-cc}
cxx=${2:-c++}
cd "$(dirname "$0")/.." || exit 1
source=$(mktemp -d) || exit 1
trap 'rm -rf "$source"' EXIT
failures=0
count=0
warnings="-Wall -Wextra -pedantic -Werror -fsyntax-only"
have_cxx=yes
"$cxx" --version >/dev/null 2>&1 || have_cxx=no

for header in include/eddy/*.h; do
    name=$(basename "$header")
    count=$((count + 1))
    printf '#include <eddy/%s>\n#include <eddy/%s>\nextern int eddy_headers_test;\n' \
        "$name" "$name" >"$source/alone.c"
    cp "$source/alone.c" "$source/alone.cc"
    # shellcheck disable=SC2086
    "$cc" -std=c11 $warnings -Iinclude "$source/alone.c" || failures=$((failures + 1))
    if [ $have_cxx = yes ]; then
        # shellcheck disable=SC2086
        "$cxx" -std=c++17 $warnings -Iinclude "$source/alone.cc" || failures=$((failures + 1))
    fi
done

echo "headers: $count headers, C++ compiler: $have_cxx, $failures failures"
[ $failures -eq 0 ] && [ $count -gt 0 ] || exit 1
if [ $have_cxx = no ]; then
    echo "skipped: no C++ compiler ($cxx); as C all was well"
    exit 77
fi

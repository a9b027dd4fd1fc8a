# SPDX-License-Identifier: MIT
# The programs that README.md shows compile as they stand there, and link: what a newcomer copies
# works. `sh tests/readme.sh CC LIBRARY [LINK OPTION...]`.
cc=$1
library=$2
shift 2
cd "$(dirname "$0")/.." || exit 1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

awk -v out="$out" '
    /^```c$/ { on = 1; file = out "/" ++count ".c"; next }
    /^```$/ { on = 0 }
    on { print > file }' README.md

count=0
failures=0
for program in "$out"/*.c; do
    [ -f "$program" ] || continue
    count=$((count + 1))
    "$cc" -std=c11 -Wall -Werror -Iinclude -o "$out/program" "$program" "$library" "$@" || {
        echo "readme: program $count does not compile"
        failures=$((failures + 1))
    }
done
echo "readme: $count programs, $failures failures"
[ $failures -eq 0 ] && [ $count -gt 0 ]

# SPDX-License-Identifier: MIT
# What the library shows to the linker: `sh tests/exports.sh LIBRARY [NM] [OBJDUMP]`.
#
# A shared library exports eddy_<name> and nothing else, and everything that the headers declare.
# A static one has to show its internal names too, but each begins with eddy_.
library=$1
nm=${2:-nm}
objdump=${3:-objdump}
cd "$(dirname "$0")/.." || exit 1

case $library in
*.a)
    kind=static
    names=$("$nm" -g --defined-only "$library" 2>/dev/null |
        awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }')
    allowed='^_\{0,1\}eddy_' ;;
*.dll)
    kind=DLL
    names=$("$objdump" -p "$library" |
        awk '/Ordinal\/Name Pointer/ { on = 1; next } on && NF == 0 { exit } on { print $NF }')
    allowed='^eddy_[a-z0-9]' ;;
*.dylib)
    kind=shared
    names=$("$nm" -gU "$library" | awk 'NF == 3 { print $3 }' | sed 's/^_//')
    allowed='^eddy_[a-z0-9]' ;;
*)
    kind=shared
    names=$("$nm" -D --defined-only "$library" 2>/dev/null |
        awk 'NF == 3 { print $3 }' | sed 's/@.*//')
    allowed='^eddy_[a-z0-9]' ;;
esac

# Sanitizers and coverage add names of their own to each object; a compiler may add its helpers, and
# MinGW's what describes a thread-local variable.
names=$(echo "$names" | sed 's/^__emutls_[vt]\.//' |
    grep -v -e '^__odr_asan' -e '^_\{0,1\}_asan' -e '^_\{0,1\}_tsan' \
    -e '^DW\.ref\.' -e '^__x86\.get_pc_thunk' -e '^\.refptr\.' | sort -u)
count=$(echo "$names" | grep -c .)
stray=$(echo "$names" | grep -v -e "$allowed" -e '^$')

declared=$(cat include/eddy/*.h | awk '
    /^EDDY_API/ { on = 1; text = "" }
    on { text = text " " $0 }
    on && /[;(]/ {
        sub(/\(.*/, "", text)
        sub(/[ ;]*$/, "", text)
        sub(/.*[ *]/, "", text)
        print text
        on = 0
    }' | sort -u)
missing=$(echo "$declared" | while read -r name; do
    echo "$names" | grep -q -x -e "$name" -e "_$name" || echo "$name"
done)

status=0
if [ "$count" -eq 0 ]; then
    echo "exports: no names found in $library"
    status=1
fi
if [ -n "$stray" ]; then
    echo "exports: not eddy's own:" $stray
    status=1
fi
if [ -n "$missing" ]; then
    echo "exports: declared in a public header, but not defined:" $missing
    status=1
fi
echo "exports: $kind library, $count names, $(echo "$declared" | wc -l) declared"
exit $status

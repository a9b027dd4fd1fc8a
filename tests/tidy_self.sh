# SPDX-License-Identifier: MIT
# Shows that tidy.sh finds what it is there to find: each case plants one fault in an empty tree.
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
failures=0

# plant PATH EXPECTED-TEXT LINES...: a file with the fault must be complained about, with that text.
plant()
{
    path=$1
    expected=$2
    shift 2
    rm -rf "$tree"/*
    mkdir -p "$tree/$(dirname "$path")"
    printf '%s\n' "$@" >"$tree/$path"
    output=$(sh "$here/tidy.sh" "$tree")
    status=$?
    if [ -z "$expected" ] && [ $status -ne 0 ]; then
        echo "$path: should be accepted, but: $output"
        failures=$((failures + 1))
    elif [ -n "$expected" ] &&
        { [ $status -eq 0 ] || [ "${output#*"$expected"}" = "$output" ]; }; then
        echo "$path: should be refused with \"$expected\", but: $output"
        failures=$((failures + 1))
    fi
}

spdx='/* SPDX-License-Identifier: MIT */'
wide="/* $(printf '%094d' 0) */"

plant src/common/a.c '' "$spdx" 'int eddy__a(int x)' '{' '    return x;' '}'
plant src/common/a.c 'first line' 'int x;'
plant ci/a.sh 'first line' 'echo'
plant ci/a.sh '' '#!/bin/sh' '# SPDX-License-Identifier: MIT' 'echo'
plant src/common/a.c 'tab' "$spdx" "$(printf 'int\tx;')"
plant src/common/a.c 'at the end' "$spdx" 'int x; '
plant src/common/a.c 'empty line at the end' "$spdx" 'int x;' ''
plant src/common/a.c '' "$spdx" "$wide"
plant src/common/a.c '100 columns' "$spdx" "$wide;"
plant src/common/a.c 'unfinished' "$spdx" "/* TO""DO: more */"
plant docs/a.md 'unfinished' "FIX""ME"
plant src/common/a.c 'strcpy() is banned' "$spdx" '    strcpy(a, b);'
plant src/common/a.c '' "$spdx" '/* strcpy(a, b) */ const char *c = "strcpy(a, b)";'
plant src/common/a.c '' "$spdx" '/*' ' * strcpy(a, b)' ' */ int x;'
plant src/common/a.c 'strcpy() is banned' "$spdx" '/* */ char c = '"'\"'"'; strcpy(a, b);'
plant src/posix/a.c 'malloc() is banned' "$spdx" '    p = malloc(1);'
plant src/common/memory.c '' "$spdx" '    p = malloc(1);'
plant src/common/a.c '' "$spdx" '    allocator->free(p, allocator->context);'
plant examples/a.c '' "$spdx" '    free(p);'
plant tests/test_a.c 'usleep() is banned' "$spdx" '    usleep(1);'
plant src/common/a.c 'system'\''s macro' "$spdx" '#ifdef _WIN32' '#endif'
plant src/sim/a.c 'system'\''s macro' "$spdx" '#if defined(__linux__)' '#endif'
plant src/posix/a.c '' "$spdx" '#if defined(__linux__)' '#endif'
plant src/common/a.c 'neither C11' "$spdx" '#include <unistd.h>'
plant include/eddy/a.h 'neither C11' "$spdx" '#include <sys/socket.h>'
plant src/posix/a.c '' "$spdx" '#include <unistd.h>'
plant src/tls/a.c '' "$spdx" '#include <openssl/x509v3.h>'
plant src/tls/a.c 'neither C11' "$spdx" '#include <unistd.h>'
plant src/tls/a.c 'system'\''s macro' "$spdx" '#ifdef _WIN32' '#endif'
plant src/common/a.c 'neither C11' "$spdx" '#include <openssl/ssl.h>'
plant src/native/a.c 'OpenSSL is for' "$spdx" '#include <openssl/ssl.h>'
plant src/posix/a.c 'OpenSSL is for' "$spdx" '#include <openssl/ssl.h>'
plant src/posix/a.c 'threads.h' "$spdx" '#include <threads.h>'
plant src/common/a.c 'included' "$spdx" '#include "b.c"'
plant include/eddy/a.h '_t' "$spdx" 'typedef struct a eddy_a_t;'

body=$(awk 'BEGIN { for (i = 0; i < 71; i++) print "    x++;" }')
plant src/common/a.c 'function of 71 lines' "$spdx" 'static void long_one(int x)' '{' "$body" '}'
plant src/common/a.c '' "$spdx" 'static void long_one(int x)' '{' "${body#*;?}" '}'
body600=$(awk 'BEGIN { for (i = 0; i < 600; i++) print "int x;" }')
plant src/common/a.c 'file of 601 lines' "$spdx" "$body600"

# The parts of the workflow are those of the matrix.
sh_spdx='# SPDX-License-Identifier: MIT'
mkdir -p "$tree/.github/workflows"
printf '%s\n' "$sh_spdx" '        part:' '          - one' '          - two' '    runs-on: x' \
    >"$tree/.github/workflows/ci.yml"
plant ci/matrix.sh '' "$sh_spdx" 'PARTS="two \' 'one"'
plant ci/matrix.sh 'not the PARTS' "$sh_spdx" 'PARTS="two \' 'one three"'
plant ci/matrix.sh 'not the PARTS' "$sh_spdx" 'PARTS="two"'
rm -rf "$tree/.github"

# The ratchet: an exception is kept to the line.
mkdir -p "$tree/tests"
exception()
{
    mkdir -p "$tree/tests" "$tree/src/common"
    echo "function src/common/a.c:long_one $1" >"$tree/tests/tidy_exceptions.txt"
    printf '%s\n' "$spdx" 'static void long_one(int x)' '{' "$body" '}' >"$tree/src/common/a.c"
    output=$(sh "$here/tidy.sh" "$tree")
    case $output in
    *"$2"*) ;;
    *) echo "exception $1: expected \"$2\", but: $output"
       failures=$((failures + 1)) ;;
    esac
}
exception 71 ' 0 findings'
exception 70 'grew to 71'
exception 72 'set its exception to 71'
body='    x++;'
exception 71 'take it out'

echo "tidy_self: $failures failures"
[ $failures -eq 0 ]

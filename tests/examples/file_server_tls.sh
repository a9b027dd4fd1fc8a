# SPDX-License-Identifier: MIT
# The file server over HTTPS, tried with curl, which verifies it.
. "$(dirname "$0")/../examples_lib.sh"
command -v curl >/dev/null 2>&1 || skip "curl is not installed"
need_tls

authority root
authority stranger
certificate server root "DNS:localhost,IP:127.0.0.1"
mkdir "$scratch/site"
printf '0123456789' >"$scratch/site/digits.txt"
dd if=/dev/urandom of="$scratch/site/large.bin" bs=65536 count=80 2>/dev/null
start '^listening on \(https://[^ ]*\)/$' file_server "$scratch/site" --port 0 \
    --tls "$scratch/server.pem" "$scratch/server.key"
url=$ready
port=${url##*:}

get()
{
    curl -sS --max-time 60 --cacert "$scratch/root.pem" "$@" || fail "curl $*"
}

# refused WHAT STATUS CURL-ARGUMENTS...: curl ends with one of these statuses, and has got nothing.
refused()
{
    what=$1
    wanted=$2
    shift 2
    rm -f "$scratch/got"
    curl -s --max-time 60 -o "$scratch/got" "$@"
    status=$?
    case " $wanted " in
    *" $status "*) ;;
    *) fail "$what: curl ended with $status, wanted $wanted" ;;
    esac
}

expect "a file" "$(get "$url/digits.txt")" "0123456789"
expect "a file, by name" "$(get "https://localhost:$port/digits.txt")" "0123456789"
expect "a range" "$(get -r 2-4 "$url/digits.txt")" "234"
expect "with TLS 1.2" "$(get --tls-max 1.2 "$url/digits.txt")" "0123456789"
expect "two requests on one connection" \
    "$(get -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/digits.txt" "$url/")" "1 0 "
get -o "$scratch/large.got" "$url/large.bin"
cmp -s "$scratch/large.got" "$scratch/site/large.bin" || fail "the large file arrived damaged"
get -o "$scratch/large.got" --limit-rate 8M "$url/large.bin"
cmp -s "$scratch/large.got" "$scratch/site/large.bin" || fail "a slow download is damaged"

# 60: not verified, in some versions 51 for a wrong name.
refused "another authority" "60" --cacert "$scratch/stranger.pem" "$url/digits.txt"
refused "another name" "51 60" --cacert "$scratch/root.pem" --resolve "other.test:$port:127.0.0.1" \
    "https://other.test:$port/digits.txt"
[ ! -s "$scratch/got" ] || fail "a server that was not verified was heard"
# Whatever curl makes of the answer, nothing is served.
refused "HTTP where HTTPS is spoken" "1 8 52 56" "http://127.0.0.1:$port/digits.txt"
! grep -q 0123 "$scratch/got" 2>/dev/null || fail "a file was served without TLS"

get_in_parallel "$url/large.bin" "$scratch/site/large.bin"
# Who gives up in the middle disturbs nobody.
refused "too slow" "28" --cacert "$scratch/root.pem" --max-time 1 --limit-rate 100k "$url/large.bin"
expect "after all this" "$(get "$url/digits.txt")" "0123456789"
stop
echo "the file server speaks HTTPS"

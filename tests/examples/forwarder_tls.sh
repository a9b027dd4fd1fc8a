# SPDX-License-Identifier: MIT
# The forwarder speaks TLS on behalf of the file server, which does not.
. "$(dirname "$0")/../examples_lib.sh"
command -v curl >/dev/null 2>&1 || skip "curl is not installed"
need_tls

authority root
authority stranger
certificate front root "DNS:localhost,IP:127.0.0.1"
mkdir "$scratch/site"
printf '0123456789' >"$scratch/site/digits.txt"
dd if=/dev/urandom of="$scratch/site/large.bin" bs=65536 count=160 2>/dev/null
start '^listening on \(http://[^ ]*\)/$' file_server "$scratch/site" --port 0
file_server=$server_pid
trap 'kill $file_server 2>/dev/null; clean_up' EXIT
target=${ready#http://}

start '^forwarding from \(.*\)$' forwarder --tls "$scratch/front.pem" "$scratch/front.key" \
    127.0.0.1:0 "$target"
front=$ready

# fetch WHAT CURL-ARGUMENTS...
fetch()
{
    what=$1
    shift
    curl -sS --max-time 60 --cacert "$scratch/root.pem" -o "$scratch/got" "$@" \
        "https://$front/large.bin" || fail "$what: curl"
    cmp -s "$scratch/got" "$scratch/site/large.bin" || fail "$what: it arrived damaged"
}

fetch "TLS to TCP"
fetch "TLS 1.2 to TCP" --tls-max 1.2
fetch "at the pace of a slow reader" --limit-rate 8M
if curl -s --max-time 60 --cacert "$scratch/stranger.pem" "https://$front/" >/dev/null; then
    fail "a certificate of somebody else's authority was good enough"
fi
if curl -s --max-time 60 "http://$front/digits.txt" | grep -q 0123; then
    fail "it forwards what does not speak TLS"
fi
answer=$(printf 'GET /digits.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
    openssl s_client -quiet -connect "$front" -servername localhost -verify_return_error \
        -CAfile "$scratch/root.pem" -ign_eof 2>"$scratch/openssl")
expect "by openssl s_client" "$(printf '%s\n' "$answer" | tail -n 1)" "0123456789"
stop
kill "$file_server"
echo "the forwarder ends TLS, and the target knows nothing of it"

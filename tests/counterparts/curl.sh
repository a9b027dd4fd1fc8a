# SPDX-License-Identifier: MIT
# curl over a Unix socket: to the file server, through the forwarder.
. "$(dirname "$0")/../counterparts_lib.sh"
need_tools curl
mkdir "$scratch/site"
random site/large.bin 5000
printf '0123456789' >"$scratch/site/digits.txt"
start '^listening on http://\([^ ]*\)/$' file_server "$scratch/site" --port 0
keep
file_server=$kept
start '^forwarding from \(.*\)$' forwarder "$scratch/socket" "$ready"

get()
{
    curl -sS --max-time 60 --unix-socket "$scratch/socket" "$@" || fail "curl $*"
}

url=http://site.test
expect "a file" "$(get "$url/digits.txt")" "0123456789"
expect "a range" "$(get -r 2-4 "$url/digits.txt")" "234"
expect "the head only" "$(get -I "$url/digits.txt" | tr -d '\r' | grep -i '^content-length')" \
    "Content-Length: 10"
expect "what is not there" "$(get -o /dev/null -w '%{http_code}' "$url/missing")" "404"
expect "ten requests on one connection" "$(get -w '%{num_connects}\n' "$url/digits.txt?[1-10]" |
    awk '{ sum += substr($0, 11) } END { print NR, sum }')" "10 1"
get -o "$scratch/got" --limit-rate 4M "$url/large.bin"
cmp -s "$scratch/got" "$scratch/site/large.bin" || fail "a slow download is damaged"
get_in_parallel "$url/large.bin" "$scratch/site/large.bin"
# Who gives up in the middle disturbs nobody.
curl -s --max-time 1 --limit-rate 100k -o /dev/null --unix-socket "$scratch/socket" \
    "$url/large.bin" && fail "curl did not give up"
expect "after all this" "$(get "$url/digits.txt")" "0123456789"
stop
end "$file_server"
echo "curl: what it asks for over a Unix socket"

# SPDX-License-Identifier: MIT
# The file server, tried with curl: right answers to right requests, and to wrong ones.
. "$(dirname "$0")/../examples_lib.sh"
command -v curl >/dev/null 2>&1 || skip "curl is not installed"

mkdir "$scratch/site" "$scratch/site/sub" "$scratch/site/list"
echo '<h1>hello</h1>' >"$scratch/site/index.html"
echo '<h1>sub</h1>' >"$scratch/site/sub/index.html"
echo '0123456789' | tr -d '\n' >"$scratch/site/digits.txt"
: >"$scratch/site/empty.txt"
echo 'listed' >"$scratch/site/list/a b&c.txt"
echo 'secret' >"$scratch/secret.txt"
dd if=/dev/urandom of="$scratch/site/large.bin" bs=65536 count=80 2>/dev/null

start '^listening on \(http://[^ ]*\)/$' file_server "$scratch/site" --port 0
url=$ready

get()
{
    curl -sS --max-time 30 "$@" || fail "curl $*"
}

# status WANTED ARGUMENTS...
status()
{
    wanted=$1
    shift
    expect "status of $*" "$(get -o /dev/null -w '%{http_code}' "$@")" "$wanted"
}

expect "a page" "$(get "$url/")" "<h1>hello</h1>"
expect "a folder's page" "$(get "$url/sub/")" "<h1>sub</h1>"
expect "its type" "$(get -o /dev/null -w '%{content_type}' "$url/")" "text/html; charset=utf-8"
expect "type of text" "$(get -o /dev/null -w '%{content_type}' "$url/digits.txt")" \
    "text/plain; charset=utf-8"
expect "a folder without its slash" "$(get -L "$url/sub")" "<h1>sub</h1>"
expect "an empty file" "$(get -o /dev/null -w '%{http_code} %{size_download}' "$url/empty.txt")" \
    "200 0"
get "$url/list/" | grep -q 'href="a%20b%26c.txt">a b&#38;c.txt<' || fail "no link in the listing"
expect "a name with odd characters" "$(get "$url/list/a%20b%26c.txt")" "listed"
get -o "$scratch/large.got" "$url/large.bin"
cmp -s "$scratch/large.got" "$scratch/site/large.bin" || fail "the large file arrived damaged"

expect "HEAD" "$(get -I "$url/digits.txt" | tr -d '\r' | grep -i '^content-length')" \
    "Content-Length: 10"
expect "a range" "$(get -r 2-4 "$url/digits.txt")" "234"
expect "a range to the end" "$(get -r 7- "$url/digits.txt")" "789"
expect "a range from the end" "$(get -r -3 "$url/digits.txt")" "789"
expect "a range past the end" "$(get -r 5-99 "$url/digits.txt")" "56789"
status 206 -r 0-0 "$url/digits.txt"
status 416 -r 10- "$url/digits.txt"
status 200 -H 'Range: bytes=0-1,3-4' "$url/digits.txt"
status 200 -H 'Range: lines=0-1' "$url/digits.txt"
status 404 "$url/missing"
status 404 "$url/digits.txt/"
status 405 -X DELETE "$url/digits.txt"
status 405 -X POST "$url/digits.txt"
status 400 -H 'Host:' "$url/"
status 400 -H 'Transfer-Encoding: chunked' "$url/"
status 400 -H 'Content-Length: 5' "$url/"
status 400 "$url/%zz"
status 400 "$url/a%00b"
for path in ../secret.txt sub/../../secret.txt %2e%2e/secret.txt ..%2fsecret.txt ..%5csecret.txt; do
    status 404 --path-as-is "$url/$path"
done
long=$(printf '%020000d' 0)
status 431 -H "X-Long: $long" "$url/"
expect "two requests on one connection" \
    "$(get -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/" "$url/digits.txt")" "1 0 "
expect "none after Connection: close" "$(get -H 'Connection: close' -o /dev/null -o /dev/null \
    -w '%{num_connects} ' "$url/" "$url/digits.txt")" "1 1 "
get_in_parallel "$url/large.bin" "$scratch/site/large.bin"
expect "after all this" "$(get "$url/digits.txt")" "0123456789"
stop
echo "the file server answers as it should"

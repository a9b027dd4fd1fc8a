# SPDX-License-Identifier: MIT
# The port forwarder between TCP and a Unix socket, both ways, before the file server.
. "$(dirname "$0")/../examples_lib.sh"
command -v curl >/dev/null 2>&1 || skip "curl is not installed"

mkdir "$scratch/site"
dd if=/dev/urandom of="$scratch/site/large.bin" bs=65536 count=160 2>/dev/null
start '^listening on \(http://[^ ]*\)/$' file_server "$scratch/site" --port 0
file_server=$server_pid
trap 'kill $file_server 2>/dev/null; clean_up' EXIT
target=${ready#http://}

# fetch WHAT CURL-ARGUMENTS...
fetch()
{
    what=$1
    shift
    curl -sS --max-time 30 -o "$scratch/got" "$@" || fail "$what: curl"
    cmp -s "$scratch/got" "$scratch/site/large.bin" || fail "$what: it arrived damaged"
}

start '^forwarding from \(.*\)$' forwarder 127.0.0.1:0 "$target"
fetch "TCP to TCP" "http://$ready/large.bin"
fetch "at the pace of a slow reader" --limit-rate 8M "http://$ready/large.bin"
stop
server_pid=
case $(uname -s)${EDDY_EXE:-} in
Linux | Darwin | *BSD) ;;
*) kill "$file_server"; echo "TCP to TCP; there are no Unix sockets here"; exit 0 ;;
esac
start '^forwarding from \(.*\)$' forwarder "$scratch/socket" "$target"
unix_forwarder=$server_pid
trap 'kill $file_server $unix_forwarder 2>/dev/null; clean_up' EXIT
fetch "Unix to TCP" --unix-socket "$scratch/socket" "http://localhost/large.bin"
start '^forwarding from \(.*\)$' forwarder 127.0.0.1:0 "$scratch/socket"
fetch "TCP to Unix to TCP" "http://$ready/large.bin"
stop
# It ends without a chance to remove its socket, which the next one replaces (NET-33).
kill "$unix_forwarder" || fail "the forwarder of the Unix socket ended by itself"
wait "$unix_forwarder"
[ -S "$scratch/socket" ] || fail "the socket is not there any more"
start '^forwarding from \(.*\)$' forwarder 127.0.0.1:0 "$scratch/socket"
curl -s --max-time 30 "http://$ready/" >/dev/null && fail "there is nobody, and curl is content"
stop
start '^forwarding from \(.*\)$' forwarder "$scratch/socket" "$target"
fetch "a stale socket replaced" --unix-socket "$scratch/socket" "http://localhost/large.bin"
stop
kill "$file_server"
echo "the forwarder carries bytes both ways, over TCP and Unix sockets"

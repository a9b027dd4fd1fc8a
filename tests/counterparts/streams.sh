# SPDX-License-Identifier: MIT
# Streams between eddy's programs and those of others, both ways, over TCP and Unix sockets.
. "$(dirname "$0")/../counterparts_lib.sh"
need_tools socat nc
nc -h 2>&1 | grep -q 'OpenBSD' || skip "nc is not that of OpenBSD"
random data 3000
data=$scratch/data

#
# Others come to eddy's server: all comes back, in order, and the end after it.
#
start '^echoing on port \([0-9]*\)$' echo_server 0
echo_port=$ready
keep
echo_server=$kept
socat -t 30 - "TCP:127.0.0.1:$echo_port" <"$data" >"$scratch/got" || fail "socat"
same "socat to echo_server" "$scratch/got" "$data"
nc -N 127.0.0.1 "$echo_port" <"$data" >"$scratch/got" || fail "nc"
same "nc to echo_server" "$scratch/got" "$data"

start '^forwarding from \(.*\)$' forwarder "$scratch/front" "127.0.0.1:$echo_port"
keep
front=$kept
socat -t 30 - "UNIX-CONNECT:$scratch/front" <"$data" >"$scratch/got" || fail "socat, Unix"
same "socat to the forwarder's Unix socket" "$scratch/got" "$data"
nc -N -U "$scratch/front" <"$data" >"$scratch/got" || fail "nc, Unix"
same "nc to the forwarder's Unix socket" "$scratch/got" "$data"

# A client that vanishes in the middle disturbs nobody.
peer nc -U "$scratch/front"
head -c 100000 "$data" | socat -u - "UNIX-CONNECT:$scratch/front" || fail "socat that listens not"
end "$peer"
printf 'still here' | socat -t 30 - "UNIX-CONNECT:$scratch/front" >"$scratch/got"
expect "after clients that vanished" "$(cat "$scratch/got")" "still here"
end "$front"

#
# Eddy's programs go to servers of others.
#
peer socat -d -d TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr EXEC:cat
peer_says '.*listening on .*127\.0\.0\.1:\([0-9]*\).*'
for client in echo_client echo_client_task; do
    expect "$client to socat" "$(run $client "$said" | grep received)" \
        "Data received: Hello World!"
done
start '^forwarding from .*:\([0-9]*\)$' forwarder 127.0.0.1:0 "127.0.0.1:$said"
nc -N 127.0.0.1 "$ready" <"$data" >"$scratch/got" || fail "nc by the forwarder"
same "nc, forwarder, socat" "$scratch/got" "$data"
stop
end "$peer"

peer socat "UNIX-LISTEN:$scratch/back,fork" EXEC:cat
wait_for "socat's socket" test -S "$scratch/back"
start '^forwarding from .*:\([0-9]*\)$' forwarder 127.0.0.1:0 "$scratch/back"
nc -N 127.0.0.1 "$ready" <"$data" >"$scratch/got" || fail "nc by the forwarder"
same "nc, forwarder, socat's Unix socket" "$scratch/got" "$data"
stop
end "$peer"

# nc as a server of one connection: takes everything, and gives everything.
nc_takes()
{
    exec nc -v -l "$@" >"$scratch/got" </dev/null
}
nc_gives()
{
    exec nc -v -N -l "$@" <"$data"
}
peer nc_takes 127.0.0.1 0
peer_says '^Listening on [^ ]* \([0-9]*\)$'
start '^forwarding from .*:\([0-9]*\)$' forwarder 127.0.0.1:0 "127.0.0.1:$said"
socat -u "OPEN:$data" "TCP:127.0.0.1:$ready" || fail "socat to the forwarder before nc"
wait_end "$peer"
same "socat, forwarder, nc" "$scratch/got" "$data"
stop
peer nc_gives -U "$scratch/nc"
wait_for "nc's socket" test -S "$scratch/nc"
start '^forwarding from .*:\([0-9]*\)$' forwarder 127.0.0.1:0 "$scratch/nc"
socat -u "TCP:127.0.0.1:$ready" "CREATE:$scratch/got" || fail "socat from the forwarder before nc"
wait_end "$peer"
same "nc's Unix socket, forwarder, socat" "$scratch/got" "$data"
stop
end "$echo_server"
echo "streams: socat and nc, both ways, over TCP and Unix sockets"

# SPDX-License-Identifier: MIT
# What the scripts in tests/counterparts share, besides what those in tests/examples do: starting
# the programs of others. EDDY_COUNTERPARTS is the folder of the programs made for these scripts.
. "$(dirname "$0")/../examples_lib.sh"
mkdir "$scratch/programs" || exit 1
ln -s "$programs"/* "${EDDY_COUNTERPARTS:-$2}"/* "$scratch/programs/" 2>/dev/null
programs=$scratch/programs
peers=
servers=

# Each by its own number; those of programs that have ended long ago are gone from the list.
clean_up_all()
{
    for pid in $peers $servers; do
        kill "$pid" 2>/dev/null
    done
    clean_up
}
trap clean_up_all EXIT

need_tools()
{
    for tool; do
        command -v "$tool" >/dev/null 2>&1 || skip "$tool is not installed"
    done
}

# keep: the server that was started last stays while others are started; sets $kept.
keep()
{
    kept=$server_pid
    servers="$servers $kept"
    server_pid=
}

# end PID: a server or peer that has to be alive until now.
end()
{
    kill "$1" 2>/dev/null || fail "process $1 ended by itself"
    wait "$1" 2>/dev/null
    peers=$(echo "$peers $servers" | tr ' ' '\n' | grep -vx "$1" | tr '\n' ' ')
    servers=
}

# peer COMMAND...: a program of others in the background, its messages in $scratch/peer; sets $peer.
# A function of the script has to end in exec, since it is the program that has to be ended.
peer()
{
    : >"$scratch/peer"
    "$@" </dev/null >/dev/null 2>"$scratch/peer" &
    peer=$!
    peers="$peers $peer"
}

# peer_says PATTERN: wait until the last peer has said this (of sed), what the parentheses match is
# in $said.
peer_says()
{
    waited=0
    until said=$(sed -n "s|$1|\\1|p" "$scratch/peer" | head -n 1) && [ -n "$said" ]; do
        waited=$((waited + 1))
        if [ $waited -gt 100 ]; then
            cat "$scratch/peer" >&2
            fail "the other program does not say $1"
        fi
        sleep 0.1
    done
}

# wait_for WHAT COMMAND...: until the command succeeds, at most ten seconds.
wait_for()
{
    what=$1
    shift
    waited=0
    until "$@" >/dev/null 2>&1; do
        waited=$((waited + 1))
        [ $waited -le 100 ] || fail "still waiting for $what"
        sleep 0.1
    done
}

# wait_end PID: wait for a peer that ends by itself, without an error.
wait_end()
{
    wait_for "the end of the other program" ended "$1"
    wait "$1" || fail "the other program ended with an error: $(cat "$scratch/peer")"
    peers=$(echo "$peers" | tr ' ' '\n' | grep -vx "$1" | tr '\n' ' ')
}

ended()
{
    ! kill -0 "$1" 2>/dev/null
}

# same WHAT FILE WANTED
same()
{
    cmp -s "$2" "$3" || fail "$1: $(wc -c <"$2") bytes arrived, and are not the $(wc -c <"$3") sent"
}

# random NAME KILOBYTES: a file of noise in the scratch folder.
random()
{
    dd if=/dev/urandom of="$scratch/$1" bs=1024 count="$2" 2>/dev/null
}

#
# TLS: the other end is `tls_peer`, made for these scripts.
#
LARGE=33554432

# tls_begin: certificates, and something to send.
tls_begin()
{
    need_tls
    authority root
    authority stranger
    certificate server root "DNS:localhost,IP:127.0.0.1"
    certificate elsewhere root "DNS:elsewhere.test"
    certificate client root "DNS:client.test"
    certificate spy stranger "DNS:client.test"
    random large $((LARGE / 1024))
    random small 4
}

# serve OPTIONS...: an eddy server with a good certificate; its port is $ready.
serve()
{
    start '^port \([0-9]*\)$' tls_peer server 0 --cert "$scratch/server.pem" \
        --key "$scratch/server.key" "$@"
}

# server_says PATTERN: wait until the server has said so (a pattern of grep).
server_says()
{
    wait_for "'$1' from the server: $(cat "$scratch/server")" grep -q -- "$1" "$scratch/server"
}

# visit STATUS PORT OPTIONS...: an eddy client, whose lines are in $scratch/visit.
visit()
{
    wanted=$1
    shift
    timeout 120 "$programs/tls_peer" client localhost "$@" >"$scratch/visit" 2>&1
    status=$?
    [ $status -eq "$wanted" ] || fail "client $*: status $status: $(cat "$scratch/visit")"
}

# visited PATTERN [TIMES]: the client has said so (as often).
visited()
{
    expect "'$1' of the client: $(cat "$scratch/visit")" \
        "$(grep -c -- "$1" "$scratch/visit")" "${2:-1}"
}

# take_port: $port was free just now, for programs that do not say which one they have got.
take_port()
{
    serve
    port=$ready
    stop
}

# visit_when_there OPTIONS...: an eddy client to $port; false as long as nobody is there.
visit_when_there()
{
    timeout 120 "$programs/tls_peer" client localhost "$port" "$@" >"$scratch/visit" 2>&1
    ! grep -q ECONNREFUSED "$scratch/visit"
}

# kill_during OPTIONS...: an eddy client to $port, whose $peer is killed as soon as there is a
# connection.
kill_during()
{
    : >"$scratch/visit"
    timeout 120 "$programs/tls_peer" client localhost "$port" "$@" >"$scratch/visit" 2>&1 &
    client=$!
    wait_for "a connection" grep -q '^ready' "$scratch/visit"
    kill -9 "$peer" || fail "the other program has ended already"
    wait "$client"
    visited "^over "
    ! grep -q "received $LARGE" "$scratch/visit" || fail "it was killed too late"
}

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

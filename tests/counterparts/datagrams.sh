# SPDX-License-Identifier: MIT
# Datagrams between eddy's programs and those of others, both ways: UDP, groups, Unix sockets.
. "$(dirname "$0")/../counterparts_lib.sh"
need_tools socat nc
nc -h 2>&1 | grep -q 'OpenBSD' || skip "nc is not that of OpenBSD"
port=$((20000 + $$ % 20000))
big=$(printf '%04000d' 7) # socat takes it in one piece

# Others ask. (socat waits after the end of its input, since datagrams have none.)
asks()
{
    what=$1
    shift
    expect "$what" "$(printf 'a question' | "$@")" "a question"
}
start '^answering at .*:\([0-9]*\)$' datagrams echo 127.0.0.1 0
asks "socat asks" socat -t 2 - "UDP:127.0.0.1:$ready"
asks "nc asks" nc -u -W 1 -w 10 127.0.0.1 "$ready"
expect "nc asks at length" "$(printf '%s' "$big" | nc -u -W 1 -w 10 127.0.0.1 "$ready")" "$big"
stop
start '^\(answering at .*\)$' datagrams echo "$scratch/echo"
asks "socat asks at a Unix socket" socat -t 2 - "UNIX-SENDTO:$scratch/echo,bind=$scratch/own"
stop

# Others answer.
peer socat -d -d "UDP-RECVFROM:$port,bind=127.0.0.1,fork" EXEC:cat
peer_says '.*\(receiving on\).*'
for text in one two "$big"; do
    expect "socat answers" "$(run datagrams ask 127.0.0.1 $port "$text")" "$text"
done
end "$peer"
printf 'an answer' >"$scratch/answer"
nc_answers()
{
    exec nc -u -v -l 127.0.0.1 0 <"$scratch/answer"
}
peer nc_answers
peer_says '^Bound on [^ ]* \([0-9]*\)$'
expect "nc answers" "$(run datagrams ask 127.0.0.1 "$said" hello)" "an answer"
end "$peer"
peer socat -d -d "UNIX-RECVFROM:$scratch/answers,fork" EXEC:cat
wait_for "socat's socket" test -S "$scratch/answers"
for text in one two "$big"; do
    expect "socat answers at a Unix socket" "$(run datagrams ask "$scratch/answers" "$text")" \
        "$text"
done
end "$peer"

# The group of the example, which others join and ask by the same rules.
group=239.255.77.77
start '^\(alice\) answers on port' udp_discovery serve alice $port
expect "socat finds alice" "$(printf 'who is there?' |
    socat -t 2 - "UDP-DATAGRAM:$group:$port,ip-multicast-if=127.0.0.1")" "alice"
stop
peer socat -d -d "UDP-RECVFROM:$port,ip-add-membership=$group:127.0.0.1,fork" \
    SYSTEM:'cat >/dev/null; printf bob'
peer_says '.*\(receiving on\).*'
# The example waits for half a second only, in which a busy machine may start no shell.
for try in 1 2 3 4 5; do
    found=$(run udp_discovery find $port | sed 's/ at .*//')
    [ -z "$found" ] || break
done
expect "socat is found, try $try" "$found" "bob"
end "$peer"
echo "datagrams: socat and nc, both ways, over UDP, a group and Unix sockets"

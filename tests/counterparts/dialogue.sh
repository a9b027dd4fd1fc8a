# SPDX-License-Identifier: MIT
# Interactive programs as children, talked with through pipes: line by line, each after an answer.
. "$(dirname "$0")/../counterparts_lib.sh"

# talk STATUS SAY ANSWER ... -- PROGRAM ...
talk()
{
    wanted=$1
    shift
    "$programs/dialogue" "$@" 2>"$scratch/err"
    status=$?
    [ $status -eq "$wanted" ] || fail "status $status, wanted $wanted: $(cat "$scratch/err")"
    talks="${talks:-} $what"
}

what=cat
talk 0 "one" "one" "two" "two" "three three" "three three" -- cat
# A shell that believes in a person: it writes a prompt to stderr and goes on after errors.
what=sh
talk 7 "x=40" "tester> " 'echo $((x + 2))' "42" "cd /nonexistent" "nonexistent" \
    'echo "still $x"' "still 40" "cat <<END
several lines
END" "several lines" 'trap "exit 7" EXIT; echo set' "set" -- env PS1="tester> " sh -i
what="sh that is waited for"
talk 3 "sleep 1; echo late" "late" \
    "exec sh -c 'echo ready; read x; echo got \$x; exit 3'" "ready" \
    "word" "got word" -- sh
if command -v bc >/dev/null 2>&1; then
    what=bc
    talk 0 "6 * 7" "42" "2 ^ 200" "1606938044258990275541962092341162602522202993782792835301376" \
        "x = 5" "" "x * x" "25" -- env BC_LINE_LENGTH=0 bc -q
else
    echo "dialogue: without bc, which is not installed"
fi
if command -v socat >/dev/null 2>&1; then
    # A terminal between the pipes and the shell, as ssh -t makes one.
    what="sh on a terminal"
    interrupt=$(printf '\003')
    talk 0 'PS1="person> "' "person> " 'test -t 0 && echo "a terminal: $((1 + 1))"' \
        "a terminal: 2" 'stty size >/dev/null && echo "with a size"' "with a size" \
        "sh -c 'echo begun; exec sleep 60'" "begun" "$interrupt" "person> " \
        'echo "status $?"' "status 130" "exit 0" "" \
        -- socat - "EXEC:sh,pty,setsid,ctty,stderr,echo=0"
else
    echo "dialogue: without a terminal, since socat is not installed"
fi
if command -v nc >/dev/null 2>&1; then
    what="nc to eddy's echo server"
    start '^echoing on port \([0-9]*\)$' echo_server 0
    talk 0 "there" "there" "and back" "and back" -- nc -N 127.0.0.1 "$ready"
    stop
else
    echo "dialogue: without nc, which is not installed"
fi
echo "dialogue:$talks"

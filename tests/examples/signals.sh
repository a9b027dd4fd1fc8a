# SPDX-License-Identifier: MIT
# The program that waits for a signal: EX-7. Only where a shell can send one.
. "$(dirname "$0")/../examples_lib.sh"
[ -z "${EDDY_RUN:-}${EDDY_EXE:-}" ] || skip "signals do not reach a program through $EDDY_RUN"

for signal in INT TERM; do
    start '^running until Ctrl-C; pid \([0-9]*\):.*' signals
    kill -$signal "$ready" || fail "no process $ready"
    wait "$server_pid" || fail "signals ended with an error"
    server_pid=
    expect "EX-7, SIG$signal" "$(tail -n 1 "$scratch/server")" "got signal SIG$signal: exit"
done
echo "EX-7: ends at SIGINT and at SIGTERM"

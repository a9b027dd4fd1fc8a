# SPDX-License-Identifier: MIT
# The supervisor: restarts what fails, leaves what is done, forwards signals.
. "$(dirname "$0")/../examples_lib.sh"
[ -z "${EDDY_EXE:-}" ] || skip "child processes are not available on Windows yet"
supervisor="${EDDY_RUN:-} $programs/supervisor"

cat >"$scratch/third_time" <<'SCRIPT'
echo x >>"$1"
[ "$(wc -l <"$1")" -ge 3 ]
SCRIPT
$supervisor sh "$scratch/third_time" "$scratch/tries" 2>"$scratch/err" || fail "it did not succeed"
expect "starts" "$(grep -c 'runs as' "$scratch/err")" 3

if $supervisor -n 2 sh -c 'exit 3' 2>"$scratch/err"; then fail "a failure became success"; fi
expect "starts with -n 2" "$(grep -c 'ended with 3' "$scratch/err")" 2
if $supervisor /nonexistent/program 2>"$scratch/err"; then fail "it started what is not there"; fi
grep -q 'no such file' "$scratch/err" || fail "no reason was given: $(cat "$scratch/err")"

start '^supervisor: sh runs as \([0-9]*\)$' supervisor \
    sh -c 'trap "echo stopped; exit 4" TERM; echo ready; while :; do sleep 0.1; done'
until grep -q '^ready$' "$scratch/server"; do sleep 0.1; done
kill -TERM "$server_pid"
wait "$server_pid"
server_pid=
grep -q '^stopped$' "$scratch/server" || fail "the signal did not go on"
expect "the end" "$(tail -n 1 "$scratch/server")" "supervisor: it ended with 4"
if kill -0 "$ready" 2>/dev/null; then fail "the program still runs"; fi
echo "supervisor: restarts, stops and forwards"

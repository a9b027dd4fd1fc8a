# SPDX-License-Identifier: MIT
# The tee-like pipe program: every byte arrives twice, and a reader that goes away ends it.
. "$(dirname "$0")/../examples_lib.sh"
[ -z "${EDDY_EXE:-}" ] || skip "pipe transports are not available on Windows yet"
tee="${EDDY_RUN:-} $programs/tee"

dd if=/dev/urandom of="$scratch/data" bs=65536 count=40 2>/dev/null
cat "$scratch/data" | $tee "$scratch/copy" | cat >"$scratch/through" || fail "tee ended in error"
cmp "$scratch/data" "$scratch/copy" || fail "the file differs"
cmp "$scratch/data" "$scratch/through" || fail "what went through differs"

expect "nothing" "$(printf '' | $tee "$scratch/copy" | wc -c | tr -d ' ')" 0
expect "a slow reader" "$(cat "$scratch/data" | $tee "$scratch/copy" |
    { sleep 1; cat; } | cksum)" "$(cksum <"$scratch/data")"
cat "$scratch/data" | { $tee "$scratch/copy" 2>"$scratch/err"; echo $? >"$scratch/code"; } |
    head -c 10 >/dev/null
expect "an early end" "$(cat "$scratch/code")" 0
echo "tee: every byte arrives twice"

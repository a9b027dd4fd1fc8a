# SPDX-License-Identifier: MIT
# Everything opened and closed for EDDY_CHURN_SECONDS (10): descriptors and memory stay as they are.
. "$(dirname "$0")/../counterparts_lib.sh"
[ -r /proc/self/status ] && [ -d /proc/self/fd ] || skip "there is no /proc to look into"

# First that it would be noticed.
for kind in descriptor block memory; do
    "$programs/churn" 2 "$scratch" $kind >"$scratch/out" 2>&1 && fail "a leaked $kind was not found"
    grep -q "^$kind.* grew\$" "$scratch/out" || {
        cat "$scratch/out" >&2
        fail "a leaked $kind was not called so"
    }
done
"$programs/churn" "${EDDY_CHURN_SECONDS:-10}" "$scratch" || fail "the churn"

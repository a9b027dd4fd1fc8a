# SPDX-License-Identifier: MIT
# Five thousand children: each does its work, none is left, and no descriptor either.
. "$(dirname "$0")/../counterparts_lib.sh"
[ -d /dev/fd ] || skip "there is no /dev/fd to count descriptors in"
run children 5000 16

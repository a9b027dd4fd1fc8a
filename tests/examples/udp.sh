# SPDX-License-Identifier: MIT
# Discovery over a multicast group: nobody answers, then somebody does, each time it is asked.
. "$(dirname "$0")/../examples_lib.sh"

port=$((20000 + $$ % 20000))
# wine 8 knows IPv4 interfaces only by their addresses, qemu-user drops their index.
[ -z "${EDDY_RUN:-}${EDDY_EXE:-}" ] || skip "groups are joined by the index of an interface"

expect "nobody there" "$(run udp_discovery find $port)" ""
start '^\(alice\) answers on port' udp_discovery serve alice $port
expect "somebody there" "$(run udp_discovery find $port | sed 's/ at .*//')" "alice"
expect "asked again" "$(run udp_discovery find $port | sed 's/ at .*//')" "alice"
stop
expect "nobody any more" "$(run udp_discovery find $port)" ""
echo "udp_discovery: whoever is there answers"

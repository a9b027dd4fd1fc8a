# SPDX-License-Identifier: MIT
# Names and addresses by the loop's resolver and by getent(1): the same, and in the same order.
. "$(dirname "$0")/../counterparts_lib.sh"
need_tools getent

# Only names that the hosts file knows: nobody else is asked.
[ -r /etc/hosts ] || skip "there is no /etc/hosts"
names=$(sed 's/#.*//' /etc/hosts | awk '{ for (i = 2; i <= NF; i++) print $i }' | sort -u)
addresses=$(sed 's/#.*//' /etc/hosts | awk 'NF > 1 { print $1 }' | sort -u)
count=0
for name in localhost 127.0.0.1 ::1 $names; do
    wanted=$(getent ahosts "$name" | awk '$2 == "STREAM" { print $1 }')
    # An IPv6 address alone may be nothing to ask for where no interface has one.
    [ -n "$wanted" ] || continue
    expect "addresses of $name" "$(run resolve "$name")" "$wanted"
    count=$((count + 1))
done
[ $count -gt 0 ] || fail "getent knows none of the names"
for address in $addresses; do
    wanted=$(getent hosts "$address" | awk 'NR == 1 { print $2 }')
    [ -n "$wanted" ] || continue
    expect "name of $address" "$(run resolve -r "$address")" "$wanted"
    count=$((count + 1))
done
echo "resolver: $count answers as getent gives them"

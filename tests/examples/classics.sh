# SPDX-License-Identifier: MIT
# The small programs: EX-1, EX-2, EX-3, EX-5, EX-6.
. "$(dirname "$0")/../examples_lib.sh"

expect "EX-1" "$(run set_after)" "hello ...
... world"
expect "EX-2" "$(run hello_world)" "Hello World"
lines=$(run display_time) || exit 1
expect "EX-3" "$(echo "$lines" | grep -c '^[0-9-]* [0-9:]*$')" 5
expect "EX-3, distinct seconds" "$(echo "$lines" | sort -u | grep -c .)" 5
expect "EX-5" "$(run socket_pair)" "Received: abc"
expect "EX-6" "$(run watch_descriptor)" "Received: abc"
echo "EX-1, EX-2, EX-3, EX-5, EX-6: as they should be"

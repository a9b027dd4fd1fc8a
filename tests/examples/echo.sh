# SPDX-License-Identifier: MIT
# The echo programs in both styles, each client with each server: EX-4.
. "$(dirname "$0")/../examples_lib.sh"

wanted="Data sent: Hello World!
Data received: Hello World!
The server closed the connection"
for server in echo_server echo_server_task; do
    start '^echoing on port \([0-9]*\)$' $server 0
    for client in echo_client echo_client_task; do
        expect "EX-4, $client with $server" "$(run $client "$ready")" "$wanted"
    done
    stop
done
echo "EX-4: every client understands every server"

# SPDX-License-Identifier: MIT
# TLS with `openssl s_client` and `openssl s_server`, both ways, over TLS 1.2 and 1.3.
. "$(dirname "$0")/../counterparts_lib.sh"
tls_begin
mkfifo "$scratch/silent" "$scratch/full" || exit 1
exec 8<>"$scratch/full" 9<>"$scratch/silent" # who writes to the one, or reads the other, waits

#
# s_client comes to eddy.
#
# s_client OPTIONS...: to the server, which it verifies; its output is in $scratch/openssl.
s_client()
{
    timeout 120 openssl s_client -connect "127.0.0.1:$ready" -servername localhost \
        -verify_return_error -verify_hostname localhost -CAfile "$scratch/root.pem" "$@" \
        >"$scratch/openssl" 2>"$scratch/openssl-errors"
}

# talk "WORD..." OPTIONS...: what is typed into s_client, each word when the one before has come
# back. The short ones are commands, which do not.
talk()
{
    : >"$scratch/openssl"
    words=$1
    shift
    type_words $words | s_client "$@"
}
type_words()
{
    for word; do
        printf '%s\n' "$word"
        case $word in
        ?) sleep 0.4 ;;
        *)
            turns=0
            until grep -qa "$word\$" "$scratch/openssl" || [ $turns -ge 20 ]; do
                turns=$((turns + 1))
                sleep 0.1
            done ;;
        esac
    done
}

for version in 2 3; do
    serve --echo --alpn h2,http/1.1
    talk "hello Q" -tls1_$version -alpn http/1.1,h2 -sess_out "$scratch/session" ||
        fail "s_client: $(cat "$scratch/openssl-errors")"
    grep -qa 'hello$' "$scratch/openssl" || fail "no echo for s_client"
    grep -qa 'ALPN protocol: h2' "$scratch/openssl" || fail "the server's first choice is h2"
    server_says "^ready TLSv1.$version resumed=0 alpn=h2"
    talk "again Q" -tls1_$version -alpn h2 -sess_in "$scratch/session" || fail "-sess_in"
    grep -qa 'Reused, TLS' "$scratch/openssl" || fail "TLS 1.$version: s_client did not resume"
    server_says "^ready TLSv1.$version resumed=1 alpn=h2"
    talk "none Q" -tls1_$version -alpn spdy/1 || fail "no common protocol"
    server_says "^ready TLSv1.$version resumed=0 alpn=none"
    talk "untrusted Q" -tls1_$version -CAfile "$scratch/stranger.pem" &&
        fail "s_client trusts a stranger"
    talk "wrong Q" -tls1_$version -verify_hostname elsewhere.test && fail "a wrong name"
    talk "still here Q" -tls1_$version || fail "after those who did not trust it"
    stop

    serve --no-tickets --echo
    talk "hello Q" -tls1_$version -sess_out "$scratch/session" || fail "--no-tickets"
    if [ $version = 3 ]; then
        ! grep -qa 'Post-Handshake New Session Ticket' "$scratch/openssl" || fail "a ticket"
    else
        grep -qa 'TLS session ticket:' "$scratch/openssl" && fail "a ticket"
    fi
    stop

    # 32 MiB each way, to a server that is slow to read and a client that is slow to read.
    serve --get "$scratch/got" --slow --await $LARGE
    s_client -tls1_$version -quiet <"$scratch/large" || fail "a large transfer from s_client"
    server_says "^over well sent 0 received $LARGE"
    same "32 MiB from s_client" "$scratch/got" "$scratch/large"
    stop
    serve --send "$scratch/large"
    timeout 120 openssl s_client -connect "127.0.0.1:$ready" -quiet -tls1_$version \
        2>/dev/null <&9 | { sleep 1; cat >"$scratch/got"; }
    same "32 MiB to s_client" "$scratch/got" "$scratch/large"
    server_says "^over well sent $LARGE received 0"
    stop

    # One side has to show who it is.
    serve --echo --verify --ca "$scratch/root.pem"
    talk "hello Q" -tls1_$version -cert "$scratch/client.pem" -key "$scratch/client.key" ||
        fail "a client certificate"
    grep -qa 'hello$' "$scratch/openssl" || fail "no echo for a client with a certificate"
    server_says "^ready TLSv1.$version .* CN=client"
    talk "hello Q" -tls1_$version
    ! grep -qa 'hello$' "$scratch/openssl" || fail "a client without a certificate"
    talk "hello Q" -tls1_$version -cert "$scratch/spy.pem" -key "$scratch/spy.key"
    ! grep -qa 'hello$' "$scratch/openssl" || fail "a client with a stranger's certificate"
    expect "clients that were let in" "$(grep -c '^ready' "$scratch/server")" 1
    stop

    # Killed in the middle, each way: the server goes on.
    serve --get "$scratch/got" --slow
    peer_sends()
    {
        exec openssl s_client -connect "127.0.0.1:$ready" -quiet -tls1_$version <"$scratch/large"
    }
    peer peer_sends
    server_says "^ready"
    kill -9 "$peer"
    server_says "^over"
    stop
    serve --send "$scratch/large"
    peer_waits()
    {
        exec openssl s_client -connect "127.0.0.1:$ready" -quiet -tls1_$version <&9 >&8
    }
    peer peer_waits
    server_says "^ready"
    kill -9 "$peer"
    server_says "^over"
    talk "hello Q" -tls1_$version || fail "after a client that was killed"
    stop
done

# New keys, asked for from either side, with and without an answer: TLS 1.3 only.
serve --echo
talk "one K two k three K K four Q" -tls1_3 || fail "s_client that makes new keys"
for word in one two three four; do
    grep -qa "$word\$" "$scratch/openssl" || fail "no $word after new keys"
done
expect "times of new keys" "$(grep -c '^KEYUPDATE' "$scratch/openssl-errors")" 4
stop
serve --update 256 --send "$scratch/large"
s_client -tls1_3 -quiet <&9 || fail "new keys on the way"
same "32 MiB with new keys" "$scratch/openssl" "$scratch/large"
stop
# Versions that do not meet.
serve --min 1.3
talk "hello Q" -tls1_2 && fail "TLS 1.2, where only 1.3 is spoken"
talk "hello Q" || fail "TLS 1.3"
stop

#
# eddy goes to s_server.
#
# s_server OPTIONS...: sets $peer and $said, its port.
s_server()
{
    : >"$scratch/s_server"
    peer s_server_program "$@"
    wait_for "s_server" grep -q '^ACCEPT' "$scratch/s_server"
    said=$(sed -n 's/^ACCEPT .*:\([0-9]*\).*/\1/p' "$scratch/s_server" | head -n 1)
}
s_server_program()
{
    exec openssl s_server -accept 127.0.0.1:0 -cert "$scratch/server.pem" \
        -key "$scratch/server.key" "$@" >"$scratch/s_server" <&9
}

# The same without a word, not even of its port: that of a server that is gone.
quiet_server()
{
    exec openssl s_server -accept "127.0.0.1:$port" -cert "$scratch/server.pem" -quiet \
        -tls1_$version -key "$scratch/server.key" >"$scratch/got" <&9
}
giving_server()
{
    exec openssl s_server -accept "127.0.0.1:$port" -cert "$scratch/server.pem" -quiet \
        -tls1_$version -key "$scratch/server.key" >/dev/null <"$scratch/large"
}
same_size()
{
    [ "$(wc -c <"$1")" -eq "$(wc -c <"$2")" ]
}

printf 'GET / HTTP/1.0\r\n\r\n' >"$scratch/request"
for version in 2 3; do
    s_server -tls1_$version -www -alpn http/1.1,h2
    visit 0 "$said" --ca "$scratch/root.pem" --alpn h2,http/1.1 --send "$scratch/request" \
        --await 200 --times 3
    visited "^ready TLSv1.$version resumed=0 alpn=http/1.1 CN=server"
    visited "^ready TLSv1.$version resumed=1 alpn=http/1.1" 2
    visit 1 "$said" --ca "$scratch/stranger.pem" --send "$scratch/request"
    visited "^failed EDDY_ETLSVERIFY"
    visit 1 "$said" --ca "$scratch/root.pem" --name elsewhere.test
    visited "^failed EDDY_ETLSVERIFY"
    visit 0 "$said" --ca "$scratch/root.pem" --name 127.0.0.1 --send "$scratch/request"
    if [ $version = 2 ]; then
        visit 1 "$said" --ca "$scratch/root.pem" --min 1.3
        visited "^failed EDDY_ETLS "
    fi
    end "$peer"
    s_server -tls1_$version -www -no_ticket -num_tickets 0
    visit 0 "$said" --ca "$scratch/root.pem" --send "$scratch/request" --await 200 --times 2
    end "$peer"

    s_server -tls1_$version -www -Verify 1 -verify_return_error -CAfile "$scratch/root.pem"
    visit 0 "$said" --ca "$scratch/root.pem" --cert "$scratch/client.pem" \
        --key "$scratch/client.key" --send "$scratch/request" --await 200
    visited "^over well"
    visit 1 "$said" --ca "$scratch/root.pem" --send "$scratch/request" --await 200
    visit 1 "$said" --ca "$scratch/root.pem" --cert "$scratch/spy.pem" \
        --key "$scratch/spy.key" --send "$scratch/request" --await 200
    end "$peer"

    # 32 MiB each way.
    take_port
    peer quiet_server
    cat "$scratch/small" >&9
    wait_for "s_server" visit_when_there --ca "$scratch/root.pem" --get "$scratch/received" \
        --slow --send "$scratch/large" --await 4096
    wait_for "32 MiB" same_size "$scratch/got" "$scratch/large"
    same "32 MiB to s_server" "$scratch/got" "$scratch/large"
    same "what it sent meanwhile" "$scratch/received" "$scratch/small"
    end "$peer"
    # When it waited for ClientHello and for its input at once, it sends nothing more until the
    # client has sent something.
    take_port
    peer giving_server
    wait_for "s_server" visit_when_there --ca "$scratch/root.pem" --get "$scratch/received" \
        --slow --await $LARGE --send "$scratch/small"
    same "32 MiB from s_server" "$scratch/received" "$scratch/large"
    end "$peer"

    # Killed in the middle.
    s_server -tls1_$version
    port=$said
    kill_during --ca "$scratch/root.pem" --slow --await $LARGE --send "$scratch/large"
done

# s_server wants new keys, with an answer and without.
s_server -tls1_3
"$programs/tls_peer" client localhost "$said" --ca "$scratch/root.pem" --await 12 \
    --get "$scratch/received" >"$scratch/visit" 2>&1 &
client=$!
peers="$peers $client"
wait_for "the client" grep -q '^ready' "$scratch/visit"
for word in K hello k there; do
    printf '%s\n' "$word" >&9
    sleep 0.5
done
wait "$client" || fail "a client that is asked for new keys: $(cat "$scratch/visit")"
expect "words between new keys" "$(cat "$scratch/received")" "hello
there"
end "$peer"

exec 9>&-
echo "tls_openssl: s_client and s_server, both ways, over TLS 1.2 and 1.3"

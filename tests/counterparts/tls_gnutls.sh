# SPDX-License-Identifier: MIT
# TLS with gnutls-cli and gnutls-serv, both ways, over TLS 1.2 and 1.3.
. "$(dirname "$0")/../counterparts_lib.sh"
need_tools gnutls-cli gnutls-serv
tls_begin
mkfifo "$scratch/silent" || exit 1
exec 9<>"$scratch/silent" # who reads it waits
# What gnutls-serv sends back has to be lines.
base64 <"$scratch/large" | head -c $LARGE >"$scratch/lines"
printf '\n' | dd of="$scratch/lines" bs=1 seek=$((LARGE - 1)) conv=notrunc 2>/dev/null

# gnutls_client OPTIONS...: to the server; what it hears is in $scratch/got.
gnutls_client()
{
    timeout 120 gnutls-cli --x509cafile "$scratch/root.pem" --port "$ready" \
        --logfile="$scratch/gnutls" "$@" localhost >"$scratch/got" 2>&1
}

# lines WORD...: what is typed, with time for an answer.
lines()
{
    for word; do
        printf '%s\n' "$word"
        sleep 0.7
    done
}

# gnutls_server OPTIONS...: on $port; sets $peer.
gnutls_server()
{
    take_port
    peer gnutls_program --port "$port" --x509certfile "$scratch/server.pem" \
        --x509keyfile "$scratch/server.key" "$@"
}
gnutls_program()
{
    exec gnutls-serv "$@" >"$scratch/gnutls"
}

# first_visit OPTIONS...: a visit that waits for gnutls-serv.
first_visit()
{
    wait_for "gnutls-serv" visit_when_there "$@"
}

for version in 1.2 1.3; do
    only="--priority=NORMAL:-VERS-ALL:+VERS-TLS$version"

    # gnutls-cli comes to eddy.
    serve --echo --alpn h2,http/1.1
    lines hello | gnutls_client $only --alpn=http/1.1 || fail "gnutls-cli"
    expect "the echo" "$(grep -c '^hello' "$scratch/got")" 1
    server_says "^ready TLSv$version resumed=0 alpn=http/1.1"
    lines hello | gnutls_client $only --resume --waitresumption || fail "gnutls-cli -r"
    grep -q 'This is a resumed session' "$scratch/gnutls" || fail "gnutls-cli does not resume"
    server_says "^ready TLSv$version resumed=1"
    lines hello | gnutls_client $only --x509cafile="$scratch/stranger.pem" &&
        fail "gnutls-cli trusts a stranger"
    lines hello | gnutls_client $only --verify-hostname=elsewhere.test &&
        fail "gnutls-cli does not look at the name"
    stop
    serve --get "$scratch/there" --slow --await $LARGE
    gnutls_client $only <"$scratch/large"
    server_says "^over .* received $LARGE"
    same "32 MiB from gnutls-cli" "$scratch/there" "$scratch/large"
    stop
    serve --send "$scratch/large"
    timeout 120 gnutls-cli --x509cafile "$scratch/root.pem" --port "$ready" \
        --logfile="$scratch/gnutls" $only localhost 2>/dev/null <&9 |
        { sleep 1; head -c $LARGE >"$scratch/got"; }
    same "32 MiB to gnutls-cli" "$scratch/got" "$scratch/large"
    stop
    serve --echo --verify --ca "$scratch/root.pem"
    lines hello | gnutls_client $only --x509certfile="$scratch/client.pem" \
        --x509keyfile="$scratch/client.key" || fail "a client certificate"
    server_says "^ready TLSv$version .* CN=client"
    lines hello | gnutls_client $only
    ! grep -q '^hello' "$scratch/got" || fail "a client without a certificate"
    lines hello | gnutls_client $only --x509certfile="$scratch/spy.pem" \
        --x509keyfile="$scratch/spy.key"
    ! grep -q '^hello' "$scratch/got" || fail "a client with a stranger's certificate"
    expect "clients that were let in" "$(grep -c '^ready' "$scratch/server")" 1
    stop
    serve --get "$scratch/there" --slow
    gnutls_sends()
    {
        exec gnutls-cli --x509cafile "$scratch/root.pem" --port "$ready" $only localhost \
            <"$scratch/large"
    }
    peer gnutls_sends
    server_says "^ready"
    kill -9 "$peer"
    server_says "^over"
    stop

    # eddy comes to gnutls-serv.
    gnutls_server --echo $only --alpn=h2 --alpn=http/1.1
    printf 'hello\n' >"$scratch/hello"
    first_visit --ca "$scratch/root.pem" --alpn http/1.1 --send "$scratch/hello" --await 5 --times 3
    visited "^ready TLSv$version resumed=0 alpn=http/1.1 CN=server"
    visited "^ready TLSv$version resumed=1" 2
    visited "^over well" 3
    visit 0 "$port" --ca "$scratch/root.pem" --send "$scratch/lines" --await $LARGE --slow \
        --get "$scratch/got"
    same "32 MiB there and back" "$scratch/got" "$scratch/lines"
    visit 1 "$port" --ca "$scratch/stranger.pem"
    visited "^failed EDDY_ETLSVERIFY"
    visit 1 "$port" --ca "$scratch/root.pem" --name elsewhere.test
    visited "^failed EDDY_ETLSVERIFY"
    end "$peer"
    gnutls_server --echo $only
    first_visit --ca "$scratch/stranger.pem"
    kill_during --ca "$scratch/root.pem" --send "$scratch/lines" --await $LARGE --slow
    gnutls_server --echo $only --require-client-cert --verify-client-cert \
        --x509cafile "$scratch/root.pem"
    first_visit --ca "$scratch/root.pem" --cert "$scratch/client.pem" --key "$scratch/client.key" \
        --send "$scratch/hello" --await 5
    visited "^over well .* received [1-9]"
    visit 1 "$port" --ca "$scratch/root.pem" --send "$scratch/hello" --await 5
    visit 1 "$port" --ca "$scratch/root.pem" --cert "$scratch/spy.pem" \
        --key "$scratch/spy.key" --send "$scratch/hello" --await 5
    end "$peer"
done

# New keys, asked for by gnutls-cli and by eddy.
serve --echo
lines one '^rekey^' two '^rekey1^' three | gnutls_client --inline-commands || fail "new keys"
expect "words between new keys" "$(grep -E -c '^(one|two|three)$' "$scratch/got")" 3
stop
# Not both ways at once: gnutls-cli prefers reading, and hardly gets to write then. It takes at most
# eight new keys a second, and ends the connection at the ninth.
serve --update 8192 --send "$scratch/large"
timeout 120 gnutls-cli --x509cafile "$scratch/root.pem" --port "$ready" \
    --logfile="$scratch/gnutls" localhost 2>/dev/null <&9 | head -c $LARGE >"$scratch/got"
same "32 MiB to gnutls-cli with new keys" "$scratch/got" "$scratch/large"
stop
echo "tls_gnutls: gnutls-cli and gnutls-serv, both ways, over TLS 1.2 and 1.3"

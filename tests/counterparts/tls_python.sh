# SPDX-License-Identifier: MIT
# TLS with Python's ssl, both ways, over TLS 1.2 and 1.3, each end sending and receiving at once.
. "$(dirname "$0")/../counterparts_lib.sh"
need_tools python3
python3 -c 'import ssl; ssl.TLSVersion.TLSv1_3' 2>/dev/null || skip "python3 has no TLS 1.3"
tls_begin
python=$(dirname "$0")/tls_python.py

# python_client STATUS OPTIONS...: to the server, what it says is in $scratch/visit.
python_client()
{
    wanted=$1
    shift
    timeout 120 python3 "$python" client --port "$ready" --ca "$scratch/root.pem" "$@" \
        >"$scratch/visit" 2>&1
    status=$?
    [ $status -eq "$wanted" ] || fail "python $*: status $status: $(cat "$scratch/visit")"
}

# python_server OPTIONS...: sets $peer and $said, its port.
python_server()
{
    : >"$scratch/python"
    peer python_program --cert "$scratch/server.pem" --key "$scratch/server.key" "$@"
    wait_for "python" grep -q '^port' "$scratch/python"
    said=$(sed -n 's/^port //p' "$scratch/python")
}
python_program()
{
    exec python3 "$python" server "$@" >"$scratch/python"
}

for version in 1.2 1.3; do
    # Python comes to eddy.
    serve --echo --alpn h2,http/1.1
    python_client 0 --min $version --max $version --alpn http/1.1,h2 --send "$scratch/small" \
        --await 4096 --get "$scratch/got" --times 3
    same "4 KiB back to python" "$scratch/got" "$scratch/small"
    visited "^ready TLSv$version resumed=0 alpn=h2"
    visited "^ready TLSv$version resumed=1 alpn=h2" 2
    server_says "^ready TLSv$version resumed=1 alpn=h2"
    python_client 0 --min $version --max $version --send "$scratch/large" --await $LARGE \
        --slow --get "$scratch/got"
    same "32 MiB there and back, python is slow" "$scratch/got" "$scratch/large"
    python_client 1 --max $version --name elsewhere.test
    visited "^failed SSLCertVerificationError"
    python_client 1 --max $version --ca "$scratch/stranger.pem"
    visited "^failed SSLCertVerificationError"
    expect "connections that were lost" "$(grep -c '^over EDDY' "$scratch/server")" 0
    python_client 0 --max $version --send "$scratch/large" --await $LARGE --vanish
    server_says "^over .* received [1-9]"
    expect "all connections are over" "$(grep -c '^over' "$scratch/server")" 5
    stop
    serve --slow --send "$scratch/large" --get "$scratch/there" --await $LARGE
    python_client 0 --max $version --send "$scratch/large" --await $LARGE --get "$scratch/got"
    same "32 MiB to python, which sends as well" "$scratch/got" "$scratch/large"
    server_says "^over well sent $LARGE received $LARGE"
    same "32 MiB from python" "$scratch/there" "$scratch/large"
    stop
    serve --echo --verify --ca "$scratch/root.pem"
    python_client 0 --max $version --cert "$scratch/client.pem" --key "$scratch/client.key" \
        --send "$scratch/small" --await 4096
    server_says "^ready TLSv$version .* CN=client"
    # With TLS 1.3 it learns of it when it reads.
    python_client 1 --max $version --send "$scratch/small" --await 4096
    python_client 1 --max $version --cert "$scratch/spy.pem" --key "$scratch/spy.key" \
        --send "$scratch/small" --await 4096
    expect "clients that were let in" "$(grep -c '^ready' "$scratch/server")" 1
    stop

    # eddy comes to Python.
    python_server --min $version --max $version --alpn http/1.1,h2 --send "$scratch/small" \
        --await 4096
    visit 0 "$said" --ca "$scratch/root.pem" --alpn h2,http/1.1 --send "$scratch/small" \
        --await 4096 --times 3 --get "$scratch/got"
    same "4 KiB from python" "$scratch/got" "$scratch/small"
    visited "^ready TLSv$version resumed=0 alpn=http/1.1 CN=server"
    visited "^ready TLSv$version resumed=1 alpn=http/1.1" 2
    visited "^over well" 3
    visit 1 "$said" --ca "$scratch/stranger.pem"
    visited "^failed EDDY_ETLSVERIFY"
    visit 1 "$said" --ca "$scratch/root.pem" --name elsewhere.test
    visited "^failed EDDY_ETLSVERIFY"
    end "$peer"
    python_server --max $version --slow --send "$scratch/large" --await $LARGE \
        --get "$scratch/there"
    visit 0 "$said" --ca "$scratch/root.pem" --slow --send "$scratch/large" --await $LARGE \
        --get "$scratch/got"
    same "32 MiB from python's server" "$scratch/got" "$scratch/large"
    wait_for "python" grep -q '^over well' "$scratch/python"
    same "32 MiB to python's server" "$scratch/there" "$scratch/large"
    end "$peer"
    python_server --max $version --send "$scratch/large" --await $LARGE --vanish
    timeout 120 "$programs/tls_peer" client localhost "$said" --ca "$scratch/root.pem" \
        --send "$scratch/large" --await $LARGE >"$scratch/visit" 2>&1
    visited "^over "
    ! grep -q "received $LARGE" "$scratch/visit" || fail "python did not vanish in the middle"
    python_server --max $version --verify --ca "$scratch/root.pem" --await 4096
    visit 0 "$said" --ca "$scratch/root.pem" --cert "$scratch/client.pem" \
        --key "$scratch/client.key" --send "$scratch/small"
    wait_for "python" grep -q '^over well received 4096' "$scratch/python"
    visit 1 "$said" --ca "$scratch/root.pem" --cert "$scratch/spy.pem" \
        --key "$scratch/spy.key" --await 1
    end "$peer"
done
# New keys for it, and the wish for some of its own, which OpenSSL 3.0 does not survive at its end
# while it waits for room to write (BAD_LENGTH): so it only reads.
serve --update 256 --send "$scratch/large"
python_client 0 --min 1.3 --await $LARGE --get "$scratch/got"
same "32 MiB with new keys" "$scratch/got" "$scratch/large"
stop
echo "tls_python: Python's ssl as client and as server, over TLS 1.2 and 1.3"

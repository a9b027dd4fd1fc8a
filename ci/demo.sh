# SPDX-License-Identifier: MIT
# Builds eddy and shows it at work: `sh ci/demo.sh`.
#
# Starts the example file server on a free port of this machine, fetches a page and a large file
# from it with curl, and compares what arrived with what was sent; first over HTTP, then over HTTPS
# with a certificate made for the occasion, which curl verifies. Installs a compiler, CMake, OpenSSL
# and curl if they are missing (as root, or by sudo). The exit status is 0 if all of it worked.
cd "$(dirname "$0")/.." || exit 1
. ci/lib.sh

MEBIBYTES=128
server_pid=
site=
trust=

stop_server()
{
    [ -n "$server_pid" ] || return 0
    kill "$server_pid" 2>/dev/null
    wait "$server_pid" 2>/dev/null
    server_pid=
}

clean_up()
{
    stop_server
    [ -z "$site" ] || rm -rf "$site"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

checksum()
{
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum <"$1" | cut -d ' ' -f 1
    else
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    fi
}

make_site()
{
    site=$(mktemp -d) || die "no temporary folder"
    mkdir "$site/files" "$site/got"
    cat >"$site/files/index.html" <<'PAGE'
<!doctype html>
<title>eddy</title>
<h1>This page came from eddy</h1>
<p>One thread, one event loop, one task for each connection.</p>
PAGE
    dd if=/dev/urandom of="$site/files/large.bin" bs=1048576 count=$MEBIBYTES 2>/dev/null ||
        die "no room for $MEBIBYTES MiB in $site"
}

# A certificate that is its own authority: whoever has it can verify the server.
make_certificate()
{
    cat >"$site/request.txt" <<'REQUEST'
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = the demo of eddy
[extensions]
basicConstraints = critical, CA:TRUE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
REQUEST
    quietly demo-certificate openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 \
        -config "$site/request.txt" -keyout "$site/key.pem" -out "$site/certificate.pem" ||
        die "openssl could not make a certificate"
}

# start_server ARGUMENTS...: sets $url.
start_server()
{
    : >"$site/server.txt"
    "$server" "$site/files" --port 0 "$@" >"$site/server.txt" 2>"$site/server-errors.txt" &
    server_pid=$!
    waited=0
    until url=$(sed -n 's|^listening on \(https*://[^ ]*\).*|\1|p' "$site/server.txt") &&
        [ -n "$url" ]; do
        waited=$((waited + 1))
        if [ $waited -gt 100 ] || ! kill -0 "$server_pid" 2>/dev/null; then
            cat "$site/server.txt" "$site/server-errors.txt" >&2
            die "the file server did not start"
        fi
        sleep 0.1 2>/dev/null || sleep 1
    done
    say "the file server listens on $url"
}

# fetch NAME: ends the script unless what came is what was sent. $trust is the only certificate that
# curl goes by, if there is one.
fetch()
{
    rm -f "$site/got/$1"
    answer=$(curl -sS --fail --max-time 120 ${trust:+--cacert "$trust"} -o "$site/got/$1" \
        -w '%{http_code} %{size_download} %{speed_download}' "$url$1") ||
        die "curl could not fetch $url$1"
    sent=$(checksum "$site/files/$1")
    got=$(checksum "$site/got/$1")
    echo "$answer" | awk -v name="$1" '{
        printf "   %s: status %s, %d bytes", name, $1, $2
        # Of a few bytes the speed says nothing.
        printf(($2 < 1048576 ? "\n" : ", %.0f MiB/s\n"), $3 / 1048576) }'
    echo "   sent     $sent"
    echo "   received $got"
    [ "$sent" = "$got" ] || die "$1 arrived damaged"
}

fetch_both()
{
    say "fetching a page"
    fetch index.html
    say "fetching $MEBIBYTES MiB"
    fetch large.bin
}

need_build_tools && need curl || die "$missing"
choose_tls
[ $tls = OFF ] || need openssl || die "$missing"
say "building build/demo"
quietly demo-configure cmake --preset release -B build/demo -DEDDY_BUILD_TESTS=OFF \
    -DEDDY_TLS=$tls &&
    quietly demo-build cmake --build build/demo -j "$(jobs_count)" || die "eddy did not build"
server=build/demo/examples/file_server
[ -x "$server" ] || die "$server was not built"

make_site
start_server
fetch_both
stop_server

if [ $tls = ON ]; then
    make_certificate
    start_server --tls "$site/certificate.pem" "$site/key.pem"
    if curl -s --max-time 120 -o /dev/null "$url"; then
        die "curl trusts the server, though it was not told why"
    fi
    say "curl refuses a certificate that it does not know, and is now told to trust this one"
    trust=$site/certificate.pem
    fetch_both
    stop_server
else
    say "skipped: HTTPS, since this is built without TLS"
fi

say "all checksums agree: it works"
cat <<'NEXT'

What next?
  build/demo/examples/file_server . --port 8000
                      serve this folder; look at http://127.0.0.1:8000/ with a browser;
                      with --tls CERTIFICATE KEY behind it, at https://127.0.0.1:8000/
  ls examples         the programs in build/demo/examples: short, and made to be copied from
  sh ci/test.sh       the tests on this machine
  sh ci/matrix.sh --list
                      more: sanitizers, valgrind, Windows under Wine, other processors
  README.md           an echo server in one page, and how to use eddy in a project of yours
NEXT

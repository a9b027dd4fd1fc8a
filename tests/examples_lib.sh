# SPDX-License-Identifier: MIT
# What the scripts in tests/examples share: starting the examples, and saying what went wrong.
# EDDY_EXAMPLES is the folder of the programs, EDDY_RUN what they are started with (wine, qemu).
programs=${EDDY_EXAMPLES:-$1}
scratch=$(mktemp -d) || exit 1
server_pid=

clean_up()
{
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null
    [ -z "$server_pid" ] || wait "$server_pid" 2>/dev/null
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

skip()
{
    echo "skipped: $*"
    exit 77
}

# run NAME ARGUMENTS...: what the program printed, without carriage returns.
run()
{
    program=$1
    shift
    ${EDDY_RUN:-} "$programs/$program${EDDY_EXE:-}" "$@" >"$scratch/out" 2>"$scratch/err" || {
        cat "$scratch/out" "$scratch/err" >&2
        fail "$program ended with an error"
    }
    tr -d '\r' <"$scratch/out"
}

# expect WHAT GOT WANTED
expect()
{
    [ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# start PATTERN NAME ARGUMENTS...: start a server, wait for its line, set $ready to what the
# parentheses of PATTERN (of sed) match in it.
start()
{
    pattern=$1
    program=$2
    shift 2
    : >"$scratch/server" # the line of the one before must not be taken for this one's
    ${EDDY_RUN:-} "$programs/$program${EDDY_EXE:-}" "$@" >"$scratch/server" 2>&1 &
    server_pid=$!
    waited=0
    until ready=$(tr -d '\r' <"$scratch/server" | sed -n "s|$pattern|\\1|p") && [ -n "$ready" ]; do
        waited=$((waited + 1))
        if [ $waited -gt 200 ] || ! kill -0 "$server_pid" 2>/dev/null; then
            cat "$scratch/server" >&2
            fail "$program did not start"
        fi
        sleep 0.1 2>/dev/null || sleep 1
    done
}

# get_in_parallel URL FILE: eight downloads at once, by the get() of the script; each is FILE.
get_in_parallel()
{
    downloads=
    for i in 1 2 3 4 5 6 7 8; do
        get -o "$scratch/parallel.$i" "$1" &
        downloads="$downloads $!"
    done
    for job in $downloads; do
        wait "$job" || fail "a parallel download"
    done
    for i in 1 2 3 4 5 6 7 8; do
        cmp -s "$scratch/parallel.$i" "$2" || fail "parallel download $i is damaged"
    done
}

# stop: end the server; it has to live until then. (A shell starts what is in the background with
# SIGINT ignored, which eddy_run() respects, so this cannot be Ctrl-C.)
stop()
{
    kill "$server_pid" 2>/dev/null || {
        cat "$scratch/server" >&2
        fail "the server ended by itself"
    }
    wait "$server_pid"
    server_pid=
}

#
# TLS
#
# need_tls: the programs speak it, and there is an openssl command to make certificates with.
need_tls()
{
    command -v openssl >/dev/null 2>&1 || skip "openssl is not installed"
    ${EDDY_RUN:-} "$programs/forwarder${EDDY_EXE:-}" --tls "$scratch/none" "$scratch/none" \
        127.0.0.1:0 127.0.0.1:1 >"$scratch/out" 2>&1 && fail "TLS without a certificate"
    ! grep -q 'without TLS' "$scratch/out" || skip "$(tr -d '\r' <"$scratch/out")"
}

openssl_quietly()
{
    openssl "$@" >"$scratch/openssl" 2>&1 || {
        cat "$scratch/openssl" >&2
        fail "openssl $1"
    }
}

# authority NAME: $scratch/NAME.pem and NAME.key, good for signing others for two days.
authority()
{
    printf '[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = extensions\n%s' "[name]
CN = $1
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
" >"$scratch/$1.conf"
    openssl_quietly req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 -config "$scratch/$1.conf" \
        -keyout "$scratch/$1.key" -out "$scratch/$1.pem"
}

# certificate NAME AUTHORITY NAMES: the same for a peer with such names, "DNS:a.test,IP:127.0.0.1".
certificate()
{
    printf '[req]\nprompt = no\ndistinguished_name = name\n[name]\nCN = %s\n' "$1" \
        >"$scratch/$1.conf"
    printf 'basicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth, clientAuth\n%s\n' \
        "subjectAltName = $3" >"$scratch/$1.extensions"
    openssl_quietly req -new -newkey rsa:2048 -nodes -sha256 -config "$scratch/$1.conf" \
        -keyout "$scratch/$1.key" -out "$scratch/$1.request"
    openssl_quietly x509 -req -in "$scratch/$1.request" -sha256 -days 2 -CA "$scratch/$2.pem" \
        -CAkey "$scratch/$2.key" -CAserial "$scratch/$2.serial" -CAcreateserial \
        -extfile "$scratch/$1.extensions" -out "$scratch/$1.pem"
}

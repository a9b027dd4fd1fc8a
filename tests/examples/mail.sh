# SPDX-License-Identifier: MIT
# The mail server and client with each other, and with openssl, curl and a liar, over STARTTLS.
. "$(dirname "$0")/../examples_lib.sh"
need_tls

authority root
authority stranger
certificate server root "DNS:localhost,IP:127.0.0.1"
certificate elsewhere root "DNS:elsewhere.test"
start '^mail is taken on port \([0-9]*\)$' mail_server 0 "$scratch/server.pem" "$scratch/server.key"
port=$ready

# What the server has printed behind its first line, without its complaints.
mails()
{
    tr -d '\r' <"$scratch/server" | sed -e 1d -e '/^mail_server: /d'
}

# send STATUS ARGUMENTS...: what the client ends with, given $scratch/mail.
send()
{
    wanted=$1
    shift
    ${EDDY_RUN:-} "$programs/mail_client${EDDY_EXE:-}" "$@" <"$scratch/mail" \
        >"$scratch/out" 2>"$scratch/err"
    status=$?
    [ $status -eq "$wanted" ] || fail "mail_client: status $status: $(cat "$scratch/err")"
}

printf 'Subject: dots\n\n.one\n..two\n.\nthe end\n' >"$scratch/mail"
send 0 --ca "$scratch/root.pem" 127.0.0.1 "$port" a@test b@test
expect "the mail" "$(mails)" "mail from <a@test> to <b@test>:
$(cat "$scratch/mail")"
: >"$scratch/mail"
send 0 --ca "$scratch/root.pem" localhost "$port" a@test c@test
expect "an empty mail" "$(mails | tail -n 1)" "mail from <a@test> to <c@test>:"
awk 'BEGIN { for (i = 0; i < 1000; i++) printf "line %d, of which there are many\n", i }' \
    >"$scratch/mail"
send 0 --ca "$scratch/root.pem" 127.0.0.1 "$port" a@test d@test
expect "a long mail" "$(mails | tail -n 1000)" "$(cat "$scratch/mail")"
count=$(mails | wc -l)

send 1 --ca "$scratch/stranger.pem" 127.0.0.1 "$port" a@test b@test
grep -q certificate "$scratch/err" || fail "no reason: $(cat "$scratch/err")"
awk 'BEGIN { for (i = 0; i < 5000; i++) print "a mail that is longer than the server takes" }' \
    >"$scratch/mail"
send 1 --ca "$scratch/root.pem" 127.0.0.1 "$port" a@test b@test
expect "mails after refusals" "$(mails | wc -l)" "$count"

#
# Others to the server.
#
printf '%s\r\n' 'EHLO test' 'MAIL FROM:<e@test>' 'RCPT TO:<b@test>' DATA 'by openssl' . QUIT |
    openssl s_client -quiet -connect "127.0.0.1:$port" -starttls smtp -verify_return_error \
        -CAfile "$scratch/root.pem" -verify_ip 127.0.0.1 >"$scratch/answers" 2>"$scratch/openssl" ||
    fail "openssl: $(cat "$scratch/openssl" "$scratch/answers")"
grep -q '^250 thank you' "$scratch/answers" || fail "openssl heard $(cat "$scratch/answers")"
expect "openssl's mail" "$(mails | tail -n 2)" "mail from <e@test> to <b@test>:
by openssl"
if curl --version 2>/dev/null | grep -q '^Protocols:.* smtp '; then
    printf 'Subject: curl\r\n\r\nby curl\r\n' >"$scratch/mail"
    for option in --tlsv1.3 "--tls-max 1.2"; do
        curl -sS --max-time 60 --ssl-reqd $option --cacert "$scratch/root.pem" \
            --mail-from curl@test --mail-rcpt b@test --upload-file "$scratch/mail" \
            "smtp://localhost:$port" || fail "curl"
    done
    expect "curl's mails" "$(mails | grep -c '^by curl$')" 2
    if curl -s --max-time 60 --ssl-reqd --cacert "$scratch/stranger.pem" --mail-from curl@test \
        --mail-rcpt b@test --upload-file "$scratch/mail" "smtp://localhost:$port"; then
        fail "curl trusts a stranger"
    fi
else
    echo "mail: without curl, which is not there or cannot send mail"
fi
stop

start '^mail is taken on port \([0-9]*\)$' mail_server 0 "$scratch/elsewhere.pem" \
    "$scratch/elsewhere.key"
send 1 --ca "$scratch/root.pem" localhost "$ready" a@test b@test
grep -q elsewhere.test "$scratch/err" || fail "no reason: $(cat "$scratch/err")"
stop

#
# Who meddles before the encryption begins, on either side.
#
if command -v python3 >/dev/null 2>&1; then
    start '^mail is taken on port \([0-9]*\)$' mail_server 0 "$scratch/server.pem" \
        "$scratch/server.key"
    python3 "$(dirname "$0")/mail_meddler.py" client "$ready" || fail "a client that meddles"
    expect "mails of a meddler" "$(mails)" ""
    grep -q '^mail_server: commands behind STARTTLS' "$scratch/server" || fail "no complaint"
    stop
    for lie in behind without refused; do
        : >"$scratch/port"
        python3 "$(dirname "$0")/mail_meddler.py" "$lie" >"$scratch/port" &
        server_pid=$!
        until [ -s "$scratch/port" ]; do sleep 0.1; done
        send 1 --ca "$scratch/root.pem" localhost "$(cat "$scratch/port")" a@test b@test
        wait "$server_pid" || fail "the server that lies: $lie"
        server_pid=
        cat "$scratch/err" >>"$scratch/reasons"
    done
    expect "reasons" "$(tr -d '\r' <"$scratch/reasons")" "mail_client: more than TLS may follow
mail_client: the server does not offer STARTTLS
mail_client: the server says: 454 not now"
else
    echo "mail: without those who meddle, since python3 is not installed"
fi
echo "mail: encrypted and verified, or not at all"

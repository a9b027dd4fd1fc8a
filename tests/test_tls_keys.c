/* SPDX-License-Identifier: MIT */
/* What TLS sends for itself: new keys, tickets, alerts (TLS-29, TLS-30, TLS-35, TLS-41). */
#include "support/support.h"
#include "support/tls_scene.h"
#include <openssl/err.h>
#include <string.h>

/* TLS-29: new keys, asked for by either side; the answer needs no write of the program's. */
static void test_key_updates(struct fixture *f)
{
    struct tls_scene s;
    eddy_value value;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_scene_settle(f, &s); /* the tickets, of which nobody hears */
    assert_nothing_recorded();
    tls_peer_pump(&s.peer);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(SSL_key_update(s.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(s.peer.ssl), 1);
        if (round == 1) /* with data right behind */
            tls_peer_prepare(&s.peer, "new", 3);
        tls_peer_pump(&s.peer);
        tls_scene_settle(f, &s);
        assert_int_equal(tls_peer_count_records(&s.peer), 1);
    }
    must(write_text(s.w.transport, "old"));
    tls_peer_expect(&s.peer, "old");
    assert_true(eddy_transport_get_extra_info(s.w.transport, "ssl_object", &value));
    must(eddy_tls_update_keys((eddy_tls *)(uintptr_t)value.tls, true));
    must(write_text(s.w.transport, "ours"));
    tls_peer_expect(&s.peer, "ours");
    tls_peer_send(&s.peer, "theirs");
    run_until_recorded(f->loop, "data:theirs");
    assert_recorded("data:new", "data:theirs");
    tls_scene_abort(f, &s);
}

/* TLS-29: asked for again before anything was sent, or when nothing can be, new keys come then. */
static void test_new_keys_when_they_cannot_be_made_yet(struct fixture *f)
{
    struct tls_scene s;
    eddy_value value;
    size_t size;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    assert_true(eddy_transport_get_extra_info(s.w.transport, "ssl_object", &value));
    must(eddy_tls_update_keys(value.tls, false));
    must(eddy_tls_update_keys(value.tls, true));
    size = tls_scene_fill(&s);
    must(eddy_tls_update_keys(value.tls, true));
    must(eddy_tls_update_keys(value.tls, false));
    must(write_text(s.w.transport, "behind"));
    tls_scene_check_filling(&s, size);
    tls_peer_expect(&s.peer, "behind");
    tls_peer_send(&s.peer, "theirs");
    run_until_recorded(f->loop, "data:theirs");
    assert_recorded("data:theirs");
    tls_scene_abort(f, &s);
}

/* TLS-29: a renegotiation is refused; TLS 1.2 has such a thing. */
static void test_renegotiation_is_refused(struct fixture *f)
{
    struct tls_scene s;
    unsigned long error = 0;

    tls_scene_begin_in_1_2(f, &s);
    assert_int_equal(SSL_renegotiate(s.peer.ssl), 1);
    ERR_clear_error();
    for (int turn = 0; turn < 10 && error == 0; turn++) {
        char byte;

        SSL_do_handshake(s.peer.ssl);
        SSL_read(s.peer.ssl, &byte, 1);
        error = ERR_get_error();
        /* The peer's own end is not sent: this is about what we do. */
        if (error == 0)
            tls_peer_pump(&s.peer);
        tls_scene_settle(f, &s);
    }
    assert_int_equal(ERR_GET_REASON(error), SSL_R_NO_RENEGOTIATION);
    assert_nothing_recorded();
    tls_scene_abort(f, &s);
}

/**
 * A ticket of two records, of which the peer sends the first; the rest is in `rest`. Needs a
 * server as the peer, before its handshake.
 */
static size_t send_half_a_ticket(struct tls_peer *peer, unsigned char *rest, size_t max)
{
    size_t size, first;

    assert_int_equal(SSL_new_session_ticket(peer->ssl), 1);
    assert_int_equal(SSL_do_handshake(peer->ssl), 1);
    size = tls_peer_take(peer, rest, max);
    first = 5 + 256 * (size_t)rest[3] + rest[4];
    assert_true(first < size);
    peer_send_bytes(&peer->raw, rest, first);
    memmove(rest, rest + first, size - first);
    return size - first;
}

static int on_ticket(SSL *ssl, void *arg)
{
    static const char data[700];

    (void)arg;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data, sizeof data);
}

static void prepare_long_tickets(SSL *ssl)
{
    SSL_CTX_set_session_ticket_cb(SSL_get_SSL_CTX(ssl), on_ticket, NULL, NULL);
    SSL_set_max_send_fragment(ssl, 512);
}

/** A client whose peer makes tickets that need two records. */
static void begin_with_long_tickets(struct fixture *f, struct tls_scene *s)
{
    tls_scene_begin_prepared(f, s, prepare_long_tickets);
    tls_scene_settle(f, s);
    assert_nothing_recorded();
}

/* TLS-29: a write that has to wait for input stays, and goes when that has come. */
static void test_a_write_waits_for_input(struct fixture *f)
{
    struct tls_scene s;
    unsigned char rest[4096];
    size_t size;

    begin_with_long_tickets(f, &s);
    size = send_half_a_ticket(&s.peer, rest, sizeof rest);
    tls_scene_settle(f, &s);
    must(write_text(s.w.transport, "pati"));
    must(write_text(s.w.transport, "ent"));
    assert_int_equal(eddy_transport_get_write_buffer_size(s.w.transport), 7);
    tls_scene_settle(f, &s);
    peer_send_bytes(&s.peer.raw, rest, size);
    tls_peer_expect(&s.peer, "patient");
    assert_int_equal(eddy_transport_get_write_buffer_size(s.w.transport), 0);
    tls_scene_abort(f, &s);
}

/* TLS-35: closing in this situation is no error either: what was written comes, and the end. */
static void test_closing_waits_for_input(struct fixture *f)
{
    struct tls_scene s;
    unsigned char rest[4096];
    size_t size;

    begin_with_long_tickets(f, &s);
    size = send_half_a_ticket(&s.peer, rest, sizeof rest);
    tls_scene_settle(f, &s);
    eddy_transport_close(s.w.transport);
    tls_scene_settle(f, &s);
    assert_nothing_recorded();
    peer_send_bytes(&s.peer.raw, rest, size);
    tls_peer_expect_close_notify(&s.peer);
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-41: nor is the end of the stream, when the rest will never come. */
static void test_closing_without_the_awaited_input(struct fixture *f)
{
    struct tls_scene s;
    unsigned char rest[4096];

    begin_with_long_tickets(f, &s);
    send_half_a_ticket(&s.peer, rest, sizeof rest);
    tls_scene_settle(f, &s);
    must(write_text(s.w.transport, "never"));
    peer_shutdown(&s.peer.raw);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("eof", "lost:0");
}

/* TLS-30: a record that was tampered with; what came before is delivered, the peer is told. */
static void test_a_forged_record(struct fixture *f)
{
    struct tls_scene s;
    char record[256], byte;
    size_t size;

    tls_scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    tls_peer_prepare(&s.peer, "good", 4);
    tls_peer_prepare(&s.peer, "evil", 4);
    size = tls_peer_take(&s.peer, record, sizeof record);
    record[size - 1] ^= 1;
    peer_send_bytes(&s.peer.raw, record, size);
    run_until_recorded(f->loop, "lost:EDDY_ETLS");
    assert_recorded("data:good", "lost:EDDY_ETLS");
    assert_true(strlen(eddy_error_text()) > 0);
    assert_int_equal(reported(), 0);
    tls_peer_pump(&s.peer);
    ERR_clear_error();
    assert_true(SSL_read(s.peer.ssl, &byte, 1) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_key_updates),
        TEST(test_new_keys_when_they_cannot_be_made_yet),
        TEST(test_renegotiation_is_refused),
        TEST(test_a_write_waits_for_input),
        TEST(test_closing_waits_for_input),
        TEST(test_closing_without_the_awaited_input),
        TEST(test_a_forged_record),
    };

    return run_suite("tls_keys", tests);
}

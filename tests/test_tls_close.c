/* SPDX-License-Identifier: MIT */
/* How TLS connections end (TLS-35..TLS-48). */
#include "support/support.h"
#include "support/tls_peer.h"
#include <string.h>

/** What every test here begins with: a client, with a peer that is a server. */
struct scene {
    struct tls_kit kit;
    struct witness w;
    struct tls_peer peer;
};

static void scene_begin(struct fixture *f, struct scene *s, enum tls_peer_side side)
{
    tls_kit_init(f, &s->kit);
    witness_init(&s->w, NULL);
    connect_tls_peer(f, &s->kit, &s->w, side, &s->peer);
    assert_recorded("made");
}

/* TLS-35: close_notify goes out, that of the peer is awaited, then lower closes. */
static void test_close_exchanges_close_notify(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(write_text(s.w.transport, "bye"));
    eddy_transport_close(s.w.transport);
    eddy_transport_close(s.w.transport);
    assert_true(eddy_transport_is_closing(s.w.transport));
    tls_peer_expect(&s.peer, "bye");
    tls_peer_expect_close_notify(&s.peer);
    run_for(f->loop, EDDY_SECONDS(0));
    assert_nothing_recorded();
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-40: the peer's close_notify: data, EOF, what is written then, the answer, the end. */
static void test_peer_closes(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    tls_peer_prepare(&s.peer, "last", 4);
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:last", "eof", "lost:0");
    tls_peer_expect_close_notify(&s.peer);
}

/* TLS-41: the end of the stream without close_notify is an end like any other. */
static void test_ragged_end(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_peer_send(&s.peer, "last");
    peer_shutdown(&s.peer.raw);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:last", "eof", "lost:0");
}

/* TLS-42: nothing is lost when the stream ends while reading is paused; no limit runs. */
static void test_end_while_paused(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_pause_reading(s.w.transport));
    tls_peer_send(&s.peer, "late");
    peer_shutdown(&s.peer.raw);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    run_iterations(f->loop, 3);
    give_up_if(s.w.transport == NULL);
    assert_nothing_recorded();
    assert_true(eddy_transport_is_closing(s.w.transport));
    must(eddy_transport_resume_reading(s.w.transport));
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:late", "eof", "lost:0");
}

/* TLS-42: close() in this phase drops the rest. */
static void test_close_while_paused_at_the_end(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_pause_reading(s.w.transport));
    tls_peer_send(&s.peer, "late");
    peer_shutdown(&s.peer.raw);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    run_iterations(f->loop, 3);
    give_up_if(s.w.transport == NULL);
    eddy_transport_close(s.w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-44: no close_notify, no error. */
static void test_abort(struct fixture *f)
{
    struct scene s;
    char buffer[64];

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    eddy_transport_abort(s.w.transport);
    eddy_transport_abort(s.w.transport);
    assert_nothing_recorded();
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
    tls_peer_pump(&s.peer);
    assert_true(SSL_read(s.peer.ssl, buffer, sizeof buffer) <= 0);
    assert_false(SSL_get_shutdown(s.peer.ssl) & SSL_RECEIVED_SHUTDOWN);
}

/* TLS-30: what cannot be decrypted ends it, after what could. */
static void test_garbage(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_peer_send(&s.peer, "good");
    peer_send(&s.peer.raw, "GET / HTTP/1.0\r\n\r\n");
    run_until_recorded(f->loop, "lost:EDDY_ETLS");
    assert_recorded("data:good", "lost:EDDY_ETLS");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_close_exchanges_close_notify),
        TEST(test_peer_closes),
        TEST(test_ragged_end),
        TEST(test_end_while_paused),
        TEST(test_close_while_paused_at_the_end),
        TEST(test_abort),
        TEST(test_garbage),
    };

    return run_suite("tls_close", tests);
}

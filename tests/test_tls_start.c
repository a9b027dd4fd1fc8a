/* SPDX-License-Identifier: MIT */
/* start_tls(): a live connection becomes TLS (TLS-7..TLS-14). */
#include "support/support.h"
#include "support/program.h"
#include "support/sweep.h"
#include "support/tls_peer.h"
#include <string.h>

/** A plain connection whose other end can speak TLS. */
struct scene {
    struct tls_kit kit;
    struct witness w;
    struct tls_peer peer;
    eddy_transport *plain; /**< held by the fixture */
};

static void drop_transport(void *transport)
{
    eddy_transport_unref(transport);
}

static void scene_begin(struct fixture *f, struct scene *s, enum tls_peer_side side)
{
    eddy_socket sockets[2];

    tls_kit_init(f, &s->kit);
    witness_init(&s->w, NULL);
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    tls_peer_init(&s->peer, f, &s->kit, side, sockets[1]);
    connect_socket(f, &s->w, sockets[0]);
    assert_recorded("made");
    s->plain = eddy_transport_ref(s->w.transport);
    fixture_at_end(f, drop_transport, s->plain);
}

/** Start TLS on our side; the future is the test's. */
static eddy_future *scene_start(struct fixture *f, struct scene *s,
                                const eddy_start_tls_options *options)
{
    static const eddy_start_tls_options usual = {.server_hostname = "example.test"};
    bool is_server = SSL_is_server(s->peer.ssl);

    return eddy_loop_start_tls(f->loop, s->plain, &s->w.protocol,
                               is_server ? s->kit.client : s->kit.server,
                               options != NULL ? options
                               : is_server     ? &usual
                                               : NULL);
}

/** Shake hands to the end; the new transport, to the end of the test. */
static eddy_transport *scene_finish(struct fixture *f, struct scene *s, eddy_future *future)
{
    eddy_value value;
    bool is_shaken;

    must_begin(f, future, EDDY_NO_SOCKET);
    is_shaken = tls_peer_shake(&s->peer);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_true(is_shaken);
    fixture_at_end(f, drop_transport, value.transport);
    return value.transport;
}

/* TLS-7, TLS-11: the new transport carries bytes, connection_made() is not called again. */
static void upgrade(struct fixture *f, enum tls_peer_side side)
{
    struct scene s;
    eddy_transport *upper;

    scene_begin(f, &s, side);
    must(write_text(s.plain, "STARTTLS"));
    peer_expect(&s.peer.raw, "STARTTLS");
    peer_send(&s.peer.raw, "go");
    run_until_recorded(f->loop, "data:go");
    assert_recorded("data:go");
    upper = scene_finish(f, &s, scene_start(f, &s, NULL));
    assert_true(upper != s.plain);
    must(write_text(upper, "secret"));
    tls_peer_expect(&s.peer, "secret");
    tls_peer_send(&s.peer, "answer");
    run_until_recorded(f->loop, "data:answer");
    eddy_transport_abort(upper);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:answer", "lost:0");
    assert_int_equal(s.w.counts[WITNESS_MADE], 1);
}

static void test_a_client_upgrades(struct fixture *f)
{
    upgrade(f, TLS_PEER_IS_SERVER);
}

static void test_a_server_upgrades(struct fixture *f)
{
    upgrade(f, TLS_PEER_IS_CLIENT);
}

/* TLS-3, TLS-7: what is refused before anything happens. */
static void test_refusals(struct fixture *f)
{
    struct scene s;
    eddy_protocol bare = {0};
    eddy_start_tls_options negative = {.server_hostname = "", .handshake_timeout = -1};
    eddy_start_tls_options reserved = {.server_hostname = "", .reserved = {&bare}};
    eddy_protocol *p;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    p = &s.w.protocol;
    assert_refused(eddy_loop_start_tls(f->loop, NULL, NULL, NULL, NULL), EDDY_EINVALID, "context");
    assert_refused(eddy_loop_start_tls(f->loop, NULL, p, s.kit.client, NULL), EDDY_EINVALID,
                   "transport");
    assert_refused(eddy_loop_start_tls(f->loop, s.plain, NULL, s.kit.client, NULL), EDDY_EINVALID,
                   "protocol");
    assert_refused(eddy_loop_start_tls(f->loop, s.plain, &bare, s.kit.client, NULL), EDDY_EINVALID,
                   "protocol");
    assert_refused(eddy_loop_start_tls(f->loop, s.plain, p, s.kit.client, NULL), EDDY_EINVALID,
                   "server_hostname");
    assert_refused(eddy_loop_start_tls(f->loop, s.plain, p, s.kit.client, &negative), EDDY_EINVALID,
                   "limit");
    assert_refused(eddy_loop_start_tls(f->loop, s.plain, p, s.kit.client, &reserved), EDDY_EINVALID,
                   "reserved");
    must(write_text(s.plain, "still plain"));
    peer_expect(&s.peer.raw, "still plain");
    eddy_transport_close(s.plain);
    assert_refused(
        eddy_loop_start_tls(f->loop, s.plain, p, s.kit.client,
                            &(eddy_start_tls_options){.server_hostname = "example.test"}),
        EDDY_EBADSTATE, "closing");
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-8, TLS-9: what was written before goes out before, what comes after is TLS. */
static void test_the_boundary_is_the_call(struct fixture *f)
{
    struct scene s;
    eddy_future *future;
    char text[7];

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(write_text(s.plain, "before"));
    future = scene_start(f, &s, NULL);
    assert_int_equal(eddy_socket_receive(s.peer.raw.socket, text, sizeof text), 6);
    run_iterations(f->loop, 1);
    eddy_transport_abort(scene_finish(f, &s, future));
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-9: what was read too far is the first of TLS. */
static void test_received_bytes_are_handed_over(struct fixture *f)
{
    struct scene s;
    char hello[4096];
    int size;
    eddy_transport *upper;

    scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    SSL_do_handshake(s.peer.ssl);
    size = BIO_read(s.peer.out, hello, sizeof hello);
    assert_true(size > 0);
    upper = scene_finish(
        f, &s, scene_start(f, &s, &(eddy_start_tls_options){.received = {hello, (size_t)size}}));
    must(write_text(upper, "hi"));
    tls_peer_expect(&s.peer, "hi");
    eddy_transport_abort(upper);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-12, TLS-13, TLS-22: a cancelled one ends the connection; the protocol hears of it once. */
static void cancel_after(struct fixture *f, int iterations)
{
    struct scene s;
    eddy_future *future;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    future = scene_start(f, &s, NULL);
    must_begin(f, future, EDDY_NO_SOCKET);
    run_iterations(f->loop, iterations);
    eddy_future_cancel(future, NULL);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECANCELED);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
    assert_true(eddy_transport_is_closing(s.plain));
}

static void test_cancelled_at_once(struct fixture *f)
{
    cancel_after(f, 0);
}

static void test_cancelled_in_the_handshake(struct fixture *f)
{
    cancel_after(f, 2);
}

/* TLS-13, TLS-21: the peer vanishes. */
static void test_the_peer_hangs_up(struct fixture *f)
{
    struct scene s;
    eddy_future *future;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    future = scene_start(f, &s, NULL);
    must_begin(f, future, EDDY_NO_SOCKET);
    need_whole_test(); /* the future is held */
    peer_shutdown(&s.peer.raw);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECONNRESET);
    run_until_recorded(f->loop, "lost:EDDY_ECONNRESET");
    assert_recorded("lost:EDDY_ECONNRESET");
}

/* TLS-13, TLS-21: it has done so before, and the protocol kept the connection open. */
static void test_the_peer_had_hung_up(struct fixture *f)
{
    struct scene s;
    eddy_future *future;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.results[WITNESS_EOF] = 1;
    peer_shutdown(&s.peer.raw);
    run_until_recorded(f->loop, "eof");
    future = scene_start(f, &s, NULL);
    must_begin(f, future, EDDY_NO_SOCKET);
    need_whole_test(); /* the future is held */
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECONNRESET);
    assert_non_null(strstr(eddy_error_text(), "before TLS began"));
    run_until_recorded(f->loop, "lost:EDDY_ECONNRESET");
    assert_recorded("eof", "lost:EDDY_ECONNRESET");
}

/* TLS-13, TLS-20: it says nothing. */
static void test_the_peer_is_silent(struct fixture *f)
{
    struct scene s;
    eddy_future *future;
    int error;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    future = scene_start(f, &s,
                         &(eddy_start_tls_options){.server_hostname = "example.test",
                                                   .handshake_timeout = EDDY_MILLISECONDS(20)});
    must_begin(f, future, EDDY_NO_SOCKET);
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    assert_int_equal(error, EDDY_ECONNABORTED);
    assert_non_null(strstr(eddy_error_text(), "0.02 s"));
    run_until_recorded(f->loop, "lost:EDDY_ECONNABORTED");
    assert_recorded("lost:EDDY_ECONNABORTED");
}

/* TLS-13, TLS-19: a certificate for somebody else. */
static void test_a_wrong_name(struct fixture *f)
{
    struct scene s;
    eddy_future *future;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    future = scene_start(f, &s, &(eddy_start_tls_options){.server_hostname = "other.test"});
    must_begin(f, future, EDDY_NO_SOCKET);
    tls_peer_shake(&s.peer);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ETLSVERIFY);
    run_until_recorded(f->loop, "lost:EDDY_ETLSVERIFY");
    assert_recorded("lost:EDDY_ETLSVERIFY");
}

/* TLS-10: lower is full at the call; nobody sees a resume without a pause. */
static void test_lower_is_full(struct fixture *f)
{
    struct scene s;
    eddy_future *future;
    eddy_transport *upper;
    size_t filled;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    filled = fill_transport(s.plain);
    if (s.w.counts[WITNESS_PAUSE] == 0) {
        eddy_transport_set_write_buffer_limits(s.plain, 0, 0);
        give_up_if(s.w.counts[WITNESS_PAUSE] == 0);
    }
    assert_recorded("pause");
    future = scene_start(f, &s, NULL);
    must_begin(f, future, EDDY_NO_SOCKET);
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
    peer_check_filling(&s.peer.raw, filled);
    upper = scene_finish(f, &s, future);
    assert_recorded("resume");
    eddy_transport_abort(upper);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_client_upgrades),
        TEST(test_a_server_upgrades),
        TEST(test_refusals),
        TEST(test_the_boundary_is_the_call),
        TEST(test_received_bytes_are_handed_over),
        TEST(test_cancelled_at_once),
        TEST(test_cancelled_in_the_handshake),
        TEST(test_the_peer_hangs_up),
        TEST(test_the_peer_had_hung_up),
        TEST(test_the_peer_is_silent),
        TEST(test_a_wrong_name),
        TEST(test_lower_is_full),
    };

    return run_suite("tls_start", tests);
}

/* SPDX-License-Identifier: MIT */
/* How TLS connections end otherwise: aborted, broken, by an error (TLS-30, TLS-44..TLS-51). */
#include "common/loop.h"
#include "support/support.h"
#include "support/tls_scene.h"
#include <string.h>

/** Limits that run, and other timers. */
static size_t timers(const struct fixture *f)
{
    return f->loop->timers.count;
}

/* TLS-44: no close_notify, no error. */
static void test_abort(struct fixture *f)
{
    struct tls_scene s;
    char buffer[64];

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(write_text(s.w.transport, "dropped"));
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
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_peer_send(&s.peer, "good");
    peer_send(&s.peer.raw, "GET / HTTP/1.0\r\n\r\n");
    run_until_recorded(f->loop, "lost:EDDY_ETLS");
    assert_recorded("data:good", "lost:EDDY_ETLS");
}

/* TLS-44: abort() after close() needs nobody's answer. */
static void test_abort_after_close(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_scene_fill(&s);
    eddy_transport_close(s.w.transport);
    run_iterations(f->loop, 2);
    tls_scene_abort(f, &s);
    assert_int_equal(timers(f), 0);
}

/* TLS-45: lower breaks; what was queued is gone. */
static void test_a_reset(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin_by_tcp(f, &s);
    tls_scene_fill(&s);
    peer_reset(&s.peer.raw);
    run_until_true(f->loop, s.w.counts[WITNESS_LOST] > 0);
    assert_true(s.w.error == EDDY_ECONNRESET || s.w.error == EDDY_EPIPE);
    assert_int_equal(recorded(NULL), 1);
    recorder_reset();
}

/* TLS-45, TLS-46, TLS-47: lower is aborted by others: closing from then on, and without error. */
static void test_lower_is_closing(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    assert_false(eddy_transport_is_closing(s.w.transport));
    eddy_transport_abort(tls_scene_lower(&s));
    assert_true(eddy_transport_is_closing(s.w.transport));
    assert_false(eddy_transport_is_reading(s.w.transport));
    for (int i = 0; i < 5; i++)
        must(write_text(s.w.transport, "late"));
    assert_logged(EDDY_LOG_WARNING, "closing");
    assert_nothing_recorded();
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-46: a write that fails below is known above before connection_lost() says so. */
static void test_a_failing_write_below(struct fixture *f)
{
    static const char data[100 * 1024];
    struct tls_scene s;

    if (f->sim != NULL || fixture_backend_is(f, "iocp"))
        skip(); /* their sends fail later */
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    peer_close(&s.peer.raw);
    must(eddy_transport_write(s.w.transport, data, sizeof data));
    assert_true(eddy_transport_is_closing(s.w.transport));
    assert_nothing_recorded();
    run_until_true(f->loop, s.w.counts[WITNESS_LOST] > 0);
    assert_true(s.w.error == EDDY_ECONNRESET || s.w.error == EDDY_EPIPE);
    recorder_reset();
}

/* TLS-48: a failing callback is reported, and its error is the connection's. */
static void callback_fails(struct fixture *f, enum witness_event event, const char *callback)
{
    const struct report *report;
    struct tls_scene s;
    char buffer[16];

    if (event == WITNESS_GET_BUFFER || event == WITNESS_UPDATED)
        tls_scene_begin_buffered(f, &s, TLS_PEER_IS_SERVER, buffer, sizeof buffer);
    else
        tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.results[event] = EDDY_EUSER;
    tls_peer_prepare(&s.peer, "data", 4);
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:EDDY_EUSER");
    assert_int_equal(recorded("lost:EDDY_EUSER"), 1);
    assert_int_equal(recorded("eof"), event == WITNESS_EOF);
    recorder_reset();
    report = assert_reported(callback, EDDY_EUSER);
    assert_ptr_equal(report->protocol, &s.w.protocol);
    assert_non_null(report->transport);
}

static void test_failing_callbacks(struct fixture *f)
{
    callback_fails(f, WITNESS_DATA, "data_received");
    callback_fails(f, WITNESS_EOF, "eof_received");
    callback_fails(f, WITNESS_GET_BUFFER, "get_buffer");
    callback_fails(f, WITNESS_UPDATED, "buffer_updated");
}

/* TLS-48: errors of TLS are for the debugger; a connection_lost() that fails is reported. */
static void test_errors_of_tls_are_logged(struct fixture *f)
{
    struct tls_scene s;

    eddy_loop_set_debug(f->loop, true);
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.results[WITNESS_LOST] = EDDY_EUSER;
    peer_send(&s.peer.raw, "GET / HTTP/1.0\r\n\r\n");
    run_until_recorded(f->loop, "lost:EDDY_ETLS");
    assert_logged(EDDY_LOG_DEBUG, eddy_error_text());
    assert_recorded("lost:EDDY_ETLS");
    assert_reported("connection_lost", EDDY_EUSER);
    assert_int_equal(reported(), 1);
}

/* TLS-51: what a connection took is given back when it has ended, not later. */
static void test_everything_is_released(struct fixture *f)
{
    struct tls_scene s;
    size_t before = 0, reserved = f->loop->timers.reserved;

    tls_kit_init(f, &s.kit);
    for (int round = 0; round < 3; round++) {
        before = allocations_live();
        witness_init(&s.w, NULL);
        connect_tls_peer(f, &s.kit, &s.w, TLS_PEER_IS_SERVER, &s.peer);
        eddy_transport_close(s.w.transport);
        tls_peer_expect_close_notify(&s.peer);
        tls_peer_close_notify(&s.peer);
        run_until_recorded(f->loop, "lost:0");
        run_iterations(f->loop, 2);
        peer_close(&s.peer.raw);
        assert_recorded("made", "lost:0");
    }
    if (!s.w.held)
        assert_int_equal(allocations_live(), before);
    assert_int_equal(timers(f), 0);
    assert_int_equal(f->loop->timers.reserved, reserved);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_abort),
        TEST(test_garbage),
        TEST(test_abort_after_close),
        TEST(test_a_reset),
        TEST(test_lower_is_closing),
        TEST(test_a_failing_write_below),
        TEST(test_failing_callbacks),
        TEST(test_errors_of_tls_are_logged),
        TEST(test_everything_is_released),
    };

    return run_suite("tls_lost", tests);
}

/* SPDX-License-Identifier: MIT */
/* How TLS connections close (TLS-35..TLS-43, TLS-47). */
#include "common/loop.h"
#include "support/support.h"
#include "support/tls_scene.h"
#include <string.h>

/** Limits that run, and other timers. */
static size_t timers(const struct fixture *f)
{
    return f->loop->timers.count;
}

/* close(). */

/* TLS-35: close_notify goes out, that of the peer is awaited, then lower closes. */
static void test_close_exchanges_close_notify(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
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
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    tls_peer_prepare(&s.peer, "last", 4);
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:last", "eof", "lost:0");
    tls_peer_expect_close_notify(&s.peer);
}

/* TLS-41: the end of the stream without close_notify is an end like any other. */
static void test_ragged_end(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_peer_send(&s.peer, "last");
    peer_shutdown(&s.peer.raw);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:last", "eof", "lost:0");
}

/* TLS-40, TLS-41: a peer that closes its socket at once does not take our close_notify any more. */
static void leave_at_once(struct fixture *f, bool says_so)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_peer_send(&s.peer, "last");
    if (says_so)
        tls_peer_close_notify(&s.peer);
    peer_close(&s.peer.raw);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:last", "eof", "lost:0");
}

static void test_a_peer_leaves_at_once(struct fixture *f)
{
    leave_at_once(f, true);
}

static void test_a_peer_leaves_without_a_word(struct fixture *f)
{
    leave_at_once(f, false);
}

/* TLS-42: nothing is lost when the stream ends while reading is paused; no limit runs. */
static void test_end_while_paused(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_pause_reading(s.w.transport));
    tls_peer_send(&s.peer, "late");
    peer_shutdown(&s.peer.raw);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    run_iterations(f->loop, 3);
    give_up_if(witness_is_gone(&s.w));
    assert_nothing_recorded();
    assert_true(eddy_transport_is_closing(s.w.transport));
    must(eddy_transport_resume_reading(s.w.transport));
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:late", "eof", "lost:0");
}

/* TLS-42: close() in this phase drops the rest. */
static void test_close_while_paused_at_the_end(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_pause_reading(s.w.transport));
    tls_peer_send(&s.peer, "late");
    peer_send(&s.peer.raw, "HTTP/1.0 400 Bad Request\r\n\r\n");
    peer_shutdown(&s.peer.raw);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    run_iterations(f->loop, 3);
    give_up_if(witness_is_gone(&s.w));
    eddy_transport_close(s.w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-35, TLS-39: the limit runs from close() on, and is gone with the end. */
static void test_the_limit_is_cancelled(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    assert_int_equal(timers(f), 0);
    eddy_transport_close(s.w.transport);
    assert_int_equal(timers(f), 1);
    tls_peer_expect_close_notify(&s.peer);
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_int_equal(timers(f), 0);
    assert_recorded("lost:0");
}

/* TLS-39: a peer that does not answer. */
static void test_the_peer_does_not_answer(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin_by_tcp(f, &s);
    eddy_transport_close(s.w.transport);
    tls_peer_expect_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:EDDY_ETIMEDOUT");
    assert_non_null(strstr(eddy_error_text(), "0.02 s"));
    assert_recorded("lost:EDDY_ETIMEDOUT");
    assert_int_equal(timers(f), 0);
    assert_int_equal(reported(), 0);
}

/* TLS-39: nor does it take what is sent. */
static void test_the_peer_does_not_read(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin_by_tcp(f, &s);
    tls_scene_fill(&s);
    eddy_transport_close(s.w.transport);
    run_until_recorded(f->loop, "lost:EDDY_ETIMEDOUT");
    assert_recorded("lost:EDDY_ETIMEDOUT");
    assert_int_equal(timers(f), 0);
}

/* TLS-37: all of it and close_notify come before lower closes, however full that is. */
static void test_closing_over_a_full_lower(struct fixture *f)
{
    static const char data[1024 * 1024];
    struct tls_scene s;
    size_t filled;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    filled = tls_scene_fill(&s);
    for (int i = 0; i < 4; i++)
        must(eddy_transport_write(s.w.transport, data, sizeof data));
    assert_recorded("pause");
    eddy_transport_close(s.w.transport);
    tls_peer_close_notify(&s.peer);
    tls_scene_settle(f, &s);
    assert_false(eddy_transport_is_closing(tls_scene_lower(&s)));
    assert_nothing_recorded();
    tls_scene_check_filling(&s, filled);
    assert_int_equal(tls_peer_drain(&s.peer, 4 * sizeof data), 4 * sizeof data);
    tls_peer_expect_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("resume", "lost:0");
}

/* TLS-37: only close_notify is missing when lower is full: it is waited for, too. */
static void test_close_notify_waits_for_room(struct fixture *f)
{
    static const char data[1000];
    struct tls_scene s;
    size_t written = 0;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    for (; eddy_transport_get_write_buffer_size(tls_scene_lower(&s)) <= 64 * 1024;
         written += sizeof data) {
        must(eddy_transport_write(s.w.transport, data, sizeof data));
        give_up_if(witness_is_gone(&s.w) || eddy_transport_is_closing(s.w.transport));
    }
    assert_int_equal(eddy_transport_get_write_buffer_size(s.w.transport), 0);
    eddy_transport_close(s.w.transport);
    tls_peer_close_notify(&s.peer);
    tls_scene_settle(f, &s);
    assert_false(eddy_transport_is_closing(tls_scene_lower(&s)));
    assert_nothing_recorded();
    assert_int_equal(tls_peer_drain(&s.peer, written), written);
    tls_peer_expect_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-38: data that comes after close() is discarded, also where reading was paused. */
static void test_data_after_close(struct fixture *f)
{
    static const char data[10000];
    struct tls_scene s;
    eddy_time end = 0;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_set_read_buffer_limits(s.w.transport, 100, 10));
    must(eddy_transport_pause_reading(s.w.transport));
    tls_peer_send_bytes(&s.peer, data, sizeof data);
    tls_scene_settle(f, &s);
    eddy_transport_close(s.w.transport);
    for (int i = 0; i < 20; i++)
        tls_peer_prepare(&s.peer, data, sizeof data);
    SSL_shutdown(s.peer.ssl);
    while (BIO_ctrl_pending(s.peer.out) > 0 && run_a_little(f->loop, &end))
        tls_peer_pump(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

static int close_at_data(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATA || event == WITNESS_EOF)
        eddy_transport_close(w->transport);
    return 0;
}

/* TLS-38: close() from inside data_received(): not even the EOF behind it is told. */
static void test_closing_in_data_received(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.script = close_at_data;
    tls_peer_prepare(&s.peer, "last", 4);
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:last", "lost:0");
    tls_peer_expect_close_notify(&s.peer);
}

/* TLS-43: the end of the stream while output is on its way: that goes out first. */
static void test_end_while_flushing(struct fixture *f)
{
    struct tls_scene s;
    size_t filled;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    filled = tls_scene_fill(&s);
    eddy_transport_close(s.w.transport);
    peer_shutdown(&s.peer.raw);
    tls_scene_settle(f, &s);
    assert_nothing_recorded();
    tls_scene_check_filling(&s, filled);
    tls_peer_expect_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-43: in place of the peer's close_notify. */
static void test_end_while_shutting_down(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    eddy_transport_close(s.w.transport);
    tls_peer_expect_close_notify(&s.peer);
    peer_shutdown(&s.peer.raw);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
    assert_int_equal(timers(f), 0);
}

/* TLS-47: writes after close() are dropped, and complained about from the fifth on. */
static void test_writing_after_close(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    assert_false(eddy_transport_can_write_eof(s.w.transport));
    assert_int_equal(eddy_transport_write_eof(s.w.transport), EDDY_ENOTSUPPORTED);
    must(write_text(s.w.transport, "bye"));
    eddy_transport_close(s.w.transport);
    for (int i = 0; i < 4; i++)
        must(write_text(s.w.transport, "late"));
    assert_int_equal(logged(EDDY_LOG_WARNING, "closing"), 0);
    must(write_text(s.w.transport, "late"));
    assert_logged(EDDY_LOG_WARNING, "closing");
    assert_int_equal(eddy_transport_get_write_buffer_size(s.w.transport), 0);
    tls_peer_expect(&s.peer, "bye");
    tls_peer_expect_close_notify(&s.peer);
    tls_scene_abort(f, &s);
}

/* The peer's end. */

/** Queues 4 MiB and more, then has the peer end its side by `end`: all arrives. */
static void end_before_much_was_read(struct fixture *f, void (*end)(struct tls_peer *peer))
{
    static const char data[1024 * 1024];
    struct tls_scene s;
    size_t filled;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    filled = tls_scene_fill(&s); /* some systems take more than the rest */
    for (int i = 0; i < 4; i++)
        must(eddy_transport_write(s.w.transport, data, sizeof data));
    end(&s.peer);
    tls_scene_check_filling(&s, filled);
    assert_int_equal(tls_peer_drain(&s.peer, 4 * sizeof data), 4 * sizeof data);
    tls_peer_expect_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("pause", "eof", "resume", "lost:0");
}

static void end_stream(struct tls_peer *peer)
{
    peer_shutdown(&peer->raw);
}

/* TLS-40: close_notify while much is queued. */
static void test_peer_closes_and_still_reads(struct fixture *f)
{
    end_before_much_was_read(f, tls_peer_close_notify);
}

/* TLS-41: the same with a bare end. */
static void test_ragged_end_and_still_reads(struct fixture *f)
{
    end_before_much_was_read(f, end_stream);
}

static int answer_at_eof(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_EOF)
        must(write_text(w->transport, "answer"));
    return event == WITNESS_EOF;
}

/* TLS-40: what eof_received() writes is sent; that it wants to go on is complained about. */
static void test_answering_the_end(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    s.w.script = answer_at_eof;
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("eof", "lost:0");
    assert_logged(EDDY_LOG_WARNING, "half-closed");
    tls_peer_expect(&s.peer, "answer");
    tls_peer_expect_close_notify(&s.peer);
}

/* TLS-41: truncation is for the debugger. */
static void test_ragged_end_is_logged(struct fixture *f)
{
    struct tls_scene s;

    eddy_loop_set_debug(f->loop, true);
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    peer_shutdown(&s.peer.raw);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("eof", "lost:0");
    assert_logged(EDDY_LOG_DEBUG, "without close_notify");
}

/* TLS-42: pausing from inside, close_notify and FIN behind; a write is dropped; no limit runs. */
static void test_pausing_before_the_end(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_pause_reading(s.w.transport));
    tls_peer_prepare(&s.peer, "late", 4);
    tls_peer_close_notify(&s.peer);
    peer_shutdown(&s.peer.raw);
    tls_scene_settle(f, &s);
    assert_nothing_recorded();
    assert_int_equal(timers(f), 0);
    must(write_text(s.w.transport, "dropped"));
    must(eddy_transport_resume_reading(s.w.transport));
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:late", "eof", "lost:0");
    assert_int_equal(timers(f), 0);
    tls_peer_expect_close_notify(&s.peer);
}

/* TLS-42: paused while the rest is delivered: it goes on waiting. */
static int pause_at_data(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_UPDATED)
        must(eddy_transport_pause_reading(w->transport));
    return 0;
}

static void test_the_rest_piece_by_piece(struct fixture *f)
{
    struct tls_scene s;
    char buffer[2];

    tls_scene_begin_buffered(f, &s, TLS_PEER_IS_SERVER, buffer, sizeof buffer);
    s.w.script = pause_at_data;
    tls_peer_prepare(&s.peer, "late", 4);
    tls_peer_close_notify(&s.peer);
    peer_shutdown(&s.peer.raw);
    run_until_recorded(f->loop, "updated:2");
    for (int i = 0; i < 2; i++) {
        tls_scene_settle(f, &s);
        assert_recorded("updated:2");
        must(eddy_transport_resume_reading(s.w.transport));
        run_iterations(f->loop, 1);
    }
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("eof", "lost:0");
    assert_string_equal(s.w.text, "late");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_close_exchanges_close_notify),
        TEST(test_peer_closes),
        TEST(test_ragged_end),
        TEST(test_a_peer_leaves_at_once),
        TEST(test_a_peer_leaves_without_a_word),
        TEST(test_end_while_paused),
        TEST(test_close_while_paused_at_the_end),
        TEST(test_the_limit_is_cancelled),
        TEST(test_the_peer_does_not_answer),
        TEST(test_the_peer_does_not_read),
        TEST(test_closing_over_a_full_lower),
        TEST(test_close_notify_waits_for_room),
        TEST(test_data_after_close),
        TEST(test_closing_in_data_received),
        TEST(test_end_while_flushing),
        TEST(test_end_while_shutting_down),
        TEST(test_writing_after_close),
        TEST(test_peer_closes_and_still_reads),
        TEST(test_ragged_end_and_still_reads),
        TEST(test_answering_the_end),
        TEST(test_ragged_end_is_logged),
        TEST(test_pausing_before_the_end),
        TEST(test_the_rest_piece_by_piece),
    };

    return run_suite("tls_close", tests);
}

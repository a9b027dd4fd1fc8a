/* SPDX-License-Identifier: MIT */
/* Reading and the end of the stream: TR-13..TR-16, TR-18..TR-22. Errors: test_stream_error.c. */
#include "support/support.h"
#include <string.h>

static int pause_when_made(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_MADE) {
        assert_int_equal(eddy_transport_pause_reading(w->transport), 0);
        assert_false(eddy_transport_is_reading(w->transport));
    }
    return 0;
}

/* TR-13, TR-14: paused in connection_made(): nothing comes until resume. */
static void test_pause_in_connection_made(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = pause_when_made;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "patience");
    run_iterations(f->loop, 10);
    assert_recorded("made");
    assert_false(eddy_transport_is_reading(w.transport));
    assert_int_equal(eddy_transport_resume_reading(w.transport), 0);
    assert_true(eddy_transport_is_reading(w.transport));
    assert_nothing_recorded(); /* TR-15: never synchronously */
    run_until_recorded(f->loop, "data:patience");
    assert_recorded("data:patience");
}

static int pause_on_data(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATA)
        eddy_transport_pause_reading(w->transport);
    return 0;
}

/* TR-14, TR-15: paused in the midst of a stream; then all of it, in order, once. */
static void test_pause_in_data_received_holds_everything_back(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = pause_on_data;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "1");
    run_until_recorded(f->loop, "data:1");
    peer_send(&peer, "2");
    run_iterations(f->loop, 3);
    peer_send(&peer, "3");
    run_iterations(f->loop, 10);
    assert_recorded("made", "data:1");
    w.script = NULL;
    eddy_transport_resume_reading(w.transport);
    run_until_recorded(f->loop, "data:23");
    assert_string_equal(w.text, "123");
    assert_recorded("data:23");
}

static int pause_and_resume_on_data(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATA) {
        eddy_transport_pause_reading(w->transport);
        eddy_transport_resume_reading(w->transport);
        record("switched");
    }
    return 0;
}

/* TR-15: pause and resume in one callback lose and repeat nothing, and do not nest. */
static void test_pause_and_resume_in_one_callback(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = pause_and_resume_on_data;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "1");
    run_until_recorded(f->loop, "data:1");
    peer_send(&peer, "2");
    run_until_recorded(f->loop, "data:2");
    assert_recorded("made", "data:1", "switched", "data:2", "switched");
}

/* TR-14, TR-15: resume and pause again before the loop runs: still nothing. */
static void test_resume_and_pause_again_delivers_nothing(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = pause_when_made;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "x");
    run_iterations(f->loop, 3);
    eddy_transport_resume_reading(w.transport);
    eddy_transport_pause_reading(w.transport);
    run_iterations(f->loop, 5);
    assert_recorded("made");
    eddy_transport_resume_reading(w.transport);
    run_until_recorded(f->loop, "data:x");
    assert_recorded("data:x");
}

/* TR-14: idempotent; no-ops when closing. */
static void test_pause_and_resume_are_idempotent(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_int_equal(eddy_transport_resume_reading(w.transport), 0);
    assert_int_equal(eddy_transport_pause_reading(w.transport), 0);
    assert_int_equal(eddy_transport_pause_reading(w.transport), 0);
    assert_false(eddy_transport_is_reading(w.transport));
    assert_int_equal(eddy_transport_resume_reading(w.transport), 0);
    assert_int_equal(eddy_transport_resume_reading(w.transport), 0);
    assert_true(eddy_transport_is_reading(w.transport));
    peer_send(&peer, "x");
    eddy_transport_close(w.transport);
    assert_int_equal(eddy_transport_pause_reading(w.transport), 0);
    assert_int_equal(eddy_transport_resume_reading(w.transport), 0);
    assert_false(eddy_transport_is_reading(w.transport));
    run_iterations(f->loop, 3);
    assert_recorded("made", "lost:0");
}

/* TR-15, TR-14: EOF is kept back likewise, behind the data. */
static void test_pause_holds_the_end_of_the_stream_back(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = pause_when_made;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "last");
    peer_shutdown(&peer);
    run_iterations(f->loop, 10);
    assert_recorded("made");
    eddy_transport_resume_reading(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:last", "eof", "lost:0");
}

static int count_reads(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATA) {
        size_t *last = w->arg;

        assert_true(w->received - *last <= (size_t)256 * 1024);
        *last = w->received;
    }
    return 0;
}

/* TR-16: at most 256 KiB a read, at least one byte, everything in order. */
static void test_one_read_is_at_most_256_kib(struct fixture *f)
{
    static char data[8192];
    size_t last = 0, sent = 0;
    struct witness w;
    struct peer peer;
    int64_t now;

    witness_init(&w, NULL);
    w.quiet = true;
    w.script = count_reads;
    w.arg = &last;
    connect_peer(f, &w, &peer);
    while (sent < (size_t)1024 * 1024) {
        now = eddy_socket_send(peer.socket, data, sizeof data);
        sent += now > 0 ? (size_t)now : 0;
        if (now == EDDY_EAGAIN)
            run_for(f->loop, 0);
        else
            assert_true(now > 0);
    }
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "lost:0");
    assert_int_equal(w.received, sent);
    assert_true(w.counts[WITNESS_DATA] >= 4);
}

/* TR-16: readiness with nothing to read calls nobody. */
static void test_spurious_readiness_is_nothing(struct fixture *f)
{
    eddy_socket copy = EDDY_NO_SOCKET;
    eddy_value value;
    char byte;
    struct witness w;
    struct peer peer;
    int error;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_true(eddy_transport_get_extra_info(w.transport, "socket", &value));
    error = eddy_socket_view_dup(value.socket_view, &copy);
    if (error == EDDY_ENOTSUPPORTED || error == EDDY_EOPNOTSUPP)
        skip();
    must(error);
    fixture_keep_socket(f, copy);
    peer_send(&peer, "x");
    eddy_socket_receive(copy, &byte, 1); /* steals what the loop is told of */
    run_iterations(f->loop, 3);
    assert_recorded("made");
    peer_send(&peer, "y");
    run_until_recorded(f->loop, "data:y");
    assert_recorded("data:y");
}

/* TR-18, TR-21: answered with 0, the default: it closes itself, and what is queued is sent. */
static void test_eof_answered_with_0_closes_after_the_output(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "eof");
    assert_true(eddy_transport_is_closing(w.transport));
    peer_check_filling(&peer, written);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "eof", "lost:0");
    peer_expect_eof(&peer);
}

/* TR-19, TR-18: answered with 1: open for writing; one EOF is all, whatever is resumed. */
static void test_eof_answered_with_1_keeps_writing_open(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.results[WITNESS_EOF] = 1;
    connect_peer(f, &w, &peer);
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "eof");
    assert_false(eddy_transport_is_closing(w.transport));
    assert_int_equal(eddy_transport_pause_reading(w.transport), 0);
    assert_int_equal(eddy_transport_resume_reading(w.transport), 0);
    run_iterations(f->loop, 5);
    assert_recorded("made", "eof");
    must(write_text(w.transport, "answer"));
    peer_expect(&peer, "answer");
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
    peer_expect_eof(&peer);
}

static int answer_on_eof(struct witness *w, enum witness_event event)
{
    return event == WITNESS_EOF ? write_text(w->transport, "goodbye") : 0;
}

/* TR-21: what is written in eof_received() is sent, section 8. */
static void test_write_in_eof_received_is_sent(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = answer_on_eof;
    connect_peer(f, &w, &peer);
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "lost:0");
    peer_expect(&peer, "goodbye");
    assert_recorded("made", "eof", "lost:0");
}

/* TR-20: write_eof() after what is queued; reading goes on; later writes are refused. */
static void test_write_eof_shuts_down_after_the_output(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    assert_int_equal(eddy_transport_write(w.transport, "x", 1), EDDY_EBADSTATE);
    run_iterations(f->loop, 3);
    peer_check_filling(&peer, written);
    peer_expect_eof(&peer);
    peer_send(&peer, "still here");
    run_until_recorded(f->loop, "data:still here");
    assert_false(eddy_transport_is_closing(w.transport));
    assert_recorded("made", "data:still here");
}

/* TR-20: with nothing queued at once; after close() nothing. */
static void test_write_eof_with_nothing_queued(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    peer_expect_eof(&peer);
    assert_false(eddy_transport_is_closing(w.transport));
    eddy_transport_close(w.transport);
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    assert_int_equal(eddy_transport_write(w.transport, "x", 1), 0);
    run_iterations(f->loop, 2);
    assert_recorded("made", "lost:0");
}

/* TR-20, TR-4: close() while write_eof() waits for the output: all is sent, one end. */
static void test_close_after_write_eof_with_output(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    eddy_transport_close(w.transport);
    peer_check_filling(&peer, written);
    run_until_recorded(f->loop, "lost:0");
    peer_expect_eof(&peer);
    assert_recorded("made", "lost:0");
}

/* TR-22: both sides have sent EOF, and yet it is open until someone closes it. */
static void test_both_ends_of_stream_leave_it_open(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.results[WITNESS_EOF] = 1;
    connect_peer(f, &w, &peer);
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "eof");
    peer_expect_eof(&peer);
    run_iterations(f->loop, 5);
    assert_false(eddy_transport_is_closing(w.transport));
    assert_recorded("made", "eof");
    eddy_transport_close(w.transport);
    run_iterations(f->loop, 2);
    assert_recorded("lost:0");
}

static int pause_resume_and_close(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATA) {
        eddy_transport_pause_reading(w->transport);
        eddy_transport_close(w->transport);
        eddy_transport_resume_reading(w->transport);
    }
    return 0;
}

/* TR-3, TR-14: nothing resumes what is closing. */
static void test_resume_after_close_reads_nothing(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = pause_resume_and_close;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "x");
    run_until_recorded(f->loop, "data:x");
    peer_send(&peer, "y");
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "data:x", "lost:0");
}

/* LOOP-33: debug mode logs pausing, resuming and the end of the stream. */
static void test_debug_logs_what_happens_to_reading(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy_loop_set_debug(f->loop, true);
    eddy_transport_pause_reading(w.transport);
    assert_logged(EDDY_LOG_DEBUG, "pauses reading");
    eddy_transport_resume_reading(w.transport);
    assert_logged(EDDY_LOG_DEBUG, "resumes reading");
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "lost:0");
    assert_logged(EDDY_LOG_DEBUG, "end of the stream");
    assert_recorded("made", "eof", "lost:0");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_pause_in_connection_made),
        TEST(test_pause_in_data_received_holds_everything_back),
        TEST(test_pause_and_resume_in_one_callback),
        TEST(test_resume_and_pause_again_delivers_nothing),
        TEST(test_pause_and_resume_are_idempotent),
        TEST(test_pause_holds_the_end_of_the_stream_back),
        TEST(test_one_read_is_at_most_256_kib),
        TEST(test_spurious_readiness_is_nothing),
        TEST(test_eof_answered_with_0_closes_after_the_output),
        TEST(test_eof_answered_with_1_keeps_writing_open),
        TEST(test_write_in_eof_received_is_sent),
        TEST(test_write_eof_shuts_down_after_the_output),
        TEST(test_write_eof_with_nothing_queued),
        TEST(test_close_after_write_eof_with_output),
        TEST(test_both_ends_of_stream_leave_it_open),
        TEST(test_resume_after_close_reads_nothing),
        TEST(test_debug_logs_what_happens_to_reading),
    };

    return run_suite("stream_read", tests);
}

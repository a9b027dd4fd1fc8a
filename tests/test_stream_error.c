/* SPDX-License-Identifier: MIT */
/* What ends a stream by an error: TR-17, TR-25, TR-26, TR-42, TR-51, ERR-5, ERR-6. */
#include "common/error.h"
#include "common/loop.h"
#include "support/support.h"
#include <string.h>

/* TR-17, TR-42, TR-51, ERR-6: a reset is an error, no EOF; not reported, but logged in debug. */
static void test_reset_while_reading_is_the_error_of_connection_lost(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_tcp_peer(f, &w, &peer);
    eddy_loop_set_debug(f->loop, true);
    peer_reset(&peer);
    run_until_recorded(f->loop, "lost:EDDY_ECONNRESET");
    assert_recorded("made", "lost:EDDY_ECONNRESET");
    assert_int_equal(reported(), 0);
    assert_logged(EDDY_LOG_DEBUG, "reset");
}

static int keep_words(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_LOST) {
        assert_non_null(strstr(eddy_error_text(), "127.0.0.1"));
        assert_non_null(strstr(eddy_error_text(), "reset"));
        record("words");
    }
    (void)w;
    return 0;
}

/* Something else fails in each iteration, up to the end of the connection. */
static int on_call_fail_otherwise(void *witness)
{
    struct witness *w = witness;

    eddy_error(EDDY_EUSER - 9, "something else");
    return w->transport != NULL
               ? eddy_loop_call_later(eddy_get_running_loop(), 1, on_call_fail_otherwise, w, NULL)
               : 0;
}

/* TR-42: the text is in place when connection_lost() is called, whatever failed meanwhile. */
static void test_connection_lost_finds_the_words_of_its_error(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = keep_words;
    connect_tcp_peer(f, &w, &peer);
    /* A timer, since timers come behind the events of their iteration. */
    must(eddy_loop_call_later(f->loop, 0, on_call_fail_otherwise, &w, NULL));
    peer_reset(&peer);
    run_until_recorded(f->loop, "words");
    assert_recorded("made", "lost:EDDY_ECONNRESET", "words");
}

/* Which error it is may depend on who notices first: the receiving or the sending side. */
static void run_until_lost(struct witness *w)
{
    eddy_loop *loop = eddy_transport_get_loop(w->transport);
    int turn;

    for (turn = 0; turn < 1000 && w->counts[WITNESS_LOST] == 0; turn++)
        run_for(loop, EDDY_MILLISECONDS(1));
    assert_int_equal(w->counts[WITNESS_LOST], 1);
}

/* TR-17: queued output is dropped; nothing resumes. */
static void test_reset_drops_the_output(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_tcp_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    fill_transport(w.transport);
    peer_reset(&peer);
    run_until_lost(&w);
    assert_int_equal(recorded("made"), 1);
    assert_int_equal(recorded("pause"), 1);
    assert_int_equal(recorded(NULL), 3);
    assert_true(w.error == EDDY_ECONNRESET || w.error == EDDY_EPIPE);
}

/* The seam's send, failing: at once, or after a few bytes. */
static int64_t send_fails(struct eddy__channel *channel, const struct eddy__span *spans,
                          size_t count)
{
    (void)channel;
    (void)spans;
    (void)count;
    return EDDY_EPIPE;
}

/* TR-25, ERR-6: an error at once: write() itself says nothing, connection_lost() follows. */
static void test_write_error_at_once_ends_the_connection_later(struct fixture *f)
{
    struct spy *spy;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy_loop_set_debug(f->loop, true);
    spy = spy_begin(f->loop);
    spy->backend.send_now = send_fails;
    assert_int_equal(eddy_transport_write(w.transport, "x", 1), 0);
    spy_end();
    assert_true(eddy_transport_is_closing(w.transport));
    assert_recorded("made");
    run_iterations(f->loop, 1);
    assert_recorded("lost:EDDY_EPIPE");
    assert_int_equal(reported(), 0);
    assert_logged(EDDY_LOG_DEBUG, "broken pipe");
}

static void release_and_record(void *text)
{
    record("%s", (const char *)text);
}

/* TR-25: the same for the other verbs of writing; what was handed over is released. */
static void test_write_error_at_once_releases_owned_data(struct fixture *f)
{
    struct spy *spy;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    spy = spy_begin(f->loop);
    spy->backend.send_now = send_fails;
    assert_int_equal(
        eddy_transport_write_owned(w.transport, "x", 1, release_and_record, "released"), 0);
    spy_end();
    assert_recorded("made", "released");
    run_iterations(f->loop, 1);
    assert_recorded("lost:EDDY_EPIPE");
}

/* TR-25: an error that is found while what was queued is sent. */
static void test_write_error_later_ends_the_connection(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.results[WITNESS_EOF] = 1;
    connect_tcp_peer(f, &w, &peer);
    fill_transport(w.transport);
    eddy_transport_pause_reading(w.transport); /* so that only the sending side can notice */
    peer_reset(&peer);
    run_until_lost(&w);
    assert_int_equal(w.counts[WITNESS_LOST], 1);
    assert_true(w.error == EDDY_ECONNRESET || w.error == EDDY_EPIPE);
    assert_int_equal(recorded(NULL), 2);
    assert_int_equal(reported(), 0);
}

static int64_t send_takes_two(struct eddy__channel *channel, const struct eddy__span *spans,
                              size_t count)
{
    (void)channel;
    (void)count;
    assert_true(spans[0].size > 2);
    return 2;
}

static int64_t send_takes_none(struct eddy__channel *channel, const struct eddy__span *spans,
                               size_t count)
{
    (void)channel;
    (void)spans;
    (void)count;
    return 0;
}

typedef int64_t (*send_function)(struct eddy__channel *channel, const struct eddy__span *spans,
                                 size_t count);

/* Write "hello" with `send_now` for the seam's send, and no memory to keep anything; the result. */
static int write_without_memory(struct fixture *f, struct witness *w, send_function send_now)
{
    struct spy *spy = spy_begin(f->loop);
    int result;

    spy->backend.send_now = send_now;
    allocations_fail(1);
    result = eddy_transport_write(w->transport, "hello", 5);
    allocations_fail(0);
    spy_end();
    return result;
}

/* TR-25, ERR-5: part was sent and there is no memory for the rest: a write error, not the system's
 * but ours, and so reported. */
static void test_no_memory_for_the_rest_ends_the_connection(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_int_equal(write_without_memory(f, &w, send_takes_two), 0);
    assert_true(eddy_transport_is_closing(w.transport));
    assert_ptr_equal(assert_reported("no memory", EDDY_ENOMEM)->transport, w.transport);
    run_iterations(f->loop, 1);
    assert_recorded("made", "lost:EDDY_ENOMEM");
}

/* TR-25, TR-23: no byte was taken: write() says so, nothing else happens. */
static void test_no_memory_and_no_byte_taken_is_only_said(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_int_equal(write_without_memory(f, &w, send_takes_none), EDDY_ENOMEM);
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    must(write_text(w.transport, "again"));
    peer_expect(&peer, "again");
    assert_recorded("made");
}

/* TR-26, ERR-5: data_received() and eof_received(): reported, and the connection ends with it. */
static void test_failing_data_received_ends_the_connection(struct fixture *f)
{
    const struct report *report;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.results[WITNESS_DATA] = EDDY_EUSER - 1;
    connect_peer(f, &w, &peer);
    fill_transport(w.transport);
    peer_send(&peer, "poison");
    run_until_recorded(f->loop, "lost:EDDY_E?");
    assert_int_equal(w.error, EDDY_EUSER - 1);
    report = assert_reported("data_received", EDDY_EUSER - 1);
    assert_ptr_equal(report->protocol, &w.protocol);
    assert_non_null(report->transport);
    assert_recorded("made", "data:poison", "lost:EDDY_E?");
}

/* TR-26 */
static void test_failing_eof_received_ends_the_connection(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.results[WITNESS_EOF] = EDDY_EUSER - 2;
    connect_peer(f, &w, &peer);
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "lost:EDDY_E?");
    assert_int_equal(w.error, EDDY_EUSER - 2);
    assert_ptr_equal(assert_reported("eof_received", EDDY_EUSER - 2)->protocol, &w.protocol);
    assert_recorded("made", "eof", "lost:EDDY_E?");
}

static int close_and_fail(struct witness *w, enum witness_event event)
{
    if (event != WITNESS_DATA)
        return 0;
    eddy_transport_close(w->transport);
    return EDDY_EUSER - 4;
}

/* TR-17, TR-6: what fails after the end was decided is reported, but decides nothing. */
static void test_failure_after_close_does_not_change_the_outcome(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = close_and_fail;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "x");
    run_until_recorded(f->loop, "lost:0");
    assert_reported("data_received", EDDY_EUSER - 4);
    assert_recorded("made", "data:x", "lost:0");
}

/* TR-17: errors met while closing, with nothing to send, are ignored. */
static void test_reset_while_closing_is_ignored(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_tcp_peer(f, &w, &peer);
    eddy_transport_close(w.transport);
    peer_reset(&peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

/* ERR-1, ERR-5: one failing connection does not disturb another. */
static void test_failing_connection_leaves_others_alone(struct fixture *f)
{
    struct witness good, bad;
    struct peer good_peer, bad_peer;

    witness_init(&good, "good");
    witness_init(&bad, "bad");
    bad.results[WITNESS_DATA] = EDDY_EUSER - 5;
    connect_peer(f, &good, &good_peer);
    connect_peer(f, &bad, &bad_peer);
    peer_send(&bad_peer, "x");
    run_until_recorded(f->loop, "bad.lost:EDDY_E?");
    peer_send(&good_peer, "y");
    run_until_recorded(f->loop, "good.data:y");
    assert_reported("data_received", EDDY_EUSER - 5);
    assert_recorded("good.made", "bad.made", "bad.data:x", "bad.lost:EDDY_E?", "good.data:y");
}

static int lose_peer(void *arg, eddy_value *result)
{
    eddy_address peer = {0};

    (void)arg, (void)result;
    eddy__error_of_peer(EDDY_ECONNRESET, &peer);
    return 0;
}

static int tell_error(void *arg, eddy_value *result)
{
    (void)arg, (void)result;
    record("%s", eddy_error_text());
    return 0;
}

/* A task has no words before its first failure, on a stack whose last user has lost its peer. */
static void test_a_task_begins_without_an_error_text(struct fixture *f)
{
    eddy_future *before = eddy_loop_create_task(f->loop, lose_peer, NULL, NULL);
    eddy_future *task;

    run_iterations(f->loop, 1);
    task = eddy_loop_create_task(f->loop, tell_error, NULL, NULL);
    run_iterations(f->loop, 1);
    assert_recorded(eddy_strerror(0));
    eddy_future_unref(before);
    eddy_future_unref(task);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_reset_while_reading_is_the_error_of_connection_lost),
        TEST(test_connection_lost_finds_the_words_of_its_error),
        TEST(test_reset_drops_the_output),
        TEST(test_write_error_at_once_ends_the_connection_later),
        TEST(test_write_error_at_once_releases_owned_data),
        TEST(test_write_error_later_ends_the_connection),
        TEST(test_no_memory_for_the_rest_ends_the_connection),
        TEST(test_no_memory_and_no_byte_taken_is_only_said),
        TEST(test_failing_data_received_ends_the_connection),
        TEST(test_failing_eof_received_ends_the_connection),
        TEST(test_failure_after_close_does_not_change_the_outcome),
        TEST(test_reset_while_closing_is_ignored),
        TEST(test_failing_connection_leaves_others_alone),
        TEST(test_a_task_begins_without_an_error_text),
    };

    return run_suite("stream_error", tests);
}

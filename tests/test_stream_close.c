/* SPDX-License-Identifier: MIT */
/* Closing and aborting a stream: TR-3..TR-7, TR-42, TR-49, TR-50. */
#include "support/support.h"

/* TR-4, TR-3: with nothing queued, in the next iteration, never inside close(). */
static void test_close_loses_the_connection_in_the_next_iteration(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy_transport_close(w.transport);
    assert_true(eddy_transport_is_closing(w.transport));
    assert_false(eddy_transport_is_reading(w.transport));
    assert_recorded("made");
    run_iterations(f->loop, 1);
    assert_recorded("lost:0");
    peer_expect_eof(&peer);
}

/* TR-4: close() twice, TR-5: abort() twice, and in any mixture: one connection_lost() (TR-6). */
static void test_close_and_abort_any_number_of_times(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy_transport_close(w.transport);
    eddy_transport_close(w.transport);
    eddy_transport_abort(w.transport);
    eddy_transport_abort(w.transport);
    eddy_transport_close(w.transport);
    run_iterations(f->loop, 3);
    assert_recorded("made", "lost:0");
}

/* TR-4: what is queued is still sent, all of it and in order, and then the end is seen. */
static void test_close_sends_what_is_queued(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    eddy_transport_close(w.transport);
    assert_true(eddy_transport_get_write_buffer_size(w.transport) > 0);
    run_iterations(f->loop, 5);
    assert_recorded("made");
    peer_check_filling(&peer, written);
    run_until_recorded(f->loop, "lost:0");
    peer_expect_eof(&peer);
    assert_recorded("lost:0");
}

/* TR-4: nothing is received after close(), although it waits already. */
static void test_nothing_is_received_after_close(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    peer_send(&peer, "too late");
    peer_shutdown(&peer);
    eddy_transport_close(w.transport);
    run_iterations(f->loop, 5);
    assert_recorded("made");
    assert_int_equal(peer_drain(&peer, written), written);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TR-5: abort() drops what is queued; also after close(), which had been waiting for it. */
static void test_abort_drops_what_is_queued(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    eddy_transport_close(w.transport);
    run_iterations(f->loop, 2);
    assert_recorded("made");
    eddy_transport_abort(w.transport);
    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("lost:0");
    assert_true(peer_drain(&peer, written) < written);
}

/* TR-5: without a close() before. */
static void test_abort_alone(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    eddy_transport_abort(w.transport);
    assert_true(eddy_transport_is_closing(w.transport));
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    run_iterations(f->loop, 1);
    assert_recorded("made", "lost:0");
    assert_true(peer_drain(&peer, written) < written);
}

/* What to do in which callback. */
struct plan {
    enum witness_event event;
    void (*act)(eddy_transport *transport);
};

static int follow_plan(struct witness *w, enum witness_event event)
{
    const struct plan *plan = w->arg;

    if (event == plan->event)
        plan->act(w->transport);
    return 0;
}

static void close_and_abort(eddy_transport *transport)
{
    eddy_transport_close(transport);
    eddy_transport_abort(transport);
}

/* TR-41, TR-13: closing in connection_made() means that nothing is ever received. */
static void test_close_in_connection_made(struct fixture *f)
{
    struct plan plan = {WITNESS_MADE, eddy_transport_close};
    eddy_socket sockets[2];
    struct witness w;
    struct peer peer = {.f = f};

    witness_init(&w, NULL);
    w.script = follow_plan;
    w.arg = &plan;
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    peer.socket = sockets[1];
    peer_send(&peer, "x");
    connect_socket(f, &w, sockets[0]);
    run_iterations(f->loop, 3);
    assert_recorded("made", "lost:0");
}

/* TR-6: from inside data_received(), what was written there is still sent. */
static void test_close_in_data_received_sends_the_rest(struct fixture *f)
{
    struct plan plan = {WITNESS_DATA, eddy_transport_close};
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = follow_plan;
    w.arg = &plan;
    connect_peer(f, &w, &peer);
    must(write_text(w.transport, "before"));
    peer_send(&peer, "x");
    run_until_recorded(f->loop, "lost:0");
    peer_expect(&peer, "before");
    assert_recorded("made", "data:x", "lost:0");
}

/* TR-6: abort, and both, from inside the callbacks of reading. */
static void test_abort_in_callbacks_of_reading(struct fixture *f)
{
    static const struct plan plans[] = {
        {WITNESS_DATA, eddy_transport_abort},
        {WITNESS_DATA, close_and_abort},
        {WITNESS_EOF, eddy_transport_abort},
        {WITNESS_EOF, close_and_abort},
    };
    size_t i;

    for (i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct witness w;
        struct peer peer;

        witness_init(&w, NULL);
        w.script = follow_plan;
        w.arg = (void *)(uintptr_t)&plans[i];
        connect_peer(f, &w, &peer);
        peer_send(&peer, "x");
        peer_shutdown(&peer);
        run_until_recorded(f->loop, "lost:0");
        if (plans[i].event == WITNESS_DATA)
            assert_recorded("made", "data:x", "lost:0");
        else
            assert_recorded("made", "data:x", "eof", "lost:0");
        peer_close(&peer);
    }
}

/* TR-6, table of section 8 (f): resume_writing() that ends it all during the final flush. */
static void test_end_in_resume_writing_during_the_final_flush(struct fixture *f)
{
    static const struct plan plans[] = {
        {WITNESS_RESUME, eddy_transport_close},
        {WITNESS_RESUME, eddy_transport_abort},
        {WITNESS_RESUME, close_and_abort},
    };
    size_t i;

    for (i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct witness w;
        struct peer peer;
        size_t written;

        witness_init(&w, NULL);
        w.script = follow_plan;
        w.arg = (void *)(uintptr_t)&plans[i];
        connect_peer(f, &w, &peer);
        must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
        written = fill_transport(w.transport);
        eddy_transport_close(w.transport);
        assert_int_equal(peer_drain(&peer, written), written);
        run_until_recorded(f->loop, "lost:0");
        run_iterations(f->loop, 3);
        assert_recorded("made", "pause", "resume", "lost:0");
        peer_close(&peer);
    }
}

/* TR-30, TR-6: pause_writing() that aborts, from inside the write itself. */
static void test_abort_in_pause_writing(struct fixture *f)
{
    static const struct plan plan = {WITNESS_PAUSE, eddy_transport_abort};
    static const char data[65536];
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = follow_plan;
    w.arg = (void *)(uintptr_t)&plan;
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    while (!eddy_transport_is_closing(w.transport))
        must(eddy_transport_write(w.transport, data, sizeof data));
    run_iterations(f->loop, 2);
    assert_recorded("made", "pause", "lost:0");
}

/* TR-7: if the output emptied after close(), connection_lost() comes from the write handler. */
static void test_connection_lost_comes_right_when_the_output_is_sent(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;
    int turn;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    eddy_transport_close(w.transport);
    assert_int_equal(peer_drain(&peer, written), written);
    for (turn = 0; turn < 100 && w.transport != NULL; turn++)
        run_iterations(f->loop, 1);
    assert_recorded("made", "lost:0");
}

static int refuse_to_die(struct witness *w, enum witness_event event)
{
    if (event != WITNESS_LOST)
        return 0;
    /* Everything a protocol might try in vain. */
    eddy_transport_close(w->transport);
    eddy_transport_abort(w->transport);
    eddy_transport_write(w->transport, "x", 1);
    eddy_transport_write_eof(w->transport);
    eddy_transport_pause_reading(w->transport);
    eddy_transport_resume_reading(w->transport);
    eddy_transport_set_protocol(w->transport, &w->protocol);
    return EDDY_EUSER - 3;
}

/* TR-7: also if connection_lost() fails; section 8: what it calls has no effect. */
static void test_failing_connection_lost_changes_nothing(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = refuse_to_die;
    connect_peer(f, &w, &peer);
    eddy_transport_close(w.transport);
    run_iterations(f->loop, 3);
    assert_recorded("made", "lost:0");
    assert_reported("connection_lost", EDDY_EUSER - 3);
    peer_expect_eof(&peer);
}

static void release_and_record(void *text)
{
    record("%s", (const char *)text);
}

/* TR-49: closing the loop over a send in flight; what was handed over is released before. */
static void test_loop_closes_over_a_send_in_flight(struct fixture *f)
{
    static const char data[] = "handed over";
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    fill_transport(w.transport);
    run_iterations(f->loop, 2);
    must(eddy_transport_write_owned(w.transport, data, sizeof data - 1, release_and_record,
                                    "released"));
    assert_recorded("made");
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_recorded("released");
}

/* TR-50: abort() after close() cancels the write in flight; connection_lost() does not wait. */
static void test_abort_after_close_releases_what_was_in_flight(struct fixture *f)
{
    static const char data[] = "handed over";
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    fill_transport(w.transport);
    must(eddy_transport_write_owned(w.transport, data, sizeof data - 1, release_and_record,
                                    "released"));
    eddy_transport_close(w.transport);
    run_iterations(f->loop, 2);
    assert_recorded("made");
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    run_until_recorded(f->loop, "released");
    assert_int_equal(recorded(NULL), 2);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_close_loses_the_connection_in_the_next_iteration),
        TEST(test_close_and_abort_any_number_of_times),
        TEST(test_close_sends_what_is_queued),
        TEST(test_nothing_is_received_after_close),
        TEST(test_abort_drops_what_is_queued),
        TEST(test_abort_alone),
        TEST(test_close_in_connection_made),
        TEST(test_close_in_data_received_sends_the_rest),
        TEST(test_abort_in_callbacks_of_reading),
        TEST(test_end_in_resume_writing_during_the_final_flush),
        TEST(test_abort_in_pause_writing),
        TEST(test_connection_lost_comes_right_when_the_output_is_sent),
        TEST(test_failing_connection_lost_changes_nothing),
        TEST(test_loop_closes_over_a_send_in_flight),
        TEST(test_abort_after_close_releases_what_was_in_flight),
    };

    return run_suite("stream_close", tests);
}

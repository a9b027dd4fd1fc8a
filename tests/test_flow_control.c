/* SPDX-License-Identifier: MIT */
/* Flow control of writing: TR-28..TR-32. */
#include "common/stream_parts.h"
#include "support/support.h"

static void assert_limits(const eddy_transport *transport, size_t low, size_t high)
{
    size_t low_now = 1, high_now = 1;

    eddy_transport_get_write_buffer_limits(transport, &low_now, &high_now);
    assert_int_equal(low_now, low);
    assert_int_equal(high_now, high);
}

/* TR-28: the default, and each of the marks from the other. */
static void test_limits_follow_from_each_other(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_limits(w.transport, 16 * 1024, 64 * 1024);
    must(eddy_transport_set_write_buffer_limits(w.transport, 400, EDDY_DEFAULT_LIMIT));
    assert_limits(w.transport, 100, 400);
    must(eddy_transport_set_write_buffer_limits(w.transport, EDDY_DEFAULT_LIMIT, 50));
    assert_limits(w.transport, 50, 200);
    must(eddy_transport_set_write_buffer_limits(w.transport, 7, 7));
    assert_limits(w.transport, 7, 7);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, EDDY_DEFAULT_LIMIT));
    assert_limits(w.transport, 0, 0);
    must(eddy_transport_set_write_buffer_limits(w.transport, EDDY_DEFAULT_LIMIT,
                                                EDDY_DEFAULT_LIMIT));
    assert_limits(w.transport, 16 * 1024, 64 * 1024);
    assert_recorded("made");
}

/* TR-28: not high >= low: refused, no change. */
static void test_limits_the_wrong_way_round_are_refused(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_int_equal(eddy_transport_set_write_buffer_limits(w.transport, 0, 1), EDDY_EINVALID);
    assert_int_equal(eddy_transport_set_write_buffer_limits(w.transport, 99, 100), EDDY_EINVALID);
    assert_limits(w.transport, 16 * 1024, 64 * 1024);
    assert_recorded("made");
}

/* TR-29: strictly above the high mark, "3 no, 6 yes" around 4; once. */
static void test_pause_comes_strictly_above_the_high_mark(struct fixture *f)
{
    size_t size;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    fill_transport(w.transport);
    size = eddy_transport_get_write_buffer_size(w.transport);
    must(eddy_transport_set_write_buffer_limits(w.transport, size + 4, 0));
    must(write_text(w.transport, "123"));
    must(write_text(w.transport, "4"));
    assert_recorded("made");
    must(write_text(w.transport, "56"));
    assert_recorded("pause");
    must(write_text(w.transport, "789"));
    assert_nothing_recorded();
}

/* TR-29, TR-30: resume at the low mark or below, from the write handler; strictly alternating. */
static void test_resume_comes_when_the_low_mark_is_reached(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;
    int round;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 1000, 0));
    for (round = 0; round < 3; round++) {
        written = fill_transport(w.transport);
        while (recorded("pause") == 0) {
            assert_false(eddy_transport_is_closing(w.transport));
            must(write_text(w.transport, "0123456789012345678901234567890123456789"));
            written += 40;
        }
        assert_int_equal(recorded("resume"), 0);
        assert_int_equal(peer_drain(&peer, written), written);
        run_until_recorded(f->loop, "resume");
        assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
        if (round == 0)
            assert_recorded("made", "pause", "resume");
        else
            assert_recorded("pause", "resume");
    }
}

/* What a queue and marks of one's own need is given back with them: an idle transport has none. */
static void test_an_idle_transport_keeps_no_queue(struct fixture *f)
{
    size_t written;
    struct eddy__stream *stream;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    run_iterations(f->loop, 1);
    stream = stream_of(w.transport);
    assert_null(stream->extra);
    written = fill_transport(w.transport);
    assert_non_null(stream->extra);
    assert_int_equal(peer_drain(&peer, written), written);
    run_iterations(f->loop, 1);
    assert_null(stream->extra);
    must(eddy_transport_set_write_buffer_limits(w.transport, 7, 7));
    assert_non_null(stream->extra);
    must(eddy_transport_set_write_buffer_limits(w.transport, EDDY_DEFAULT_LIMIT,
                                                EDDY_DEFAULT_LIMIT));
    assert_null(stream->extra);
    assert_recorded("made");
}

/* TR-29: high 0 pauses on any queued byte. */
static void test_high_mark_of_0_pauses_on_any_byte(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    written = fill_transport(w.transport);
    assert_recorded("made", "pause");
    assert_int_equal(peer_drain(&peer, written), written);
    run_until_recorded(f->loop, "resume");
    assert_recorded("resume");
}

/* TR-29: what the system took at once does not count, however low the mark. */
static void test_data_taken_at_once_does_not_pause(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    must(write_text(w.transport, "far more than nothing"));
    peer_expect(&peer, "far more than nothing");
    assert_recorded("made");
}

/* TR-31: lowering the mark below the present size pauses at once; raising it does not resume. */
static void test_changed_limits_pause_at_once_but_do_not_resume(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    assert_recorded("made");
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    assert_recorded("pause");
    must(eddy_transport_set_write_buffer_limits(w.transport, 1 << 30, 1 << 29));
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
    assert_int_equal(peer_drain(&peer, written), written);
    run_until_recorded(f->loop, "resume");
    assert_recorded("resume");
}

static int write_in_pause(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_PAUSE) {
        size_t before = eddy_transport_get_write_buffer_size(w->transport);

        eddy_transport_write(w->transport, "more", 4);
        record("grew by %d", (int)(eddy_transport_get_write_buffer_size(w->transport) - before));
    }
    return 0;
}

/* TR-30, section 8 (e): writing in pause_writing() grows the buffer, without a second pause. */
static void test_write_in_pause_writing_does_not_pause_again(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = write_in_pause;
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    fill_transport(w.transport);
    assert_recorded("made", "pause", "grew by 4");
}

static int refill_in_resume(struct witness *w, enum witness_event event)
{
    size_t *written = w->arg;

    if (event == WITNESS_RESUME && w->counts[WITNESS_RESUME] < 3)
        *written += fill_transport(w->transport);
    return 0;
}

/* TR-30: writing in resume_writing() may pause again; the pairs alternate. */
static void test_write_in_resume_writing_may_pause_again(struct fixture *f)
{
    size_t written, drained = 0;
    struct witness w;
    struct peer peer;
    int turn;

    witness_init(&w, NULL);
    w.script = refill_in_resume;
    w.arg = &written;
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    written = fill_transport(w.transport);
    for (turn = 0; turn < 10 && w.counts[WITNESS_RESUME] < 3; turn++) {
        drained += peer_drain(&peer, written - drained);
        run_for(f->loop, EDDY_MILLISECONDS(1));
    }
    assert_recorded("made", "pause", "resume", "pause", "resume", "pause", "resume");
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
}

/* TR-32: failures are reported, and change nothing. */
static void test_failing_pause_and_resume_are_only_reported(struct fixture *f)
{
    size_t written;
    const struct report *report;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.results[WITNESS_PAUSE] = EDDY_EUSER - 1;
    w.results[WITNESS_RESUME] = EDDY_EUSER - 2;
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    written = fill_transport(w.transport);
    report = assert_reported("pause_writing", EDDY_EUSER - 1);
    assert_ptr_equal(report->transport, w.transport);
    assert_ptr_equal(report->protocol, &w.protocol);
    assert_int_equal(peer_drain(&peer, written), written);
    run_until_recorded(f->loop, "resume");
    assert_reported("resume_writing", EDDY_EUSER - 2);
    run_iterations(f->loop, 2);
    assert_false(eddy_transport_is_closing(w.transport));
    assert_recorded("made", "pause", "resume");
}

/* TR-32: lost while paused: no resume_writing(), only connection_lost(). */
static void test_transport_lost_while_paused_does_not_resume(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    fill_transport(w.transport);
    eddy_transport_abort(w.transport);
    run_iterations(f->loop, 3);
    assert_recorded("made", "pause", "lost:0");
}

/* TR-10: the new protocol gets the later resume_writing(), which it never saw a pause for. */
static void test_new_protocol_gets_the_later_resume(struct fixture *f)
{
    size_t written;
    struct witness first, second;
    struct peer peer;

    witness_init(&first, "first");
    witness_init(&second, "second");
    connect_peer(f, &first, &peer);
    must(eddy_transport_set_write_buffer_limits(first.transport, 0, 0));
    written = fill_transport(first.transport);
    must(eddy_transport_set_protocol(first.transport, &second.protocol));
    assert_int_equal(peer_drain(&peer, written), written);
    run_until_recorded(f->loop, "second.resume");
    assert_recorded("first.made", "first.pause", "second.resume");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_limits_follow_from_each_other),
        TEST(test_limits_the_wrong_way_round_are_refused),
        TEST(test_pause_comes_strictly_above_the_high_mark),
        TEST(test_resume_comes_when_the_low_mark_is_reached),
        TEST(test_an_idle_transport_keeps_no_queue),
        TEST(test_high_mark_of_0_pauses_on_any_byte),
        TEST(test_data_taken_at_once_does_not_pause),
        TEST(test_changed_limits_pause_at_once_but_do_not_resume),
        TEST(test_write_in_pause_writing_does_not_pause_again),
        TEST(test_write_in_resume_writing_may_pause_again),
        TEST(test_failing_pause_and_resume_are_only_reported),
        TEST(test_transport_lost_while_paused_does_not_resume),
        TEST(test_new_protocol_gets_the_later_resume),
    };

    return run_suite("flow_control", tests);
}

/* SPDX-License-Identifier: MIT */
/* Flow control of TLS connections, and much data (TLS-31..TLS-33). */
#include "support/support.h"
#include "support/sweep.h"
#include "support/tls_scene.h"
#include <string.h>

/** As much as is written in every bulk test, and a piece of it. */
enum { PIECE = 32 * 1024 };

static void note_release(void *count)
{
    ++*(int *)count;
}

/* Writing. */

/* TLS-31: the marks, and what is derived from one of them. */
static void test_write_marks(struct fixture *f)
{
    struct tls_scene s;
    size_t low, high;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    eddy_transport_get_write_buffer_limits(s.w.transport, &low, &high);
    assert_int_equal(high, 512 * 1024);
    assert_int_equal(low, 128 * 1024);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, EDDY_DEFAULT_LIMIT, 100));
    eddy_transport_get_write_buffer_limits(s.w.transport, &low, &high);
    assert_int_equal(high, 400);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 200, EDDY_DEFAULT_LIMIT));
    eddy_transport_get_write_buffer_limits(s.w.transport, &low, &high);
    assert_int_equal(low, 50);
    assert_int_equal(eddy_transport_set_write_buffer_limits(s.w.transport, 1, 2), EDDY_EINVALID);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, EDDY_DEFAULT_LIMIT,
                                                EDDY_DEFAULT_LIMIT));
    eddy_transport_get_write_buffer_limits(s.w.transport, &low, &high);
    assert_int_equal(high, 512 * 1024);
    tls_scene_abort(f, &s);
}

/* TLS-31: a pause at the high mark itself, a resume at the low one; new marks count at once. */
static void test_new_write_marks_count_at_once(struct fixture *f)
{
    struct tls_scene s;
    size_t filled, size;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    filled = tls_scene_fill(&s);
    size = eddy_transport_get_write_buffer_size(s.w.transport);
    assert_in_range(size, 1, PIECE);
    assert_nothing_recorded();
    must(eddy_transport_set_write_buffer_limits(s.w.transport, size + 1, 0));
    assert_nothing_recorded();
    must(eddy_transport_set_write_buffer_limits(s.w.transport, size, 0));
    assert_recorded("pause");
    must(eddy_transport_set_write_buffer_limits(s.w.transport, size + 1, size - 1));
    assert_nothing_recorded();
    must(eddy_transport_set_write_buffer_limits(s.w.transport, size + 1, size));
    assert_recorded("resume");
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 0, 0));
    assert_recorded("pause");
    tls_scene_check_filling(&s, filled);
    assert_recorded("resume");
    tls_scene_abort(f, &s);
}

/* TLS-31: nothing queued never pauses, one byte that is does, with a high mark of 0. */
static void test_a_high_mark_of_zero(struct fixture *f)
{
    struct tls_scene s;
    size_t filled;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 0, 0));
    must(write_text(s.w.transport, "a"));
    assert_nothing_recorded();
    tls_peer_expect(&s.peer, "a");
    filled = tls_scene_fill(&s);
    assert_recorded("pause");
    tls_scene_check_filling(&s, filled);
    run_until_true(f->loop, recorded("resume") > 0 || witness_is_gone(&s.w));
    assert_recorded("resume");
    tls_scene_abort(f, &s);
}

/* TLS-32: a full lower keeps what it has; what comes then stays above, and only that is counted. */
static void test_output_stays_above_a_full_lower(struct fixture *f)
{
    static const char data[100000];
    struct tls_scene s;
    size_t filled, size, below;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    filled = tls_scene_fill(&s);
    size = eddy_transport_get_write_buffer_size(s.w.transport);
    below = eddy_transport_get_write_buffer_size(tls_scene_lower(&s));
    assert_true(below > 64 * 1024);
    must(eddy_transport_write(s.w.transport, data, sizeof data));
    run_iterations(f->loop, 2);
    give_up_if(witness_is_gone(&s.w));
    assert_int_equal(eddy_transport_get_write_buffer_size(s.w.transport), size + sizeof data);
    assert_true(eddy_transport_get_write_buffer_size(tls_scene_lower(&s)) <= below);
    tls_scene_check_filling(&s, filled);
    assert_int_equal(tls_peer_drain(&s.peer, sizeof data), sizeof data);
    assert_int_equal(eddy_transport_get_write_buffer_size(s.w.transport), 0);
    assert_nothing_recorded();
    tls_scene_abort(f, &s);
}

static int fail_at_pause(struct witness *w, enum witness_event event)
{
    (void)w;
    return event == WITNESS_PAUSE || event == WITNESS_RESUME ? EDDY_EUSER : 0;
}

/* TLS-48, TR-32: failing pause_writing() and resume_writing() are reported and change nothing. */
static void test_failing_flow_callbacks(struct fixture *f)
{
    struct tls_scene s;
    size_t filled;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.script = fail_at_pause;
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 0, 0));
    filled = tls_scene_fill(&s);
    assert_reported("pause_writing", EDDY_EUSER);
    tls_scene_check_filling(&s, filled);
    run_until_true(f->loop, recorded("resume") > 0 || witness_is_gone(&s.w));
    assert_reported("resume_writing", EDDY_EUSER);
    assert_recorded("pause", "resume");
    tls_scene_abort(f, &s);
}

static int abort_at_pause(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_PAUSE)
        eddy_transport_abort(w->transport);
    return 0;
}

/* TLS-44: aborting from inside pause_writing(): nothing but the end comes behind it. */
static void test_aborting_when_paused(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_scene_fill(&s);
    s.w.script = abort_at_pause;
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 0, 0));
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("pause", "lost:0");
}

/* TLS-28, TLS-44: what is handed over is released exactly once, whatever becomes of it. */
static void test_owned_memory_is_released_once(struct fixture *f)
{
    static const char data[PIECE];
    struct tls_scene s;
    int sent = 0, queued = 0, dropped = 0, late = 0;
    size_t filled;

    need_whole_test();
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_write_owned(s.w.transport, "now", 3, note_release, &sent));
    assert_int_equal(sent, 1);
    tls_peer_expect(&s.peer, "now");
    filled = tls_scene_fill(&s);
    must(eddy_transport_write_owned(s.w.transport, data, sizeof data, note_release, &queued));
    assert_int_equal(queued, 0);
    tls_scene_check_filling(&s, filled);
    assert_int_equal(tls_peer_drain(&s.peer, sizeof data), sizeof data);
    assert_int_equal(queued, 1);
    tls_scene_fill(&s);
    must(eddy_transport_write_owned(s.w.transport, data, sizeof data, note_release, &dropped));
    eddy_transport_abort(s.w.transport);
    assert_int_equal(dropped, 1);
    must(eddy_transport_write_owned(s.w.transport, data, sizeof data, note_release, &late));
    assert_int_equal(late, 1);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
    assert_int_equal(sent + queued + dropped + late, 4);
}

/* Reading. */

/* TLS-33: the marks. */
static void test_read_marks(struct fixture *f)
{
    struct tls_scene s;
    size_t low, high;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_get_read_buffer_limits(s.w.transport, &low, &high));
    assert_int_equal(high, 256 * 1024);
    assert_int_equal(low, 64 * 1024);
    must(eddy_transport_set_read_buffer_limits(s.w.transport, EDDY_DEFAULT_LIMIT, 100));
    must(eddy_transport_get_read_buffer_limits(s.w.transport, &low, &high));
    assert_int_equal(high, 400);
    assert_int_equal(eddy_transport_set_read_buffer_limits(s.w.transport, 1, 2), EDDY_EINVALID);
    assert_int_equal(eddy_transport_set_read_buffer_limits(tls_scene_lower(&s), 2, 1),
                     EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_transport_get_read_buffer_size(tls_scene_lower(&s)), 0);
    tls_scene_abort(f, &s);
}

/* TLS-33, TLS-34: while paused lower is read up to the mark; new marks count at once. */
static void test_input_waits_up_to_the_mark(struct fixture *f)
{
    static const char data[1000];
    struct tls_scene s;
    eddy_transport *lower;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.quiet = true;
    lower = tls_scene_lower(&s);
    tls_scene_settle(f, &s);
    must(eddy_transport_set_read_buffer_limits(s.w.transport, 2 * (sizeof data + 22), 10));
    must(eddy_transport_pause_reading(s.w.transport));
    tls_peer_send_bytes(&s.peer, data, sizeof data);
    tls_scene_settle(f, &s);
    assert_true(eddy_transport_is_reading(lower));
    tls_peer_send_bytes(&s.peer, data, sizeof data);
    tls_scene_settle(f, &s);
    assert_false(eddy_transport_is_reading(lower));
    assert_int_equal(eddy_transport_get_read_buffer_size(s.w.transport), 2 * (sizeof data + 22));
    tls_peer_send_bytes(&s.peer, data, sizeof data);
    tls_scene_settle(f, &s);
    assert_int_equal(eddy_transport_get_read_buffer_size(s.w.transport), 2 * (sizeof data + 22));
    must(eddy_transport_set_read_buffer_limits(s.w.transport, 9000, 2 * (sizeof data + 22) - 1));
    assert_false(eddy_transport_is_reading(lower));
    must(eddy_transport_set_read_buffer_limits(s.w.transport, 9000, 2 * (sizeof data + 22)));
    assert_true(eddy_transport_is_reading(lower));
    tls_scene_settle(f, &s);
    assert_int_equal(eddy_transport_get_read_buffer_size(s.w.transport), 3 * (sizeof data + 22));
    must(eddy_transport_set_read_buffer_limits(s.w.transport, 1000, 10));
    assert_false(eddy_transport_is_reading(lower));
    must(eddy_transport_resume_reading(s.w.transport));
    run_iterations(f->loop, 1);
    give_up_if(witness_is_gone(&s.w));
    assert_int_equal(s.w.received, 3 * sizeof data);
    assert_int_equal(eddy_transport_get_read_buffer_size(s.w.transport), 0);
    assert_true(eddy_transport_is_reading(lower));
    tls_scene_abort(f, &s);
}

/* Much of everything. */

static size_t much(void)
{
    return sweep_is_on() ? 1024 * 1024 : 4 * 1024 * 1024;
}

/** Writes that much as its transport takes it, and checks what it receives. */
struct bulk {
    struct witness *w;
    char data[PIECE];
    size_t written;
    bool paused;
};

static void bulk_write_on(struct bulk *b)
{
    while (b->written < much() && !b->paused) {
        peer_fill(b->data, sizeof b->data, b->written);
        b->written += sizeof b->data;
        must(eddy_transport_write(b->w->transport, b->data, sizeof b->data));
    }
}

static int bulk_script(struct witness *w, enum witness_event event)
{
    struct bulk *b = w->arg;

    if (event == WITNESS_PAUSE || event == WITNESS_RESUME)
        b->paused = event == WITNESS_PAUSE;
    if (event == WITNESS_RESUME)
        bulk_write_on(b);
    return 0;
}

/** Have the peer send and receive much at the same time. */
static void exchange(struct fixture *f, struct tls_scene *s, struct bulk *b)
{
    static char data[PIECE];
    size_t sent = 0, have = 0;
    eddy_time end = 0;

    while ((sent < much() || have < much() || s->w.received < much()) && !witness_is_gone(&s->w) &&
           run_a_little(f->loop, &end)) {
        int part;

        for (; sent < much() && BIO_ctrl_pending(s->peer.out) == 0; sent += sizeof data) {
            peer_fill(data, sizeof data, sent);
            tls_peer_prepare(&s->peer, data, sizeof data);
        }
        tls_peer_pump(&s->peer);
        while ((part = SSL_read(s->peer.ssl, data, sizeof data)) > 0) {
            assert_true(peer_is_filling(data, (size_t)part, have));
            have += (size_t)part;
        }
    }
    give_up_if(witness_is_gone(&s->w));
    assert_int_equal(have, much());
    assert_int_equal(s->w.received, much());
    assert_int_equal(b->written, much());
}

static void exchange_much(struct fixture *f, bool buffered)
{
    static char room[100000];
    static struct bulk b;
    struct tls_scene s;
    bool was_paused;

    if (buffered)
        tls_scene_begin_buffered(f, &s, TLS_PEER_IS_CLIENT, room, sizeof room);
    else
        tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    b = (struct bulk){.w = &s.w};
    s.w.quiet = true;
    s.w.arg = &b;
    s.w.script = bulk_script;
    bulk_write_on(&b);
    was_paused = b.paused;
    if (was_paused)
        assert_recorded("pause");
    else
        assert_true(fixture_backend_is(f, "iocp")); /* sockets there may take it all */
    exchange(f, &s, &b);
    assert_int_equal(recorded("resume"), recorded("pause") + (was_paused ? 1 : 0));
    recorder_reset();
    tls_scene_abort(f, &s);
}

/* TLS-26, TLS-28, TLS-31: 4 MiB both ways at once. */
static void test_much_both_ways(struct fixture *f)
{
    exchange_much(f, false);
}

static void test_much_both_ways_buffered(struct fixture *f)
{
    exchange_much(f, true);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_write_marks),
        TEST(test_new_write_marks_count_at_once),
        TEST(test_a_high_mark_of_zero),
        TEST(test_output_stays_above_a_full_lower),
        TEST(test_failing_flow_callbacks),
        TEST(test_aborting_when_paused),
        TEST(test_owned_memory_is_released_once),
        TEST(test_read_marks),
        TEST(test_input_waits_up_to_the_mark),
        TEST(test_much_both_ways),
        TEST(test_much_both_ways_buffered),
    };

    return run_suite("tls_flow", tests);
}

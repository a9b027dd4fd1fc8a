/* SPDX-License-Identifier: MIT */
/* One iteration: its order, its timeout, its fairness: LOOP-22..LOOP-31. */
#include "common/loop.h"
#include "support/support.h"
#include "support/sweep.h"

/* LOOP-22, LOOP-24: what was scheduled, then I/O, then timers by due time, then by registration. */
static void test_iteration_runs_callbacks_then_events_then_timers(struct fixture *f)
{
    eddy_time now;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_recorded("made");
    peer_send(&peer, "io");
    now = eddy_loop_time(f->loop);
    must(eddy_loop_call_at(f->loop, now - 1, on_call, "timer 2", NULL));
    must(eddy_loop_call_at(f->loop, now - 1, on_call, "timer 3", NULL));
    must(eddy_loop_call_at(f->loop, now - 2, on_call, "timer 1", NULL));
    must(eddy_loop_call_at(f->loop, now - 1, on_call, "timer 4", NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "soon", NULL));
    must(eddy_loop_call_soon_threadsafe(f->loop, on_call, "posted", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("soon", "posted", "data:io", "timer 1", "timer 2", "timer 3", "timer 4");
}

/* LOOP-27: a connection that became readable and writable at once hears of its data first. */
static void test_readable_comes_before_writable(struct fixture *f)
{
    char buffer[65536];
    struct witness w;
    struct peer peer;
    eddy_time end = 0;

    need_working_calls();
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    fill_transport(w.transport);
    run_iterations(f->loop, 2);
    assert_recorded("made", "pause");
    while (peer_receive(&peer, buffer, sizeof buffer) > 0)
        ;
    peer_send(&peer, "x");
    while (recorded(NULL) < 2 && run_a_little(f->loop, &end)) {
        while (peer_receive(&peer, buffer, sizeof buffer) > 0)
            ;
    }
    assert_recorded("data:x", "resume");
}

static int on_call_schedule(void *loop)
{
    record("first");
    return eddy_loop_call_soon(loop, on_call, "second", NULL);
}

/* LOOP-22, LOOP-25: exactly the callbacks that were ready when the step began. */
static void test_callbacks_of_callbacks_run_in_the_next_iteration(struct fixture *f)
{
    must(eddy_loop_call_soon(f->loop, on_call_schedule, f->loop, NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "behind it", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("first", "behind it");
    run_iterations(f->loop, 1);
    assert_recorded("second");
}

/* LOOP-23: 0 with callbacks ready, 0 with stop set, the next timer's distance, else for ever. */
static void test_wait_lasts_until_the_next_timer(struct fixture *f)
{
    eddy_time waited;
    struct spy *spy;

    must(eddy_loop_call_soon(f->loop, on_call, "ready", NULL));
    spy = spy_begin(f->loop);
    run_iterations(f->loop, 2);
    spy_end();
    assert_int_equal(spy->waits, 2);
    assert_true(spy->timeouts[0] == 0);
    assert_true(spy->timeouts[1] == 0);

    must(eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(50), on_call_stop, f->loop, NULL));
    spy = spy_begin(f->loop);
    must(eddy_loop_run_forever(f->loop));
    spy_end();
    waited = spy->timeouts[0];
    assert_true(waited > 0);
    assert_true(waited <= EDDY_MILLISECONDS(50));
}

static int spy_never_wait(eddy_loop *loop, eddy_time timeout)
{
    record("%s", timeout == EDDY_FOREVER          ? "for ever"
                 : timeout == EDDY_SECONDS(86400) ? "a day"
                                                  : "less");
    eddy_loop_stop(loop);
    return 0;
}

/* LOOP-23: no wait is longer than a day, unless there is nothing to wait for. */
static void test_wait_is_at_most_a_day(struct fixture *f)
{
    struct spy *spy;

    spy = spy_begin(f->loop);
    spy->backend.wait = spy_never_wait;
    must(eddy_loop_run_forever(f->loop));
    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(100000), on_call, "never", NULL));
    must(eddy_loop_run_forever(f->loop));
    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(80000), on_call, "never", NULL));
    must(eddy_loop_run_forever(f->loop));
    spy_end();
    assert_recorded("for ever", "a day", "less");
}

/* LOOP-24: due strictly before time() + resolution; a virtual clock shows the edge. */
static void test_timer_is_due_strictly_before_now_plus_resolution(struct fixture *f)
{
    eddy_time edge;

    if (f->sim == NULL)
        skip(); /* a real clock does not stand still */
    edge = eddy_loop_time(f->loop) + eddy_loop_clock_resolution(f->loop);
    must(eddy_loop_call_at(f->loop, edge, on_call, "at the edge", NULL));
    must(eddy_loop_call_at(f->loop, edge - 1, on_call, "before it", NULL));
    run_iterations(f->loop, 2);
    assert_recorded("before it");
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_recorded("at the edge");
}

/* LOOP-23, LOOP-38: three days later is three days later, over several waits. */
static void test_timer_beyond_the_longest_wait_comes_in_time(struct fixture *f)
{
    eddy_time begun = eddy_loop_time(f->loop);
    struct spy *spy;

    if (f->sim == NULL)
        skip(); /* who has three days? */
    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(3 * 86400), on_call_stop, f->loop, NULL));
    spy = spy_begin(f->loop);
    must(eddy_loop_run_forever(f->loop));
    spy_end();
    assert_true(eddy_loop_time(f->loop) == begun + EDDY_SECONDS(3 * 86400));
    assert_int_equal(spy->waits, 3);
}

/* A clock that only callbacks move, so that a slow machine sees what a fast one sees. */
static eddy_time slow_clock;

static eddy_time slow_clock_now(eddy_loop *loop)
{
    (void)loop;
    return slow_clock;
}

static struct spy *spy_with_slow_clock(eddy_loop *loop)
{
    struct spy *spy;

    slow_clock = eddy_loop_time(loop);
    spy = spy_begin(loop);
    spy->backend.now = slow_clock_now;
    spy->backend.has_system_clock = false;
    return spy;
}

/* Reschedules itself for ever, and says how often it ran; each time takes 10 µs. */
struct busy {
    struct fixture *f;
    int runs;
    int error;
};

static int on_call_busy(void *arg)
{
    struct busy *busy = arg;

    busy->runs++;
    slow_clock += EDDY_MICROSECONDS(10);
    if (busy->f->sim != NULL)
        eddy_sim_advance(busy->f->sim, EDDY_MICROSECONDS(10));
    busy->error = eddy_loop_call_soon(busy->f->loop, on_call_busy, busy, NULL);
    if (busy->error != 0)
        eddy_loop_stop(busy->f->loop);
    return 0;
}

/* LOOP-25: a callback that reschedules itself does not starve timers. */
static void test_busy_callback_does_not_starve_timers(struct fixture *f)
{
    struct busy busy = {.f = f};

    spy_with_slow_clock(f->loop);
    must(eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(1), on_call_stop, f->loop, NULL));
    must(eddy_loop_call_soon(f->loop, on_call_busy, &busy, NULL));
    must(eddy_loop_run_forever(f->loop));
    must(busy.error);
    assert_in_range(busy.runs, 100, 102);
}

static int stop_on_data(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATA)
        eddy_loop_stop(w->arg);
    return 0;
}

/* LOOP-25: nor I/O: the wait is skipped at most 64 times in a row. */
static void test_busy_callback_does_not_starve_events(struct fixture *f)
{
    struct busy busy = {.f = f};
    struct witness w;
    struct peer peer;

    need_working_calls();
    witness_init(&w, NULL);
    w.script = stop_on_data;
    w.arg = f->loop;
    connect_peer(f, &w, &peer);
    must(eddy_loop_call_soon(f->loop, on_call_busy, &busy, NULL));
    run_iterations(f->loop, 1);
    busy.runs = 0;
    peer_send(&peer, "x");
    must(eddy_loop_run_forever(f->loop));
    must(busy.error);
    assert_recorded("made", "data:x");
    assert_true(busy.runs <= 2 * 65);
}

/* LOOP-8, LOOP-9: an event seen by the last iteration before a stop comes in one of the runs. */
static void test_event_of_the_last_iteration_is_delivered_once(struct fixture *f)
{
    struct witness w;
    struct peer peer;
    int i;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    peer_send(&peer, "once");
    must(eddy_loop_call_soon(f->loop, on_call_stop, f->loop, NULL));
    must(eddy_loop_run_forever(f->loop));
    for (i = 0; i < 5; i++)
        run_iterations(f->loop, 1);
    run_until_recorded(f->loop, "data:once");
    run_iterations(f->loop, 2);
    assert_recorded("made", "data:once");
}

/* LOOP-30, section 13: many short runs with the wake-up in use leave nothing behind. */
static void test_short_runs_with_the_wake_up_in_use(struct fixture *f)
{
    int i;

    for (i = 0; i < 50; i++) {
        must(eddy_loop_call_soon_threadsafe(f->loop, on_call_stop, f->loop, NULL));
        must(eddy_loop_run_forever(f->loop));
    }
    must(eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(1), on_call_stop, f->loop, NULL));
    must(eddy_loop_run_forever(f->loop));
    assert_int_equal(reported(), 0);
}

/* LOOP-25: skipping starts anew with each run: its first iteration always looks for events. */
static void test_first_iteration_of_a_run_always_looks(struct fixture *f)
{
    struct busy busy = {.f = f};
    struct spy *spy;

    must(eddy_loop_call_soon(f->loop, on_call_busy, &busy, NULL));
    spy = spy_begin(f->loop);
    run_iterations(f->loop, 5);
    spy_end();
    must(busy.error);
    assert_int_equal(busy.runs, 5);
    assert_int_equal(spy->waits, 5);
}

/* LOOP-25: also when nothing but a callback ends each run. */
static void test_runs_of_one_iteration_each_look_once(struct fixture *f)
{
    struct spy *spy;
    int i;

    must(eddy_loop_call_soon(f->loop, on_call_stop, f->loop, NULL));
    spy = spy_begin(f->loop);
    for (i = 0; i < 5; i++) {
        must(eddy_loop_call_soon(f->loop, on_call_stop, f->loop, NULL));
        must(eddy_loop_run_forever(f->loop));
    }
    spy_end();
    assert_int_equal(spy->waits, 5);
}

/* LOOP-25: waits are skipped while callbacks keep each other busy, but not for long. */
static void test_waits_are_skipped_while_callbacks_are_ready(struct fixture *f)
{
    struct busy busy = {.f = f};
    struct spy *spy;

    spy = spy_with_slow_clock(f->loop);
    must(eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(2), on_call_stop, f->loop, NULL));
    must(eddy_loop_call_soon(f->loop, on_call_busy, &busy, NULL));
    must(eddy_loop_run_forever(f->loop));
    spy_end();
    must(busy.error);
    assert_true((int)spy->waits < busy.runs);
    assert_true((int)spy->waits * 65 >= busy.runs);
}

/* LOOP-26: cancelled timers leave at once, so that cancelling all day keeps memory level. */
static void test_cancelled_timers_take_no_room(struct fixture *f)
{
    eddy_handle handle;
    size_t before;
    int i;

    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(60), on_call, "kept", NULL));
    before = allocations_made();
    for (i = 0; i < 10000; i++) {
        must(eddy_loop_call_later(f->loop, EDDY_SECONDS(i % 100), on_call, "no", &handle));
        eddy_handle_cancel(handle);
    }
    assert_int_equal(f->loop->timers.count, 1);
    assert_int_equal(allocations_made() - before, 0);
}

/* LOOP-28 */
static void test_time_is_monotonic(struct fixture *f)
{
    eddy_time last = eddy_loop_time(f->loop), now;
    int i;

    assert_true(eddy_loop_clock_resolution(f->loop) >= 1);
    assert_true(eddy_loop_clock_resolution(f->loop) <= EDDY_MILLISECONDS(20));
    for (i = 0; i < 1000; i++) {
        now = eddy_loop_time(f->loop);
        assert_true(now >= last);
        last = now;
    }
}

/* Sleeps ten times, each a tenth of the one before. */
struct sleeper {
    eddy_loop *loop;
    eddy_time delay;
    eddy_time due;
    int error;
};

static int on_call_sleep(void *arg)
{
    struct sleeper *sleeper = arg;
    eddy_handle handle;

    assert_true(eddy_loop_time(sleeper->loop) + eddy_loop_clock_resolution(sleeper->loop) >
                sleeper->due);
    if (sleeper->delay == 0) {
        eddy_loop_stop(sleeper->loop);
        return 0;
    }
    sleeper->error =
        eddy_loop_call_later(sleeper->loop, sleeper->delay, on_call_sleep, sleeper, &handle);
    if (sleeper->error != 0)
        eddy_loop_stop(sleeper->loop);
    sleeper->due = eddy_handle_when(handle);
    sleeper->delay /= 10;
    return 0;
}

/* LOOP-29: never early, and no spinning towards the end of a wait. Real time, about 11 ms. */
static void test_ever_shorter_sleeps_in_real_time_take_few_iterations(struct fixture *f)
{
    struct sleeper sleeper = {.loop = f->loop, .delay = EDDY_MILLISECONDS(10), .due = INT64_MIN};
    struct spy *spy;

    must(eddy_loop_call_soon(f->loop, on_call_sleep, &sleeper, NULL));
    spy = spy_begin(f->loop);
    must(eddy_loop_run_forever(f->loop));
    spy_end();
    must(sleeper.error);
    assert_true(spy->waits <= 20);
}

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "posix/sys.h"

/* LOOP-31: an interrupted wait has seen nothing, and that is all. */
static void test_interrupted_wait_is_no_error(struct fixture *f)
{
    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_poll, 1, EINTR);
    eddy__sys_fail(EDDY__SYS_pselect, 1, EINTR);
#if defined(EDDY__HAVE_PPOLL)
    eddy__sys_fail(EDDY__SYS_ppoll, 1, EINTR);
#endif
#if defined(EDDY__HAVE_KQUEUE)
    eddy__sys_fail(EDDY__SYS_kevent, 1, EINTR);
#endif
#if defined(__linux__)
    eddy__sys_fail(EDDY__SYS_epoll_wait, 1, EINTR);
    eddy__sys_fail(EDDY__SYS_epoll_wait_ns, 1, EINTR);
#endif
    must(eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(1), on_call_stop, f->loop, NULL));
    must(eddy_loop_run_forever(f->loop));
    eddy__sys_reset();
}
#else
static void test_interrupted_wait_is_no_error(struct fixture *f)
{
    (void)f;
    skip(); /* LOOP-31 needs the table of system calls */
}
#endif

static int on_call_post_twice(void *loop)
{
    int error = eddy_loop_call_soon_threadsafe(loop, on_call, "one", NULL);

    return error != 0 ? error : eddy_loop_call_soon_threadsafe(loop, on_call, "two", NULL);
}

/* LOOP-30: a wake-up is not an event of the program; any number of posts share it. */
static void test_wake_up_is_over_when_its_posts_have_run(struct fixture *f)
{
    struct spy *spy;

    must(eddy_loop_call_soon(f->loop, on_call_post_twice, f->loop, NULL));
    run_iterations(f->loop, 2);
    assert_recorded("one", "two");
    must(eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(2), on_call_stop, f->loop, NULL));
    spy = spy_begin(f->loop);
    must(eddy_loop_run_forever(f->loop));
    spy_end();
    assert_true(spy->waits <= 3);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_iteration_runs_callbacks_then_events_then_timers),
        TEST(test_readable_comes_before_writable),
        TEST(test_callbacks_of_callbacks_run_in_the_next_iteration),
        TEST(test_wait_lasts_until_the_next_timer),
        TEST(test_wait_is_at_most_a_day),
        TEST(test_timer_is_due_strictly_before_now_plus_resolution),
        TEST(test_timer_beyond_the_longest_wait_comes_in_time),
        TEST(test_busy_callback_does_not_starve_timers),
        TEST(test_busy_callback_does_not_starve_events),
        TEST(test_event_of_the_last_iteration_is_delivered_once),
        TEST(test_short_runs_with_the_wake_up_in_use),
        TEST(test_first_iteration_of_a_run_always_looks),
        TEST(test_runs_of_one_iteration_each_look_once),
        TEST(test_waits_are_skipped_while_callbacks_are_ready),
        TEST(test_cancelled_timers_take_no_room),
        TEST(test_time_is_monotonic),
        TEST(test_ever_shorter_sleeps_in_real_time_take_few_iterations),
        TEST(test_interrupted_wait_is_no_error),
        TEST(test_wake_up_is_over_when_its_posts_have_run),
    };

    return run_suite("iteration", tests);
}

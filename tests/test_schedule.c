/* SPDX-License-Identifier: MIT */
/* call_soon(), call_soon_threadsafe(), call_later(), call_at(): LOOP-35..LOOP-38. */
#include "common/thread.h"
#include "support/support.h"

/* LOOP-35: once, first in first out, in a later iteration. */
static void test_call_soon_runs_in_order(struct fixture *f)
{
    must(eddy_loop_call_soon(f->loop, on_call, "a", NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "b", NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "c", NULL));
    assert_nothing_recorded();
    run_iterations(f->loop, 3);
    assert_recorded("a", "b", "c");
}

/* LOOP-33: a missing callback is refused always, not only in debug mode. */
static void test_null_callback_is_invalid(struct fixture *f)
{
    eddy_handle handle = {0};

    assert_int_equal(eddy_loop_call_soon(f->loop, NULL, NULL, &handle), EDDY_EINVALID);
    assert_int_equal(eddy_loop_call_later(f->loop, 0, NULL, NULL, &handle), EDDY_EINVALID);
    assert_int_equal(eddy_loop_call_at(f->loop, 0, NULL, NULL, &handle), EDDY_EINVALID);
    assert_int_equal(eddy_loop_call_soon_threadsafe(f->loop, NULL, NULL, NULL), EDDY_EINVALID);
    assert_null(handle.loop);
}

static int on_call_record_context(void *arg)
{
    (void)arg;
    record("%s", eddy_get_context() != NULL ? (char *)eddy_context_value(eddy_get_context()) : "-");
    return 0;
}

/* LOOP-35: the context current at the call is current in the callback, and only there. */
static void test_callback_runs_in_the_context_of_its_call(struct fixture *f)
{
    eddy_context *blue = NULL, *red = NULL;
    int error;

    must(eddy_context_new("blue", NULL, &blue));
    error = eddy_context_new("red", NULL, &red);
    eddy_set_context(blue);
    if (error == 0)
        error = eddy_loop_call_soon(f->loop, on_call_record_context, NULL, NULL);
    if (error == 0)
        error = eddy_loop_call_later(f->loop, 0, on_call_record_context, NULL, NULL);
    if (error == 0)
        error = eddy_loop_call_soon_threadsafe(f->loop, on_call_record_context, NULL, NULL);
    if (error == 0)
        error = eddy_loop_call_soon_in_context(f->loop, on_call_record_context, NULL, red, NULL);
    if (error == 0)
        error = eddy_loop_call_soon_in_context(f->loop, on_call_record_context, NULL, NULL, NULL);
    eddy_set_context(NULL);
    eddy_context_unref(blue);
    eddy_context_unref(red);
    must(error);
    run_iterations(f->loop, 2);
    assert_recorded("blue", "blue", "red", "-", "blue");
    assert_null(eddy_get_context());
}

static int on_call_change_context(void *context)
{
    eddy_set_context(context);
    return 0;
}

/* LOOP-35: what a callback changes ends with it. */
static void test_context_set_in_a_callback_ends_with_it(struct fixture *f)
{
    eddy_context *context = NULL;
    int error;

    must(eddy_context_new("leaked", NULL, &context));
    error = eddy_loop_call_soon(f->loop, on_call_change_context, context, NULL);
    if (error == 0)
        error = eddy_loop_call_soon(f->loop, on_call_record_context, NULL, NULL);
    if (error == 0)
        run_iterations(f->loop, 1);
    eddy_context_unref(context);
    must(error);
    assert_recorded("-");
    assert_null(eddy_get_context());
}

static void release_context(void *text)
{
    record("released %s", (const char *)text);
}

/* LOOP-35, LOOP-39: a callback's context is released once it has run. */
static void test_context_is_released_after_the_callback(struct fixture *f)
{
    eddy_context *context = NULL;
    int error;

    must(eddy_context_new("it", release_context, &context));
    error = eddy_loop_call_soon_in_context(f->loop, on_call_record_context, NULL, context, NULL);
    eddy_context_unref(context);
    must(error);
    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("it", "released it");
}

/* LOOP-36: before the loop runs, from its own thread. */
static void test_post_before_the_run_comes_with_the_first_iteration(struct fixture *f)
{
    must(eddy_loop_call_soon_threadsafe(f->loop, on_call, "posted", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("posted");
}

static void post_hello(void *loop)
{
    if (eddy_loop_call_soon_threadsafe(loop, on_call, "hello", NULL) == EDDY_ENOMEM)
        eddy_loop_call_soon_threadsafe(loop, on_call, "hello", NULL);
}

/* LOOP-36, LOOP-41: first in, first out across threads. */
static void test_post_of_another_thread_comes_before_a_later_call_soon(struct fixture *f)
{
    struct eddy__thread thread;

    must(eddy__thread_start(&thread, "poster", post_hello, f->loop));
    eddy__thread_join(&thread);
    must(eddy_loop_call_soon(f->loop, on_call, "world", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("hello", "world");
}

static void post_stop(void *loop)
{
    if (eddy_loop_call_soon_threadsafe(loop, on_call_stop, loop, NULL) == EDDY_ENOMEM)
        eddy_loop_call_soon_threadsafe(loop, on_call_stop, loop, NULL);
}

struct late_thread {
    struct eddy__thread thread;
    eddy_loop *loop;
    int error;
};

static int on_call_start_thread(void *arg)
{
    struct late_thread *late = arg;

    late->error = eddy__thread_start(&late->thread, "poster", post_stop, late->loop);
    if (late->error != 0)
        eddy_loop_stop(late->loop);
    return 0;
}

/* LOOP-30, LOOP-36: a wait that nothing else would end is ended by a post. Real time. */
static void test_post_wakes_a_blocked_loop_in_real_time(struct fixture *f)
{
    struct late_thread late = {.loop = f->loop};

    if (f->sim != NULL)
        skip(); /* the simulated clock would jump to the timer below */
    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(3600), on_call, "too late", NULL));
    must(eddy_loop_call_soon(f->loop, on_call_start_thread, &late, NULL));
    must(eddy_loop_run_forever(f->loop));
    must(late.error);
    eddy__thread_join(&late.thread);
    assert_nothing_recorded();
}

/* LOOP-37: zero and negative delays are due in the next iteration, the more negative first. */
static void test_negative_delays_run_in_their_order(struct fixture *f)
{
    must(eddy_loop_call_later(f->loop, 0, on_call, "0", NULL));
    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(-1), on_call, "-1", NULL));
    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(-2), on_call, "-2", NULL));
    must(eddy_loop_call_later(f->loop, INT64_MIN, on_call, "never was", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("never was", "-2", "-1", "0");
}

static int on_call_check_time(void *arg)
{
    const eddy_handle *handle = arg;
    eddy_loop *loop = eddy_get_running_loop();

    assert_true(eddy_loop_time(loop) + eddy_loop_clock_resolution(loop) > handle->when);
    record("due");
    return 0;
}

/* LOOP-38, LOOP-29: an absolute time, once, and never before it. */
static void test_call_at_runs_once_and_not_early(struct fixture *f)
{
    eddy_handle handle;
    eddy_time when = eddy_loop_time(f->loop) + EDDY_MICROSECONDS(1500);

    must(eddy_loop_call_at(f->loop, when, on_call_check_time, &handle, &handle));
    assert_true(eddy_handle_when(handle) == when);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_recorded("due");
}

/* LOOP-37: call_later(delay) is call_at(time() + delay). */
static void test_call_later_counts_from_now(struct fixture *f)
{
    eddy_time before = eddy_loop_time(f->loop), after;
    eddy_handle handle;

    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(5), on_call, "five", &handle));
    after = eddy_loop_time(f->loop);
    assert_true(eddy_handle_when(handle) >= before + EDDY_SECONDS(5));
    assert_true(eddy_handle_when(handle) <= after + EDDY_SECONDS(5));
}

/* LOOP-38, LOOP-28: any distance; sums saturate instead of wrapping round into the past. */
static void test_far_future_does_not_wrap(struct fixture *f)
{
    eddy_handle handle;

    run_for(f->loop, EDDY_MICROSECONDS(10));
    must(eddy_loop_call_later(f->loop, EDDY_FOREVER, on_call, "for ever", &handle));
    must(eddy_loop_call_at(f->loop, INT64_MAX - 1, on_call, "nearly", NULL));
    assert_true(eddy_handle_when(handle) == INT64_MAX);
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_nothing_recorded();
}

static int on_call_schedule_timer(void *loop)
{
    record("outer");
    return eddy_loop_call_later(loop, 0, on_call, "inner", NULL);
}

/* LOOP-38: a timer whose callback schedules another one. */
static void test_timer_may_schedule_a_timer(struct fixture *f)
{
    must(eddy_loop_call_later(f->loop, 0, on_call_schedule_timer, f->loop, NULL));
    run_iterations(f->loop, 1);
    assert_recorded("outer");
    run_iterations(f->loop, 1);
    assert_recorded("inner");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_call_soon_runs_in_order),
        TEST(test_null_callback_is_invalid),
        TEST(test_callback_runs_in_the_context_of_its_call),
        TEST(test_context_set_in_a_callback_ends_with_it),
        TEST(test_context_is_released_after_the_callback),
        TEST(test_post_before_the_run_comes_with_the_first_iteration),
        TEST(test_post_of_another_thread_comes_before_a_later_call_soon),
        TEST(test_post_wakes_a_blocked_loop_in_real_time),
        TEST(test_negative_delays_run_in_their_order),
        TEST(test_call_at_runs_once_and_not_early),
        TEST(test_call_later_counts_from_now),
        TEST(test_far_future_does_not_wrap),
        TEST(test_timer_may_schedule_a_timer),
    };

    return run_suite("schedule", tests);
}

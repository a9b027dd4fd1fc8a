/* SPDX-License-Identifier: MIT */
/* Debug mode: LOOP-32..LOOP-34. */
#include "common/thread.h"
#include "support/support.h"
#include <string.h>

static eddy_loop *loop_with_environment(struct fixture *f, const char *value)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop = NULL;
    int error;

    platform_set_environment("EDDY_DEBUG", value);
    error = eddy_loop_new(&options, &loop);
    platform_set_environment("EDDY_DEBUG", NULL);
    must(error);
    return loop;
}

static void free_loop(eddy_loop *loop)
{
    assert_int_equal(eddy_loop_close(loop), 0);
    eddy_loop_unref(loop);
}

/* LOOP-32: off, unless EDDY_DEBUG is not empty when the loop is made; may be switched. */
static void test_debug_is_off_unless_the_environment_says_so(struct fixture *f)
{
    eddy_loop *loop = loop_with_environment(f, NULL);

    assert_false(eddy_loop_get_debug(loop));
    free_loop(loop);
    loop = loop_with_environment(f, "");
    assert_false(eddy_loop_get_debug(loop));
    free_loop(loop);
    loop = loop_with_environment(f, "1");
    assert_true(eddy_loop_get_debug(loop));
    eddy_loop_set_debug(loop, false);
    assert_false(eddy_loop_get_debug(loop));
    eddy_loop_set_debug(loop, true);
    assert_true(eddy_loop_get_debug(loop));
    free_loop(loop);
}

struct wrong_thread {
    eddy_loop *loop;
    bool with_loop; /* the thread has a current loop of its own */
    int call_soon, call_later, call_at, threadsafe, started;
};

static void schedule_from_thread(void *arg)
{
    struct wrong_thread *test = arg;
    eddy_loop *own = NULL;

    if (test->with_loop && eddy_new_event_loop(&own) == 0)
        eddy_set_event_loop(own);
    test->call_soon = eddy_loop_call_soon(test->loop, on_call, "soon", NULL);
    test->call_later = eddy_loop_call_later(test->loop, 0, on_call, "later", NULL);
    test->call_at = eddy_loop_call_at(test->loop, 0, on_call, "at", NULL);
    test->threadsafe = eddy_loop_call_soon_threadsafe(test->loop, on_call, "safe", NULL);
    if (own != NULL) {
        eddy_set_event_loop(NULL);
        eddy_loop_close(own);
    }
    eddy_loop_unref(own);
}

/* The loop's thread waits for the other one, so that they do not race. */
static int on_call_start_wrong_thread(void *arg)
{
    struct wrong_thread *test = arg;
    struct eddy__thread thread;

    test->started = eddy__thread_start(&thread, "wrong", schedule_from_thread, test);
    if (test->started == 0)
        eddy__thread_join(&thread);
    return 0;
}

/* LOOP-33: scheduling from another thread is found out, but for call_soon_threadsafe(). */
static void test_debug_finds_calls_from_the_wrong_thread(struct fixture *f)
{
    struct wrong_thread test = {.loop = f->loop};
    int round;

    eddy_loop_set_debug(f->loop, true);
    for (round = 0; round < 2; round++) {
        test.with_loop = round == 1;
        must(eddy_loop_call_soon(f->loop, on_call_start_wrong_thread, &test, NULL));
        run_iterations(f->loop, 1);
        must(test.started);
        give_up_if(test.threadsafe == EDDY_ENOMEM);
        assert_int_equal(test.threadsafe, 0);
        assert_int_equal(test.call_soon, EDDY_EBADSTATE);
        assert_int_equal(test.call_later, EDDY_EBADSTATE);
        assert_int_equal(test.call_at, EDDY_EBADSTATE);
        run_iterations(f->loop, 1);
        assert_recorded("safe");
    }
}

/* LOOP-33: nobody looks without debug mode. */
static void test_wrong_thread_goes_unseen_without_debug(struct fixture *f)
{
    struct wrong_thread test = {.loop = f->loop};

    must(eddy_loop_call_soon(f->loop, on_call_start_wrong_thread, &test, NULL));
    run_iterations(f->loop, 2);
    must(test.started);
    give_up_if(allocations_failed());
    assert_int_equal(test.call_soon, 0);
    assert_int_equal(test.call_later, 0);
    assert_int_equal(test.call_at, 0);
    assert_int_equal(test.threadsafe, 0);
    assert_int_equal(recorded(NULL), 4);
}

static void call_soon_from_thread(void *arg)
{
    struct wrong_thread *test = arg;

    test->call_soon = eddy_loop_call_soon(test->loop, on_call, "soon", NULL);
}

/* LOOP-33: no check when the loop is not running. */
static void test_debug_allows_any_thread_before_the_run(struct fixture *f)
{
    struct wrong_thread test = {.loop = f->loop};
    struct eddy__thread thread;

    eddy_loop_set_debug(f->loop, true);
    must(eddy__thread_start(&thread, "early", call_soon_from_thread, &test));
    eddy__thread_join(&thread);
    give_up_if(test.call_soon == EDDY_ENOMEM);
    assert_int_equal(test.call_soon, 0);
    run_iterations(f->loop, 1);
    assert_recorded("soon");
}

static int on_call_fail(void *arg)
{
    (void)arg;
    return EDDY_EUSER - 4;
}

/* LOOP-33: a report of a failed callback says where it was scheduled, in debug mode only. */
static void test_debug_reports_where_a_callback_was_scheduled(struct fixture *f)
{
    must(eddy_loop_call_soon(f->loop, on_call_fail, NULL, NULL));
    run_iterations(f->loop, 1);
    assert_string_equal(assert_reported("callback", EDDY_EUSER - 4)->handle_traceback, "");
    eddy_loop_set_debug(f->loop, true);
    must(eddy_loop_call_soon(f->loop, on_call_fail, NULL, NULL));
    run_iterations(f->loop, 1);
    assert_string_not_equal(assert_reported("callback", EDDY_EUSER - 4)->handle_traceback, "");
}

/* LOOP-34 */
static void test_slow_callback_duration_is_a_tenth_of_a_second(struct fixture *f)
{
    eddy_loop *fresh;

    must(eddy_loop_new(NULL, &fresh));
    assert_true(eddy_loop_get_slow_callback_duration(fresh) == EDDY_MILLISECONDS(100));
    eddy_loop_close(fresh);
    eddy_loop_unref(fresh);
    eddy_loop_set_slow_callback_duration(f->loop, EDDY_SECONDS(2));
    assert_true(eddy_loop_get_slow_callback_duration(f->loop) == EDDY_SECONDS(2));
}

/* LOOP-34: 0 reports every callback, but only in debug mode. */
static void test_slow_callback_report_of_every_callback(struct fixture *f)
{
    eddy_loop_set_slow_callback_duration(f->loop, 0);
    must(eddy_loop_call_soon(f->loop, on_call, "plain", NULL));
    run_iterations(f->loop, 1);
    assert_int_equal(logged(EDDY_LOG_WARNING, "took"), 0);
    eddy_loop_set_debug(f->loop, true);
    must(eddy_loop_call_soon(f->loop, on_call, "debug", NULL));
    run_iterations(f->loop, 1);
    assert_logged(EDDY_LOG_WARNING, "took");
    assert_recorded("plain", "debug");
}

static int on_call_take_time(void *arg)
{
    struct fixture *f = arg;
    eddy_time until = eddy_loop_time(f->loop) + EDDY_MILLISECONDS(2);

    if (f->sim != NULL)
        eddy_sim_advance(f->sim, EDDY_MILLISECONDS(2));
    while (eddy_loop_time(f->loop) < until)
        ;
    return 0;
}

/* LOOP-34: at least so long; names the callback and how long it took. Takes 4 ms of real time. */
static void test_slow_callback_report_of_a_slow_one(struct fixture *f)
{
    const char *warning;

    eddy_loop_set_debug(f->loop, true);
    eddy_loop_set_slow_callback_duration(f->loop, EDDY_SECONDS(100));
    must(eddy_loop_call_soon(f->loop, on_call_take_time, f, NULL));
    run_iterations(f->loop, 1);
    assert_int_equal(logged(EDDY_LOG_WARNING, "took"), 0);
    eddy_loop_set_slow_callback_duration(f->loop, EDDY_MILLISECONDS(2));
    must(eddy_loop_call_soon(f->loop, on_call_take_time, f, NULL));
    run_iterations(f->loop, 1);
    warning = assert_logged(EDDY_LOG_WARNING, f->sim != NULL ? "took 0.002" : "took ");
    assert_non_null(strstr(warning, "callback"));
}

static int slow_task(void *arg, eddy_value *result)
{
    (void)result;
    return on_call_take_time(arg);
}

/* LOOP-34: of a task's step the task is named. */
static void test_slow_callback_report_of_a_task_step_names_the_task(struct fixture *f)
{
    eddy_task_options options = {.name = "the-slow-one"};

    eddy_loop_set_debug(f->loop, true);
    eddy_loop_set_slow_callback_duration(f->loop, EDDY_MILLISECONDS(2));
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_task(f->loop, slow_task, f, &options), NULL));
    assert_logged(EDDY_LOG_WARNING, "the-slow-one");
}

/* LOOP-33: closing is logged. */
static void test_debug_logs_the_close(struct fixture *f)
{
    eddy_loop_set_debug(f->loop, true);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_logged(EDDY_LOG_DEBUG, "close");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_debug_is_off_unless_the_environment_says_so),
        TEST(test_debug_finds_calls_from_the_wrong_thread),
        TEST(test_wrong_thread_goes_unseen_without_debug),
        TEST(test_debug_allows_any_thread_before_the_run),
        TEST(test_debug_reports_where_a_callback_was_scheduled),
        TEST(test_slow_callback_duration_is_a_tenth_of_a_second),
        TEST(test_slow_callback_report_of_every_callback),
        TEST(test_slow_callback_report_of_a_slow_one),
        TEST(test_slow_callback_report_of_a_task_step_names_the_task),
        TEST(test_debug_logs_the_close),
    };

    return run_suite("debug", tests);
}

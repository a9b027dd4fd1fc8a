/* SPDX-License-Identifier: MIT */
/* The small layer on top: RUN-1..RUN-4, RUN-8. */
#include "common/loop.h"
#include "common/signal.h"
#include "support/support.h"
#include <signal.h>

/* Out of memory ends these tests by an assertion. */
#define ok(call) assert_int_equal(call, 0)

enum { ECUSTOM = EDDY_EUSER - 1 };

static int run_task(struct fixture *f, eddy_function function, void *arg)
{
    return eddy_loop_run_until_complete(f->loop,
                                        eddy_loop_create_task(f->loop, function, arg, NULL), NULL);
}

/* Runs of their own, on the backend under test where that can be named. */
static eddy_run_options run_options(struct fixture *f)
{
    return (eddy_run_options){.backend = eddy_loop_get_backend(f->loop)};
}

static int main_of_program(void *arg, eddy_value *result)
{
    (void)arg;
    record("main");
    ok(eddy_await(eddy_sleep(EDDY_MILLISECONDS(1)), NULL));
    result->integer = 42;
    return 0;
}

/* RUN-1 */
static void test_run_runs_main_and_gives_its_result(struct fixture *f)
{
    eddy_run_options options = run_options(f);
    eddy_value value = {0};

    ok(eddy_run(main_of_program, NULL, &value, &options));
    assert_int_equal(value.integer, 42);
    assert_recorded("main");
    assert_null(eddy_get_running_loop());
    assert_int_equal(eddy_run(NULL, NULL, NULL, NULL), EDDY_EINVALID);
}

static int failing_main(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_error(ECUSTOM, "main failed");
}

/* RUN-1: its error, and the text of it. */
static void test_run_returns_the_error_of_main(struct fixture *f)
{
    eddy_run_options options = run_options(f);

    assert_int_equal(eddy_run(failing_main, NULL, NULL, &options), ECUSTOM);
    assert_string_equal(eddy_error_text(), "main failed");
}

static int run_nested(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    assert_int_equal(eddy_run(main_of_program, NULL, NULL, NULL), EDDY_EBADSTATE);
    return 0;
}

/* RUN-1 */
static void test_run_inside_a_running_loop_is_bad_state(struct fixture *f)
{
    ok(run_task(f, run_nested, NULL));
    assert_nothing_recorded();
}

static int background(void *name, eddy_value *result)
{
    int error = eddy_await(eddy_loop_create_future(eddy_get_running_loop()), result);

    record("%s:%s", (const char *)name, eddy_err_name(error));
    ok(eddy_await(eddy_sleep(0), NULL));
    record("%s cleaned up", (const char *)name);
    return *(const char *)name == 'b' ? eddy_error(ECUSTOM, "b failed") : error;
}

static int one_yield(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    record("generator:%s", eddy_err_name(eddy_yield((eddy_value){.integer = 1})));
    return 0;
}

static eddy_generator *left_behind;

static int leaving_main(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();

    (void)arg;
    (void)result;
    eddy_loop_set_exception_handler(loop, reports_handler, NULL);
    ok(eddy_loop_spawn(loop, background, "a"));
    ok(eddy_loop_spawn(loop, background, "b"));
    ok(eddy_generator_new(one_yield, NULL, NULL, &left_behind));
    ok(eddy_generator_next(left_behind, NULL));
    return eddy_await(eddy_sleep(0), NULL);
}

/* RUN-1, LOOP-21, RUN-8: tasks first, then generators; the errors of the tasks are reported. */
static void test_run_shuts_everything_down_in_order(struct fixture *f)
{
    eddy_run_options options = run_options(f);

    ok(eddy_run(leaving_main, NULL, NULL, &options));
    assert_recorded("a:EDDY_ECANCELED", "b:EDDY_ECANCELED", "a cleaned up", "b cleaned up",
                    "generator:EDDY_ECANCELED");
    assert_string_equal(assert_reported("shut down", ECUSTOM)->text, "b failed");
    eddy_generator_unref(left_behind);
}

static int stopping_main(void *arg, eddy_value *result)
{
    eddy_loop_stop(eddy_get_running_loop());
    return background(arg, result);
}

/* RUN-1, LOOP-12: a loop that is stopped; main() is then cancelled like the others. */
static void test_run_stopped_before_main_is_done_is_bad_state(struct fixture *f)
{
    eddy_run_options options = run_options(f);

    assert_int_equal(eddy_run(stopping_main, "main", NULL, &options), EDDY_EBADSTATE);
    assert_recorded("main:EDDY_ECANCELED", "main cleaned up");
}

/* Press Ctrl-C, as the handler of the system would. */
static void press(eddy_loop *loop)
{
    eddy__signal_note(loop, SIGINT);
}

static int interrupted_main(void *arg, eddy_value *result)
{
    press(eddy_get_running_loop());
    return background(arg, result);
}

/* RUN-1: the first Ctrl-C cancels main(), which cleans up. */
static void test_an_interrupt_cancels_main(struct fixture *f)
{
    eddy_run_options options = run_options(f);

    assert_int_equal(eddy_run(interrupted_main, "main", NULL, &options), EDDY_ECANCELED);
    assert_string_equal(eddy_error_text(), "interrupted");
    assert_recorded("main:EDDY_ECANCELED", "main cleaned up");
}

static int twice_interrupted_main(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    eddy_loop_set_exception_handler(eddy_get_running_loop(), reports_handler, NULL);
    press(eddy_get_running_loop());
    record("%s", eddy_err_name(eddy_await(eddy_sleep(EDDY_SECONDS(3600)), NULL)));
    press(eddy_get_running_loop());
    record("%s", eddy_err_name(eddy_await(eddy_sleep(EDDY_SECONDS(3600)), NULL)));
    return 0;
}

/* RUN-1: the second one ends at once. */
static void test_a_second_interrupt_ends_at_once(struct fixture *f)
{
    eddy_run_options options = run_options(f);

    assert_int_equal(eddy_run(twice_interrupted_main, NULL, NULL, &options), EDDY_EEXIT);
    assert_recorded("EDDY_ECANCELED");
    assert_reported("destroyed while it was pending", 0);
}

static int sleep_for(void *delay, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_time begun = eddy_loop_time(loop);

    (void)result;
    ok(eddy_await(eddy_sleep(*(eddy_time *)delay), NULL));
    assert_true(eddy_loop_time(loop) - begun + eddy_loop_clock_resolution(loop) >=
                *(eddy_time *)delay);
    record("slept");
    return 0;
}

/* RUN-2, LOOP-24 */
static void test_sleep_is_never_early(struct fixture *f)
{
    eddy_time delays[] = {EDDY_MILLISECONDS(3), EDDY_MICROSECONDS(10), 1, 0, -5};

    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++)
        ok(run_task(f, sleep_for, &delays[i]));
    assert_int_equal(recorded("slept"), 5);
    recorder_reset();
    assert_int_equal(eddy_future_exception(eddy_sleep(1)), EDDY_EBADSTATE);
}

static int on_done(eddy_future *future, void *text)
{
    (void)future;
    record("%s", (const char *)text);
    return 0;
}

static int start_sleeps(void *arg, eddy_value *result)
{
    eddy_future *heard = eddy_sleep(EDDY_MILLISECONDS(1));

    (void)arg;
    (void)result;
    ok(eddy_future_add_done_callback(heard, on_done, "heard"));
    eddy_future_unref(heard);
    eddy_future_unref(eddy_sleep(EDDY_SECONDS(3600))); /* nobody's: gone */
    return eddy_await(eddy_sleep(EDDY_MILLISECONDS(2)), NULL);
}

/* RUN-2, FUT-5: a callback keeps a sleep going, a sleep without anybody is no more. */
static void test_a_dropped_sleep_lives_by_its_callback(struct fixture *f)
{
    ok(run_task(f, start_sleeps, NULL));
    assert_recorded("heard");
}

static int limits_of_done_and_pending(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *done = eddy_loop_create_future(loop);
    eddy_future *pending = eddy_loop_create_future(loop);
    eddy_value value;

    (void)arg;
    (void)result;
    ok(eddy_future_set_result(done, (eddy_value){.integer = 1}));
    ok(eddy_await_for(done, 0, &value));
    assert_int_equal(value.integer, 1);
    assert_int_equal(eddy_await_for(eddy_future_ref(pending), 0, NULL), EDDY_ETIMEDOUT);
    assert_true(eddy_future_cancelled(pending));
    eddy_future_unref(pending);
    pending = eddy_loop_create_future(loop);
    assert_int_equal(eddy_await_for(eddy_future_ref(pending), EDDY_MILLISECONDS(1), NULL),
                     EDDY_ETIMEDOUT);
    assert_true(eddy_future_cancelled(pending));
    eddy_future_unref(pending);
    ok(eddy_await_for(eddy_sleep(EDDY_MILLISECONDS(1)), EDDY_SECONDS(60), NULL));
    ok(eddy_await_for(eddy_sleep(EDDY_MILLISECONDS(1)), EDDY_FOREVER, NULL));
    assert_int_equal(eddy_task_cancelling(eddy_current_task(NULL)), 0);
    return 0;
}

/* RUN-3 */
static void test_await_for_ends_what_is_not_done_in_time(struct fixture *f)
{
    ok(run_task(f, limits_of_done_and_pending, NULL));
}

static int limits_by_when(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_time when = eddy_loop_time(loop) + EDDY_MILLISECONDS(2);

    (void)arg;
    (void)result;
    assert_int_equal(eddy_await_until(eddy_sleep(EDDY_SECONDS(9)), when, NULL), EDDY_ETIMEDOUT);
    assert_true(eddy_loop_time(loop) + eddy_loop_clock_resolution(loop) >= when);
    assert_int_equal(eddy_await_until(eddy_sleep(EDDY_SECONDS(9)), when, NULL), EDDY_ETIMEDOUT);
    ok(eddy_await_until(eddy_sleep(0), eddy_loop_time(loop) + EDDY_SECONDS(60), NULL));
    return 0;
}

/* RUN-4 */
static void test_await_until_has_an_absolute_limit(struct fixture *f)
{
    ok(run_task(f, limits_by_when, NULL));
}

static int absorb(void *arg, eddy_value *result)
{
    (void)arg;
    record("inner:%s",
           eddy_err_name(eddy_await(eddy_loop_create_future(eddy_get_running_loop()), NULL)));
    ok(eddy_await(eddy_sleep(EDDY_MILLISECONDS(1)), NULL));
    record("inner ends");
    result->integer = 8;
    return 0;
}

static int limit_an_absorber(void *arg, eddy_value *result)
{
    eddy_future *inner = eddy_loop_create_task(eddy_get_running_loop(), absorb, NULL, NULL);
    eddy_value value;

    (void)arg;
    (void)result;
    ok(eddy_await_for(inner, EDDY_MILLISECONDS(1), &value));
    record("value:%d", (int)value.integer);
    return 0;
}

/* RUN-3: it returns only when the inner one has ended, and a result that came wins. */
static void test_await_for_waits_for_the_end_and_takes_a_result(struct fixture *f)
{
    ok(run_task(f, limit_an_absorber, NULL));
    assert_recorded("inner:EDDY_ECANCELED", "inner ends", "value:8");
}

static int limited_wait(void *inner, eddy_value *result)
{
    int error = eddy_await_for(eddy_future_ref(inner), EDDY_SECONDS(60), result);

    record("outer:%s", eddy_err_name(error));
    return error;
}

/* RUN-3: being cancelled cancels the inner one and waits for it. */
static void test_a_cancelled_await_for_cancels_the_inner_future(struct fixture *f)
{
    eddy_future *inner = eddy_loop_create_future(f->loop);
    eddy_future *task = eddy_loop_create_task(f->loop, limited_wait, inner, NULL);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(task, NULL));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, task, NULL), EDDY_ECANCELED);
    assert_true(eddy_future_cancelled(inner));
    assert_recorded("outer:EDDY_ECANCELED");
    eddy_future_unref(inner);
}

static void dispose(eddy_value value)
{
    record("dispose:%d", (int)value.integer);
}

/* RUN-3, FUT-1: done and cancelled at once: the result is disposed of. */
static void test_a_result_a_cancelled_await_for_does_not_want_is_disposed_of(struct fixture *f)
{
    eddy_future *inner = eddy_loop_create_future(f->loop);
    eddy_future *task = eddy_loop_create_task(f->loop, limited_wait, inner, NULL);

    eddy_future_set_disposer(inner, dispose);
    run_iterations(f->loop, 1);
    ok(eddy_future_set_result(inner, (eddy_value){.integer = 3}));
    eddy_future_unref(inner);
    assert_true(eddy_future_cancel(task, NULL));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, task, NULL), EDDY_ECANCELED);
    assert_recorded("dispose:3", "outer:EDDY_ECANCELED");
}

/* LOOP-17: closing while a task waits with a limit: its timer is the library's. */
static void test_closing_the_loop_stops_the_timer_of_a_limit(struct fixture *f)
{
    eddy_future *inner = eddy_loop_create_future(f->loop);
    eddy_future *task = eddy_loop_create_task(f->loop, limited_wait, inner, NULL);

    run_iterations(f->loop, 1);
    ok(eddy_loop_close(f->loop));
    assert_reported("destroyed while it was pending", 0);
    eddy_future_unref(task);
    eddy_future_unref(inner);
}

/* RUN-8 */
static void test_the_error_of_a_spawned_task_is_reported_when_it_ends(struct fixture *f)
{
    eddy_future *tasks[1];

    ok(eddy_loop_spawn(f->loop, failing_main, NULL));
    assert_int_equal(eddy_all_tasks(f->loop, tasks, 1), 1);
    run_iterations(f->loop, 1);
    assert_ptr_equal(assert_reported("task failed", ECUSTOM)->task, tasks[0]);
    eddy_future_unref(tasks[0]);
    assert_int_equal(reported(), 1);
    ok(eddy_loop_close(f->loop));
    assert_int_equal(eddy_loop_spawn(f->loop, failing_main, NULL), EDDY_EBADSTATE);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_run_runs_main_and_gives_its_result),
        TEST(test_run_returns_the_error_of_main),
        TEST(test_run_inside_a_running_loop_is_bad_state),
        TEST(test_run_shuts_everything_down_in_order),
        TEST(test_run_stopped_before_main_is_done_is_bad_state),
        TEST(test_an_interrupt_cancels_main),
        TEST(test_a_second_interrupt_ends_at_once),
        TEST(test_sleep_is_never_early),
        TEST(test_a_dropped_sleep_lives_by_its_callback),
        TEST(test_await_for_ends_what_is_not_done_in_time),
        TEST(test_await_until_has_an_absolute_limit),
        TEST(test_await_for_waits_for_the_end_and_takes_a_result),
        TEST(test_a_cancelled_await_for_cancels_the_inner_future),
        TEST(test_a_result_a_cancelled_await_for_does_not_want_is_disposed_of),
        TEST(test_closing_the_loop_stops_the_timer_of_a_limit),
        TEST(test_the_error_of_a_spawned_task_is_reported_when_it_ends),
    };

    return run_suite("run", tests);
}

/* SPDX-License-Identifier: MIT */
/* How tasks start, wait and end, and what can be asked of them: TASK-1..TASK-6, TASK-13..16. */
#include "common/coroutine.h"
#include "common/thread.h"
#include "support/support.h"
#include <stdlib.h>
#include <string.h>

/* The tests hold tasks, so that out of memory ends them by an assertion. */
#define ok(call) assert_int_equal(call, 0)

enum { ECUSTOM = EDDY_EUSER - 1 };

static eddy_value integer(int64_t number)
{
    return (eddy_value){.integer = number};
}

/* Run `function(arg)` as a task to its end. */
static int run_task(struct fixture *f, eddy_function function, void *arg, eddy_value *value)
{
    return eddy_loop_run_until_complete(f->loop,
                                        eddy_loop_create_task(f->loop, function, arg, NULL), value);
}

static int return_42(void *text, eddy_value *result)
{
    record("%s", (const char *)text);
    result->integer = 42;
    return 0;
}

/* TASK-1, TASK-2, TASK-6 */
static void test_a_task_runs_later_and_ends_with_its_result(struct fixture *f)
{
    eddy_future *task = eddy_loop_create_task(f->loop, return_42, "body", NULL);
    eddy_value value;

    assert_nothing_recorded();
    assert_true(eddy_future_is_task(task));
    run_iterations(f->loop, 1);
    assert_recorded("body");
    assert_int_equal(eddy_future_result(task, &value), 0);
    assert_int_equal(value.integer, 42);
    eddy_future_unref(task);
}

static int fail_custom(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_error(ECUSTOM, "out of luck");
}

/* TASK-6: error and text. */
static void test_a_failing_task_keeps_its_error(struct fixture *f)
{
    int error = run_task(f, fail_custom, NULL, NULL);

    assert_int_equal(error, ECUSTOM);
    assert_string_equal(eddy_error_text(), "out of luck");
}

/* TASK-6, FUT-8: an error nobody asks for. */
static void test_a_failed_task_nobody_asked_is_reported(struct fixture *f)
{
    eddy_future *task = eddy_loop_create_task(f->loop, fail_custom, NULL, NULL);

    eddy_future_unref(task);
    run_iterations(f->loop, 1);
    assert_reported("nobody asked", ECUSTOM);
}

static int return_cancelled(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_error(EDDY_ECANCELED, "on second thoughts");
}

/* TASK-6: even if nobody called cancel(). */
static void test_cancelled_escaping_the_body_cancels_the_task(struct fixture *f)
{
    eddy_future *task = eddy_loop_create_task(f->loop, return_cancelled, NULL, NULL);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancelled(task));
    assert_int_equal(eddy_future_exception(task), EDDY_ECANCELED);
    assert_string_equal(eddy_error_text(), "on second thoughts");
    eddy_future_unref(task);
}

/* TASK-6 */
static void test_a_task_cannot_be_completed_by_a_program(struct fixture *f)
{
    eddy_future *task = eddy_loop_create_task(f->loop, return_42, "body", NULL);

    assert_int_equal(eddy_future_set_result(task, integer(1)), EDDY_EBADSTATE);
    assert_int_equal(eddy_future_set_exception(task, ECUSTOM), EDDY_EBADSTATE);
    run_iterations(f->loop, 1);
    assert_recorded("body");
    eddy_future_unref(task);
}

static void on_release(void *text)
{
    record("release:%s", (const char *)text);
}

/* TASK-1, LOOP-19: the argument goes back without a complaint. */
static void test_a_task_of_a_closed_loop_is_refused_and_released(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_future *task;

    ok(eddy_loop_close(f->loop));
    task = eddy_loop_create_task(f->loop, return_42, "arg", &options);
    assert_true(eddy_future_done(task));
    assert_int_equal(eddy_future_exception(task), EDDY_EBADSTATE);
    eddy_future_unref(task);
    assert_recorded("release:arg");
}

/* TASK-1 */
static void test_a_task_needs_a_function_and_a_sane_stack(struct fixture *f)
{
    eddy_task_options options = {.release = on_release, .stack_size = SIZE_MAX / 2};
    eddy_future *task = eddy_loop_create_task(f->loop, NULL, "a", &options);

    assert_int_equal(eddy_future_exception(task), EDDY_EINVALID);
    eddy_future_unref(task);
    task = eddy_loop_create_task(f->loop, return_42, "b", &options);
    assert_true(eddy_future_exception(task) < 0);
    eddy_future_unref(task);
    assert_recorded("release:a", "release:b");
}

/* The release function comes when the task has ended. */
static void test_the_argument_is_released_after_the_end(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_future *task = eddy_loop_create_task(f->loop, return_42, "x", &options);

    ok(eddy_loop_run_until_complete(f->loop, task, NULL));
    assert_recorded("x", "release:x");
}

/* What another thread got from create_task(). */
struct trespass {
    eddy_loop *loop;
    int error;
};

static void trespass_main(void *arg)
{
    struct trespass *trespass = arg;
    eddy_task_options options = {.release = on_release};
    eddy_future *task = eddy_loop_create_task(trespass->loop, return_42, "thread", &options);

    trespass->error = eddy_future_exception(task);
    eddy_future_unref(task);
}

static int on_call_trespass(void *arg)
{
    struct eddy__thread thread;

    ok(eddy__thread_start(&thread, "trespasser", trespass_main, arg));
    eddy__thread_join(&thread);
    return 0;
}

/* LOOP-33: refused, and no registered task is left behind. */
static void test_debug_mode_refuses_a_task_from_another_thread(struct fixture *f)
{
    struct trespass trespass = {.loop = f->loop};

    eddy_loop_set_debug(f->loop, true);
    eddy_loop_set_slow_callback_duration(f->loop, EDDY_SECONDS(3600));
    ok(eddy_loop_call_soon(f->loop, on_call_trespass, &trespass, NULL));
    run_iterations(f->loop, 1);
    assert_int_equal(trespass.error, EDDY_EBADSTATE);
    assert_int_equal(eddy_all_tasks(f->loop, NULL, 0), 0);
    assert_recorded("release:thread");
}

struct waiting {
    eddy_future *future;
    const char *name;
};

static int wait_for(void *arg, eddy_value *result)
{
    struct waiting *waiting = arg;
    int error;

    record("%s waits", waiting->name);
    error = eddy_await(eddy_future_ref(waiting->future), result);
    record("%s:%s", waiting->name, error == 0 ? "0" : eddy_err_name(error));
    return error;
}

/* TASK-4: resumes one iteration after the completion. */
static void test_waiting_resumes_one_iteration_after_completion(struct fixture *f)
{
    struct waiting waiting = {eddy_loop_create_future(f->loop), "a"};
    eddy_future *task = eddy_loop_create_task(f->loop, wait_for, &waiting, NULL);
    eddy_value value;

    run_iterations(f->loop, 1);
    assert_recorded("a waits");
    assert_int_equal(eddy_future_set_result(waiting.future, integer(7)), 0);
    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("a:0");
    assert_int_equal(eddy_future_result(task, &value), 0);
    assert_int_equal(value.integer, 7);
    eddy_future_unref(task);
    eddy_future_unref(waiting.future);
}

/* TASK-4: a done future does not suspend. */
static void test_awaiting_a_done_future_does_not_suspend(struct fixture *f)
{
    struct waiting waiting = {eddy_loop_create_future(f->loop), "a"};
    eddy_future *task;

    assert_int_equal(eddy_future_set_result(waiting.future, integer(7)), 0);
    task = eddy_loop_create_task(f->loop, wait_for, &waiting, NULL);
    run_iterations(f->loop, 1);
    assert_recorded("a waits", "a:0");
    eddy_future_unref(task);
    eddy_future_unref(waiting.future);
}

/* TASK-4: two tasks wait for one future, and go on in order. */
static void test_several_tasks_wait_for_one_future(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    struct waiting a = {future, "a"}, b = {future, "b"};
    eddy_future *first = eddy_loop_create_task(f->loop, wait_for, &a, NULL);
    eddy_future *second = eddy_loop_create_task(f->loop, wait_for, &b, NULL);

    run_iterations(f->loop, 1);
    assert_int_equal(eddy_future_set_exception(future, ECUSTOM), 0);
    run_iterations(f->loop, 1);
    assert_recorded("a waits", "b waits", "a:EDDY_E?", "b:EDDY_E?");
    assert_int_equal(eddy_future_exception(first), ECUSTOM);
    assert_int_equal(eddy_future_exception(second), ECUSTOM);
    eddy_future_unref(first);
    eddy_future_unref(second);
    eddy_future_unref(future);
}

static int yield_once(void *loop, eddy_value *result)
{
    (void)result;
    record("one");
    ok(eddy_loop_call_soon(loop, on_call, "between", NULL));
    ok(eddy_await(eddy_sleep(0), NULL));
    record("two");
    return 0;
}

/* TASK-4, RUN-2: a bare yield costs one iteration. */
static void test_a_bare_yield_resumes_in_the_next_iteration(struct fixture *f)
{
    eddy_future *task = eddy_loop_create_task(f->loop, yield_once, f->loop, NULL);

    run_iterations(f->loop, 1);
    assert_recorded("one");
    run_iterations(f->loop, 1);
    assert_recorded("between", "two");
    ok(eddy_future_exception(task));
    eddy_future_unref(task);
}

/* Outside a task awaiting is refused, and takes the reference. */
static void test_awaiting_outside_a_task_is_bad_state(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    assert_int_equal(eddy_await(future, NULL), EDDY_EBADSTATE);
    assert_int_equal(eddy_await_for(eddy_loop_create_future(f->loop), 1, NULL), EDDY_EBADSTATE);
}

struct refusals {
    eddy_loop *loop;
    eddy_loop *other;
};

static int await_refused(void *arg, eddy_value *result)
{
    struct refusals *refusals = arg;

    (void)result;
    assert_int_equal(eddy_loop_call_soon(refusals->loop, on_call, "1", NULL), 0);
    record("%s", eddy_err_name(eddy_await(NULL, NULL)));
    assert_int_equal(eddy_loop_call_soon(refusals->loop, on_call, "2", NULL), 0);
    record("%s", eddy_err_name(eddy_await(eddy_future_ref(eddy_current_task(NULL)), NULL)));
    assert_int_equal(eddy_loop_call_soon(refusals->loop, on_call, "3", NULL), 0);
    record("%s", eddy_err_name(eddy_await(eddy_loop_create_future(refusals->other), NULL)));
    assert_true(strstr(eddy_error_text(), "another loop") != NULL);
    return 0;
}

/* TASK-5: told in the next iteration, and the task goes on. */
static void test_what_cannot_be_awaited_is_bad_state_in_the_next_iteration(struct fixture *f)
{
    struct refusals refusals = {.loop = f->loop};

    ok(eddy_loop_new(NULL, &refusals.other));
    assert_int_equal(run_task(f, await_refused, &refusals, NULL), 0);
    assert_recorded("1", "EDDY_EBADSTATE", "2", "EDDY_EBADSTATE", "3", "EDDY_EBADSTATE");
    assert_int_equal(eddy_loop_close(refusals.other), 0);
    eddy_loop_unref(refusals.other);
}

static eddy_future *make_future(eddy_loop *loop, eddy_function function, void *arg,
                                const eddy_task_options *options, void *factory_arg)
{
    record("factory:%s:%s", (const char *)factory_arg, options->name != NULL ? options->name : "-");
    return options->eager_start ? NULL : eddy_task_new(loop, function, arg, options);
}

/* TASK-3 */
static void test_the_task_factory_makes_the_tasks(struct fixture *f)
{
    eddy_task_options named = {.name = "job"}, eager = {.eager_start = true};
    eddy_future *task;
    void *arg;

    assert_null(eddy_loop_get_task_factory(f->loop, &arg));
    eddy_loop_set_task_factory(f->loop, make_future, "mine");
    assert_true(eddy_loop_get_task_factory(f->loop, &arg) == make_future);
    assert_string_equal(arg, "mine");
    ok(run_task(f, return_42, "a", NULL));
    assert_recorded("factory:mine:-", "a");
    task = eddy_loop_create_task(f->loop, return_42, "b", &named);
    ok(eddy_loop_run_until_complete(f->loop, task, NULL));
    assert_recorded("factory:mine:job", "b");
    /* Its errors come out of create_task(), also that it returned nothing. */
    task = eddy_loop_create_task(f->loop, return_42, "c", &eager);
    assert_int_equal(eddy_future_exception(task), EDDY_EINVALID);
    eddy_future_unref(task);
    assert_recorded("factory:mine:-");
    eddy_loop_set_task_factory(f->loop, NULL, NULL);
    ok(run_task(f, return_42, "d", NULL));
    assert_recorded("d");
}

/* TASK-13, TASK-1: the default name is a prefix and a number that grows. */
static void test_names_coro_and_context_can_be_asked(struct fixture *f)
{
    eddy_task_options options = {.name = "reader"};
    eddy_future *plain = eddy_loop_create_task(f->loop, return_42, "a", NULL);
    eddy_future *named = eddy_loop_create_task(f->loop, return_42, "b", &options);
    unsigned long first, second;
    void *arg;

    assert_true(eddy_future_is_task(plain) && eddy_future_is_task(named));
    assert_int_equal(strncmp(eddy_task_get_name(plain), "Task-", 5), 0);
    assert_string_equal(eddy_task_get_name(named), "reader");
    first = strtoul(eddy_task_get_name(plain) + 5, NULL, 10);
    ok(eddy_task_set_name(plain, "writer"));
    assert_string_equal(eddy_task_get_name(plain), "writer");
    assert_int_equal(eddy_task_set_name(plain, NULL), EDDY_EINVALID);
    assert_true(eddy_task_get_coro(named, &arg) == return_42);
    assert_string_equal(arg, "b");
    assert_null(eddy_task_get_context(named));
    run_iterations(f->loop, 1);
    assert_recorded("a", "b");
    eddy_future_unref(named);
    named = eddy_loop_create_task(f->loop, return_42, "c", NULL);
    assert_true(eddy_future_is_task(named));
    second = strtoul(eddy_task_get_name(named) + 5, NULL, 10);
    assert_int_equal(second, first + 2);
    run_iterations(f->loop, 1);
    assert_recorded("c");
    eddy_future_unref(named);
    eddy_future_unref(plain);
}

/* A task-only call on a plain future is an error. */
static void test_task_calls_on_a_plain_future_are_refused(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    assert_false(eddy_future_is_task(future));
    assert_int_equal(eddy_task_cancelling(future), EDDY_EINVALID);
    assert_int_equal(eddy_task_uncancel(future), EDDY_EINVALID);
    assert_null(eddy_task_get_name(future));
    assert_int_equal(eddy_task_set_name(future, "x"), EDDY_EINVALID);
    assert_true(eddy_task_get_coro(future, NULL) == NULL);
    assert_null(eddy_task_get_context(future));
    eddy_future_unref(future);
}

static int look_around(void *task, eddy_value *result)
{
    eddy_future *tasks[2] = {NULL};

    (void)result;
    assert_ptr_equal(eddy_current_task(NULL), *(eddy_future **)task);
    assert_int_equal(eddy_all_tasks(NULL, tasks, 2), 2);
    assert_ptr_equal(tasks[0], *(eddy_future **)task);
    eddy_future_unref(tasks[0]);
    eddy_future_unref(tasks[1]);
    record("looked");
    return 0;
}

/* TASK-14 */
static void test_current_task_and_all_tasks(struct fixture *f)
{
    eddy_future *looking, *other;

    assert_null(eddy_current_task(NULL));
    assert_int_equal(eddy_all_tasks(NULL, NULL, 0), 0);
    looking = eddy_loop_create_task(f->loop, look_around, &looking, NULL);
    other = eddy_loop_create_task(f->loop, return_42, "other", NULL);
    assert_int_equal(eddy_all_tasks(f->loop, NULL, 0), 2);
    assert_null(eddy_current_task(f->loop));
    run_iterations(f->loop, 1);
    assert_recorded("looked", "other");
    assert_int_equal(eddy_all_tasks(f->loop, NULL, 0), 0);
    eddy_future_unref(looking);
    eddy_future_unref(other);
}

static int wait_for_ever(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    record("waits");
    return eddy_await(eddy_loop_create_future(eddy_get_running_loop()), NULL);
}

/* TASK-16, LOOP-17, LOOP-16: reported, not unwound; the argument goes back. */
static void test_closing_the_loop_reports_pending_tasks(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_future *suspended = eddy_loop_create_task(f->loop, wait_for_ever, "a", &options);
    eddy_future *unstarted;
    const struct report *report;

    run_iterations(f->loop, 1);
    unstarted = eddy_loop_create_task(f->loop, return_42, "b", &options);
    ok(eddy_loop_close(f->loop));
    assert_recorded("waits", "release:a", "release:b");
    report = assert_reported("destroyed while it was pending", 0);
    assert_ptr_equal(report->task, suspended);
    report = assert_reported("destroyed while it was pending", 0);
    assert_ptr_equal(report->task, unstarted);
    assert_false(eddy_future_done(suspended));
    assert_true(eddy_future_cancel(suspended, NULL));
    assert_true(eddy_future_cancelled(suspended));
    eddy_future_unref(suspended);
    eddy_future_unref(unstarted);
}

/* TASK-16: a task keeps itself alive while somebody can complete what it waits for. */
static void test_a_task_without_references_runs_to_its_end(struct fixture *f)
{
    struct waiting waiting = {eddy_loop_create_future(f->loop), "a"};

    eddy_future_unref(eddy_loop_create_task(f->loop, wait_for, &waiting, NULL));
    run_iterations(f->loop, 1);
    assert_int_equal(eddy_future_set_result(waiting.future, integer(1)), 0);
    run_iterations(f->loop, 1);
    assert_recorded("a waits", "a:0");
    eddy_future_unref(waiting.future);
}

static int provoke_error(void *text, eddy_value *result)
{
    (void)result;
    eddy_error(ECUSTOM, "%s", (const char *)text);
    ok(eddy_await(eddy_sleep(0), NULL));
    record("%s", eddy_error_text());
    return 0;
}

/* The text of the last failure belongs to the task. */
static void test_each_task_has_an_error_text_of_its_own(struct fixture *f)
{
    eddy_future *a = eddy_loop_create_task(f->loop, provoke_error, "a", NULL);
    eddy_future *b = eddy_loop_create_task(f->loop, provoke_error, "b", NULL);

    eddy_error(ECUSTOM, "thread");
    run_iterations(f->loop, 2);
    assert_recorded("a", "b");
    assert_string_equal(eddy_error_text(), "thread");
    eddy_future_unref(a);
    eddy_future_unref(b);
}

/* LOOP-34: the report of a slow step names the task. */
static void test_a_slow_step_is_logged_with_the_name_of_the_task(struct fixture *f)
{
    eddy_task_options options = {.name = "tortoise"};
    eddy_future *task;

    eddy_loop_set_debug(f->loop, true);
    eddy_loop_set_slow_callback_duration(f->loop, 0);
    task = eddy_loop_create_task(f->loop, return_42, "body", &options);
    run_iterations(f->loop, 1);
    eddy_loop_set_debug(f->loop, false);
    assert_recorded("body");
    assert_logged(EDDY_LOG_WARNING, "tortoise");
    eddy_future_unref(task);
}

static int sum_awaits(void *count, eddy_value *result)
{
    for (int i = 0; i < *(int *)count; i++) {
        eddy_value value;
        eddy_future *future = eddy_loop_create_future(eddy_get_running_loop());

        ok(eddy_future_set_result(future, integer(i)));
        ok(eddy_await(future, &value));
        result->integer += value.integer;
        ok(eddy_await(eddy_sleep(0), NULL));
    }
    return 0;
}

/* A warm loop neither allocates for tasks nor for what they await. */
static void test_a_warm_loop_allocates_nothing_for_a_task(struct fixture *f)
{
    int count = 10;
    eddy_value value = {0};
    size_t made;

#if defined(EDDY_COROUTINE_THREAD)
    skip(); /* The last resort of context switches needs memory for each run. */
#endif
    ok(run_task(f, sum_awaits, &count, &value));
    assert_int_equal(value.integer, 45);
    made = allocations_made();
    ok(run_task(f, sum_awaits, &count, &value));
    assert_int_equal(allocations_made(), made);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_task_runs_later_and_ends_with_its_result),
        TEST(test_a_failing_task_keeps_its_error),
        TEST(test_a_failed_task_nobody_asked_is_reported),
        TEST(test_cancelled_escaping_the_body_cancels_the_task),
        TEST(test_a_task_cannot_be_completed_by_a_program),
        TEST(test_a_task_of_a_closed_loop_is_refused_and_released),
        TEST(test_a_task_needs_a_function_and_a_sane_stack),
        TEST(test_the_argument_is_released_after_the_end),
        TEST(test_debug_mode_refuses_a_task_from_another_thread),
        TEST(test_waiting_resumes_one_iteration_after_completion),
        TEST(test_awaiting_a_done_future_does_not_suspend),
        TEST(test_several_tasks_wait_for_one_future),
        TEST(test_a_bare_yield_resumes_in_the_next_iteration),
        TEST(test_awaiting_outside_a_task_is_bad_state),
        TEST(test_what_cannot_be_awaited_is_bad_state_in_the_next_iteration),
        TEST(test_the_task_factory_makes_the_tasks),
        TEST(test_names_coro_and_context_can_be_asked),
        TEST(test_task_calls_on_a_plain_future_are_refused),
        TEST(test_current_task_and_all_tasks),
        TEST(test_closing_the_loop_reports_pending_tasks),
        TEST(test_a_task_without_references_runs_to_its_end),
        TEST(test_each_task_has_an_error_text_of_its_own),
        TEST(test_a_slow_step_is_logged_with_the_name_of_the_task),
        TEST(test_a_warm_loop_allocates_nothing_for_a_task),
    };

    return run_suite("task", tests);
}

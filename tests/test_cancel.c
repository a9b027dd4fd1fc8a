/* SPDX-License-Identifier: MIT */
/* Cancelling tasks: TASK-7..TASK-12. */
#include "support/support.h"

/* The tests hold tasks, so that out of memory ends them by an assertion. */
#define ok(call) assert_int_equal(call, 0)

enum { ECUSTOM = EDDY_EUSER - 1 };

static eddy_future *task_of(struct fixture *f, eddy_function function, void *arg)
{
    return eddy_loop_create_task(f->loop, function, arg, NULL);
}

/* Run the task, which the caller keeps, to its end. */
static int run_to_end(struct fixture *f, eddy_future *task)
{
    return eddy_loop_run_until_complete(f->loop, eddy_future_ref(task), NULL);
}

static int wait_for(void *future, eddy_value *result)
{
    int error;

    record("waits");
    error = eddy_await(eddy_future_ref(future), result);
    record("woke:%d", error);
    return error;
}

static void on_release(void *text)
{
    record("release:%s", (const char *)text);
}

static int never(void *text, eddy_value *result)
{
    (void)result;
    record("never:%s", (const char *)text);
    return 0;
}

/* TASK-8: the body never runs, the message arrives. */
static void test_a_task_cancelled_before_its_start_never_runs(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_future *task = eddy_loop_create_task(f->loop, never, "arg", &options);

    assert_true(eddy_future_cancel(task, "too late"));
    assert_false(eddy_future_done(task));
    assert_int_equal(run_to_end(f, task), EDDY_ECANCELED);
    assert_string_equal(eddy_error_text(), "too late");
    assert_recorded("release:arg");
    eddy_future_unref(task);
}

/* TASK-7: never at once, through the future that it waits for, with the message. */
static void test_cancel_reaches_the_awaited_future_first(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *task = task_of(f, wait_for, future);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(task, "stop it"));
    assert_true(eddy_future_cancelled(future));
    assert_false(eddy_future_cancelled(task));
    assert_true(eddy_future_cancel(task, NULL)); /* each time it says so */
    assert_int_equal(eddy_task_cancelling(task), 2);
    run_iterations(f->loop, 1);
    assert_recorded("waits", "woke:-5");
    assert_true(eddy_future_cancelled(task));
    assert_false(eddy_future_cancel(task, NULL));
    assert_int_equal(eddy_future_exception(task), EDDY_ECANCELED);
    eddy_future_unref(task);
    eddy_future_unref(future);
}

/* TASK-7: the awaited future is done already, so that the request comes at the next step. */
static void test_cancel_after_the_future_is_done_still_arrives(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *task = task_of(f, wait_for, future);

    run_iterations(f->loop, 1);
    ok(eddy_future_set_result(future, (eddy_value){.integer = 1}));
    assert_true(eddy_future_cancel(task, "in time"));
    assert_int_equal(run_to_end(f, task), EDDY_ECANCELED);
    assert_string_equal(eddy_error_text(), "in time");
    assert_recorded("waits", "woke:-5");
    eddy_future_unref(task);
    eddy_future_unref(future);
}

static int cancel_itself_and_wait(void *future, eddy_value *result)
{
    eddy_future *self = eddy_current_task(NULL);

    assert_true(eddy_future_cancel(self, "myself"));
    assert_false(eddy_future_cancelled(self));
    return wait_for(future, result);
}

/* TASK-9: the next future is cancelled at once. */
static void test_a_task_that_cancelled_itself_cancels_its_next_wait(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *task = task_of(f, cancel_itself_and_wait, future);

    run_iterations(f->loop, 1);
    assert_recorded("waits");
    assert_true(eddy_future_cancelled(future));
    assert_int_equal(run_to_end(f, task), EDDY_ECANCELED);
    assert_recorded("woke:-5");
    eddy_future_unref(task);
    eddy_future_unref(future);
}

static int cancel_itself_and_return(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    assert_true(eddy_future_cancel(eddy_current_task(NULL), "at the very end"));
    return 0;
}

/* TASK-6: returning with an undelivered request. */
static void test_returning_with_an_undelivered_request_is_cancelled(struct fixture *f)
{
    eddy_future *task = task_of(f, cancel_itself_and_return, NULL);

    assert_int_equal(run_to_end(f, task), EDDY_ECANCELED);
    assert_string_equal(eddy_error_text(), "at the very end");
    assert_true(eddy_future_cancelled(task));
    eddy_future_unref(task);
}

static int wait_done_then_pending(void *pending, eddy_value *result)
{
    eddy_future *done = eddy_loop_create_future(eddy_get_running_loop());

    ok(eddy_future_set_result(done, (eddy_value){.integer = 1}));
    assert_true(eddy_future_cancel(eddy_current_task(NULL), NULL));
    record("done:%d", eddy_await(done, result));
    record("pending:%d", eddy_await(eddy_future_ref(pending), NULL));
    return 0;
}

/* TASK-9, TASK-4: a done future delivers nothing, the next one does. */
static void test_a_done_future_does_not_deliver_the_request(struct fixture *f)
{
    eddy_future *pending = eddy_loop_create_future(f->loop);

    ok(eddy_loop_run_until_complete(f->loop, task_of(f, wait_done_then_pending, pending), NULL));
    assert_recorded("done:0", "pending:-5");
    eddy_future_unref(pending);
}

/* TASK-10: down the chain, and back up. */
static void test_cancel_goes_down_a_chain_of_tasks(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *inner = task_of(f, wait_for, future);
    eddy_future *middle = task_of(f, wait_for, inner);
    eddy_future *outer = task_of(f, wait_for, middle);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(outer, "all of you"));
    assert_true(eddy_future_cancelled(future));
    assert_int_equal(run_to_end(f, outer), EDDY_ECANCELED);
    assert_string_equal(eddy_error_text(), "all of you");
    assert_true(eddy_future_cancelled(middle));
    assert_true(eddy_future_cancelled(inner));
    assert_int_equal(eddy_task_cancelling(inner), 1);
    assert_recorded("waits", "waits", "waits", "woke:-5", "woke:-5", "woke:-5");
    eddy_future_unref(outer);
    eddy_future_unref(middle);
    eddy_future_unref(inner);
    eddy_future_unref(future);
}

/* TASK-10: a third party cancels the inner one. */
static void test_a_cancelled_task_cancels_those_who_wait_for_it(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *inner = task_of(f, wait_for, future);
    eddy_future *outer = task_of(f, wait_for, inner);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(inner, NULL));
    assert_int_equal(run_to_end(f, outer), EDDY_ECANCELED);
    assert_int_equal(eddy_task_cancelling(outer), 0);
    assert_recorded("waits", "waits", "woke:-5", "woke:-5");
    eddy_future_unref(outer);
    eddy_future_unref(inner);
    eddy_future_unref(future);
}

static int wait_for_slot(void *slot, eddy_value *result)
{
    return eddy_await(eddy_future_ref(*(eddy_future **)slot), result);
}

/* Two tasks that wait for each other would never end; a cancel ends both. */
static void test_cancel_breaks_a_circle_of_tasks(struct fixture *f)
{
    eddy_future *a, *b = NULL;

    a = task_of(f, wait_for_slot, &b);
    b = task_of(f, wait_for_slot, &a);
    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(a, NULL));
    run_iterations(f->loop, 3);
    assert_true(eddy_future_cancelled(a));
    assert_true(eddy_future_cancelled(b));
    eddy_future_unref(a);
    eddy_future_unref(b);
}

static int absorb(void *future, eddy_value *result)
{
    record("first:%d", eddy_await(eddy_future_ref(future), NULL));
    record("second:%d", eddy_await(eddy_sleep(0), NULL));
    result->integer = 5;
    return 0;
}

/* TASK-11: absorbed, and then it waits again and returns. */
static void test_a_task_may_absorb_the_request(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *task = task_of(f, absorb, future);
    eddy_value value;

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(task, NULL));
    ok(run_to_end(f, task));
    ok(eddy_future_result(task, &value));
    assert_int_equal(value.integer, 5);
    assert_false(eddy_future_cancelled(task));
    assert_recorded("first:-5", "second:0");
    eddy_future_unref(task);
    eddy_future_unref(future);
}

static int fail_when_cancelled(void *future, eddy_value *result)
{
    (void)result;
    assert_int_equal(eddy_await(eddy_future_ref(future), NULL), EDDY_ECANCELED);
    return eddy_error(ECUSTOM, "clean-up failed");
}

/* TASK-11, FUT-8: another error is stored, and reported if nobody asks. */
static void test_a_task_may_fail_differently_when_cancelled(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *task = task_of(f, fail_when_cancelled, future);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(task, NULL));
    run_iterations(f->loop, 1);
    assert_true(eddy_future_done(task));
    assert_false(eddy_future_cancelled(task));
    eddy_future_unref(task);
    eddy_future_unref(future);
    assert_reported("nobody asked", ECUSTOM);
}

static int wait_for_absorber(void *task, eddy_value *result)
{
    int error = eddy_await(eddy_future_ref(task), result);

    record("outer:%d", error);
    return error;
}

/* TASK-10, TASK-11: the inner task absorbs; the outer one gets its result and goes on. */
static void test_an_absorbing_inner_task_saves_the_outer_one(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *inner = task_of(f, absorb, future);
    eddy_future *outer = task_of(f, wait_for_absorber, inner);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(outer, NULL));
    ok(run_to_end(f, outer));
    assert_recorded("first:-5", "second:0", "outer:0");
    eddy_future_unref(outer);
    eddy_future_unref(inner);
    eddy_future_unref(future);
}

static int count_requests(void *arg, eddy_value *result)
{
    eddy_future *self = eddy_current_task(NULL);

    (void)arg;
    (void)result;
    assert_int_equal(eddy_task_uncancel(self), 0);
    for (int i = 1; i <= 3; i++) {
        assert_true(eddy_future_cancel(self, NULL));
        assert_int_equal(eddy_task_cancelling(self), i);
    }
    assert_int_equal(eddy_task_uncancel(self), 2);
    assert_int_equal(eddy_task_uncancel(self), 1);
    assert_int_equal(eddy_task_uncancel(self), 0);
    assert_int_equal(eddy_task_uncancel(self), 0);
    /* At 0 the request is dropped, so that this wait goes well. */
    ok(eddy_await(eddy_sleep(0), NULL));
    return 0;
}

/* TASK-12 */
static void test_uncancel_takes_requests_back(struct fixture *f)
{
    eddy_future *task = task_of(f, count_requests, NULL);

    ok(run_to_end(f, task));
    assert_int_equal(eddy_task_cancelling(task), 0);
    assert_int_equal(eddy_task_uncancel(task), 0);
    assert_false(eddy_future_cancelled(task));
    eddy_future_unref(task);
}

static int on_timer_cancel(void *task)
{
    record("timer");
    eddy_future_cancel(task, NULL);
    return 0;
}

static int with_own_timeout(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *self = eddy_current_task(NULL);

    (void)arg;
    (void)result;
    ok(eddy_loop_call_later(loop, EDDY_MILLISECONDS(1), on_timer_cancel, self, NULL));
    record("inner:%d", eddy_await(eddy_loop_create_future(loop), NULL));
    assert_int_equal(eddy_task_uncancel(self), 0);
    record("outer:%d", eddy_await(eddy_sleep(0), NULL));
    return 0;
}

/* TASK-12: a limit built from call_later(cancel) and uncancel() inside a larger task. */
static void test_a_timeout_can_be_built_from_cancel_and_uncancel(struct fixture *f)
{
    eddy_future *task = task_of(f, with_own_timeout, NULL);

    ok(run_to_end(f, task));
    assert_int_equal(eddy_task_cancelling(task), 0);
    assert_recorded("timer", "inner:-5", "outer:0");
    eddy_future_unref(task);
}

static int sleep_long(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_await(eddy_sleep(EDDY_SECONDS(3600)), NULL);
}

/* RUN-2, TASK-7: a cancelled sleep leaves no timer that a run would wait for. */
static void test_a_cancelled_sleep_ends_at_once(struct fixture *f)
{
    eddy_time begun = eddy_loop_time(f->loop);
    eddy_future *task = task_of(f, sleep_long, NULL);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(task, NULL));
    assert_int_equal(run_to_end(f, task), EDDY_ECANCELED);
    assert_true(eddy_loop_time(f->loop) - begun < EDDY_SECONDS(60));
    eddy_future_unref(task);
}

static int cancel_itself_then_subtask(void *future, eddy_value *result)
{
    eddy_future *subtask = eddy_loop_create_task(eddy_get_running_loop(), wait_for, future, NULL);

    assert_true(eddy_future_cancel(eddy_current_task(NULL), NULL));
    record("sub:%d", eddy_await(subtask, result));
    return 0;
}

/* TASK-9, TASK-8: cancels itself, then waits for a subtask that has not started. */
static void test_a_self_cancelled_task_cancels_its_subtask(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    ok(eddy_loop_run_until_complete(f->loop, task_of(f, cancel_itself_then_subtask, future), NULL));
    assert_recorded("sub:-5");
    assert_false(eddy_future_done(future));
    eddy_future_unref(future);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_task_cancelled_before_its_start_never_runs),
        TEST(test_cancel_reaches_the_awaited_future_first),
        TEST(test_cancel_after_the_future_is_done_still_arrives),
        TEST(test_a_task_that_cancelled_itself_cancels_its_next_wait),
        TEST(test_returning_with_an_undelivered_request_is_cancelled),
        TEST(test_a_done_future_does_not_deliver_the_request),
        TEST(test_cancel_goes_down_a_chain_of_tasks),
        TEST(test_a_cancelled_task_cancels_those_who_wait_for_it),
        TEST(test_cancel_breaks_a_circle_of_tasks),
        TEST(test_a_task_may_absorb_the_request),
        TEST(test_a_task_may_fail_differently_when_cancelled),
        TEST(test_an_absorbing_inner_task_saves_the_outer_one),
        TEST(test_uncancel_takes_requests_back),
        TEST(test_a_timeout_can_be_built_from_cancel_and_uncancel),
        TEST(test_a_cancelled_sleep_ends_at_once),
        TEST(test_a_self_cancelled_task_cancels_its_subtask),
    };

    return run_suite("cancel", tests);
}

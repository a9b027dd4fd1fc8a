/* SPDX-License-Identifier: MIT */
/* run_until_complete(): LOOP-11..LOOP-13. */
#include "support/support.h"
#include <string.h>

static eddy_value integer(int64_t number)
{
    return (eddy_value){.integer = number};
}

static int on_call_succeed(void *future)
{
    record("succeed");
    return eddy_future_set_result(future, integer(42));
}

static int on_call_fail(void *future)
{
    eddy_error(EDDY_EUSER - 1, "no such luck");
    return eddy_future_set_exception(future, EDDY_EUSER - 1);
}

static int on_call_cancel(void *future)
{
    eddy_future_cancel(future, NULL);
    return 0;
}

/* Run a new future that `callback` completes in the first iteration. */
static int run_with(struct fixture *f, eddy_callback callback, eddy_value *value)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    int error = eddy_loop_call_soon(f->loop, callback, future, NULL);

    if (error != 0) {
        eddy_future_unref(future);
        return error;
    }
    return eddy_loop_run_until_complete(f->loop, future, value);
}

/* LOOP-12 */
static void test_run_until_complete_returns_the_result(struct fixture *f)
{
    eddy_value value = {0};

    must(run_with(f, on_call_succeed, &value));
    assert_int_equal(value.integer, 42);
    assert_recorded("succeed");
}

/* LOOP-12: and the text that belongs to the error. */
static void test_run_until_complete_returns_the_error(struct fixture *f)
{
    eddy_value value = integer(7);
    int error = run_with(f, on_call_fail, &value);

    if (error == EDDY_ENOMEM)
        must(error);
    assert_int_equal(error, EDDY_EUSER - 1);
    assert_string_equal(eddy_error_text(), "no such luck");
    assert_int_equal(value.integer, 7);
}

/* LOOP-12 */
static void test_run_until_complete_of_a_cancelled_future(struct fixture *f)
{
    int error = run_with(f, on_call_cancel, NULL);

    if (error == EDDY_ENOMEM)
        must(error);
    assert_int_equal(error, EDDY_ECANCELED);
}

static int on_call_twice(void *loop)
{
    record("first");
    return eddy_loop_call_soon(loop, on_call, "second", NULL);
}

/* LOOP-12: a future that is done already costs one iteration. */
static void test_done_future_costs_one_iteration(struct fixture *f)
{
    eddy_future *future;

    must(eddy_loop_call_soon(f->loop, on_call_twice, f->loop, NULL));
    future = eddy_loop_create_future(f->loop);
    if (eddy_future_set_result(future, integer(1)) != 0) {
        eddy_future_unref(future);
        give_up_if(true);
        fail();
    }
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
    assert_recorded("first");
    run_iterations(f->loop, 1);
    assert_recorded("second");
}

/* LOOP-12: stopped while pending; the text says so, the future can be run again. */
static void test_stop_during_run_until_complete_leaves_the_future_pending(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_value value = {0};

    assert_int_equal(eddy_loop_call_soon(f->loop, on_call_stop, f->loop, NULL), 0);
    eddy_future_ref(future);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EBADSTATE);
    assert_non_null(strstr(eddy_error_text(), "stopped"));
    assert_false(eddy_future_done(future));
    assert_int_equal(eddy_loop_call_soon(f->loop, on_call_succeed, future, NULL), 0);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, &value), 0);
    assert_int_equal(value.integer, 42);
    assert_recorded("succeed");
}

/* LOOP-11: the done callback of an interrupted run is gone, so the next run does not end early. */
static void test_interrupted_run_until_complete_leaves_no_stop_behind(struct fixture *f)
{
    eddy_time now;
    eddy_future *future = eddy_loop_create_future(f->loop);

    assert_int_equal(eddy_loop_call_soon(f->loop, on_call_stop, f->loop, NULL), 0);
    eddy_future_ref(future);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EBADSTATE);
    assert_int_equal(eddy_loop_call_soon(f->loop, on_call_succeed, future, NULL), 0);
    now = eddy_loop_time(f->loop);
    assert_int_equal(
        eddy_loop_call_at(f->loop, now + EDDY_MILLISECONDS(3), on_call_stop, f->loop, NULL), 0);
    assert_int_equal(
        eddy_loop_call_at(f->loop, now + EDDY_MILLISECONDS(1), on_call, "still running", NULL), 0);
    assert_int_equal(eddy_loop_run_forever(f->loop), 0);
    assert_recorded("succeed", "still running");
    eddy_future_unref(future);
}

struct exit_case {
    eddy_loop *loop;
    eddy_future *future;
};

static int on_call_succeed_and_exit(void *arg)
{
    struct exit_case *test = arg;
    int error = eddy_future_set_result(test->future, integer(1));

    eddy_loop_exit(test->loop, EDDY_EUSER - 9);
    return error;
}

/* LOOP-13: unwinding leaves no stray stop(): neither the flag nor a scheduled done callback. */
static void test_exit_leaves_no_stop_behind(struct fixture *f)
{
    struct exit_case test = {.loop = f->loop, .future = eddy_loop_create_future(f->loop)};

    assert_int_equal(eddy_loop_call_soon(f->loop, on_call_succeed_and_exit, &test, NULL), 0);
    eddy_future_ref(test.future);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, test.future, NULL), EDDY_EUSER - 9);
    assert_int_equal(
        eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(1), on_call, "still running", NULL), 0);
    assert_int_equal(
        eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(3), on_call_stop, f->loop, NULL), 0);
    assert_int_equal(eddy_loop_run_forever(f->loop), 0);
    assert_recorded("still running");
    eddy_future_unref(test.future);
}

/* LOOP-11: not a future, or one of another loop. */
static void test_run_until_complete_refuses_what_is_not_its_own(struct fixture *f)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *other = NULL;

    assert_int_equal(eddy_loop_run_until_complete(f->loop, NULL, NULL), EDDY_EINVALID);
    must(eddy_loop_new(&options, &other));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, eddy_loop_create_future(other), NULL),
                     allocations_failed() ? EDDY_ENOMEM : EDDY_EINVALID);
    assert_int_equal(eddy_loop_close(other), 0);
    eddy_loop_unref(other);
}

/* LOOP-11: the preconditions come before the future: it is consumed, not touched. */
static void test_run_until_complete_on_a_closed_loop(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    assert_int_equal(eddy_loop_close(f->loop), 0);
    eddy_future_ref(future);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EBADSTATE);
    assert_false(eddy_future_done(future));
    eddy_future_unref(future);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_run_until_complete_returns_the_result),
        TEST(test_run_until_complete_returns_the_error),
        TEST(test_run_until_complete_of_a_cancelled_future),
        TEST(test_done_future_costs_one_iteration),
        TEST(test_stop_during_run_until_complete_leaves_the_future_pending),
        TEST(test_interrupted_run_until_complete_leaves_no_stop_behind),
        TEST(test_exit_leaves_no_stop_behind),
        TEST(test_run_until_complete_refuses_what_is_not_its_own),
        TEST(test_run_until_complete_on_a_closed_loop),
    };

    return run_suite("run_until", tests);
}

/* SPDX-License-Identifier: MIT */
/* Work on executors: EXEC-1, EXEC-4, EXEC-5, EXEC-9. */
#include "common/loop.h"
#include "support/executor.h"
#include "support/gate.h"
#include "support/oom.h"
#include "support/support.h"
#include "support/sweep.h"

static int on_done(eddy_future *future, void *name)
{
    record("%s:%s", (const char *)name, eddy_future_cancelled(future) ? "cancelled" : "done");
    return 0;
}

/* EXEC-1: the function's result is the future's. */
static void test_work_gives_its_result(struct fixture *f)
{
    int number = 41;
    eddy_value value;
    eddy_future *future = eddy_loop_run_in_executor(f->loop, NULL, add_one, &number, NULL);

    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_int_equal(value.integer, 42);
}

static int fail_with_text(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_error(EDDY_EUSER - 7, "no such page");
}

/* EXEC-1: its error is the future's, with what it said about it on the other thread. */
static void test_work_gives_its_error(struct fixture *f)
{
    eddy_future *future = eddy_loop_run_in_executor(f->loop, NULL, fail_with_text, NULL, NULL);
    int error = eddy_loop_run_until_complete(f->loop, future, NULL);

    must(error == EDDY_EUSER - 7 ? 0 : error);
    assert_int_equal(error, EDDY_EUSER - 7);
    assert_string_equal(eddy_error_text(), "no such page");
}

static int fail_without_text(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return EDDY_EUSER - 7;
}

/* EXEC-1: what earlier work on the same thread said does not cling to it. */
static void test_error_text_of_earlier_work_is_gone(struct fixture *f)
{
    eddy_executor *pool = new_pool(1);
    int error;

    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_run_in_executor(f->loop, pool, fail_with_text, NULL, NULL), NULL);
    if (error == EDDY_EUSER - 7)
        error = eddy_loop_run_until_complete(
            f->loop, eddy_loop_run_in_executor(f->loop, pool, fail_without_text, NULL, NULL), NULL);
    end_pool(pool);
    must(error == EDDY_EUSER - 7 ? 0 : error);
    assert_string_equal(eddy_error_text(), eddy_strerror(EDDY_EUSER - 7));
}

static int cancel_itself(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return EDDY_ECANCELED;
}

/* EXEC-1: a function that ends cancelled cancels its future. */
static void test_work_that_ends_cancelled_cancels(struct fixture *f)
{
    eddy_future *future = eddy_loop_run_in_executor(f->loop, NULL, cancel_itself, NULL, NULL);
    int error;

    eddy_future_ref(future);
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    if (error == EDDY_ECANCELED)
        assert_true(eddy_future_cancelled(future));
    eddy_future_unref(future);
    must(error == EDDY_ECANCELED ? 0 : error);
}

static int tell_thread(void *arg, eddy_value *result)
{
    (void)arg;
    result->bits = eddy__thread_self();
    return 0;
}

/* EXEC-1: on a thread of its own, whose end is heard in the loop's. */
static void test_work_runs_on_another_thread(struct fixture *f)
{
    eddy_executor *pool = new_pool(1);
    eddy_future *future = eddy_loop_run_in_executor(f->loop, pool, tell_thread, NULL, NULL);
    eddy_value value = {0};
    int error = eddy_loop_run_until_complete(f->loop, future, &value);

    end_pool(pool);
    must(error);
    assert_true(value.bits != 0 && value.bits != eddy__thread_self());
}

/* EXEC-1: a closed loop refuses at the call, and the argument is released all the same. */
static void test_closed_loop_refuses_work(struct fixture *f)
{
    eddy_future *future;

    must(eddy_loop_close(f->loop));
    future = eddy_loop_run_in_executor(f->loop, NULL, add_one, "arg", on_release);
    assert_true(eddy_future_done(future));
    assert_int_equal(eddy_future_exception(future), EDDY_EBADSTATE);
    eddy_future_unref(future);
    assert_recorded("release:arg");
}

/* EXEC-1: nothing to run is refused. */
static void test_work_without_a_function_is_refused(struct fixture *f)
{
    eddy_future *future = eddy_loop_run_in_executor(f->loop, NULL, NULL, "arg", on_release);
    int error = eddy_future_exception(future);

    eddy_future_unref(future);
    assert_recorded("release:arg");
    must(error == EDDY_EINVALID ? 0 : error);
}

/* EXEC-4: cancelled work that has not started is withdrawn, one iteration later. */
static void test_cancel_withdraws_waiting_work(struct fixture *f)
{
    struct gate gate;
    eddy_executor *pool;
    eddy_future *first;
    eddy_future *second;

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(1);
    first = eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, NULL);
    second = eddy_loop_run_in_executor(f->loop, pool, never_called, "second", on_release);
    assert_int_equal(gate_await(&gate, 1), 1);
    assert_true(eddy_future_cancel(second, NULL));
    assert_true(eddy_future_cancelled(second));
    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("release:second");
    eddy_future_unref(second);
    gate_open(&gate);
    must(eddy_loop_run_until_complete(f->loop, first, NULL));
    end_pool(pool);
    gate_fini(&gate);
    assert_nothing_recorded();
}

/* EXEC-4: the default executor withdraws too, on a simulated loop as well. */
static void test_cancel_right_after_submitting_keeps_the_order(struct fixture *f)
{
    eddy_future *future;

    if (f->sim == NULL)
        skip(); /* on a thread the work may have begun */
    future = eddy_loop_run_in_executor(f->loop, NULL, never_called, "arg", on_release);
    eddy_future_cancel(future, NULL);
    eddy_future_unref(future);
    run_iterations(f->loop, 2);
    assert_recorded("release:arg");
}

struct held {
    struct gate gate;
    const char *name;
};

static int pass_held(void *held, eddy_value *result)
{
    return gate_pass(&((struct held *)held)->gate, result);
}

static void release_held(void *held)
{
    on_release((void *)(uintptr_t)((struct held *)held)->name);
}

/* EXEC-4: running work goes on; its outcome is dropped, its argument released when it has ended. */
static void test_cancel_of_running_work_drops_its_outcome(struct fixture *f)
{
    struct held held = {.name = "arg"};
    eddy_executor *pool;
    eddy_future *future;

    need_whole_test();
    gate_init(&held.gate);
    pool = new_pool(1);
    future = eddy_loop_run_in_executor(f->loop, pool, pass_held, &held, release_held);
    must(eddy_future_add_done_callback(future, on_done, "future"));
    assert_int_equal(gate_await(&held.gate, 1), 1);
    assert_true(eddy_future_cancel(future, "enough"));
    run_iterations(f->loop, 3);
    assert_recorded("future:cancelled");
    gate_open(&held.gate);
    run_until_recorded(f->loop, "release:arg");
    assert_int_equal(eddy_future_result(future, NULL), EDDY_ECANCELED);
    eddy_future_unref(future);
    end_pool(pool);
    gate_fini(&held.gate);
}

/* EXEC-4: work that the executor itself gives up cancels its future. */
static void test_dropped_work_cancels_its_future(struct fixture *f)
{
    struct keeper keeper;
    eddy_future *future;
    int error = 0;

    keeper_init(&keeper);
    future = eddy_loop_run_in_executor(f->loop, &keeper.executor, never_called, "arg", on_release);
    if (eddy_future_done(future))
        error = eddy_future_exception(future);
    else
        eddy_work_drop(keeper.work);
    run_iterations(f->loop, 1);
    if (error == 0)
        assert_true(eddy_future_cancelled(future));
    eddy_future_unref(future);
    eddy_executor_unref(&keeper.executor);
    must(error);
    assert_recorded("submit", "release:arg", "free");
}

/* EXEC-4: an executor that refuses to take work back does it, for nothing. */
static void test_work_that_cannot_be_withdrawn_is_done(struct fixture *f)
{
    struct keeper keeper;
    eddy_future *future;

    need_whole_test();
    keeper_init(&keeper);
    future = eddy_loop_run_in_executor(f->loop, &keeper.executor, never_called, "arg", on_release);
    eddy_future_cancel(future, NULL);
    eddy_future_unref(future);
    run_iterations(f->loop, 1);
    assert_recorded("submit", "withdraw");
    eddy_work_run(keeper.work);
    run_iterations(f->loop, 1);
    eddy_executor_unref(&keeper.executor);
    assert_recorded("called", "release:arg", "free");
}

/* EXEC-1: an executor that takes no work fails the call, and nothing is left of it. */
static void test_failing_submit_fails_the_call(struct fixture *f)
{
    struct keeper keeper;
    eddy_future *future;
    int error;

    keeper_init(&keeper);
    keeper.submit_result = EDDY_EUSER;
    future = eddy_loop_run_in_executor(f->loop, &keeper.executor, never_called, "arg", on_release);
    error = eddy_future_exception(future);
    eddy_future_unref(future);
    eddy_executor_unref(&keeper.executor);
    must(error == EDDY_EUSER ? 0 : error);
    assert_recorded("submit", "release:arg", "free");
}

static void release_at_gate(void *gate)
{
    gate_count(gate);
}

/* EXEC-5: cancel, shut the pool down, close the loop: work that then ends is dropped silently. */
static void test_work_that_ends_after_close_is_dropped(struct fixture *f)
{
    struct gate gate;
    eddy_executor *pool;
    eddy_future *cancelled;
    eddy_future *pending;

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(2);
    cancelled = eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, release_at_gate);
    pending = eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, release_at_gate);
    assert_int_equal(gate_await(&gate, 2), 2);
    eddy_future_cancel(cancelled, NULL);
    pool->callbacks->shutdown(pool, false);
    must(eddy_loop_close(f->loop));
    gate_open(&gate);
    assert_true(gate_await_passed(&gate, 4)); /* two functions, two releases */
    end_pool(pool);
    assert_false(eddy_future_done(pending));
    eddy_future_unref(pending);
    eddy_future_unref(cancelled);
    gate_fini(&gate);
}

/* EXEC-5: posted, but not yet seen when the loop closes. */
static void test_outcome_on_its_way_is_dropped_by_close(struct fixture *f)
{
    struct keeper keeper;
    eddy_future *future;

    need_whole_test();
    keeper_init(&keeper);
    future = eddy_loop_run_in_executor(f->loop, &keeper.executor, never_called, "arg", on_release);
    eddy_work_run(keeper.work);
    must(eddy_loop_close(f->loop));
    assert_false(eddy_future_done(future));
    eddy_future_unref(future);
    eddy_executor_unref(&keeper.executor);
    assert_recorded("submit", "called", "release:arg", "free");
}

static int tell_context(void *arg, eddy_value *result)
{
    (void)arg;
    result->boolean = eddy_get_context() != NULL;
    return 0;
}

/* EXEC-9: the scheduling context stays where it is. */
static void test_context_is_not_carried_to_the_worker(struct fixture *f)
{
    eddy_context *context;
    eddy_future *future;
    eddy_value value;
    int error;

    must(eddy_context_new("mine", NULL, &context));
    eddy_set_context(context);
    future = eddy_loop_run_in_executor(f->loop, NULL, tell_context, NULL, NULL);
    eddy_set_context(NULL);
    eddy_context_unref(context);
    error = eddy_loop_run_until_complete(f->loop, future, &value);
    must(error);
    assert_false(value.boolean);
}

static void run_work(void *work)
{
    eddy_work_run(work);
}

static int on_call_again(void *loop)
{
    return eddy_loop_call_soon(loop, on_call_again, loop, NULL);
}

/*
 * EXEC-5: who posts the outcome may still be inside the post when the loop, which was awake, has
 * met it, and is closed: its memory waits. Without luck it takes a delay in there to see that fail.
 */
static void test_the_loop_may_go_with_the_last_outcome(struct fixture *f)
{
    int rounds = sweep_fewer(50), number = 1;

    need_whole_test();
    if (f->sim != NULL)
        skip();
    for (int i = 0; i < rounds; i++) {
        eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
        struct eddy__thread thread;
        struct keeper keeper;
        eddy_future *future;
        eddy_loop *loop;

        must(eddy_loop_new(&options, &loop));
        keeper_init(&keeper);
        future = eddy_loop_run_in_executor(loop, &keeper.executor, add_one, &number, NULL);
        assert_non_null(keeper.work);
        must(eddy_loop_call_soon(loop, on_call_again, loop, NULL));
        must(eddy__thread_start(&thread, "worker", run_work, keeper.work));
        must(eddy_loop_run_until_complete(loop, future, NULL));
        must(eddy_loop_close(loop));
        eddy_loop_unref(loop);
        eddy__thread_join(&thread);
        assert_recorded("submit");
    }
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_the_loop_may_go_with_the_last_outcome),
        TEST(test_work_gives_its_result),
        TEST(test_work_gives_its_error),
        TEST(test_error_text_of_earlier_work_is_gone),
        TEST(test_work_that_ends_cancelled_cancels),
        TEST(test_work_runs_on_another_thread),
        TEST(test_closed_loop_refuses_work),
        TEST(test_work_without_a_function_is_refused),
        TEST(test_cancel_withdraws_waiting_work),
        TEST(test_cancel_right_after_submitting_keeps_the_order),
        TEST(test_cancel_of_running_work_drops_its_outcome),
        TEST(test_dropped_work_cancels_its_future),
        TEST(test_work_that_cannot_be_withdrawn_is_done),
        TEST(test_failing_submit_fails_the_call),
        TEST(test_work_that_ends_after_close_is_dropped),
        TEST(test_outcome_on_its_way_is_dropped_by_close),
        TEST(test_context_is_not_carried_to_the_worker),
    };

    return run_suite("executor", tests);
}

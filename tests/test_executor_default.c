/* SPDX-License-Identifier: MIT */
/* The default executor of a loop: EXEC-3, EXEC-6..EXEC-8. */
#include "common/loop.h"
#include "support/executor.h"
#include "support/gate.h"
#include "support/oom.h"
#include "support/support.h"

/* EXEC-3: after its shutdown the default executor takes no work; others do. */
static void test_shut_down_default_refuses_work(struct fixture *f)
{
    int number = 1;
    eddy_executor *pool;
    eddy_future *future;
    int error;

    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_shutdown_default_executor(f->loop, EDDY_FOREVER), NULL));
    future = eddy_loop_run_in_executor(f->loop, NULL, add_one, "arg", on_release);
    assert_int_equal(eddy_future_exception(future), EDDY_EBADSTATE);
    eddy_future_unref(future);
    assert_recorded("release:arg");
    pool = new_pool(1);
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_run_in_executor(f->loop, pool, add_one, &number, NULL), NULL);
    end_pool(pool);
    must(error);
}

/* EXEC-6: what is no executor is refused, and the previous one stays. */
static void test_set_default_executor_refuses_nonsense(struct fixture *f)
{
    static struct keeper keeper;
    eddy_executor_callbacks incomplete;
    eddy_executor bad;

    keeper_init(&keeper);
    incomplete = *keeper.executor.callbacks;
    incomplete.shutdown = NULL;
    eddy_executor_init(&bad, &incomplete);
    assert_int_equal(eddy_loop_set_default_executor(f->loop, NULL), EDDY_EINVALID);
    must(eddy_loop_set_default_executor(f->loop, &keeper.executor));
    assert_int_equal(eddy_loop_set_default_executor(f->loop, &bad), EDDY_EINVALID);
    assert_ptr_equal(f->loop->default_executor, &keeper.executor);
    eddy_executor_unref(&keeper.executor);
    assert_nothing_recorded();
    must(eddy_loop_close(f->loop));
    assert_recorded("shutdown:go", "free");
}

/* EXEC-6: the default executor gets the work; its predecessor is not shut down. */
static void test_set_default_executor_replaces_it(struct fixture *f)
{
    static struct keeper first; /* the loop may hold them until the fixture closes it */
    static struct keeper second;
    int number = 1;
    eddy_future *future;
    int error;

    need_threads(f);
    keeper_init(&first);
    keeper_init(&second);
    must(eddy_loop_set_default_executor(f->loop, &first.executor));
    must(eddy_loop_set_default_executor(f->loop, &second.executor));
    assert_nothing_recorded();
    eddy_executor_unref(&second.executor);
    future = eddy_loop_run_in_executor(f->loop, NULL, add_one, &number, NULL);
    if (second.work != NULL)
        eddy_work_run(second.work);
    assert_null(first.work);
    eddy_executor_unref(&first.executor);
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    must(error);
    assert_recorded("submit", "free");
    must(eddy_loop_close(f->loop));
    assert_recorded("shutdown:go", "free");
}

/* EXEC-6: a new default does not undo the shutdown. */
static void test_set_default_executor_does_not_undo_shutdown(struct fixture *f)
{
    static struct keeper keeper;
    eddy_future *future;

    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_shutdown_default_executor(f->loop, EDDY_FOREVER), NULL));
    keeper_init(&keeper);
    must(eddy_loop_set_default_executor(f->loop, &keeper.executor));
    eddy_executor_unref(&keeper.executor);
    future = eddy_loop_run_in_executor(f->loop, NULL, never_called, NULL, NULL);
    assert_int_equal(eddy_future_exception(future), EDDY_EBADSTATE);
    eddy_future_unref(future);
    must(eddy_loop_close(f->loop)); /* the keeper is on this frame */
}

/* EXEC-7: shutdown waits for the work on another thread, and the loop goes on meanwhile. */
static void test_shutdown_waits_while_the_loop_runs(struct fixture *f)
{
    struct gate gate;
    eddy_executor *pool;
    eddy_future *work;
    eddy_future *shutdown;

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(1);
    must(eddy_loop_set_default_executor(f->loop, pool));
    work = eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, NULL);
    assert_int_equal(gate_await(&gate, 1), 1);
    shutdown = eddy_loop_shutdown_default_executor(f->loop, EDDY_FOREVER);
    must(eddy_loop_call_soon(f->loop, on_call, "meanwhile", NULL));
    run_iterations(f->loop, 3);
    assert_recorded("meanwhile");
    assert_false(eddy_future_done(shutdown));
    gate_open(&gate);
    must(eddy_loop_run_until_complete(f->loop, shutdown, NULL));
    assert_int_equal(gate.passed, 1);
    must(eddy_loop_run_until_complete(f->loop, work, NULL));
    work = eddy_loop_run_in_executor(f->loop, pool, never_called, NULL, NULL);
    assert_int_equal(eddy_future_exception(work), EDDY_EBADSTATE);
    eddy_future_unref(work);
    eddy_executor_unref(pool);
    gate_fini(&gate);
}

/* EXEC-7: whichever allocation fails, the call has failed and nothing has happened: it may come
 * again, also while no loop runs. */
static void test_shutdown_without_memory_fails(struct fixture *f)
{
    eddy_future *shutdown = NULL;
    eddy_executor *pool;
    bool failed = true;
    int number = 1;

    need_whole_test();
    pool = new_pool(1);
    must(eddy_loop_set_default_executor(f->loop, pool));
    eddy_executor_unref(pool);
    for (size_t nth = 1; failed; nth++) {
        allocations_fail(nth);
        shutdown = eddy_loop_shutdown_default_executor(f->loop, EDDY_SECONDS(1000));
        allocations_fail(0);
        failed = eddy_future_done(shutdown);
        if (!failed)
            break;
        assert_int_equal(eddy_future_exception(shutdown), EDDY_ENOMEM);
        eddy_future_unref(shutdown);
        must(eddy_loop_run_until_complete(
            f->loop, eddy_loop_run_in_executor(f->loop, NULL, add_one, &number, NULL), NULL));
    }
    must(eddy_loop_run_until_complete(f->loop, shutdown, NULL));
}

/* EXEC-7: so if there is no executor yet. */
static void test_shutdown_of_nothing_without_memory_fails(struct fixture *f)
{
    eddy_future *shutdown;
    int number = 1;

    need_whole_test();
    allocations_fail(1);
    shutdown = eddy_loop_shutdown_default_executor(f->loop, EDDY_FOREVER);
    allocations_fail(0);
    assert_true(eddy_future_done(shutdown));
    assert_int_equal(eddy_future_exception(shutdown), EDDY_ENOMEM);
    eddy_future_unref(shutdown);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_run_in_executor(f->loop, NULL, add_one, &number, NULL), NULL));
}

/* EXEC-7: after the limit it warns and succeeds; the work goes on by itself. */
static void test_shutdown_gives_up_after_its_limit(struct fixture *f)
{
    struct gate gate;
    eddy_executor *pool;

    need_whole_test();
    if (f->sim != NULL)
        skip(); /* a simulated clock stands still while other threads work */
    gate_init(&gate);
    pool = new_pool(1);
    must(eddy_loop_set_default_executor(f->loop, pool));
    eddy_future_unref(eddy_loop_run_in_executor(f->loop, NULL, gate_pass, &gate, NULL));
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_shutdown_default_executor(f->loop, EDDY_MILLISECONDS(5)), NULL));
    assert_logged(EDDY_LOG_WARNING, "default executor");
    assert_int_equal(gate.passed, 0);
    gate_open(&gate);
    end_pool(pool);
    must(eddy_loop_close(f->loop));
    gate_fini(&gate);
}

/* EXEC-7: cancelling stops the waiting alone; so does closing the loop. */
static void test_shutdown_can_be_cancelled(struct fixture *f)
{
    struct gate gate;
    eddy_executor *pool;
    eddy_future *shutdown;

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(1);
    must(eddy_loop_set_default_executor(f->loop, pool));
    eddy_future_unref(eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, NULL));
    shutdown = eddy_loop_shutdown_default_executor(f->loop, EDDY_SECONDS(1000));
    assert_true(eddy_future_cancel(shutdown, NULL));
    assert_int_equal(eddy_future_exception(shutdown), EDDY_ECANCELED);
    eddy_future_unref(shutdown);
    shutdown = eddy_loop_shutdown_default_executor(f->loop, EDDY_SECONDS(1000));
    must(eddy_loop_close(f->loop));
    assert_false(eddy_future_done(shutdown));
    eddy_future_unref(shutdown);
    gate_open(&gate);
    end_pool(pool);
    await_loop_alone(f);
    gate_fini(&gate);
}

/* EXEC-7: a negative limit is a mistake. */
static void test_shutdown_refuses_a_negative_limit(struct fixture *f)
{
    eddy_future *future = eddy_loop_shutdown_default_executor(f->loop, -1);
    int error = eddy_future_exception(future);

    eddy_future_unref(future);
    must(error == EDDY_EINVALID ? 0 : error);
}

/* EXEC-8: closing the loop does not wait, but what is queued still runs to its end. */
static void test_close_lets_queued_work_run(struct fixture *f)
{
    struct gate gate;
    eddy_executor *pool;

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(1);
    must(eddy_loop_set_default_executor(f->loop, pool));
    for (int i = 0; i < 3; i++)
        eddy_future_unref(eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, NULL));
    assert_int_equal(gate_await(&gate, 1), 1);
    must(eddy_loop_close(f->loop));
    assert_int_equal(gate.passed, 0);
    gate_open(&gate);
    end_pool(pool);
    assert_int_equal(gate.passed, 3);
    gate_fini(&gate);
}

/* EXEC-8: no new work once the loop has shut its executor down. */
static void test_close_shuts_the_default_down(struct fixture *f)
{
    static struct keeper keeper;

    keeper_init(&keeper);
    must(eddy_loop_set_default_executor(f->loop, &keeper.executor));
    eddy_executor_unref(&keeper.executor);
    must(eddy_loop_close(f->loop));
    assert_recorded("shutdown:go", "free");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_shut_down_default_refuses_work),
        TEST(test_set_default_executor_refuses_nonsense),
        TEST(test_set_default_executor_replaces_it),
        TEST(test_set_default_executor_does_not_undo_shutdown),
        TEST(test_shutdown_waits_while_the_loop_runs),
        TEST(test_shutdown_without_memory_fails),
        TEST(test_shutdown_of_nothing_without_memory_fails),
        TEST(test_shutdown_gives_up_after_its_limit),
        TEST(test_shutdown_can_be_cancelled),
        TEST(test_shutdown_refuses_a_negative_limit),
        TEST(test_close_lets_queued_work_run),
        TEST(test_close_shuts_the_default_down),
    };

    return run_suite("executor_default", tests);
}

/* SPDX-License-Identifier: MIT */
/* Executors: EXEC-1..EXEC-9. */
#include "common/loop.h"
#include "support/gate.h"
#include "support/oom.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>

/* Work held up at a gate cannot be left behind by a test that ends early for want of memory. */
static void need_whole_test(void)
{
    if (oom_is_on())
        skip();
}

static void need_threads(struct fixture *f)
{
    /* A simulated loop does the default executor's work itself. */
    if (f->sim != NULL)
        skip();
}

static eddy_executor *new_pool(int threads_max)
{
    eddy_thread_pool_options options = {.threads_max = threads_max};
    eddy_executor *pool;

    must(eddy_thread_pool_new(&options, &pool));
    return pool;
}

/* Make every thread of the pool end, so that nothing of it is left. */
static void end_pool(eddy_executor *pool)
{
    pool->callbacks->shutdown(pool, true);
    eddy_executor_unref(pool);
}

/* Wait until no thread holds the closed loop any more: a simulation counts who does. */
static void await_loop_alone(struct fixture *f)
{
    for (int i = 0; i < 10000000 && atomic_load(&f->loop->references) > 1; i++)
        eddy__thread_yield();
    assert_int_equal(atomic_load(&f->loop->references), 1);
}

static int on_done(eddy_future *future, void *name)
{
    record("%s:%s", (const char *)name, eddy_future_cancelled(future) ? "cancelled" : "done");
    return 0;
}

static void on_release(void *name)
{
    record("release:%s", (const char *)name);
}

static int add_one(void *arg, eddy_value *result)
{
    result->integer = *(int *)arg + 1;
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

struct sequence {
    int numbers[8];
    int count;
};

struct step {
    struct sequence *sequence;
    int number;
};

static int note_step(void *arg, eddy_value *result)
{
    struct step *step = arg;

    (void)result;
    step->sequence->numbers[step->sequence->count++] = step->number;
    return 0;
}

static void check_order(struct fixture *f, eddy_executor *executor)
{
    struct sequence sequence = {.count = 0};
    struct step steps[8];
    eddy_future *last = NULL;

    for (int i = 0; i < 8; i++) {
        steps[i] = (struct step){&sequence, i};
        eddy_future_unref(last);
        last = eddy_loop_run_in_executor(f->loop, executor, note_step, &steps[i], NULL);
    }
    must(eddy_loop_run_until_complete(f->loop, last, NULL));
    assert_int_equal(sequence.count, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(sequence.numbers[i], i);
}

/* EXEC-2: work starts in the order of submission. */
static void test_work_starts_in_order(struct fixture *f)
{
    eddy_executor *pool;

    need_whole_test();
    pool = new_pool(1);
    check_order(f, pool);
    end_pool(pool);
    if (f->sim != NULL)
        check_order(f, NULL);
}

/* EXEC-2: a thread for each work that finds none idle, up to the limit, and no more. */
static void test_pool_starts_threads_on_demand(struct fixture *f)
{
    struct gate gate;
    eddy_executor *pool;
    eddy_future *futures[4];

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(2);
    for (int i = 0; i < 4; i++)
        futures[i] = eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, NULL);
    assert_int_equal(gate_await(&gate, 2), 2);
    gate_open(&gate);
    for (int i = 0; i < 4; i++)
        must(eddy_loop_run_until_complete(f->loop, futures[i], NULL));
    end_pool(pool);
    assert_int_equal(gate.entered, 4);
    gate_fini(&gate);
}

/* EXEC-2: the default executor has min(32, processors + 4) threads. */
static void test_default_pool_has_its_size(struct fixture *f)
{
    int size = eddy__cpu_count() + 4 < 32 ? eddy__cpu_count() + 4 : 32;
    struct gate gate;
    eddy_future *futures[40];

    need_threads(f);
    need_whole_test();
    gate_init(&gate);
    for (int i = 0; i < 40; i++)
        futures[i] = eddy_loop_run_in_executor(f->loop, NULL, gate_pass, &gate, NULL);
    assert_int_equal(gate_await(&gate, size), size);
    gate_open(&gate);
    for (int i = 0; i < 40; i++)
        must(eddy_loop_run_until_complete(f->loop, futures[i], NULL));
    must(eddy_loop_close(f->loop));
    gate_fini(&gate);
}

static int read_thread_name(void *name, eddy_value *result)
{
    FILE *file = NULL;

    (void)result;
#if defined(__linux__) /* Wine shows the names of its own threads there */
    file = fopen("/proc/thread-self/comm", "r");
#endif
    if (file == NULL)
        return EDDY_ENOTSUPPORTED;
    if (fgets(name, 32, file) == NULL)
        ((char *)name)[0] = '\0';
    fclose(file);
    return 0;
}

/* EXEC-2: threads have names with the pool's prefix. */
static void test_threads_have_names(struct fixture *f)
{
    eddy_thread_pool_options options = {.threads_max = 1, .thread_name = "resolve"};
    char name[32] = "";
    eddy_executor *pool;
    int error;

    must(eddy_thread_pool_new(&options, &pool));
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_run_in_executor(f->loop, pool, read_thread_name, name, NULL), NULL);
    end_pool(pool);
    if (error == EDDY_ENOTSUPPORTED)
        skip(); /* only Linux shows them to a portable program */
    must(error);
    assert_string_equal(name, "resolve-0\n");
}

/* EXEC-2: a pool cannot have fewer than no threads. */
static void test_pool_refuses_bad_sizes(struct fixture *f)
{
    eddy_thread_pool_options options = {.threads_max = -1};
    eddy_executor *pool = NULL;

    (void)f;
    assert_int_equal(eddy_thread_pool_new(&options, &pool), EDDY_EINVALID);
    assert_null(pool);
}

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

static int never_called(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    record("called");
    return 0;
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

/* An executor of the program's own: keeps one work for the test to do with as it likes. */
struct keeper {
    eddy_executor executor;
    eddy_work *work;
    int submit_result;
    bool can_withdraw;
};

static int keeper_submit(eddy_executor *executor, eddy_work *work)
{
    struct keeper *keeper = (struct keeper *)(void *)executor;

    record("submit");
    if (keeper->submit_result == 0)
        keeper->work = work;
    return keeper->submit_result;
}

static bool keeper_withdraw(eddy_executor *executor, eddy_work *work)
{
    struct keeper *keeper = (struct keeper *)(void *)executor;

    record("withdraw");
    if (keeper->can_withdraw && keeper->work == work)
        keeper->work = NULL;
    return keeper->can_withdraw;
}

static void keeper_shutdown(eddy_executor *executor, bool wait)
{
    (void)executor;
    record("shutdown:%s", wait ? "wait" : "go");
}

static void keeper_free(eddy_executor *executor)
{
    (void)executor;
    record("free");
}

static const eddy_executor_callbacks keeper_callbacks = {
    .submit = keeper_submit,
    .withdraw = keeper_withdraw,
    .shutdown = keeper_shutdown,
    .free = keeper_free,
};

static void keeper_init(struct keeper *keeper)
{
    memset(keeper, 0, sizeof *keeper);
    eddy_executor_init(&keeper->executor, &keeper_callbacks);
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

/* EXEC-5: the pool's own thread may be the last to know of the pool. */
static void test_last_work_frees_the_pool(struct fixture *f)
{
    static struct gate gate; /* outlives the test's frame, should the test fail */
    eddy_executor *pool;

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(1);
    eddy_future_unref(eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, release_at_gate));
    assert_int_equal(gate_await(&gate, 1), 1);
    eddy_executor_unref(pool);
    must(eddy_loop_close(f->loop));
    gate_open(&gate);
    assert_true(gate_await_passed(&gate, 2));
    await_loop_alone(f);
    /* The fixture waits until the memory is gone. */
}

/* EXEC-6: what is no executor is refused, and the previous one stays. */
static void test_set_default_executor_refuses_nonsense(struct fixture *f)
{
    static const eddy_executor_callbacks incomplete = {.submit = keeper_submit};
    static struct keeper keeper;
    eddy_executor bad;

    keeper_init(&keeper);
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

int main(void)
{
    static const struct test tests[] = {
        TEST(test_work_gives_its_result),
        TEST(test_work_gives_its_error),
        TEST(test_error_text_of_earlier_work_is_gone),
        TEST(test_work_that_ends_cancelled_cancels),
        TEST(test_work_runs_on_another_thread),
        TEST(test_closed_loop_refuses_work),
        TEST(test_work_without_a_function_is_refused),
        TEST(test_work_starts_in_order),
        TEST(test_pool_starts_threads_on_demand),
        TEST(test_default_pool_has_its_size),
        TEST(test_threads_have_names),
        TEST(test_pool_refuses_bad_sizes),
        TEST(test_shut_down_default_refuses_work),
        TEST(test_cancel_withdraws_waiting_work),
        TEST(test_cancel_right_after_submitting_keeps_the_order),
        TEST(test_cancel_of_running_work_drops_its_outcome),
        TEST(test_dropped_work_cancels_its_future),
        TEST(test_work_that_cannot_be_withdrawn_is_done),
        TEST(test_failing_submit_fails_the_call),
        TEST(test_work_that_ends_after_close_is_dropped),
        TEST(test_outcome_on_its_way_is_dropped_by_close),
        TEST(test_last_work_frees_the_pool),
        TEST(test_set_default_executor_refuses_nonsense),
        TEST(test_set_default_executor_replaces_it),
        TEST(test_set_default_executor_does_not_undo_shutdown),
        TEST(test_shutdown_waits_while_the_loop_runs),
        TEST(test_shutdown_gives_up_after_its_limit),
        TEST(test_shutdown_can_be_cancelled),
        TEST(test_shutdown_refuses_a_negative_limit),
        TEST(test_close_lets_queued_work_run),
        TEST(test_close_shuts_the_default_down),
        TEST(test_context_is_not_carried_to_the_worker),
    };

    return run_suite("executor", tests);
}

/* SPDX-License-Identifier: MIT */
#include "support/executor.h"
#include "common/loop.h"
#include "common/thread.h"
#include "support/support.h"
#include <string.h>

eddy_executor *new_pool(int threads_max)
{
    eddy_thread_pool_options options = {.threads_max = threads_max};
    eddy_executor *pool;

    must(eddy_thread_pool_new(&options, &pool));
    return pool;
}

void end_pool(eddy_executor *pool)
{
    pool->callbacks->shutdown(pool, true);
    eddy_executor_unref(pool);
}

void await_loop_alone(struct fixture *f)
{
    for (int i = 0; i < 10000000 && atomic_load(&f->loop->references) > 1; i++)
        eddy__thread_yield();
    assert_int_equal(atomic_load(&f->loop->references), 1);
}

void need_threads(struct fixture *f)
{
    /* A simulated loop does the default executor's work itself. */
    if (f->sim != NULL)
        skip();
}

void on_release(void *name)
{
    record("release:%s", (const char *)name);
}

int add_one(void *arg, eddy_value *result)
{
    result->integer = *(int *)arg + 1;
    return 0;
}

int never_called(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    record("called");
    return 0;
}

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

void keeper_init(struct keeper *keeper)
{
    memset(keeper, 0, sizeof *keeper);
    eddy_executor_init(&keeper->executor, &keeper_callbacks);
}

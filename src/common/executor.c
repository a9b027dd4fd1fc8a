/* SPDX-License-Identifier: MIT */
#include "common/executor.h"
#include "common/thread.h"

void eddy_executor_init(eddy_executor *executor, const eddy_executor_callbacks *callbacks)
{
    *executor = (eddy_executor){.callbacks = callbacks, .references = 1};
}

/*
 * Executors are shared by loops of several threads, so the count needs care. It stands in a public
 * struct, which C++ has to understand as well: hence no atomic but the process-wide lock. Beside
 * handing work to another thread that costs nothing.
 */
eddy_executor *eddy_executor_ref(eddy_executor *executor)
{
    if (executor == NULL)
        return NULL;
    eddy__global_lock();
    executor->references++;
    eddy__global_unlock();
    return executor;
}

void eddy_executor_unref(eddy_executor *executor)
{
    bool last;

    if (executor == NULL)
        return;
    eddy__global_lock();
    last = --executor->references == 0;
    eddy__global_unlock();
    if (last)
        executor->callbacks->free(executor);
}

/** EXEC-6: anything with an executor's operations will do. */
static int executor_check(const eddy_executor *executor)
{
    const eddy_executor_callbacks *callbacks = executor != NULL ? executor->callbacks : NULL;

    if (callbacks == NULL)
        return eddy_error(EDDY_EINVALID, "no executor");
    if (callbacks->submit == NULL || callbacks->shutdown == NULL || callbacks->free == NULL)
        return eddy_error(EDDY_EINVALID, "an executor needs submit, shutdown and free");
    return 0;
}

int eddy_loop_set_default_executor(eddy_loop *loop, eddy_executor *executor)
{
    eddy_executor *previous = loop->default_executor;
    int error = executor_check(executor);

    if (error == 0)
        error = eddy__loop_check_open(loop);
    if (error)
        return error;
    loop->default_executor = eddy_executor_ref(executor);
    eddy_executor_unref(previous);
    return 0;
}

int eddy__executor_default(struct eddy_loop *loop, eddy_executor **executor)
{
    if (loop->executor_shut_down)
        return eddy_error(EDDY_EBADSTATE, "the default executor was shut down");
    *executor = NULL;
    if (loop->sim != NULL)
        return 0;
    if (loop->default_executor == NULL) {
        int error = eddy_thread_pool_new(NULL, &loop->default_executor);

        if (error)
            return error;
    }
    *executor = loop->default_executor;
    return 0;
}

eddy_future *eddy_loop_run_in_executor(eddy_loop *loop, eddy_executor *executor,
                                       eddy_function function, void *arg, eddy_release release)
{
    struct eddy__work_order order = {.function = function, .arg = arg, .release = release};

    return eddy__work_start(loop, executor, &order);
}

void eddy__executor_close(struct eddy_loop *loop)
{
    eddy_executor *executor = loop->default_executor;

    loop->default_executor = NULL;
    loop->executor_shut_down = true;
    if (executor == NULL)
        return;
    executor->callbacks->shutdown(executor, false);
    eddy_executor_unref(executor);
}

/* SPDX-License-Identifier: MIT */
/** Waiting for a child's exit (SUB-17). */
#include "common/process.h"
#include <eddy/process.h>

/** One who waits; the process holds a reference as long as it is in the list. */
struct process_waiter {
    struct eddy_future future;
    struct eddy__list node;
};

static void waiter_leave(struct process_waiter *waiter)
{
    eddy__list_remove(&waiter->node);
    eddy_future_unref(&waiter->future);
}

static bool waiter_cancel(struct eddy_future *future, const char *message)
{
    eddy__future_finish_cancelled(future, message);
    waiter_leave((struct process_waiter *)future);
    return true;
}

static const struct eddy__future_kind waiter_kind = {
    .name = "exit of a process",
    .cancel = waiter_cancel,
};

void eddy__process_wake(struct eddy__process *process)
{
    while (!eddy__list_is_empty(&process->waiters)) {
        struct process_waiter *waiter =
            EDDY__OWNER(process->waiters.next, struct process_waiter, node);

        eddy__future_finish(&waiter->future, (eddy_value){.integer = process->returncode});
        waiter_leave(waiter);
    }
}

void eddy__process_forget_waiters(struct eddy__process *process)
{
    while (!eddy__list_is_empty(&process->waiters))
        waiter_leave(EDDY__OWNER(process->waiters.next, struct process_waiter, node));
}

eddy_future *eddy_process_wait(eddy_transport *transport)
{
    struct eddy_loop *loop = transport != NULL ? transport->loop : NULL;
    struct eddy__process *process = NULL;
    struct eddy_future *future;

    if (transport == NULL || transport->kind != &eddy__process_kind)
        return eddy__future_failed(loop, eddy_error(EDDY_EINVALID, "this transport is no process"));
    process = process_of(transport);
    if (process->life == PROCESS_LOST && !process->has_exited)
        return eddy__future_failed(loop, eddy_error(EDDY_EBADSTATE, "event loop is closed"));
    future = eddy__future_new(loop, sizeof(struct process_waiter), &waiter_kind);
    if (future == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    if (process->has_exited) {
        eddy__future_finish(future, (eddy_value){.integer = process->returncode});
        return future;
    }
    eddy__list_append(&process->waiters, &((struct process_waiter *)future)->node);
    return eddy_future_ref(future);
}

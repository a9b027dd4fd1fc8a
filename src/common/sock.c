/* SPDX-License-Identifier: MIT */
#include "common/sock.h"
#include <assert.h>

static struct eddy__sock_operation *sock_of(struct eddy_future *future)
{
    return EDDY__OWNER(future, struct eddy__sock_operation, future);
}

/** Let go of the socket and all else; the future is done, or about to be, or never will be. */
static void sock_leave(struct eddy__sock_operation *operation)
{
    eddy__waiter_stop(&operation->waiter);
    if (operation->kind->leave != NULL)
        operation->kind->leave(operation);
}

static bool sock_cancel(struct eddy_future *future, const char *message)
{
    sock_leave(sock_of(future));
    eddy__future_finish_cancelled(future, message);
    return true;
}

static void sock_fini(struct eddy_future *future)
{
    sock_leave(sock_of(future));
}

static const struct eddy__future_kind sock_future_kind = {
    .name = "socket operation",
    .cancel = sock_cancel,
    .fini = sock_fini,
};

void eddy__sock_fail(struct eddy__sock_operation *operation, int error)
{
    sock_leave(operation);
    eddy__future_finish_failed(&operation->future, error);
}

/** It has done what it was for. */
static void sock_succeed(struct eddy__sock_operation *operation, eddy_value value)
{
    if (operation->waiter.watcher != NULL)
        eddy__waiter_succeed(&operation->waiter, operation->is_drained);
    else if (operation->kind->event == EDDY__READABLE)
        eddy__watcher_note(operation->future.loop, operation->socket, operation->is_drained);
    if (operation->kind->leave != NULL)
        operation->kind->leave(operation);
    eddy__future_finish(&operation->future, value);
}

/** One attempt: true if the operation is over. */
static bool sock_attempt(struct eddy__sock_operation *operation)
{
    eddy_value value = {0};
    int error = operation->kind->attempt(operation, &value);

    if (error == EDDY__SOCK_WAIT)
        return false;
    if (error == 0) {
        sock_succeed(operation, value);
        return true;
    }
    if (operation->kind->what != NULL)
        eddy_error(error, "cannot %s: %s", operation->kind->what, eddy_strerror(error));
    eddy__sock_fail(operation, error);
    return true;
}

static void sock_on_ready(struct eddy__waiter *waiter, int error)
{
    struct eddy__sock_operation *operation =
        EDDY__OWNER(waiter, struct eddy__sock_operation, waiter);

    if (error) {
        eddy_error(error, "socket %lld was closed during the operation",
                   (long long)operation->socket);
        eddy__sock_fail(operation, error);
        return;
    }
    sock_attempt(operation);
}

int eddy__sock_check(struct eddy_loop *loop, eddy_socket socket, unsigned event)
{
    int error = eddy__watcher_check_idle(loop, socket, event);

    if (error == 0 && event == EDDY__WRITABLE && loop->backend->sockets->silence != NULL)
        error = loop->backend->sockets->silence(socket);
    if (error == 0 && loop->debug && loop->backend->sockets->is_nonblocking(socket) == 0)
        error = eddy_error(EDDY_EINVALID, "socket %lld is blocking", (long long)socket);
    return error;
}

struct eddy__sock_operation *eddy__sock_new(struct eddy_loop *loop, eddy_socket socket,
                                            const struct eddy__sock_kind *kind, int error,
                                            void *caller, struct eddy_future **failed)
{
    struct eddy__sock_operation *operation;
    struct eddy_future *future = NULL;

    if (error == 0)
        error = eddy__sock_check(loop, socket, kind->event);
    if (error == 0)
        future = eddy__future_new(loop, kind->size, &sock_future_kind);
    if (future == NULL) {
        *failed = eddy__future_failed(loop, error ? error : EDDY_ENOMEM);
        return NULL;
    }
    future->created_at = loop->debug ? caller : NULL;
    operation = sock_of(future);
    operation->kind = kind;
    operation->socket = socket;
    operation->waiter.on_ready = sock_on_ready;
    return operation;
}

void eddy__sock_wait(struct eddy__sock_operation *operation)
{
    int error = eddy__waiter_start(&operation->waiter, operation->future.loop, operation->socket,
                                   operation->kind->event);

    if (error)
        eddy__sock_fail(operation, error);
}

void eddy__sock_start(struct eddy__sock_operation *operation)
{
    struct eddy_loop *loop = operation->future.loop;

    assert(operation->future.state == EDDY__PENDING);
    if (operation->kind->event == EDDY__READABLE &&
        eddy__waiter_start_drained(&operation->waiter, loop, operation->socket))
        return;
    if (!sock_attempt(operation))
        eddy__sock_wait(operation);
}

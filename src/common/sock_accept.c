/* SPDX-License-Identifier: MIT */
/* sock_accept(). A connection is taken only by a call that gives it to the future (SOCK-8). */
#include <eddy/sock.h>
#include <eddy/socket.h>
#include "common/sock.h"

static void accept_dispose(eddy_value value)
{
    eddy_socket_close(value.socket);
}

static int accept_one(struct eddy__sock_operation *operation, eddy_value *value)
{
    eddy_address peer = {0};
    int error;

    do
        error = eddy__sock_calls(operation)->accept(operation->socket, &value->socket, &peer);
    while (error == EDDY_EINTR); /* it does not wait, so that a signal meets it at most once */
    if (error)
        return eddy__sock_outcome(error);
    eddy__watcher_forget(operation->future.loop, value->socket);
    if (operation->peer != NULL)
        *operation->peer = peer;
    operation->future.dispose = accept_dispose;
    return 0;
}

static const struct eddy__sock_kind accept_kind = {
    .what = "accept a connection",
    .event = EDDY__READABLE,
    .size = sizeof(struct eddy__sock_operation),
    .attempt = accept_one,
};

eddy_future *eddy_loop_sock_accept(eddy_loop *loop, eddy_socket sock, eddy_address *peer)
{
    struct eddy_future *failed = NULL;
    struct eddy__sock_operation *operation =
        eddy__sock_new(loop, sock, &accept_kind, 0, EDDY__CALLER(), &failed);

    if (operation == NULL)
        return failed;
    operation->peer = peer;
    eddy__sock_start(operation);
    return &operation->future;
}

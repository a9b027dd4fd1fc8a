/* SPDX-License-Identifier: MIT */
/* sock_sendall() and sock_sendto(). */
#include <eddy/sock.h>
#include "common/sock.h"

struct sending_to {
    struct eddy__sock_operation operation;
    eddy_address peer;
    struct eddy__timer retry;      /**< its place is reserved */
    struct eddy__reservation side; /**< kept while `retry` runs (SOCK-2) */
    struct eddy__live live;        /**< linked while `retry` runs */
};

/** One send an event, so that a fast reader at the other end does not keep the loop (SOCK-6). */
static int send_rest(struct eddy__sock_operation *operation, eddy_value *value)
{
    struct eddy__span span = {operation->data, operation->size};
    int64_t sent;

    (void)value;
    if (operation->size == 0)
        return 0;
    sent = eddy__sock_calls(operation)->send(operation->socket, &span, 1);
    if (sent < 0)
        return eddy__sock_outcome(sent);
    operation->data += sent;
    operation->size -= (size_t)sent;
    return operation->size == 0 ? 0 : EDDY__SOCK_WAIT;
}

static void sending_to_end_pause(struct sending_to *sending)
{
    struct eddy_loop *loop = sending->operation.future.loop;

    eddy__timer_stop(&loop->timers, &sending->retry);
    eddy__reservation_stop(&sending->side, loop);
    eddy__list_remove(&sending->live.node);
}

/**
 * Readiness was untrue: Linux calls a Unix socket without a peer writable while the receiver of the
 * datagram is full. Waiting for it would be turning in circles.
 */
static void sending_to_pause(struct sending_to *sending)
{
    struct eddy_loop *loop = sending->operation.future.loop;

    eddy__waiter_stop(&sending->operation.waiter);
    eddy__reservation_start(&sending->side, loop);
    eddy__list_append(&loop->live, &sending->live.node);
    eddy__timer_start(&loop->timers, &sending->retry,
                      eddy__time_add(eddy__loop_now(loop), EDDY__FULL_RETRY));
}

static void sending_to_run_retry(struct eddy__ready *ready)
{
    struct sending_to *sending = EDDY__OWNER(ready, struct sending_to, retry.ready);

    sending_to_end_pause(sending);
    eddy__sock_start(&sending->operation);
}

/** The loop closes: the future never will be done. */
static void sending_to_abandon(struct eddy__live *live)
{
    sending_to_end_pause(EDDY__OWNER(live, struct sending_to, live));
}

static void sending_to_leave(struct eddy__sock_operation *operation)
{
    struct sending_to *sending = EDDY__OWNER(operation, struct sending_to, operation);

    sending_to_end_pause(sending);
    eddy__timer_unreserve(&operation->future.loop->timers, &sending->retry);
}

static int send_datagram(struct eddy__sock_operation *operation, eddy_value *value)
{
    struct sending_to *sending = EDDY__OWNER(operation, struct sending_to, operation);
    struct eddy__outgoing outgoing = {operation->data, operation->size, &sending->peer};
    char peer[EDDY_ADDRESS_TEXT_MAX];
    int64_t sent;

    if (sending->peer.length == 0)
        outgoing.to = NULL;
    sent = eddy__sock_calls(operation)->send_datagrams(operation->socket, &outgoing, 1);
    if (sent > 0) {
        value->size = operation->size;
        return 0;
    }
    if (eddy__sock_outcome(sent) == EDDY__SOCK_WAIT) {
        if (operation->waiter.watcher != NULL)
            sending_to_pause(sending);
        return EDDY__SOCK_WAIT;
    }
    eddy_address_format(&sending->peer, peer, sizeof peer);
    return eddy_error((int)sent, "cannot send to %s: %s", peer, eddy_strerror((int)sent));
}

static const struct eddy__sock_kind send_all_kind = {
    .what = "send to a socket",
    .event = EDDY__WRITABLE,
    .size = sizeof(struct eddy__sock_operation),
    .attempt = send_rest,
};

static const struct eddy__sock_kind send_to_kind = {
    .event = EDDY__WRITABLE,
    .size = sizeof(struct sending_to),
    .attempt = send_datagram,
    .leave = sending_to_leave,
};

static int send_check(const void *data, size_t size)
{
    return data == NULL && size > 0 ? eddy_error(EDDY_EINVALID, "no data to send") : 0;
}

/** The memory that waiting may need. */
static int sending_to_prepare(struct sending_to *sending)
{
    const struct eddy__sock_operation *operation = &sending->operation;

    sending->retry.ready.run = sending_to_run_retry;
    sending->live.abandon = sending_to_abandon;
    sending->side.socket = operation->socket;
    sending->side.event = operation->kind->event;
    return eddy__timer_reserve(&operation->future.loop->timers, &sending->retry);
}

static void send_start(struct eddy__sock_operation *operation, const void *data, size_t size)
{
    operation->data = (unsigned char *)(uintptr_t)data;
    operation->size = size;
    eddy__sock_start(operation);
}

eddy_future *eddy_loop_sock_sendall(eddy_loop *loop, eddy_socket sock, const void *data,
                                    size_t size)
{
    struct eddy_future *failed = NULL;
    struct eddy__sock_operation *operation =
        eddy__sock_new(loop, sock, &send_all_kind, send_check(data, size), EDDY__CALLER(), &failed);

    if (operation == NULL)
        return failed;
    send_start(operation, data, size);
    return &operation->future;
}

eddy_future *eddy_loop_sock_sendto(eddy_loop *loop, eddy_socket sock, const void *data, size_t size,
                                   const eddy_address *peer)
{
    struct eddy_future *failed = NULL;
    struct eddy__sock_operation *operation;
    int error =
        peer == NULL ? eddy_error(EDDY_EINVALID, "no address to send to") : send_check(data, size);

    operation = eddy__sock_new(loop, sock, &send_to_kind, error, EDDY__CALLER(), &failed);
    if (operation == NULL)
        return failed;
    EDDY__OWNER(operation, struct sending_to, operation)->peer = *peer;
    error = sending_to_prepare(EDDY__OWNER(operation, struct sending_to, operation));
    if (error)
        eddy__sock_fail(operation, error);
    else
        send_start(operation, data, size);
    return &operation->future;
}

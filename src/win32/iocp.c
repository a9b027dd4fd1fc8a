/* SPDX-License-Identifier: MIT */
#include "win32/iocp.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "win32/backends.h"
#include <assert.h>

/* How long close() waits for packets of operations that were cancelled. The system answers at
 * once; the limit is for drivers that never do. */
#define CLOSE_LIMIT EDDY_SECONDS(10)

static int iocp_open(struct eddy_loop *loop)
{
    struct eddy__iocp *iocp;
    int error = eddy__winsock_start();

    if (error < 0)
        return error;
    iocp = eddy__alloc_zeroed(sizeof *iocp);
    if (iocp == NULL)
        return EDDY_ENOMEM;
    iocp->port = EDDY__SYS(CreateIoCompletionPort)(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (iocp->port == NULL) {
        error = eddy__system_error(GetLastError());
        eddy__free(iocp);
        return error;
    }
    iocp->loop = loop;
    eddy__precise_open(&iocp->precise);
    eddy__list_init(&iocp->queued[0]);
    eddy__list_init(&iocp->queued[1]);
    eddy__list_init(&iocp->closing);
    atomic_init(&iocp->wake_pending, false);
    loop->backend_state = iocp;
    return 0;
}

static void iocp_wake(struct eddy_loop *loop)
{
    struct eddy__iocp *iocp = loop->backend_state;

    if (atomic_exchange(&iocp->wake_pending, true))
        return;
    /* It takes a little of the kernel's memory. Should that be out, the next caller tries again. */
    if (!EDDY__SYS(PostQueuedCompletionStatus)(iocp->port, 0, EDDY__IOCP_KEY_WAKE, NULL))
        atomic_store(&iocp->wake_pending, false);
}

/* Submit what was ordered since the last wait, receiving sides first. */
static void iocp_submit(struct eddy__iocp *iocp)
{
    struct eddy__list *node;

    for (int side = 0; side < 2; side++)
        while ((node = eddy__list_shift(&iocp->queued[side])) != NULL)
            eddy__operation_submit(eddy__operation_of(EDDY__OWNER(node, struct eddy__ready, node)));
}

/* The system's unit, rounded up (LOOP-29). What is longer than it can say is waited for again. */
static DWORD iocp_milliseconds(eddy_time limit)
{
    eddy_time milliseconds;

    if (limit == EDDY_FOREVER)
        return INFINITE;
    if (limit <= 0)
        return 0;
    milliseconds = (limit - 1) / EDDY_MILLISECONDS(1) + 1;
    return milliseconds < INT32_MAX ? (DWORD)milliseconds : INT32_MAX;
}

/*
 * The part of `limit` that one wait is given. With a precise timer the last two ticks are its; it
 * costs three system calls, and is worth them only there.
 */
static eddy_time iocp_slice(struct eddy__iocp *iocp, eddy_time limit)
{
    const eddy_time fine = EDDY_MILLISECONDS(32);

    if (iocp->precise.timer == NULL || limit <= 0 || limit == EDDY_FOREVER)
        return limit;
    if (limit > fine)
        return limit - fine + EDDY_MILLISECONDS(16);
    eddy__precise_arm(&iocp->precise, iocp->port, EDDY__IOCP_KEY_TIMER, limit);
    return limit;
}

/* Note that the loop is awake; true if there is anything but the timer's own packets. */
static bool iocp_look(struct eddy__iocp *iocp)
{
    bool found = false;

    for (ULONG i = 0; i < iocp->entry_count; i++) {
        if (iocp->entries[i].lpCompletionKey == EDDY__IOCP_KEY_WAKE)
            atomic_store(&iocp->wake_pending, false);
        found = found || iocp->entries[i].lpCompletionKey != EDDY__IOCP_KEY_TIMER;
    }
    return found;
}

/* Take packets out of the port: 1 if there are some, 0 if there are none yet, or an error. */
static int iocp_get(struct eddy__iocp *iocp, eddy_time limit)
{
    DWORD milliseconds = iocp_milliseconds(iocp_slice(iocp, limit));
    DWORD number = 0;

    if (!EDDY__SYS(GetQueuedCompletionStatusEx)(iocp->port, iocp->entries, EDDY__IOCP_BATCH,
                                                &iocp->entry_count, milliseconds, FALSE)) {
        number = GetLastError();
        iocp->entry_count = 0;
    }
    eddy__precise_disarm(&iocp->precise);
    if (number == 0)
        return iocp_look(iocp) ? 1 : 0;
    return number == WAIT_TIMEOUT ? 0 : eddy__system_error(number);
}

static int iocp_wait(struct eddy_loop *loop, eddy_time timeout)
{
    struct eddy__iocp *iocp = loop->backend_state;
    eddy_time start;
    eddy_time left;
    int got;

    iocp_submit(iocp);
    if (!eddy__agenda_is_empty(&loop->agenda))
        timeout = 0; /* something was done at once */
    start = timeout > 0 && timeout != EDDY_FOREVER ? eddy__clock_now() : 0;
    left = timeout;
    /* The system counts in ticks of its own clock and may return a tick early. */
    do {
        got = iocp_get(iocp, left);
        if (got != 0)
            break;
        if (timeout != EDDY_FOREVER && timeout > 0)
            left = timeout - (eddy__clock_now() - start);
    } while (left > 0);
    return got < 0 ? got : 0;
}

static void iocp_dispatch(struct eddy_loop *loop)
{
    struct eddy__iocp *iocp = loop->backend_state;

    /* Twice through the batch: receiving sides first (LOOP-27). */
    for (int side = 0; side < 2; side++) {
        for (ULONG i = 0; i < iocp->entry_count; i++) {
            struct eddy__operation *operation = (void *)iocp->entries[i].lpOverlapped;

            if (iocp->entries[i].lpCompletionKey == EDDY__IOCP_KEY_SOCKET &&
                operation->kind->receiving == (side == 0))
                eddy__operation_arrive(operation);
        }
    }
    iocp->entry_count = 0;
}

/* Finish the channels that the system has let go of; false while there are others. */
static bool iocp_finish(struct eddy__iocp *iocp)
{
    struct eddy__list *node = iocp->closing.next;

    while (node != &iocp->closing) {
        struct eddy__iocp_channel *channel = EDDY__OWNER(node, struct eddy__iocp_channel, closing);

        node = node->next;
        if (channel->flying == 0)
            eddy__iocp_channel_finish(channel);
    }
    return eddy__list_is_empty(&iocp->closing);
}

static void iocp_free(struct eddy_loop *loop)
{
    struct eddy__iocp *iocp = loop->backend_state;

    eddy__precise_close(&iocp->precise);
    if (iocp->afd != NULL)
        CloseHandle(iocp->afd);
    CloseHandle(iocp->port);
    eddy__free(iocp->kept);
    eddy__free(iocp);
    loop->backend_state = NULL;
}

static void iocp_close(struct eddy_loop *loop)
{
    struct eddy__iocp *iocp = loop->backend_state;
    eddy_time limit = eddy__time_add(eddy__clock_now(), CLOSE_LIMIT);

    /* Packets of a wait that was not followed by a dispatch count, too. */
    iocp_dispatch(loop);
    while (!iocp_finish(iocp)) {
        if (eddy__clock_now() >= limit || iocp_get(iocp, EDDY_SECONDS(1)) < 0) {
            /* The kernel may still write there: rather lose the memory than let it be reused. */
            eddy__log(EDDY_LOG_ERROR, "%zu sockets never ended their cancelled operations",
                      iocp->channel_count);
            break;
        }
        iocp_dispatch(loop);
    }
    iocp_free(loop);
}

static void iocp_abandon(struct eddy_loop *loop)
{
    /* Windows does not fork: nobody comes here. */
    iocp_free(loop);
}

static eddy_time iocp_now(struct eddy_loop *loop)
{
    (void)loop;
    return eddy__clock_now();
}

static eddy_time iocp_resolution(struct eddy_loop *loop)
{
    (void)loop;
    return eddy__clock_resolution();
}

const struct eddy__backend eddy__iocp_backend = {
    .name = "iocp",
    .channel_size = sizeof(struct eddy__iocp_channel),
    .sockets = &eddy__system_sockets,
    .open = iocp_open,
    .close = iocp_close,
    .abandon = iocp_abandon,
    .now = iocp_now,
    .has_system_clock = true,
    .resolution = iocp_resolution,
    .wake = iocp_wake,
    .wait = iocp_wait,
    .dispatch = iocp_dispatch,
    .channel_open = eddy__iocp_channel_open,
    .channel_close = eddy__iocp_channel_close,
    .receive_start = eddy__iocp_receive_start,
    .receive_stop = eddy__iocp_receive_stop,
    .send_now = eddy__iocp_send_now,
    .send_start = eddy__iocp_send_start,
    .receive_datagrams_start = eddy__iocp_receive_datagrams_start,
    .send_datagrams_now = eddy__iocp_send_datagrams_now,
    .send_datagrams_start = eddy__iocp_send_datagrams_start,
    .accept_start = eddy__iocp_accept_start,
    .accept_stop = eddy__iocp_accept_stop,
    .connect_start = eddy__iocp_connect_start,
    .watch = eddy__iocp_watch,
};

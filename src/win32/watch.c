/* SPDX-License-Identifier: MIT */
/*
 * Watching a socket of the program (FD-5): one poll of AFD for each direction, made anew after each
 * event for as long as the order stands. A poll whose condition holds ends at once, so that its
 * packet comes out of the port in the same wait: level-triggered, once a turn.
 *
 * Unlike other orders it is submitted, and cancelled, within the call, since the program may close
 * the socket next.
 *
 * A poll that fails for another reason than that, a shortage, is an event too, as the program's
 * next call may know more. It is made again a little later: at once would be turning in circles.
 */
#include "win32/afd.h"
#include "win32/iocp.h"
#include "common/error.h"

/** How long to wait after a poll that the system refused. */
#define RETRY_DELAY EDDY_MILLISECONDS(100)

struct eddy__watching {
    SOCKET base;
    struct eddy__iocp_channel *channel;
    struct eddy__timer retry;       /* of the directions that failed; its place is reserved */
    bool failed[2];                 /* as `polls` */
    struct eddy__afd_poll polls[2]; /* readable, writable */
};

#define WATCH_READABLE                                                                             \
    (EDDY__AFD_RECEIVE | EDDY__AFD_ACCEPT | EDDY__AFD_DISCONNECT | EDDY__AFD_ABORT |               \
     EDDY__AFD_CONNECT_FAIL)
#define WATCH_WRITABLE (EDDY__AFD_SEND | EDDY__AFD_ABORT | EDDY__AFD_CONNECT_FAIL)

static const struct eddy__operation_kind watch_readable;
static const struct eddy__operation_kind watch_writable;

static struct eddy__afd_poll *watch_poll(struct eddy__operation *operation)
{
    return &operation->channel->watching->polls[operation->kind->receiving ? 0 : 1];
}

int eddy__iocp_poll_submit(struct eddy__operation *operation)
{
    ULONG events = operation->kind->receiving ? WATCH_READABLE : WATCH_WRITABLE;

    return eddy__afd_submit(eddy__iocp_of(operation->channel)->afd,
                            operation->channel->watching->base, events | EDDY__AFD_LOCAL_CLOSE,
                            watch_poll(operation), &operation->overlapped);
}

/* The system has closed the socket's handle: there is nothing left to watch. */
static bool watch_is_gone(struct eddy__operation *operation)
{
    const struct eddy__afd_poll *poll = watch_poll(operation);

    return operation->number == 0 && poll->count > 0 &&
           (poll->sockets[0].events & EDDY__AFD_LOCAL_CLOSE) != 0;
}

/* The same, told by the call. */
static bool watch_is_handle_gone(int number)
{
    return number == ERROR_INVALID_HANDLE || number == WSAENOTSOCK;
}

/* Make the poll again later, if it is wanted then. */
static void watch_postpone(struct eddy__operation *operation)
{
    struct eddy__watching *watching = operation->channel->watching;
    struct eddy_loop *loop = operation->channel->channel.loop;

    watching->failed[operation->kind->receiving ? 0 : 1] = true;
    if (!watching->retry.is_running)
        eddy__timer_start(&loop->timers, &watching->retry,
                          eddy__time_add(eddy__loop_now(loop), RETRY_DELAY));
}

static void watch_again(struct eddy__operation *operation, bool *failed)
{
    if (*failed && operation->wanted && operation->phase == EDDY__OPERATION_IDLE)
        eddy__operation_start(operation);
    *failed = false;
}

static void watch_run_retry(struct eddy__ready *ready)
{
    struct eddy__watching *watching = EDDY__OWNER(ready, struct eddy__watching, retry.ready);

    watch_again(&watching->channel->receive, &watching->failed[0]);
    watch_again(&watching->channel->send, &watching->failed[1]);
}

void eddy__iocp_watch_fini(struct eddy__iocp_channel *channel)
{
    struct eddy__timers *timers = &channel->channel.loop->timers;

    if (channel->watching == NULL)
        return;
    eddy__timer_stop(timers, &channel->watching->retry);
    eddy__timer_unreserve(timers, &channel->watching->retry);
}

static void watch_run(struct eddy__ready *ready)
{
    struct eddy__operation *operation = eddy__operation_of(ready);
    struct eddy__channel *channel = &operation->channel->channel;

    eddy__operation_take(operation);
    if (watch_is_gone(operation))
        return;
    if (operation->number != 0 && operation->number != ERROR_OPERATION_ABORTED &&
        !watch_is_handle_gone(operation->number))
        watch_postpone(operation);
    /* A poll that was cancelled and is wanted again says nothing; any other error is an event. */
    if (operation->number != ERROR_OPERATION_ABORTED) {
        int number = operation->number;

        channel->events->on_ready(channel,
                                  operation->kind->receiving ? EDDY__READABLE : EDDY__WRITABLE);
        if (number != 0)
            return;
    }
    if (operation->wanted && operation->phase == EDDY__OPERATION_IDLE)
        eddy__operation_start(operation);
}

int eddy__iocp_watch_open(struct eddy__iocp_channel *channel)
{
    struct eddy__iocp *iocp = eddy__iocp_of(channel);
    struct eddy__watching *watching;
    int number = 0;

    if (iocp->afd == NULL) {
        HANDLE afd = NULL;

        number = eddy__afd_open(&afd);
        if (number == 0 &&
            EDDY__SYS(CreateIoCompletionPort)(afd, iocp->port, EDDY__IOCP_KEY_SOCKET, 0) == NULL) {
            number = (int)GetLastError();
            CloseHandle(afd);
        }
        if (number != 0)
            return eddy__system_error(number);
        iocp->afd = afd;
    }
    watching = eddy__alloc_zeroed(sizeof *watching);
    if (watching == NULL)
        return EDDY_ENOMEM;
    number = eddy__afd_base((SOCKET)channel->channel.socket, &watching->base);
    if (number != 0) {
        eddy__free(watching);
        return eddy__system_error(number);
    }
    if (eddy__timer_reserve(&channel->channel.loop->timers, &watching->retry) != 0) {
        eddy__free(watching);
        return EDDY_ENOMEM;
    }
    watching->channel = channel;
    watching->retry.ready.run = watch_run_retry;
    channel->watching = watching;
    eddy__operation_init(&channel->receive, channel, &watch_readable);
    eddy__operation_init(&channel->send, channel, &watch_writable);
    return 0;
}

/* Begin or end one direction: 0, or why it could not begin. */
static int watch_set(struct eddy__operation *operation, bool wanted)
{
    if (!wanted) {
        eddy__operation_abandon(operation);
        return 0;
    }
    if (operation->wanted)
        return 0;
    operation->wanted = true;
    if (operation->phase == EDDY__OPERATION_FLYING)
        return 0;                            /* cancelled, and not back yet: it is made anew then */
    operation->phase = EDDY__OPERATION_IDLE; /* what an earlier one saw is not of now */
    eddy__operation_submit(operation);
    if (operation->phase == EDDY__OPERATION_FLYING)
        return 0;
    eddy__operation_stop(operation);
    operation->phase = EDDY__OPERATION_IDLE;
    return eddy__system_error(operation->number);
}

int eddy__iocp_watch(struct eddy__channel *base, unsigned events)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);
    bool had_reader = channel->receive.wanted;
    int error = watch_set(&channel->receive, (events & EDDY__READABLE) != 0);

    if (error)
        return error;
    error = watch_set(&channel->send, (events & EDDY__WRITABLE) != 0);
    if (error && !had_reader)
        watch_set(&channel->receive, false);
    return error;
}

static const struct eddy__operation_kind watch_readable = {
    .receiving = true,
    .polls = true,
    .submit = eddy__iocp_poll_submit,
    .run = watch_run,
};

static const struct eddy__operation_kind watch_writable = {
    .polls = true,
    .submit = eddy__iocp_poll_submit,
    .run = watch_run,
};

/* SPDX-License-Identifier: MIT */
/*
 * The epoll selector.
 *
 * Channels are registered level-triggered, each with its own address as the kernel's word for it.
 * The kernel reports errors and hang-ups whether wanted or not; since a channel that waits for
 * nothing is unregistered, such a report always meets an order that can tell it.
 *
 * The wake-up is registered edge-triggered and never read: each write to an eventfd is an edge of
 * its own, also while its counter is not zero, so that a wake-up costs one system call on the one
 * side and none on the other. (The counter overflows after 2^64 - 2 of them.)
 */
#include "posix/sys.h"

#if defined(__linux__)

#include "common/error.h"
#include "common/loop.h"
#include "common/memory.h"
#include "common/reactor.h"
#include "posix/backends.h"
#include "posix/limit.h"
#include "posix/wake.h"

enum { EVENTS_MAX = 256 };

struct epoll {
    int fd;
    struct eddy__wake wake;
    bool no_wait_ns; /* the kernel has no limit in nanoseconds */
    int count;       /* events that wait() saw and report() has not told */
    struct epoll_event events[EVENTS_MAX];
};

static int epoll_open(struct eddy__reactor *reactor)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};
    struct epoll *epoll = eddy__alloc_zeroed(sizeof *epoll);
    int error;

    if (epoll == NULL)
        return EDDY_ENOMEM;
    epoll->fd = EDDY__SYS(epoll_create1)(EPOLL_CLOEXEC);
    if (epoll->fd < 0) {
        error = eddy__system_error(errno);
        goto fail;
    }
    error = eddy__wake_open(&epoll->wake);
    if (error < 0)
        goto fail_wake;
    if (EDDY__SYS(epoll_ctl)(epoll->fd, EPOLL_CTL_ADD, epoll->wake.read_fd, &event) < 0) {
        error = eddy__system_error(errno);
        goto fail_watch;
    }
    reactor->selector_state = epoll;
    return 0;

fail_watch:
    eddy__wake_close(&epoll->wake);
fail_wake:
    EDDY__SYS(close)(epoll->fd);
fail:
    eddy__free(epoll);
    return error;
}

/* Closes descriptors of this process only, so that a forked child may do it. */
static void epoll_close(struct eddy__reactor *reactor)
{
    struct epoll *epoll = reactor->selector_state;

    eddy__wake_close(&epoll->wake);
    EDDY__SYS(close)(epoll->fd);
    eddy__free(epoll);
}

static int epoll_watch(struct eddy__reactor_channel *channel, unsigned interest)
{
    struct eddy__reactor *reactor = channel->channel.loop->backend_state;
    struct epoll *epoll = reactor->selector_state;
    struct epoll_event event = {.data = {.ptr = channel}};
    int command = channel->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (interest == 0)
        command = EPOLL_CTL_DEL; /* fails only if the user has already closed the descriptor */
    if (interest & EDDY__READABLE)
        event.events |= EPOLLIN;
    if (interest & EDDY__WRITABLE)
        event.events |= EPOLLOUT;
    if (EDDY__SYS(epoll_ctl)(epoll->fd, command, (int)channel->channel.socket, &event) == 0)
        return 0;
    return interest == 0 ? 0 : eddy__system_error(errno);
}

static int epoll_wait_ms(struct epoll *epoll, eddy_time timeout)
{
    return EDDY__SYS(epoll_wait)(epoll->fd, epoll->events, EVENTS_MAX, eddy__limit_ms(timeout));
}

static int epoll_wait_any(struct epoll *epoll, eddy_time timeout)
{
    int64_t limit[2] = {timeout / EDDY_SECONDS(1), timeout % EDDY_SECONDS(1)};
    int count;

    /* Where both calls can say it, the older one is the cheaper one. */
    if (epoll->no_wait_ns || timeout == 0 || timeout == EDDY_FOREVER)
        return epoll_wait_ms(epoll, timeout);
    count = EDDY__SYS(epoll_wait_ns)(epoll->fd, epoll->events, EVENTS_MAX, limit);
    /* Sandboxes that do not know the call say EPERM. */
    if (count >= 0 || (errno != ENOSYS && errno != EPERM))
        return count;
    epoll->no_wait_ns = true;
    return epoll_wait_ms(epoll, timeout);
}

static int epoll_wait_events(struct eddy__reactor *reactor, eddy_time timeout)
{
    struct epoll *epoll = reactor->selector_state;
    int count = epoll_wait_any(epoll, timeout);

    epoll->count = count > 0 ? count : 0;
    if (count >= 0 || errno == EINTR)
        return 0;
    return eddy__system_error(errno);
}

static void epoll_report(struct eddy__reactor *reactor)
{
    struct epoll *epoll = reactor->selector_state;

    for (int i = 0; i < epoll->count; i++) {
        uint32_t events = epoll->events[i].events;
        unsigned seen = 0;

        if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
            seen |= EDDY__READABLE;
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            seen |= EDDY__WRITABLE;
        if (epoll->events[i].data.ptr != NULL) /* NULL: the wake-up */
            eddy__reactor_event(epoll->events[i].data.ptr, seen);
    }
    epoll->count = 0;
}

static void epoll_wake(struct eddy__reactor *reactor)
{
    struct epoll *epoll = reactor->selector_state;

    eddy__wake_send(&epoll->wake);
}

static const struct eddy__selector epoll_selector = {
    .open = epoll_open,
    .close = epoll_close,
    .watch = epoll_watch,
    .wait = epoll_wait_events,
    .report = epoll_report,
    .wake = epoll_wake,
};

static int epoll_backend_open(struct eddy_loop *loop)
{
    return eddy__reactor_open(loop, &epoll_selector);
}

const struct eddy__backend eddy__epoll_backend = {
    .name = "epoll",
    .sockets = &eddy__system_sockets,
    .open = epoll_backend_open,
    .abandon = eddy__reactor_close,
    .now = eddy__posix_now,
    .resolution = eddy__posix_resolution,
    EDDY__REACTOR_OPERATIONS,
};

#endif

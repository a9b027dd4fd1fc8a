/* SPDX-License-Identifier: MIT */
/*
 * The epoll selector.
 *
 * Channels are registered level-triggered, each with its own address as the kernel's word for it.
 * The kernel reports errors and hang-ups whether wanted or not; since a channel that waits for
 * nothing is unregistered, such a report always meets an order that can tell it.
 *
 * What watches a descriptor of the program is registered with its number as the kernel's word: the
 * program may close it, and as long as a duplicate of it is open anywhere, nothing can take the
 * registration back and the kernel goes on reporting. Those by edges, registered for an end of the
 * stream and for urgent data too, do so once for each arrival, and whoever has the number now takes
 * it for a false alarm. Those by levels would do so at each wait: beside the number they have one
 * that is theirs alone, and if it is nobody's any more, all that is in order moves to a new epoll
 * before the next wait. (As in libev, which has no better way either.)
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
#include "common/rare.h"
#include "common/reactor.h"
#include "posix/backends.h"
#include "posix/limit.h"
#include "posix/wake.h"

enum { EVENTS_MAX = 256 };

/* What the kernel tells with a wake-up; in shape as epoll_word(), of a number that none has. */
#define EPOLL_WAKE_WORD UINT64_MAX

struct epoll {
    int fd;
    struct eddy__wake wake;
    bool no_wait_ns; /* the kernel has no limit in nanoseconds */
    bool has_stale;  /* it reports at each wait what nobody watches any more */
    int count;       /* events that wait() saw and report() has not told */
    uint32_t marks;  /* those that were given to registrations by levels, see epoll_word() */
    struct epoll_event events[EVENTS_MAX];
};

/* An epoll that hears of the wake-up; its descriptor, or an error. */
static int epoll_make(const struct eddy__wake *wake)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.u64 = EPOLL_WAKE_WORD}};
    int fd = EDDY__SYS(epoll_create1)(EPOLL_CLOEXEC);
    int error;

    if (fd < 0)
        return eddy__system_error(errno);
    if (EDDY__SYS(epoll_ctl)(fd, EPOLL_CTL_ADD, wake->read_fd, &event) == 0)
        return fd;
    error = eddy__system_error(errno);
    EDDY__SYS(close)(fd);
    return error;
}

static int epoll_open(struct eddy__reactor *reactor)
{
    struct epoll *epoll = eddy__alloc_zeroed(sizeof *epoll);
    int error;

    if (epoll == NULL)
        return EDDY_ENOMEM;
    error = eddy__wake_open(&epoll->wake);
    if (error < 0)
        goto fail;
    epoll->fd = epoll_make(&epoll->wake);
    error = epoll->fd;
    if (error < 0)
        goto fail_create;
    reactor->selector_state = epoll;
    return 0;

fail_create:
    eddy__wake_close(&epoll->wake);
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

/* Whether it watches a descriptor that the program may close. */
static bool epoll_is_foreign(const struct eddy__reactor_channel *channel)
{
    return channel->channel.events->on_ready != NULL;
}

/* What the kernel tells with an event of `channel`: its address, or its number and a bit that no
 * address has, and above them its mark (0: by edges). */
static uint64_t epoll_word(const struct eddy__reactor_channel *channel, unsigned interest)
{
    uint64_t number = (uint64_t)channel->channel.socket << 1 | 1;

    if (!epoll_is_foreign(channel))
        return (uintptr_t)channel;
    return interest & EDDY__EDGE ? number : (uint64_t)channel->slot << 32 | number;
}

static uint32_t epoll_events(unsigned interest)
{
    uint32_t events = 0;

    if (interest & EDDY__READABLE)
        events |= EPOLLIN;
    if (interest & EDDY__WRITABLE)
        events |= EPOLLOUT;
    if (interest & EDDY__EDGE)
        events |= EPOLLET | EPOLLRDHUP | EPOLLPRI;
    return events;
}

static int epoll_control(const struct epoll *epoll, int command,
                         const struct eddy__reactor_channel *channel, unsigned interest)
{
    struct epoll_event event = {.events = epoll_events(interest),
                                .data = {.u64 = epoll_word(channel, interest)}};

    return EDDY__SYS(epoll_ctl)(epoll->fd, command, (int)channel->channel.socket, &event);
}

static void epoll_mark(struct epoll *epoll, struct eddy__reactor_channel *channel)
{
    if (++epoll->marks == 0)
        epoll->marks = 1;
    channel->slot = epoll->marks;
}

static int epoll_watch(struct eddy__reactor_channel *channel, unsigned interest)
{
    struct eddy__reactor *reactor = channel->channel.loop->backend_state;
    struct epoll *epoll = reactor->selector_state;
    bool is_new = channel->interest == 0;

    if (interest == 0) {
        /* Fails only if the user has already closed the descriptor. */
        (void)epoll_control(epoll, EPOLL_CTL_DEL, channel, 0);
        return 0;
    }
    if (is_new && epoll_is_foreign(channel))
        epoll_mark(epoll, channel);
    if (epoll_control(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, channel, interest) == 0)
        return 0;
    /* One went with its descriptor, whose number is that of another one now. */
    if (errno == ENOENT && epoll_is_foreign(channel)) {
        epoll_mark(epoll, channel);
        if (epoll_control(epoll, EPOLL_CTL_ADD, channel, interest) == 0)
            return 1;
    }
    /* One could not be taken back, as its descriptor was closed, and now a duplicate has come to
     * bear that number. */
    if (errno == EEXIST && epoll_control(epoll, EPOLL_CTL_MOD, channel, interest) == 0)
        return 1;
    return eddy__system_error(errno);
}

static int epoll_wait_ms(struct epoll *epoll, int limit)
{
    return EDDY__SYS(epoll_wait)(epoll->fd, epoll->events, EVENTS_MAX, limit);
}

static int epoll_wait_limited(struct epoll *epoll, eddy_time timeout)
{
    int64_t limit[2] = {timeout / EDDY_SECONDS(1), timeout % EDDY_SECONDS(1)};
    int count;

    if (epoll->no_wait_ns)
        return epoll_wait_ms(epoll, eddy__limit_ms(timeout));
    count = EDDY__SYS(epoll_wait_ns)(epoll->fd, epoll->events, EVENTS_MAX, limit);
    /* Sandboxes that do not know the call say EPERM. */
    if (count >= 0 || (errno != ENOSYS && errno != EPERM))
        return count;
    epoll->no_wait_ns = true;
    return epoll_wait_ms(epoll, eddy__limit_ms(timeout));
}

/* Where both calls can say it, the older one is the cheaper one. */
static int epoll_wait_any(struct epoll *epoll, eddy_time timeout)
{
    if (timeout == EDDY_FOREVER)
        return epoll_wait_ms(epoll, -1);
    return timeout == 0 ? epoll_wait_ms(epoll, 0) : epoll_wait_limited(epoll, timeout);
}

/* Register `base` with the new epoll as it is with the one before; -1 if that fails. What the
 * program has closed without a word stays behind, so that nobody hears of another descriptor that
 * has its number now. */
static int epoll_move(struct eddy__channel *base, void *fd)
{
    struct eddy__reactor_channel *channel =
        EDDY__OWNER(base, struct eddy__reactor_channel, channel);
    struct eddy__reactor *reactor = base->loop->backend_state;
    const struct epoll *old = reactor->selector_state;
    const struct epoll new = {.fd = *(int *)fd};

    if (channel->interest == 0 || epoll_control(old, EPOLL_CTL_MOD, channel, channel->interest) < 0)
        return 0;
    return epoll_control(&new, EPOLL_CTL_ADD, channel, channel->interest);
}

/* Leave behind what cannot be taken back. If there is no memory or descriptor for another one, the
 * next wait tries again. */
EDDY__RARE static void epoll_renew(struct eddy__reactor *reactor)
{
    struct epoll *epoll = reactor->selector_state;
    int fd = epoll_make(&epoll->wake);

    if (fd < 0)
        return;
    if (eddy__claims_visit(&reactor->loop->claims, epoll_move, &fd) < 0) {
        EDDY__SYS(close)(fd);
        return;
    }
    EDDY__SYS(close)(epoll->fd);
    epoll->fd = fd;
    epoll->has_stale = false;
}

static int epoll_wait_events(struct eddy__reactor *reactor, eddy_time timeout)
{
    struct epoll *epoll = reactor->selector_state;
    int count;

    if (epoll->has_stale)
        epoll_renew(reactor);
    count = epoll_wait_any(epoll, timeout);
    epoll->count = count > 0 ? count : 0;
    if (count >= 0 || errno == EINTR)
        return 0;
    return eddy__system_error(errno);
}

static unsigned epoll_seen(uint32_t events)
{
    unsigned seen = 0;

    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        seen |= EDDY__READABLE;
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        seen |= EDDY__WRITABLE;
    return seen;
}

/* What the kernel says of the descriptor with this number and mark. */
static void epoll_report_foreign(struct eddy__reactor *reactor, uint64_t word, uint32_t events)
{
    struct epoll *epoll = reactor->selector_state;
    eddy_socket socket = (eddy_socket)((uint32_t)word >> 1);
    uint32_t mark = (uint32_t)(word >> 32);
    unsigned ended = events & (EPOLLRDHUP | EPOLLPRI | EPOLLERR | EPOLLHUP) ? EDDY__ENDED : 0;

    if (word == EPOLL_WAKE_WORD)
        return;
    if (mark == 0)
        eddy__reactor_edge(reactor, socket, ended | EDDY__READABLE);
    else if (!eddy__reactor_level(reactor, socket, mark, epoll_seen(events)))
        epoll->has_stale = true;
}

static void epoll_report(struct eddy__reactor *reactor)
{
    struct epoll *epoll = reactor->selector_state;

    for (int i = 0; i < epoll->count; i++) {
        uint32_t events = epoll->events[i].events;
        uint64_t word = epoll->events[i].data.u64;

        if (word & 1)
            epoll_report_foreign(reactor, word, events);
        else if (events == EPOLLIN) /* nearly always */
            eddy__reactor_event((void *)(uintptr_t)word, EDDY__READABLE);
        else
            eddy__reactor_event((void *)(uintptr_t)word, epoll_seen(events));
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

const struct eddy__backend eddy__epoll_backend = {
    .name = "epoll",
    .selector = &epoll_selector,
    .lingering = EDDY__LINGER_WATCHED,
    EDDY__POSIX_OPERATIONS,
};

#endif

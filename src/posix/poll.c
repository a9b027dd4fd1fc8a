/* SPDX-License-Identifier: MIT */
/*
 * The poll selector, for systems that have nothing better.
 *
 * poll() is given everything at each wait, in one array without gaps: entry 0 is the wake-up, each
 * other one belongs to the channel at the same place of a second array, and channel->slot knows the
 * place. Who leaves is replaced by the last one, so that both arrays may be changed at any time,
 * also between a wait and its report: what was seen moves along with its entry.
 *
 * The cost of a wait is linear in the number of channels, that of a change is constant.
 */
#include "common/error.h"
#include "common/loop.h"
#include "common/memory.h"
#include "common/reactor.h"
#include "posix/backends.h"
#include "posix/limit.h"
#include "posix/sys.h"
#include "posix/wake.h"
#include <assert.h>

enum { ENTRIES_MIN = 16 };

struct poller {
    struct eddy__wake wake;
    struct pollfd *entries;
    struct eddy__reactor_channel **channels; /* whose entry it is; NULL for the wake-up */
    uint32_t count;
    uint32_t capacity;
    int seen; /* entries with events that report() has not told */
};

/* Make room for one more entry. If the second array finds no memory, the first one has grown in
 * vain, and both keep their content. */
static int poll_reserve(struct poller *poller)
{
    uint32_t capacity = poller->capacity + poller->capacity / 2;
    void *grown;

    if (poller->count < poller->capacity)
        return 0;
    if (capacity == 0)
        capacity = ENTRIES_MIN;
    grown = eddy__realloc(poller->entries, capacity * sizeof *poller->entries);
    if (grown == NULL)
        return EDDY_ENOMEM;
    poller->entries = grown;
    grown = eddy__realloc(poller->channels, capacity * sizeof *poller->channels);
    if (grown == NULL)
        return EDDY_ENOMEM;
    poller->channels = grown;
    poller->capacity = capacity;
    return 0;
}

static uint32_t poll_add(struct poller *poller, int fd, struct eddy__reactor_channel *channel)
{
    uint32_t slot = poller->count++;

    poller->entries[slot] = (struct pollfd){.fd = fd, .events = POLLIN};
    poller->channels[slot] = channel;
    return slot;
}

static void poll_free(struct poller *poller)
{
    eddy__free(poller->entries);
    eddy__free(poller->channels);
    eddy__free(poller);
}

static int poll_open(struct eddy__reactor *reactor)
{
    struct poller *poller = eddy__alloc_zeroed(sizeof *poller);
    int error;

    if (poller == NULL)
        return EDDY_ENOMEM;
    error = poll_reserve(poller);
    if (error == 0)
        error = eddy__wake_open(&poller->wake);
    if (error < 0) {
        poll_free(poller);
        return error;
    }
    poll_add(poller, poller->wake.read_fd, NULL);
    reactor->selector_state = poller;
    return 0;
}

static void poll_close(struct eddy__reactor *reactor)
{
    struct poller *poller = reactor->selector_state;

    eddy__wake_close(&poller->wake);
    poll_free(poller);
}

static void poll_remove(struct poller *poller, uint32_t slot)
{
    uint32_t last = --poller->count;

    if (slot == last)
        return;
    poller->entries[slot] = poller->entries[last];
    poller->channels[slot] = poller->channels[last];
    poller->channels[slot]->slot = slot;
}

static int poll_watch(struct eddy__reactor_channel *channel, unsigned interest)
{
    struct eddy__reactor *reactor = channel->channel.loop->backend_state;
    struct poller *poller = reactor->selector_state;
    short events = 0;
    int error;

    if (interest == 0) {
        poll_remove(poller, channel->slot);
        return 0;
    }
    if (channel->interest == 0) {
        error = poll_reserve(poller);
        if (error < 0)
            return error;
        channel->slot = poll_add(poller, (int)channel->channel.socket, channel);
    }
    if (interest & EDDY__READABLE)
        events |= POLLIN;
    if (interest & EDDY__WRITABLE)
        events |= POLLOUT;
    poller->entries[channel->slot].events = events;
    return 0;
}

static int poll_wait_any(struct poller *poller, eddy_time timeout)
{
#if defined(EDDY__HAVE_PPOLL)
    struct timespec limit;

    return EDDY__SYS(ppoll)(poller->entries, poller->count, eddy__limit_ns(timeout, &limit), NULL);
#else
    return EDDY__SYS(poll)(poller->entries, poller->count, eddy__limit_ms(timeout));
#endif
}

static int poll_wait(struct eddy__reactor *reactor, eddy_time timeout)
{
    struct poller *poller = reactor->selector_state;
    int seen = poll_wait_any(poller, timeout);

    poller->seen = seen > 0 ? seen : 0;
    if (seen < 0)
        return errno == EINTR ? 0 : eddy__system_error(errno);
    if (poller->seen > 0 && poller->entries[0].revents != 0) {
        eddy__wake_drain(&poller->wake);
        poller->seen--;
    }
    return 0;
}

static void poll_report(struct eddy__reactor *reactor)
{
    /* POLLNVAL: the user has closed the descriptor. Who waits shall meet EBADF, not wait on. */
    const short broken = POLLERR | POLLHUP | POLLNVAL;
    struct poller *poller = reactor->selector_state;

    /* One that has left since is still counted, so that the search may end at the last entry. */
    for (uint32_t i = 1; i < poller->count && poller->seen > 0; i++) {
        short events = poller->entries[i].revents;
        unsigned seen = 0;

        if (events == 0)
            continue;
        poller->entries[i].revents = 0;
        poller->seen--;
        if (events & (POLLIN | broken))
            seen |= EDDY__READABLE;
        if (events & (POLLOUT | broken))
            seen |= EDDY__WRITABLE;
        eddy__reactor_event(poller->channels[i], seen);
    }
    poller->seen = 0;
}

static void poll_wake(struct eddy__reactor *reactor)
{
    struct poller *poller = reactor->selector_state;

    eddy__wake_send(&poller->wake);
}

static const struct eddy__selector poll_selector = {
    .open = poll_open,
    .close = poll_close,
    .watch = poll_watch,
    .wait = poll_wait,
    .report = poll_report,
    .wake = poll_wake,
};

const struct eddy__backend eddy__poll_backend = {
    .name = "poll",
    .selector = &poll_selector,
    .lingering = EDDY__LINGER_UNWATCHED,
    EDDY__POSIX_OPERATIONS,
};

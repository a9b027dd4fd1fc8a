/* SPDX-License-Identifier: MIT */
/*
 * The select selector, the oldest one, which every POSIX system has.
 *
 * An fd_set has room for the descriptors below FD_SETSIZE, and writing beyond it would destroy what
 * lies behind; so a descriptor out of range is refused, the wake-up's own too. The sets and the
 * table of channels are indexed by descriptor.
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

struct selection {
    struct eddy__wake wake;
    int end;  /* above every descriptor that is watched */
    int seen; /* bits in the sets `seen_...` that report() has not told */
    fd_set want_read;
    fd_set want_write;
    fd_set seen_read;
    fd_set seen_write;
    struct eddy__reactor_channel *channels[FD_SETSIZE]; /* NULL: not watched, or the wake-up */
};

static int select_check(eddy_socket socket)
{
    if (socket < FD_SETSIZE)
        return 0;
    return eddy_error(EDDY_EMFILE, "select takes only descriptors below %d", (int)FD_SETSIZE);
}

static int select_open(struct eddy__reactor *reactor)
{
    struct selection *selection = eddy__alloc_zeroed(sizeof *selection);
    int error;

    if (selection == NULL)
        return EDDY_ENOMEM;
    error = eddy__wake_open(&selection->wake);
    if (error < 0)
        goto fail;
    error = select_check(selection->wake.read_fd);
    if (error < 0)
        goto fail_wake;
    FD_ZERO(&selection->want_read);
    FD_ZERO(&selection->want_write);
    FD_SET(selection->wake.read_fd, &selection->want_read);
    selection->end = selection->wake.read_fd + 1;
    reactor->selector_state = selection;
    return 0;

fail_wake:
    eddy__wake_close(&selection->wake);
fail:
    eddy__free(selection);
    return error;
}

static void select_close(struct eddy__reactor *reactor)
{
    struct selection *selection = reactor->selector_state;

    eddy__wake_close(&selection->wake);
    eddy__free(selection);
}

/* Forget `fd`, also what was seen of it: another file may get the number before the report. */
static void select_remove(struct selection *selection, int fd)
{
    FD_CLR(fd, &selection->want_read);
    FD_CLR(fd, &selection->want_write);
    FD_CLR(fd, &selection->seen_read);
    FD_CLR(fd, &selection->seen_write);
    selection->channels[fd] = NULL;
    while (selection->end - 1 > selection->wake.read_fd &&
           selection->channels[selection->end - 1] == NULL)
        selection->end--;
}

static int select_watch(struct eddy__reactor_channel *channel, unsigned interest)
{
    struct eddy__reactor *reactor = channel->channel.loop->backend_state;
    struct selection *selection = reactor->selector_state;
    int fd = (int)channel->channel.socket;

    assert(fd >= 0 && fd < FD_SETSIZE);
    if (interest == 0) {
        if (selection->channels[fd] == channel)
            select_remove(selection, fd);
        return 0;
    }
    if (channel->interest == 0)
        select_remove(selection, fd);
    if (interest & EDDY__READABLE)
        FD_SET(fd, &selection->want_read);
    else
        FD_CLR(fd, &selection->want_read);
    if (interest & EDDY__WRITABLE)
        FD_SET(fd, &selection->want_write);
    else
        FD_CLR(fd, &selection->want_write);
    selection->channels[fd] = channel;
    if (selection->end <= fd)
        selection->end = fd + 1;
    return 0;
}

/* The sets `seen_...` ask, and the call answers in them. */
static int select_ask(struct selection *selection, const struct timespec *limit)
{
    return EDDY__SYS(pselect)(selection->end, &selection->seen_read, &selection->seen_write, NULL,
                              limit, NULL);
}

/*
 * One descriptor that the user has closed without a word makes the whole call fail. Ask again
 * without those, and say that they are ready, so that who waits for them meets EBADF.
 */
static int select_ask_without_closed(struct selection *selection)
{
    static const struct timespec now = {0, 0};
    fd_set closed;
    int count = 0, seen;

    FD_ZERO(&closed);
    selection->seen_read = selection->want_read;
    selection->seen_write = selection->want_write;
    for (int fd = 0; fd < selection->end; fd++) {
        if (selection->channels[fd] == NULL || EDDY__SYS(fcntl)(fd, F_GETFD, 0) >= 0)
            continue;
        FD_SET(fd, &closed);
        FD_CLR(fd, &selection->seen_read);
        FD_CLR(fd, &selection->seen_write);
        count++;
    }
    seen = select_ask(selection, &now); /* fails again if it was none of these */
    for (int fd = 0; fd < selection->end && seen >= 0 && count > 0; fd++) {
        if (!FD_ISSET(fd, &closed))
            continue;
        FD_SET(fd, &selection->seen_read);
        FD_SET(fd, &selection->seen_write);
        seen += 2;
        count--;
    }
    return seen;
}

static int select_wait(struct eddy__reactor *reactor, eddy_time timeout)
{
    struct selection *selection = reactor->selector_state;
    struct timespec limit;
    int seen;

    selection->seen_read = selection->want_read;
    selection->seen_write = selection->want_write;
    seen = select_ask(selection, eddy__limit_ns(timeout, &limit));
    if (seen < 0 && errno == EBADF)
        seen = select_ask_without_closed(selection);
    selection->seen = seen > 0 ? seen : 0;
    if (seen < 0)
        return errno == EINTR ? 0 : eddy__system_error(errno);
    if (selection->seen > 0 && FD_ISSET(selection->wake.read_fd, &selection->seen_read)) {
        eddy__wake_drain(&selection->wake);
        selection->seen--;
    }
    return 0;
}

static void select_report(struct eddy__reactor *reactor)
{
    struct selection *selection = reactor->selector_state;

    /* One that has left since is still counted, so that the search may end at the last one. */
    for (int fd = 0; fd < selection->end && selection->seen > 0; fd++) {
        unsigned seen = 0;

        if (selection->channels[fd] == NULL)
            continue;
        if (FD_ISSET(fd, &selection->seen_read))
            seen |= EDDY__READABLE;
        if (FD_ISSET(fd, &selection->seen_write))
            seen |= EDDY__WRITABLE;
        selection->seen -= (seen & EDDY__READABLE ? 1 : 0) + (seen & EDDY__WRITABLE ? 1 : 0);
        if (seen != 0)
            eddy__reactor_event(selection->channels[fd], seen);
    }
    selection->seen = 0;
}

static void select_wake(struct eddy__reactor *reactor)
{
    struct selection *selection = reactor->selector_state;

    eddy__wake_send(&selection->wake);
}

static const struct eddy__selector select_selector = {
    .open = select_open,
    .close = select_close,
    .check = select_check,
    .watch = select_watch,
    .wait = select_wait,
    .report = select_report,
    .wake = select_wake,
};

const struct eddy__backend eddy__select_backend = {
    .name = "select",
    .selector = &select_selector,
    .lingering = EDDY__LINGER_UNWATCHED,
    EDDY__POSIX_OPERATIONS,
};

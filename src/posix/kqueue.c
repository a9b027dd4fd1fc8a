/* SPDX-License-Identifier: MIT */
/*
 * The kqueue selector, for macOS and the BSDs.
 *
 * Reading and writing are two filters, each registered level-triggered and only while it is wanted;
 * an end of file or an error counts as readiness of the filter that tells it. Every change passes
 * `udata` again, as any change overwrites it.
 *
 * Changes are submitted at once, each in a call of its own without room for events. Only then do
 * all systems agree: the call looks at no event, never waits, and answers by errno. (A list would
 * be left half done at its first error; EV_RECEIPT tells errors one by one, but is right only where
 * the receipts fill the events exactly.)
 *
 * The wake-up is an event of the user's where the system has them (macOS, FreeBSD), which the
 * kernel resets itself; else a pipe, which the wait drains.
 *
 * A child process is watched by a filter of its own, which takes the process id and drops itself
 * when it has told of the exit. Signals are not watched here: that filter only tells of a signal
 * whose default action the program has turned off by itself, sees none that is sent to a thread,
 * and would be a second way of doing what one handler does on every POSIX system (signal.c).
 */
#include "posix/sys.h"

#if defined(EDDY__HAVE_KQUEUE)

#include "common/error.h"
#include "common/loop.h"
#include "common/memory.h"
#include "common/reactor.h"
#include "common/thread.h"
#include "posix/backends.h"
#include "posix/descriptor.h"
#include "posix/limit.h"
#include "posix/wake.h"

enum { EVENTS_MAX = 256 };

struct queue {
    int fd;
    int count; /* events that wait() saw and report() has not told */
#if !defined(EVFILT_USER)
    struct eddy__wake wake;
#endif
    struct kevent events[EVENTS_MAX];
};

/* Submit one change; 0 or an error. */
static int queue_change(const struct queue *queue, const struct kevent *change)
{
    int result;

    do
        result = EDDY__SYS(kevent)(queue->fd, change, 1, NULL, 0, NULL);
    while (result < 0 && errno == EINTR); /* all changes may be made twice */
    return result < 0 ? eddy__system_error(errno) : 0;
}

#if defined(EVFILT_USER)

static int queue_wake_open(struct queue *queue)
{
    struct kevent change = {.filter = EVFILT_USER, .flags = EV_ADD | EV_CLEAR, .udata = NULL};

    return queue_change(queue, &change);
}

static void queue_wake_close(struct queue *queue)
{
    (void)queue; /* it goes with the queue */
}

/* One system call, which a signal handler may make. */
static void queue_wake_send(struct queue *queue)
{
    struct kevent change = {.filter = EVFILT_USER, .fflags = NOTE_TRIGGER, .udata = NULL};
    int before = errno;

    while (EDDY__SYS(kevent)(queue->fd, &change, 1, NULL, 0, NULL) < 0 && errno == EINTR)
        ; /* it waits for nothing */
    errno = before;
}

static void queue_wake_drain(struct queue *queue)
{
    (void)queue; /* EV_CLEAR has done it */
}

#else

static int queue_wake_open(struct queue *queue)
{
    struct kevent change = {.filter = EVFILT_READ, .flags = EV_ADD};
    int error = eddy__wake_open(&queue->wake);

    if (error < 0)
        return error;
    change.ident = (uintptr_t)queue->wake.read_fd;
    error = queue_change(queue, &change);
    if (error < 0)
        eddy__wake_close(&queue->wake);
    return error;
}

static void queue_wake_close(struct queue *queue)
{
    eddy__wake_close(&queue->wake);
}

static void queue_wake_send(struct queue *queue)
{
    eddy__wake_send(&queue->wake);
}

static void queue_wake_drain(struct queue *queue)
{
    eddy__wake_drain(&queue->wake);
}

#endif

static int kqueue_open(struct eddy__reactor *reactor)
{
    struct queue *queue = eddy__alloc_zeroed(sizeof *queue);
    int error;

    if (queue == NULL)
        return EDDY_ENOMEM;
    queue->fd = EDDY__SYS(kqueue)();
    if (queue->fd < 0) {
        error = eddy__system_error(errno);
        goto fail;
    }
    error = eddy__descriptor_set_cloexec(queue->fd);
    if (error == 0)
        error = queue_wake_open(queue);
    if (error < 0)
        goto fail_wake;
    reactor->selector_state = queue;
    return 0;

fail_wake:
    EDDY__SYS(close)(queue->fd);
fail:
    eddy__free(queue);
    return error;
}

static void kqueue_close(struct eddy__reactor *reactor)
{
    struct queue *queue = reactor->selector_state;

    queue_wake_close(queue);
    /* A child does not inherit the queue: there its number may be that of another file. */
    if (reactor->loop->fork_count == eddy__fork_count())
        EDDY__SYS(close)(queue->fd);
    eddy__free(queue);
}

/* Add or delete the filter that tells when one side of a channel is ready. */
static int queue_set(struct eddy__reactor_channel *channel, unsigned side, unsigned short action)
{
    struct eddy__reactor *reactor = channel->channel.loop->backend_state;
    bool is_process = channel->channel.events->ops == &eddy__process_ids;
    struct kevent change = {
        .ident = (uintptr_t)channel->channel.socket,
        .filter = is_process               ? EVFILT_PROC
                  : side == EDDY__READABLE ? EVFILT_READ
                                           : EVFILT_WRITE,
        .flags = action,
        .fflags = is_process ? NOTE_EXIT : 0,
        .udata = channel,
    };

    return queue_change(reactor->selector_state, &change);
}

static int queue_add(struct eddy__reactor_channel *channel, unsigned side)
{
    return queue_set(channel, side, EV_ADD);
}

/* Fails only if the filter has gone already: with a descriptor that the user has closed, or with
 * the process that it was for. */
static void queue_delete(struct eddy__reactor_channel *channel, unsigned side)
{
    (void)queue_set(channel, side, EV_DELETE);
}

/* Whether filters have gone with a descriptor of the program, whose number is that of another one
 * now. Asked when something is added to them: one that is there is only enabled once more. */
static bool queue_has_lost(struct eddy__reactor_channel *channel, unsigned interest)
{
    unsigned before = channel->interest;
    unsigned side = before & EDDY__READABLE ? EDDY__READABLE : EDDY__WRITABLE;

    return channel->channel.events->on_ready != NULL && before != 0 && (before & ~interest) == 0 &&
           queue_set(channel, side, EV_ENABLE) == EDDY_ENOENT;
}

static int kqueue_watch(struct eddy__reactor_channel *channel, unsigned interest)
{
    bool has_lost = queue_has_lost(channel, interest);
    unsigned before = has_lost ? 0 : channel->interest;
    unsigned added = interest & ~before;
    unsigned dropped = before & ~interest;
    int error = 0;

    if (added & EDDY__READABLE)
        error = queue_add(channel, EDDY__READABLE);
    if (error < 0)
        return error;
    if (added & EDDY__WRITABLE)
        error = queue_add(channel, EDDY__WRITABLE);
    if (error < 0) {
        if (added & EDDY__READABLE)
            queue_delete(channel, EDDY__READABLE);
        return error;
    }
    if (dropped & EDDY__READABLE)
        queue_delete(channel, EDDY__READABLE);
    if (dropped & EDDY__WRITABLE)
        queue_delete(channel, EDDY__WRITABLE);
    return has_lost;
}

static int kqueue_wait(struct eddy__reactor *reactor, eddy_time timeout)
{
    struct queue *queue = reactor->selector_state;
    struct timespec limit;
    int count = EDDY__SYS(kevent)(queue->fd, NULL, 0, queue->events, EVENTS_MAX,
                                  eddy__limit_ns(timeout, &limit));

    queue->count = count > 0 ? count : 0;
    if (count < 0)
        return errno == EINTR ? 0 : eddy__system_error(errno);
    for (int i = 0; i < count; i++)
        if (queue->events[i].udata == NULL)
            queue_wake_drain(queue);
    return 0;
}

/* The wake-up is nobody's. EV_EOF and EV_ERROR need no look: they come with the filter whose order
 * can tell them. The two events of one channel come in any order, and its receiving side has the
 * first turn all the same (LOOP-27). */
static void kqueue_report(struct eddy__reactor *reactor)
{
    struct queue *queue = reactor->selector_state;

    for (int i = 0; i < queue->count; i++) {
        const struct kevent *event = &queue->events[i];

        if (event->udata != NULL)
            eddy__reactor_event(event->udata,
                                event->filter == EVFILT_WRITE ? EDDY__WRITABLE : EDDY__READABLE);
    }
    queue->count = 0;
}

static void kqueue_wake(struct eddy__reactor *reactor)
{
    queue_wake_send(reactor->selector_state);
}

static const struct eddy__selector kqueue_selector = {
    .open = kqueue_open,
    .close = kqueue_close,
    .watch = kqueue_watch,
    .wait = kqueue_wait,
    .report = kqueue_report,
    .wake = kqueue_wake,
};

const struct eddy__backend eddy__kqueue_backend = {
    .name = "kqueue",
    .selector = &kqueue_selector,
    .lingering = EDDY__LINGER_UNWATCHED,
    .watches_processes = true,
    EDDY__POSIX_OPERATIONS,
};

#endif

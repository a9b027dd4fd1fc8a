/* SPDX-License-Identifier: MIT */
/*
 * A watcher exists while one of its sides is in use. Unlike the library's own sockets, a watched
 * descriptor may be closed by the program as soon as it has said that it is done with it, and its
 * number come back with something else: so the system forgets it at once, not before the next wait,
 * and the next use begins with a new watcher. What is late is only the watcher's memory.
 *
 * Callbacks of the program run last in an event, as they may do anything to the watcher.
 */
#include "common/watcher.h"
#include "common/claim.h"
#include "common/future.h"
#include "common/log.h"
#include "sim/sim.h"

struct watcher_side {
    struct eddy__slot *slot;     /* the program's callback, or NULL */
    struct eddy__waiter *waiter; /* NULL: nobody */
};

struct eddy__watcher {
    struct watcher_side sides[2];
    struct eddy__channel channel; /* last: the backend's part follows */
};

static const struct eddy__channel_events watcher_events;

static struct watcher_side *watcher_side(struct eddy__watcher *watcher, unsigned event)
{
    return &watcher->sides[event == EDDY__READABLE ? 0 : 1];
}

static struct eddy__watcher *watcher_of(struct eddy__channel *channel)
{
    return EDDY__OWNER(channel, struct eddy__watcher, channel);
}

/** The watcher of `socket`, or NULL. */
static struct eddy__watcher *watcher_find(struct eddy_loop *loop, eddy_socket socket)
{
    struct eddy__channel *channel = eddy__claims_find(&loop->claims, socket);

    return channel != NULL && channel->events == &watcher_events ? watcher_of(channel) : NULL;
}

int eddy__watcher_check(struct eddy_loop *loop, eddy_socket socket)
{
    struct eddy__channel *channel;
    int error;

    if (loop == NULL)
        return eddy_error(EDDY_EINVALID, "no loop");
    if (socket < 0)
        return eddy_error(EDDY_EINVALID, "%lld is no descriptor", (long long)socket);
    if (eddy__sim_is_socket(socket) != (loop->sim != NULL))
        return eddy_error(EDDY_EINVALID, "descriptor %lld is not of the network of this loop",
                          (long long)socket);
    error = eddy__loop_check_open(loop);
    if (error)
        return error;
    channel = eddy__claims_find(&loop->claims, socket);
    if (channel != NULL && channel->events != &watcher_events)
        return eddy_error(EDDY_EBADSTATE, "descriptor %lld is used by a transport or a server",
                          (long long)socket);
    return 0;
}

void eddy__reservation_start(struct eddy__reservation *reservation, struct eddy_loop *loop)
{
    if (reservation->is_kept)
        return;
    reservation->is_kept = true;
    reservation->next = loop->claims.reservations;
    loop->claims.reservations = reservation;
}

void eddy__reservation_stop(struct eddy__reservation *reservation, struct eddy_loop *loop)
{
    struct eddy__reservation **link = &loop->claims.reservations;

    if (!reservation->is_kept)
        return;
    reservation->is_kept = false;
    while (*link != reservation)
        link = &(*link)->next;
    *link = reservation->next;
}

int eddy__watcher_check_idle(struct eddy_loop *loop, eddy_socket socket, unsigned event)
{
    struct eddy__watcher *watcher = watcher_find(loop, socket);
    const struct eddy__reservation *kept = loop->claims.reservations;

    while (kept != NULL && (kept->socket != socket || kept->event != event))
        kept = kept->next;
    if (kept != NULL)
        return eddy_error(EDDY_EBADSTATE, "socket %lld is in the middle of an operation already",
                          (long long)socket);
    if (watcher == NULL || watcher_side(watcher, event)->waiter == NULL)
        return 0;
    return eddy_error(EDDY_EBADSTATE, "an operation waits for socket %lld to become %s already",
                      (long long)socket, event == EDDY__READABLE ? "readable" : "writable");
}

static unsigned watcher_wanted(const struct eddy__watcher *watcher)
{
    unsigned wanted = 0;

    if (watcher->sides[0].slot != NULL || watcher->sides[0].waiter != NULL)
        wanted |= EDDY__READABLE;
    if (watcher->sides[1].slot != NULL || watcher->sides[1].waiter != NULL)
        wanted |= EDDY__WRITABLE;
    return wanted;
}

static size_t watcher_size(const struct eddy_loop *loop)
{
    return offsetof(struct eddy__watcher, channel) + loop->backend->channel_size;
}

static int watcher_new(struct eddy_loop *loop, eddy_socket socket, struct eddy__watcher **made)
{
    struct eddy__watcher *watcher = eddy__loop_alloc(loop, watcher_size(loop));
    int error;

    if (watcher == NULL)
        return EDDY_ENOMEM;
    watcher->channel.events = &watcher_events;
    watcher->channel.loop = loop;
    watcher->channel.socket = socket;
    error = loop->backend->channel_open(&watcher->channel);
    if (error) {
        eddy__loop_free(loop, watcher, watcher_size(loop));
        return error;
    }
    eddy__claims_add(&loop->claims, &watcher->channel);
    *made = watcher;
    return 0;
}

static void watcher_on_closed(struct eddy__channel *channel)
{
    eddy__loop_free(channel->loop, watcher_of(channel), watcher_size(channel->loop));
}

/** Watch for what is still wanted; if that is nothing, the watcher ends. */
static void watcher_settle(struct eddy__watcher *watcher)
{
    struct eddy_loop *loop = watcher->channel.loop;
    unsigned wanted = watcher_wanted(watcher);

    if (wanted != 0) {
        loop->backend->watch(&watcher->channel, wanted);
        return;
    }
    eddy__claims_remove(&loop->claims, &watcher->channel);
    loop->backend->channel_close(&watcher->channel, false);
}

static int watcher_refuse(eddy_socket socket, int error)
{
    return eddy_error(error, "cannot watch descriptor %lld: %s", (long long)socket,
                      eddy_strerror(error));
}

/** The watcher of `socket`, made if need be, watching for `event` beside what it watches for. */
static int watcher_get(struct eddy_loop *loop, eddy_socket socket, unsigned event,
                       struct eddy__watcher **found)
{
    struct eddy__watcher *watcher = watcher_find(loop, socket);
    int error = watcher == NULL ? watcher_new(loop, socket, &watcher) : 0;

    if (error)
        return error;
    error = loop->backend->watch(&watcher->channel, watcher_wanted(watcher) | event);
    if (error) {
        if (watcher_wanted(watcher) == 0)
            watcher_settle(watcher);
        return watcher_refuse(socket, error);
    }
    *found = watcher;
    return 0;
}

int eddy__waiter_start(struct eddy__waiter *waiter, struct eddy_loop *loop, eddy_socket socket,
                       unsigned event)
{
    int error = watcher_get(loop, socket, event, &waiter->watcher);

    if (error)
        return error;
    waiter->event = event;
    watcher_side(waiter->watcher, event)->waiter = waiter;
    return 0;
}

void eddy__waiter_stop(struct eddy__waiter *waiter)
{
    struct eddy__watcher *watcher = waiter->watcher;

    if (watcher == NULL)
        return;
    waiter->watcher = NULL;
    watcher_side(watcher, waiter->event)->waiter = NULL;
    watcher_settle(watcher);
}

/** Give a slot back. That of the callback which runs just now goes when it has returned. */
static void watcher_free_slot(struct eddy_loop *loop, struct eddy__slot *slot)
{
    if (loop->current == slot)
        slot->state = EDDY_HANDLE_CANCELLED;
    else if (slot != NULL)
        eddy__slot_drop(loop, slot);
}

int eddy__watcher_set_slot(struct eddy_loop *loop, eddy_socket socket, unsigned event,
                           struct eddy__slot *slot)
{
    struct eddy__watcher *watcher = NULL;
    struct eddy__slot *replaced;
    int error = loop->backend->sockets->check_watchable(socket);

    if (error)
        return watcher_refuse(socket, error);
    error = watcher_get(loop, socket, event, &watcher);
    if (error)
        return error;
    replaced = watcher_side(watcher, event)->slot;
    watcher_side(watcher, event)->slot = slot;
    if (replaced != NULL)
        watcher_free_slot(loop, replaced);
    return 0;
}

bool eddy__watcher_drop_slot(struct eddy_loop *loop, eddy_socket socket, unsigned event)
{
    struct eddy__watcher *watcher = watcher_find(loop, socket);
    struct eddy__slot *slot = watcher != NULL ? watcher_side(watcher, event)->slot : NULL;

    if (slot == NULL)
        return false;
    watcher_side(watcher, event)->slot = NULL;
    watcher_free_slot(loop, slot);
    watcher_settle(watcher);
    return true;
}

static void watcher_on_ready(struct eddy__channel *channel, unsigned event)
{
    struct eddy_loop *loop = channel->loop;
    struct watcher_side *side = watcher_side(watcher_of(channel), event);
    struct eddy__slot *slot;

    if (side->waiter != NULL)
        side->waiter->on_ready(side->waiter, 0);
    slot = side->slot;
    if (slot == NULL)
        return;
    eddy__slot_call(loop, slot);
    if (slot->state == EDDY_HANDLE_CANCELLED)
        eddy__slot_drop(loop, slot);
}

/** End a watcher from below: nobody is called by it any more. */
static void watcher_evict(struct eddy__watcher *watcher, int error)
{
    struct eddy_loop *loop = watcher->channel.loop;

    for (int i = 0; i < 2; i++) {
        struct eddy__waiter *waiter = watcher->sides[i].waiter;

        if (watcher->sides[i].slot != NULL)
            watcher_free_slot(loop, watcher->sides[i].slot);
        watcher->sides[i] = (struct watcher_side){NULL, NULL};
        if (waiter != NULL) {
            waiter->watcher = NULL;
            if (error)
                waiter->on_ready(waiter, error);
        }
    }
    watcher_settle(watcher);
}

void eddy__channel_claim(struct eddy__channel *channel)
{
    struct eddy_loop *loop = channel->loop;
    struct eddy__watcher *stale = watcher_find(loop, channel->socket);

    if (stale != NULL) {
        eddy__log(EDDY_LOG_WARNING, "descriptor %lld was closed while it was being watched",
                  (long long)channel->socket);
        watcher_evict(stale, EDDY_EBADF);
    }
    eddy__claims_add(&loop->claims, channel);
}

void eddy__channel_disclaim(struct eddy__channel *channel)
{
    eddy__claims_remove(&channel->loop->claims, channel);
}

void eddy__watchers_abandon(struct eddy_loop *loop)
{
    struct eddy__channel *channel;

    while ((channel = eddy__claims_find_kind(&loop->claims, &watcher_events)) != NULL)
        watcher_evict(watcher_of(channel), 0);
}

static const struct eddy__channel_events watcher_events = {
    .on_ready = watcher_on_ready,
    .on_closed = watcher_on_closed,
};

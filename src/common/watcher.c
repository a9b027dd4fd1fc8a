/* SPDX-License-Identifier: MIT */
/*
 * A watcher exists while one of its sides is in use, or lingers. Unlike the library's own sockets,
 * a watched descriptor may be closed by the program as soon as it has said that it is done with it,
 * and its number come back with something else: so the system forgets it at once, not before the
 * next wait, and the next use begins with a new watcher. What is late is only the watcher's memory.
 *
 * Why nothing is lost while one lingers by edges. What arrives after the registration is told at
 * the next wait, also if nobody waits for it then: on_ready notes it, and the next receive asks. A
 * receive that got less than it had room for has emptied the socket of what had arrived before, if
 * that is a stream without an end, an error or urgent data in it, for which short receives have
 * other reasons. Verifying tells what is there once more; whoever finds something by that has met
 * one more reason (descriptors that came along on a Unix socket), and guesses no more.
 *
 * Callbacks of the program run last in an event, as they may do anything to the watcher.
 */
#include "common/watcher.h"
#include "common/claim.h"
#include "common/due.h"
#include "common/future.h"
#include "common/log.h"
#include "sim/sim.h"

struct watcher_side {
    uint32_t slot;               /* the program's callback, or 0 */
    struct eddy__waiter *waiter; /* NULL: nobody */
};

struct eddy__watcher {
    struct watcher_side sides[2];
    struct eddy__linger linger;
    uint8_t watched;    /* what the backend watches for */
    bool is_proven;     /* by edges: was still registered at a second look */
    bool is_plain;      /* by edges: short receives have drained it */
    bool is_drained;    /* while it lingers: has nothing to receive, as far as is known */
    bool was_confirmed; /* a moment ago a waiting operation's registration was found in order */
    struct eddy__channel channel; /* last: the backend's part follows */
};

/* What is watched for while it lingers, and while only a receive waits. */
enum { WATCH_ARRIVALS = EDDY__READABLE | EDDY__EDGE };

static const struct eddy__channel_events watcher_events;

static struct watcher_side *watcher_side(struct eddy__watcher *watcher, unsigned event)
{
    return &watcher->sides[event & EDDY__WRITABLE ? 1 : 0];
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

static unsigned watcher_wanted(const struct eddy__watcher *watcher)
{
    unsigned wanted = 0;

    if (watcher->sides[0].slot != 0 || watcher->sides[0].waiter != NULL)
        wanted |= EDDY__READABLE;
    if (watcher->sides[1].slot != 0 || watcher->sides[1].waiter != NULL)
        wanted |= EDDY__WRITABLE;
    return wanted;
}

/** Nobody has or waits for either side. */
static bool watcher_is_idle(const struct eddy__watcher *watcher)
{
    return watcher_wanted(watcher) == 0;
}

/** Whether the program may use `socket`, and the channel that has its number, or NULL. */
static int watcher_check(struct eddy_loop *loop, eddy_socket socket, struct eddy__channel **found)
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
    *found = channel;
    return 0;
}

int eddy__watcher_check(struct eddy_loop *loop, eddy_socket socket)
{
    struct eddy__channel *channel = NULL;

    return watcher_check(loop, socket, &channel);
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
    struct eddy__channel *channel = NULL;
    const struct eddy__reservation *kept;
    int error = watcher_check(loop, socket, &channel);

    if (error)
        return error;
    kept = loop->claims.reservations;
    while (kept != NULL && (kept->socket != socket || kept->event != event))
        kept = kept->next;
    if (kept != NULL)
        return eddy_error(EDDY_EBADSTATE, "socket %lld is in the middle of an operation already",
                          (long long)socket);
    if (channel == NULL || watcher_side(watcher_of(channel), event)->waiter == NULL)
        return 0;
    return eddy_error(EDDY_EBADSTATE, "an operation waits for socket %lld to become %s already",
                      (long long)socket, event == EDDY__READABLE ? "readable" : "writable");
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

static void watcher_end(struct eddy__watcher *watcher)
{
    struct eddy_loop *loop = watcher->channel.loop;

    eddy__linger_stop(&watcher->linger);
    eddy__claims_remove(&loop->claims, &watcher->channel);
    loop->backend->channel_close(&watcher->channel, false);
}

bool eddy__watcher_is_taken(const struct eddy_loop *loop, eddy_socket socket)
{
    struct eddy__channel *channel = eddy__claims_find(&loop->claims, socket);

    return channel != NULL &&
           (channel->events != &watcher_events || !watcher_is_idle(watcher_of(channel)));
}

void eddy__watcher_forget(struct eddy_loop *loop, eddy_socket socket)
{
    struct eddy__watcher *watcher = watcher_find(loop, socket);

    if (watcher != NULL && watcher_is_idle(watcher))
        watcher_end(watcher);
}

/**
 * Whether a short receive drains the socket: TCP, and streams of the same machine. Others keep the
 * borders of messages also in streams.
 */
static bool watcher_drains(const struct eddy__watcher *watcher)
{
    int family = EDDY_UNSPEC;
    int type = EDDY_ANY_TYPE;
    int protocol = EDDY_ANY_PROTOCOL;

    if (watcher->channel.loop->backend->sockets->identify(watcher->channel.socket, &family, &type,
                                                          &protocol))
        return false;
    return type == EDDY_STREAM && (protocol == EDDY_TCP || family == EDDY_UNIX);
}

/** Have the backend watch for `events`; an error has changed nothing. */
static int watcher_watch(struct eddy__watcher *watcher, unsigned events)
{
    bool again = (events & watcher->watched & EDDY__EDGE) != 0;
    int result = watcher->channel.loop->backend->watch(&watcher->channel, events);

    if (result < 0)
        return result;
    watcher->watched = (uint8_t)events;
    if (result > 0 || events == 0)
        watcher->is_proven = watcher->is_plain = false;
    else if (again && !watcher->is_proven) {
        watcher->is_proven = true;
        watcher->is_plain = watcher_drains(watcher);
    }
    return result;
}

/** Watch for what is still wanted; if that is nothing, the watcher ends. */
static void watcher_settle(struct eddy__watcher *watcher)
{
    unsigned wanted = watcher_wanted(watcher);

    eddy__linger_stop(&watcher->linger);
    if (wanted == 0)
        watcher_end(watcher);
    else
        watcher_watch(watcher, wanted);
}

static int watcher_refuse(eddy_socket socket, int error)
{
    return eddy_error(error, "cannot watch descriptor %lld: %s", (long long)socket,
                      eddy_strerror(error));
}

/** What to watch for if `event` is to be waited for beside the rest. */
static unsigned watcher_events_with(const struct eddy__watcher *watcher, unsigned event)
{
    unsigned wanted = watcher_wanted(watcher) | event;
    bool by_edges = wanted == EDDY__READABLE && watcher->sides[0].slot == 0 &&
                    watcher->channel.loop->backend->lingering == EDDY__LINGER_WATCHED;

    return by_edges ? WATCH_ARRIVALS : wanted;
}

/** The watcher of `socket`, made if need be. */
static int watcher_get(struct eddy_loop *loop, eddy_socket socket, struct eddy__watcher **found)
{
    *found = watcher_find(loop, socket);
    return *found != NULL ? 0 : watcher_new(loop, socket, found);
}

/** Give a slot back. That of the callback which runs just now goes when it has returned. */
static void watcher_free_slot(struct eddy_loop *loop, uint32_t slot)
{
    if (loop->current == slot)
        eddy__slot_set_state(&loop->timers.slots, slot, EDDY_HANDLE_CANCELLED);
    else if (slot != 0)
        eddy__slot_drop(loop, slot);
}

static void watcher_warn(const struct eddy__watcher *watcher)
{
    eddy__log(EDDY_LOG_WARNING, "descriptor %lld was closed while it was being watched",
              (long long)watcher->channel.socket);
}

/** The number is another file's by now: whose callbacks came for the one before has forgotten to
 * remove them. False: there were none. */
static bool watcher_drop_stale(struct eddy__watcher *watcher)
{
    struct eddy_loop *loop = watcher->channel.loop;
    bool had = watcher->sides[0].slot != 0 || watcher->sides[1].slot != 0;

    for (int i = 0; i < 2; i++) {
        watcher_free_slot(loop, watcher->sides[i].slot);
        watcher->sides[i].slot = 0;
    }
    if (had)
        watcher_warn(watcher);
    return had;
}

/**
 * Watch for `events`, which is more than what was by `event`; a watcher that had nothing to do ends
 * if it fails.
 */
static int watcher_watch_more(struct eddy__watcher *watcher, unsigned events, unsigned event)
{
    eddy_socket socket = watcher->channel.socket;
    int result = watcher_watch(watcher, events);

    if (result > 0 && watcher_drop_stale(watcher))
        result = watcher_watch(watcher, watcher_wanted(watcher) | event);
    if (result >= 0) {
        eddy__linger_stop(&watcher->linger);
        return 0;
    }
    if (watcher_is_idle(watcher))
        watcher_end(watcher);
    return watcher_refuse(socket, result);
}

/** Whether the registration that lingers is relied upon; if it has to wait, that is verified. */
static bool watcher_is_trusted(const struct eddy__watcher *watcher)
{
    return watcher->is_proven && !watcher->channel.loop->lingering.was_wrong;
}

/** Have `waiter` wait by `watcher`, which ends if it had nothing to do and this fails. */
static int waiter_begin(struct eddy__waiter *waiter, struct eddy__watcher *watcher, unsigned event)
{
    unsigned events = watcher_events_with(watcher, event);
    int error = 0;

    if (events != WATCH_ARRIVALS || watcher->watched != events || !watcher_is_trusted(watcher) ||
        !eddy__linger_start(watcher->channel.loop, &watcher->linger))
        error = watcher_watch_more(watcher, events, event);
    if (error)
        return error;
    watcher->is_drained = watcher->was_confirmed = false;
    waiter->event = event;
    waiter->watcher = watcher;
    watcher_side(watcher, event)->waiter = waiter;
    return 0;
}

int eddy__waiter_start(struct eddy__waiter *waiter, struct eddy_loop *loop, eddy_socket socket,
                       unsigned event)
{
    struct eddy__watcher *watcher = NULL;
    int error = watcher_get(loop, socket, &watcher);

    return error ? error : waiter_begin(waiter, watcher, event);
}

bool eddy__waiter_start_drained(struct eddy__waiter *waiter, struct eddy_loop *loop,
                                eddy_socket socket)
{
    struct eddy__watcher *watcher = watcher_find(loop, socket);

    return watcher != NULL && watcher->is_drained &&
           (watcher->watched == 0 || watcher_is_trusted(watcher)) &&
           waiter_begin(waiter, watcher, EDDY__READABLE) == 0;
}

/** Nobody waits any more, but soon may: false if it cannot linger. */
static bool watcher_linger(struct eddy__watcher *watcher, unsigned event)
{
    struct eddy_loop *loop = watcher->channel.loop;
    enum eddy__lingering_mode mode = loop->backend->lingering;

    /* One that has only sent is not likely to receive. */
    if (mode == EDDY__LINGER_NOT || !watcher_is_idle(watcher) ||
        (event == EDDY__WRITABLE && !watcher->is_proven) ||
        !eddy__linger_start(loop, &watcher->linger))
        return false;
    if (mode == EDDY__LINGER_UNWATCHED)
        return watcher_watch(watcher, 0) == 0;
    return watcher->watched == WATCH_ARRIVALS || watcher_watch(watcher, WATCH_ARRIVALS) == 0;
}

void eddy__waiter_succeed(struct eddy__waiter *waiter, bool is_drained)
{
    struct eddy__watcher *watcher = waiter->watcher;

    if (watcher == NULL)
        return;
    waiter->watcher = NULL;
    watcher_side(watcher, waiter->event)->waiter = NULL;
    if (watcher_linger(watcher, waiter->event))
        watcher->is_drained = is_drained && (watcher->watched == 0 || watcher->is_plain);
    else
        watcher_settle(watcher);
}

void eddy__watcher_note(struct eddy_loop *loop, eddy_socket socket, bool is_drained)
{
    struct eddy__watcher *watcher = watcher_find(loop, socket);

    if (watcher == NULL || !watcher_is_idle(watcher))
        return;
    watcher->is_drained = is_drained && (watcher->watched == 0 || watcher->is_plain);
    eddy__linger_start(loop, &watcher->linger);
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

int eddy__watcher_set_slot(struct eddy_loop *loop, eddy_socket socket, unsigned event,
                           uint32_t slot)
{
    struct eddy__watcher *watcher = NULL;
    uint32_t replaced;
    int error = loop->backend->sockets->check_watchable(socket);

    if (error)
        return watcher_refuse(socket, error);
    error = watcher_get(loop, socket, &watcher);
    if (error == 0)
        error = watcher_watch_more(watcher, watcher_wanted(watcher) | event, event);
    if (error)
        return error;
    replaced = watcher_side(watcher, event)->slot;
    watcher_side(watcher, event)->slot = slot;
    if (replaced != 0)
        watcher_free_slot(loop, replaced);
    return 0;
}

bool eddy__watcher_drop_slot(struct eddy_loop *loop, eddy_socket socket, unsigned event)
{
    struct eddy__watcher *watcher = watcher_find(loop, socket);
    uint32_t slot = watcher != NULL ? watcher_side(watcher, event)->slot : 0;

    if (slot == 0)
        return false;
    watcher_side(watcher, event)->slot = 0;
    watcher_free_slot(loop, slot);
    watcher_settle(watcher);
    return true;
}

/** Make sure that the registration for which an operation waits is there: true if it was. */
static bool watcher_verify(struct eddy__watcher *watcher)
{
    struct eddy__waiter *waiter = watcher->sides[0].waiter;
    int result = watcher_watch(watcher, WATCH_ARRIVALS);

    if (result == 0)
        return true;
    if (result > 0) {
        watcher->channel.loop->lingering.was_wrong = true;
        return false;
    }
    /* Is it no socket any more? If it is only that memory is short, the next tick tries again. */
    if (eddy__linger_start(watcher->channel.loop, &watcher->linger))
        watcher->linger.age = 1;
    waiter->on_ready(waiter, 0);
    return false;
}

static void watcher_on_ready(struct eddy__channel *channel, unsigned event)
{
    struct eddy_loop *loop = channel->loop;
    struct eddy__watcher *watcher = watcher_of(channel);
    struct watcher_side *side = watcher_side(watcher, event);
    struct eddy__waiter *waiter = side->waiter;
    uint32_t slot;

    if (event & EDDY__ENDED || watcher->was_confirmed)
        watcher->is_plain = false;
    watcher->is_drained = false;
    if (waiter != NULL)
        waiter->on_ready(waiter, 0);
    /* A false alarm. By edges there is no other one for what it may have been about. */
    if (waiter != NULL && side->waiter == waiter && watcher->watched == WATCH_ARRIVALS)
        watcher_verify(watcher);
    slot = side->slot;
    if (slot == 0)
        return;
    eddy__slot_run(loop, slot);
    if (eddy__slot_state(&loop->timers.slots, slot) == EDDY_HANDLE_CANCELLED)
        eddy__slot_drop(loop, slot);
}

/** End a watcher from below: nobody is called by it any more. */
static void watcher_evict(struct eddy__watcher *watcher, int error)
{
    struct eddy_loop *loop = watcher->channel.loop;

    for (int i = 0; i < 2; i++) {
        struct eddy__waiter *waiter = watcher->sides[i].waiter;

        if (watcher->sides[i].slot != 0)
            watcher_free_slot(loop, watcher->sides[i].slot);
        watcher->sides[i] = (struct watcher_side){0, NULL};
        if (waiter != NULL) {
            waiter->watcher = NULL;
            if (error)
                waiter->on_ready(waiter, error);
        }
    }
    watcher_settle(watcher);
}

void eddy__watcher_on_tick(struct eddy__linger *linger)
{
    struct eddy__watcher *watcher = EDDY__OWNER(linger, struct eddy__watcher, linger);

    if (watcher_is_idle(watcher)) {
        if (linger->age > 1)
            watcher_end(watcher);
    } else if (linger->age == 2) {
        watcher->was_confirmed = watcher_verify(watcher);
    } else if (linger->age > 2) {
        watcher->was_confirmed = false;
        eddy__linger_stop(linger);
    }
}

void eddy__channel_claim(struct eddy__channel *channel)
{
    struct eddy_loop *loop = channel->loop;
    struct eddy__watcher *stale = watcher_find(loop, channel->socket);

    if (stale != NULL) {
        watcher_warn(stale);
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
    struct eddy__list *lingering = &loop->lingering.list;
    struct eddy__channel *channel;

    while (!eddy__list_is_empty(lingering))
        watcher_evict(EDDY__OWNER(lingering->next, struct eddy__watcher, linger.node), 0);
    eddy__lingering_fini(loop);
    while ((channel = eddy__claims_find_kind(&loop->claims, &watcher_events)) != NULL)
        watcher_evict(watcher_of(channel), 0);
}

static const struct eddy__channel_events watcher_events = {
    .on_ready = watcher_on_ready,
    .on_closed = watcher_on_closed,
};

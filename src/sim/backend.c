/* SPDX-License-Identifier: MIT */
/*
 * The backend "sim": a selector over the simulated network, and a clock that jumps.
 *
 * The wait is where time passes, and the only place. It goes to the next event of the network or
 * to the timeout, whichever is first, unless something is ready now, or unless the loop's work on
 * other threads is outstanding: how long that takes is not the simulation's to say.
 */
#include "sim/network.h"

/** First and longest nap, in real time, while other threads work for the loop. */
#define NAP_MIN EDDY_MICROSECONDS(20)
#define NAP_MAX EDDY_MILLISECONDS(1)

/** After so many looks at one moment the program is taken to spin, and a look costs some time. */
#define LOOKS_MAX 10000
#define LOOK_COST EDDY_MICROSECONDS(10)

static int sim_selector_open(struct eddy__reactor *reactor)
{
    reactor->selector_state = reactor->loop->sim;
    return 0;
}

static void sim_selector_close(struct eddy__reactor *reactor)
{
    struct eddy_sim *sim = reactor->selector_state;

    if (sim->is_private)
        eddy__sim_close_network(sim);
}

static int sim_watch(struct eddy__reactor_channel *channel, unsigned interest)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(channel->channel.socket);

    if (socket == NULL)
        return interest == 0 ? 0 : EDDY_EBADF;
    if (socket->watcher != NULL && socket->watcher != channel)
        return interest == 0 ? 0 : EDDY_EBUSY;
    socket->watcher = interest == 0 ? NULL : channel;
    socket->interest = interest;
    eddy__sim_update(socket);
    return 0;
}

/**
 * Wait for other threads. Naps, since the wake-up may come out of a signal handler, which must not
 * touch a lock or a condition.
 */
static void sim_nap_until_woken(struct eddy_sim *sim)
{
    eddy_time nap = NAP_MIN;

    eddy__mutex_lock(&sim->mutex);
    while (!atomic_load(&sim->woken)) {
        eddy__condition_wait_for(&sim->condition, &sim->mutex, nap);
        nap = nap * 2 < NAP_MAX ? nap * 2 : NAP_MAX;
    }
    eddy__mutex_unlock(&sim->mutex);
}

/** What has come due by now happens, unless the network is cut. */
static void sim_catch_up(struct eddy_sim *sim)
{
    if (!sim->cut)
        eddy__sim_event_run(&sim->events, sim->now);
}

/**
 * The loop only looks, since something is ready. Usually that costs no time. Who keeps something
 * ready until time has passed would wait for ever, though, so in the end it does.
 */
static void sim_look(struct eddy_sim *sim)
{
    eddy_time next = sim->cut ? EDDY_FOREVER : eddy__sim_event_next(&sim->events);
    eddy_time then = eddy__time_add(sim->now, LOOK_COST);

    if (sim->looked_at != sim->now) {
        sim->looked_at = sim->now;
        sim->looks = 0;
    }
    if (++sim->looks <= LOOKS_MAX || sim->loop->foreign_work > 0)
        return;
    sim->now = sim->looked_at = then < next ? then : next;
    sim_catch_up(sim);
}

static int sim_wait(struct eddy__reactor *reactor, eddy_time timeout)
{
    struct eddy_sim *sim = reactor->selector_state;
    eddy_time limit = timeout == EDDY_FOREVER ? timeout : eddy__time_add(sim->now, timeout);
    eddy_time next;

    sim_catch_up(sim);
    if (atomic_exchange(&sim->woken, false) || timeout <= 0 || !eddy__list_is_empty(&sim->ready) ||
        eddy__inbox_has_posts(&reactor->loop->inbox)) {
        sim_look(sim);
        return 0;
    }
    if (reactor->loop->foreign_work > 0) {
        sim_nap_until_woken(sim);
        atomic_store(&sim->woken, false);
        return 0;
    }
    next = sim->cut ? EDDY_FOREVER : eddy__sim_event_next(&sim->events);
    next = next < limit ? next : limit;
    if (next == EDDY_FOREVER)
        return eddy_error(EDDY_EDEADLOCK, "nothing can end this wait: no timer is set, nothing is "
                                          "on its way in the network, no other thread works");
    sim->now = next;
    sim_catch_up(sim);
    return 0;
}

/** In the order in which sockets became ready. */
static void sim_report(struct eddy__reactor *reactor)
{
    struct eddy_sim *sim = reactor->selector_state;
    struct eddy__list *node = sim->ready.next;

    while (node != &sim->ready) {
        struct eddy__sim_socket *socket = EDDY__OWNER(node, struct eddy__sim_socket, ready);

        node = node->next;
        eddy__reactor_event(socket->watcher, socket->events);
    }
}

static void sim_wake(struct eddy__reactor *reactor)
{
    atomic_store(&((struct eddy_sim *)reactor->selector_state)->woken, true);
}

static const struct eddy__selector sim_selector = {
    .open = sim_selector_open,
    .close = sim_selector_close,
    .watch = sim_watch,
    .wait = sim_wait,
    .report = sim_report,
    .wake = sim_wake,
};

static int sim_backend_open(struct eddy_loop *loop)
{
    int error = eddy__sim_attach(loop);

    if (error == 0)
        error = eddy__reactor_open(loop);
    if (error)
        eddy__sim_detach(loop);
    return error;
}

static eddy_time sim_now(struct eddy_loop *loop)
{
    return loop->sim->now;
}

static eddy_time sim_resolution(struct eddy_loop *loop)
{
    (void)loop;
    return 1;
}

const struct eddy__backend eddy__sim_backend = {
    .name = "sim",
    .selector = &sim_selector,
    .sockets = &eddy__sim_sockets,
    .open = sim_backend_open,
    .abandon = eddy__reactor_close,
    .now = sim_now,
    .resolution = sim_resolution,
    EDDY__REACTOR_OPERATIONS,
};

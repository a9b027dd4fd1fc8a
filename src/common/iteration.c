/* SPDX-License-Identifier: MIT */
/**
 * One iteration, in three steps that a foreign loop could take apart one day: prepare (what is
 * there to do, and until when may one wait), wait, dispatch (events and due timers become ready
 * callbacks, which run).
 *
 * Order (LOOP-22, LOOP-24): posts of other threads and what earlier callbacks scheduled, then I/O
 * events, then due timers. What callbacks schedule runs in the next iteration, since a batch is
 * taken off the queue before it is run.
 */
#include "common/iteration.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/signal.h"
#include "common/soon.h"

/** A wait never lasts longer (LOOP-23). */
#define WAIT_MAX EDDY_SECONDS(86400)

/** So long at most while the inbox is not empty though it was taken (inbox.h). */
#define WAIT_BEHIND_MAX EDDY_MILLISECONDS(1)

/** How many waits in a row may be skipped while callbacks are ready, and for how long. */
#define SKIPPED_MAX 64
#define SKIPPING_MAX EDDY_MICROSECONDS(100)

/** The run ends with the words of the backend, or of the system if it had none. */
static int iteration_cannot_wait(int error)
{
    if (!eddy__is_unsaid(error))
        return error;
    return eddy_error(error, "cannot wait for events: %s", eddy_strerror(error));
}

/** Take what other threads posted, and signals, so that it runs with this iteration. */
static inline void iteration_collect(struct eddy_loop *loop)
{
    eddy__loop_take_posts(loop);
    if (loop->signals != NULL && atomic_load(&loop->signals->any))
        eddy__signals_dispatch(loop);
}

/**
 * First the flag, then the posts: a post that comes in between wakes the wait for nothing, the
 * other way round it would be slept over. While each look finds posts, the flag stays: there will
 * be no wait to wake, and those who post spare a system call.
 */
static void iteration_prepare(struct eddy_loop *loop)
{
    if (atomic_load(&loop->inbox.wake_pending) && eddy__inbox_has_posts(&loop->inbox)) {
        iteration_collect(loop);
        if (!eddy__agenda_is_empty(&loop->agenda))
            return;
    }
    atomic_store(&loop->inbox.wake_pending, false);
    iteration_collect(loop);
}

/** LOOP-23. */
static eddy_time iteration_timeout(struct eddy_loop *loop)
{
    eddy_time next = loop->timers.count > 0 ? eddy__timers_next(&loop->timers) : EDDY_FOREVER;
    eddy_time most = WAIT_MAX;
    eddy_time now;

    if (!eddy__agenda_is_empty(&loop->agenda) || loop->stopping)
        return 0;
    if (eddy__inbox_has_posts(&loop->inbox))
        most = WAIT_BEHIND_MAX;
    else if (next == EDDY_FOREVER)
        return EDDY_FOREVER;
    now = eddy__loop_now(loop);
    if (next <= now)
        return 0;
    /* `now` may be anything, so the difference could overflow. */
    return next > eddy__time_add(now, most) ? most : next - now;
}

/**
 * The time, or one that is not far ahead of it: as long as the processor's counter says that the
 * clock's last answer is recent, that one is good enough. The clock is half of what a turn without
 * a wait costs.
 */
static eddy_time iteration_now_at_most(struct eddy_loop *loop)
{
    uint64_t ticks = eddy__clock_ticks();

    if (ticks != 0 && ticks - loop->ticks_seen < EDDY__CLOCK_TICKS_BRIEF &&
        loop->backend->has_system_clock)
        return eddy__time_add(loop->clock_seen, EDDY__CLOCK_BRIEF);
    loop->ticks_seen = ticks;
    loop->clock_seen = eddy__loop_now(loop);
    return loop->clock_seen;
}

/**
 * Whether this iteration may do without looking for events (LOOP-25): callbacks that keep each
 * other busy do not pay a system call each, and yet starve nothing.
 */
static bool iteration_may_skip_wait(struct eddy_loop *loop, bool first)
{
    eddy_time now;

    if (first || loop->stopping || eddy__agenda_is_empty(&loop->agenda) ||
        loop->skipped_waits >= SKIPPED_MAX || atomic_load(&loop->inbox.wake_pending))
        return false;
    now = iteration_now_at_most(loop);
    if (loop->skipped_waits == 0)
        loop->skipping_since = loop->clock_seen;
    if (now - loop->skipping_since > SKIPPING_MAX ||
        (loop->timers.count > 0 && eddy__timers_next(&loop->timers) <= now))
        return false;
    loop->skipped_waits++;
    return true;
}

/**
 * Append the timers that are due (LOOP-24); if an exit request broke off a batch, first what is
 * left of that has its turn.
 */
static void iteration_expire(struct eddy_loop *loop)
{
    eddy_time limit;

    if (loop->timers.count == 0 || eddy__list_is_linked(&loop->due.node))
        return;
    limit = eddy__time_add(eddy__loop_now(loop), loop->clock_resolution);
    if (eddy__timers_next(&loop->timers) < limit && eddy__timers_expire(&loop->timers, limit))
        eddy__agenda_append(&loop->agenda, &loop->due);
}

/** Run the nodes of the list at the head of the agenda, whose ring may move meanwhile. */
static void iteration_run_list(struct eddy_loop *loop)
{
    struct eddy__agenda *agenda = &loop->agenda;
    struct eddy__list *node;

    while ((node = eddy__list_shift(eddy__agenda_head_nodes(agenda))) != NULL) {
        struct eddy__ready *ready = EDDY__OWNER(node, struct eddy__ready, node);

        ready->run(ready);
        if (loop->exit_requested)
            return;
    }
    agenda->head++;
}

/**
 * Run exactly what is ready now, and what belongs to the end of it. After an exit request the rest
 * survives, in place (LOOP-42).
 */
static void iteration_run(struct eddy_loop *loop)
{
    struct eddy__agenda *agenda = &loop->agenda;

    eddy__agenda_begin_batch(agenda);
    while (!loop->exit_requested && eddy__agenda_has_next(agenda)) {
        if (agenda->head->callback == NULL)
            iteration_run_list(loop);
        else if (agenda->is_plain)
            eddy__soon_run_plain(loop);
        else
            eddy__soon_run_with_care(loop);
    }
    while (!eddy__list_is_empty(&loop->batch_end) && !eddy__loop_is_foreign(loop)) {
        struct eddy__list *node = eddy__list_shift(&loop->batch_end);
        struct eddy__ready *ready = EDDY__OWNER(node, struct eddy__ready, node);

        ready->run(ready);
    }
    eddy__agenda_end_batch(agenda);
    if (eddy__timers_need_relaxing(&loop->timers))
        eddy__timers_relax(&loop->timers);
}

/** One iteration; the `first` of a run always looks for events. */
static int iteration_once(struct eddy_loop *loop, bool first)
{
    int error;

    if (!iteration_may_skip_wait(loop, first)) {
        loop->skipped_waits = 0;
        iteration_prepare(loop);
        error = loop->backend->wait(loop, iteration_timeout(loop));
        if (error)
            return iteration_cannot_wait(error);
        /* What ended the wait runs now; `wake_pending` stays set until the next one. */
        iteration_collect(loop);
        loop->backend->dispatch(loop);
        iteration_expire(loop);
    }
    iteration_run(loop);
    return 0;
}

/* One function with the iteration, as compilers find a single call: after a switch of stacks each
 * return is predicted wrongly, and this one would come every turn. */
int eddy__loop_iterate_all(struct eddy_loop *loop)
{
    bool first = true;
    int error;

    do {
        error = iteration_once(loop, first);
        first = false;
    } while (error == 0 && !loop->stopping && !loop->exit_requested);
    return error;
}

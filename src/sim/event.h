/* SPDX-License-Identifier: MIT */
/**
 * What is on its way in a simulation: events ordered by time, then by the order of their start.
 *
 * Events are embedded in what they happen to, so starting one cannot fail.
 */
#ifndef EDDY_SIM_EVENT_H
#define EDDY_SIM_EVENT_H

#include "common/list.h"
#include <eddy/base.h>

struct eddy__sim_event {
    struct eddy__list node;
    eddy_time when;
    void (*run)(struct eddy__sim_event *event);
};

/** Start `event`, which is not under way; its `run` is set. Cost: events that are due later. */
static inline void eddy__sim_event_start(struct eddy__list *events, struct eddy__sim_event *event,
                                         eddy_time when)
{
    struct eddy__list *before = events->previous;

    while (before != events && EDDY__OWNER(before, struct eddy__sim_event, node)->when > when)
        before = before->previous;
    event->when = when;
    event->node.previous = before;
    event->node.next = before->next;
    before->next->previous = &event->node;
    before->next = &event->node;
}

/** Nothing happens if it is not under way. */
static inline void eddy__sim_event_stop(struct eddy__sim_event *event)
{
    eddy__list_remove(&event->node);
}

/** When the first event is due; EDDY_FOREVER without events. */
static inline eddy_time eddy__sim_event_next(const struct eddy__list *events)
{
    if (eddy__list_is_empty(events))
        return EDDY_FOREVER;
    return EDDY__OWNER(events->next, struct eddy__sim_event, node)->when;
}

/** Run everything that is due at `now`, and what that starts for the same time. */
static inline void eddy__sim_event_run(struct eddy__list *events, eddy_time now)
{
    while (eddy__sim_event_next(events) <= now) {
        struct eddy__sim_event *event = EDDY__OWNER(events->next, struct eddy__sim_event, node);

        eddy__list_remove(&event->node);
        event->run(event);
    }
}

#endif

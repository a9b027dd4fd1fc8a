/* SPDX-License-Identifier: MIT */
#include "common/linger.h"
#include "common/loop.h"

static void lingering_wind(struct eddy_loop *loop)
{
    struct eddy__lingering *lingering = &loop->lingering;

    if (!eddy__list_is_empty(&lingering->list) && !lingering->tick.is_running &&
        !eddy__list_is_linked(&lingering->tick.ready.node)) /* else it is due */
        eddy__timer_start(&loop->timers, &lingering->tick,
                          eddy__time_add(eddy__loop_now(loop), EDDY__LINGER_TICK));
}

static void lingering_on_tick(struct eddy__ready *ready)
{
    struct eddy_loop *loop = EDDY__OWNER(ready, struct eddy_loop, lingering.tick.ready);
    struct eddy__list *node;
    struct eddy__list due;

    /* As many as are busy. Each may stop others: what it accepts may have their number. */
    eddy__list_init(&due);
    eddy__list_splice(&due, &loop->lingering.list);
    while ((node = eddy__list_shift(&due)) != NULL) {
        struct eddy__linger *linger = EDDY__OWNER(node, struct eddy__linger, node);

        eddy__list_append(&loop->lingering.list, node);
        if (linger->age < UINT8_MAX)
            linger->age++;
        eddy__watcher_on_tick(linger);
    }
    lingering_wind(loop);
}

void eddy__lingering_init(struct eddy__lingering *lingering)
{
    eddy__list_init(&lingering->list);
    lingering->tick.ready.run = lingering_on_tick;
}

void eddy__lingering_fini(struct eddy_loop *loop)
{
    struct eddy__lingering *lingering = &loop->lingering;

    eddy__timer_stop(&loop->timers, &lingering->tick);
    eddy__timer_unreserve(&loop->timers, &lingering->tick);
}

bool eddy__linger_start(struct eddy_loop *loop, struct eddy__linger *linger)
{
    struct eddy__lingering *lingering = &loop->lingering;

    linger->age = 0;
    if (eddy__list_is_linked(&linger->node))
        return true;
    if (!lingering->tick.is_reserved && eddy__timer_reserve(&loop->timers, &lingering->tick))
        return false;
    eddy__list_append(&lingering->list, &linger->node);
    lingering_wind(loop);
    return true;
}

void eddy__linger_stop(struct eddy__linger *linger)
{
    eddy__list_remove(&linger->node);
}

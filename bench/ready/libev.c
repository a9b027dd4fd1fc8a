/* SPDX-License-Identifier: MIT */
/* libev: ev_feed_event(). What is fed by a callback runs in the same turn. */
#include "micro/micro.h"
#include <ev.h>

enum { BATCH_MAX = 1000 };

static ev_prepare watchers[BATCH_MAX];
static uint64_t batch, left;

static void on_call(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
}

/* The last of a batch brings the next: pending watchers run from the newest to the oldest. */
static void on_last(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    uint64_t i;

    (void)watcher;
    (void)events;
    left -= left < batch ? left : batch;
    if (left == 0)
        return;
    for (i = 0; i < batch; i++)
        ev_feed_event(loop, &watchers[i], EV_CUSTOM);
}

static void run(struct ev_loop *loop, uint64_t count)
{
    left = count + batch;
    on_last(loop, NULL, 0);
    while (left > 0)
        ev_run(loop, EVRUN_NOWAIT);
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    struct ev_loop *loop = ev_default_loop(0);
    int i;

    batch = micro_is(&micro, "ready-1000") ? 1000 : 1;
    for (i = 0; i < BATCH_MAX; i++)
        ev_prepare_init(&watchers[i], i == 0 ? on_last : on_call);
    run(loop, 10000);
    micro_begin();
    run(loop, micro.n);
    micro_end(micro.n);
    return 0;
}

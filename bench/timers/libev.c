/* SPDX-License-Identifier: MIT */
/* libev keeps the time of the turn: it is asked for the time once, not for each timer. */
#include "timers.h"
#include <ev.h>

static struct ev_loop *loop;
static ev_timer *timers;

static void on_due(struct ev_loop *of, ev_timer *timer, int events)
{
    (void)events;
    ev_timer_stop(of, timer);
}

static void init(uint64_t n)
{
    uint64_t i;

    loop = ev_default_loop(0);
    timers = calloc(n, sizeof *timers);
    micro_need(timers == NULL, "memory");
    for (i = 0; i < n; i++)
        ev_timer_init(&timers[i], on_due, 0., 0.);
}

/* With a repeat, ev_timer_again() sets what is not set and moves what is. */
static void add(uint64_t i, uint64_t after_ms)
{
    timers[i].repeat = (double)after_ms / 1000;
    ev_timer_again(loop, &timers[i]);
}

static void cancel(uint64_t i)
{
    ev_timer_stop(loop, &timers[i]);
}

static void update(void)
{
    ev_now_update(loop);
}

static void run(void)
{
    ev_run(loop, 0);
}

int main(int argc, char **argv)
{
    static const struct timers script = {init, add, cancel, add, update, run};

    return timers_main(argc, argv, &script);
}

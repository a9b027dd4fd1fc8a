/* SPDX-License-Identifier: MIT */
#include "micro/micro.h"
#include <ev.h>

static void on_call(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    struct ev_loop *loop;
    ev_timer timer;
    uint64_t i;

    micro_begin();
    for (i = 0; i < micro.n; i++) {
        loop = ev_loop_new(0);
        micro_need(loop == NULL, "a loop");
        ev_timer_init(&timer, on_call, 0., 0.);
        ev_timer_start(loop, &timer);
        ev_run(loop, 0);
        ev_loop_destroy(loop);
    }
    micro_end(micro.n);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* libuv keeps the time of the turn: it is asked for the time once, not for each timer. */
#include "timers.h"
#include <uv.h>

static uv_timer_t *timers;

static void on_due(uv_timer_t *timer)
{
    (void)timer;
}

static void init(uint64_t n)
{
    uint64_t i;

    timers = calloc(n, sizeof *timers);
    micro_need(timers == NULL, "memory");
    for (i = 0; i < n; i++)
        uv_timer_init(uv_default_loop(), &timers[i]);
}

static void add(uint64_t i, uint64_t after_ms)
{
    uv_timer_start(&timers[i], on_due, after_ms, 0);
}

static void cancel(uint64_t i)
{
    uv_timer_stop(&timers[i]);
}

static void update(void)
{
    uv_update_time(uv_default_loop());
}

static void run(void)
{
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    static const struct timers script = {init, add, cancel, add, update, run};

    return timers_main(argc, argv, &script);
}

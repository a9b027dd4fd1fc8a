/* SPDX-License-Identifier: MIT */
#include "timers.h"
#include <event2/event.h>

static struct event_base *base;
static struct event **timers;

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void init(uint64_t n)
{
    uint64_t i;

    base = event_base_new();
    timers = calloc(n, sizeof(struct event *));
    micro_need(base == NULL || timers == NULL, "memory");
    for (i = 0; i < n; i++)
        timers[i] = evtimer_new(base, on_due, NULL);
}

static void add(uint64_t i, uint64_t after_ms)
{
    struct timeval after = {.tv_sec = (time_t)(after_ms / 1000),
                            .tv_usec = (suseconds_t)(after_ms % 1000) * 1000};

    evtimer_add(timers[i], &after);
}

static void cancel(uint64_t i)
{
    evtimer_del(timers[i]);
}

static void run(void)
{
    event_base_dispatch(base);
}

int main(int argc, char **argv)
{
    static const struct timers script = {init, add, cancel, add, NULL, run};

    return timers_main(argc, argv, &script);
}

/* SPDX-License-Identifier: MIT */
/* libevent: event_active(). */
#include "micro/micro.h"
#include <event2/event.h>

enum { BATCH_MAX = 1000 };

static struct event *events[BATCH_MAX];
static uint64_t batch, left;

static void on_call(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* The last of a batch brings the next. */
static void on_last(evutil_socket_t fd, short what, void *arg)
{
    uint64_t i;

    (void)fd;
    (void)what;
    (void)arg;
    left -= left < batch ? left : batch;
    if (left == 0)
        return;
    for (i = 1; i < batch; i++)
        event_active(events[i], EV_TIMEOUT, 1);
    event_active(events[0], EV_TIMEOUT, 1);
}

static void run(struct event_base *base, uint64_t count)
{
    left = count + batch;
    on_last(-1, 0, NULL);
    event_base_dispatch(base);
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    struct event_base *base = event_base_new();
    int i;

    batch = micro_is(&micro, "ready-1000") ? 1000 : 1;
    for (i = 0; i < BATCH_MAX; i++)
        events[i] = event_new(base, -1, 0, i == 0 ? on_last : on_call, NULL);
    run(base, 10000);
    micro_begin();
    run(base, micro.n);
    micro_end(micro.n);
    return 0;
}

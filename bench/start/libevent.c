/* SPDX-License-Identifier: MIT */
#include "micro/micro.h"
#include <event2/event.h>

static void on_call(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    struct event_base *base;
    struct event *event;
    uint64_t i;

    micro_begin();
    for (i = 0; i < micro.n; i++) {
        base = event_base_new();
        event = event_new(base, -1, 0, on_call, NULL);
        micro_need(event == NULL, "an event");
        event_active(event, EV_TIMEOUT, 1);
        event_base_dispatch(base);
        event_free(event);
        event_base_free(base);
    }
    micro_end(micro.n);
    return 0;
}

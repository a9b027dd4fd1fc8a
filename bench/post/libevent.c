/* SPDX-License-Identifier: MIT */
/* libevent: event_base_once() of a base that was made for threads. */
#include "post.h"
#include <event2/event.h>
#include <event2/thread.h>

static struct event_base *base;

static void init(void)
{
    evthread_use_pthreads();
    base = event_base_new();
    micro_need(base == NULL, "a base");
}

static void on_call(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    post_called(arg);
}

static void post(struct poster *poster, unsigned i)
{
    static const struct timeval now = {0, 0};

    (void)i;
    micro_need(event_base_once(base, -1, EV_TIMEOUT, on_call, poster, &now) != 0, "posting");
}

static void run(void)
{
    event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void stop(void)
{
    event_base_loopbreak(base);
}

int main(int argc, char **argv)
{
    static const struct post_script script = {init, post, run, stop};

    return post_main(argc, argv, &script);
}

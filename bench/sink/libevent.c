/* SPDX-License-Identifier: MIT */
/* libevent by buffered events. */
#include "echo/job.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

static void on_read(struct bufferevent *connection, void *arg)
{
    struct evbuffer *input = bufferevent_get_input(connection);

    (void)arg;
    evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_event(struct bufferevent *connection, short what, void *arg)
{
    (void)arg;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(connection);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int size, void *arg)
{
    struct bufferevent *connection =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);

    (void)address;
    (void)size;
    (void)arg;
    job_need(connection == NULL, "bufferevent_socket_new");
    bufferevent_setcb(connection, on_read, NULL, on_event, NULL);
    bufferevent_enable(connection, EV_READ);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct event_base *base = event_base_new();
    struct evconnlistener *listener =
        evconnlistener_new(base, on_connection, NULL, LEV_OPT_CLOSE_ON_EXEC, 100, job.fd);

    job_need(listener == NULL, "evconnlistener_new");
    return event_base_dispatch(base);
}

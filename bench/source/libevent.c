/* SPDX-License-Identifier: MIT */
/* libevent: a reference to the piece is added whenever the output has run empty. */
#include "echo/job.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

enum { PIECE = 256 * 1024 };

static char piece[PIECE];

static void on_written(struct bufferevent *connection, void *arg)
{
    (void)arg;
    evbuffer_add_reference(bufferevent_get_output(connection), piece, sizeof piece, NULL, NULL);
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
    bufferevent_setcb(connection, NULL, on_written, on_event, NULL);
    bufferevent_setwatermark(connection, EV_WRITE, PIECE / 2, 0);
    bufferevent_set_max_single_write(connection, 2 * PIECE);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
    on_written(connection, NULL);
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

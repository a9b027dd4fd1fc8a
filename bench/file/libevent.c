/* SPDX-License-Identifier: MIT */
/* libevent: a part of the file in the output, which is then sent by sendfile(). */
#include "file.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

static struct evbuffer_file_segment *segment;

static void on_written(struct bufferevent *connection, void *arg)
{
    (void)arg;
    evbuffer_add_file_segment(bufferevent_get_output(connection), segment, 0, FILE_SIZE);
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
    bufferevent_set_max_single_write(connection, FILE_SIZE);
    evbuffer_set_flags(bufferevent_get_output(connection), EVBUFFER_FLAG_DRAINS_TO_FD);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
    on_written(connection, NULL);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct event_base *base = event_base_new();
    struct evconnlistener *listener =
        evconnlistener_new(base, on_connection, NULL, LEV_OPT_CLOSE_ON_EXEC, 100, job.fd);

    segment = evbuffer_file_segment_new(file_make(), 0, FILE_SIZE, 0);
    job_need(listener == NULL || segment == NULL, "listening");
    return event_base_dispatch(base);
}

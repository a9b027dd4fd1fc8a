/* SPDX-License-Identifier: MIT */
/* libevent by bare events: the program receives and sends itself. */
#include "job.h"
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024 };

struct connection {
    struct event *readable;
    struct event *writable;
    char *rest; /* what the system did not take yet; reading stands still meanwhile */
    size_t rest_size;
};

static void connection_close(struct connection *connection, evutil_socket_t fd)
{
    event_free(connection->readable);
    event_free(connection->writable);
    close(fd);
    free(connection->rest);
    free(connection);
}

static void keep_rest(struct connection *connection, const char *data, size_t size)
{
    connection->rest = malloc(size);
    job_need(connection->rest == NULL, "malloc");
    memcpy(connection->rest, data, size);
    connection->rest_size = size;
    event_del(connection->readable);
    event_add(connection->writable, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    static char buffer[BUFFER];
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    ssize_t sent;

    (void)what;
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        connection_close(arg, fd);
        return;
    }
    sent = send(fd, buffer, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        connection_close(arg, fd);
    else if (sent < n)
        keep_rest(arg, buffer + (sent > 0 ? sent : 0), (size_t)(n - (sent > 0 ? sent : 0)));
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *connection = arg;
    ssize_t sent = send(fd, connection->rest, connection->rest_size, MSG_NOSIGNAL);

    (void)what;
    if (sent < 0 && errno != EAGAIN) {
        connection_close(connection, fd);
    } else if (sent > 0) {
        connection->rest_size -= (size_t)sent;
        memmove(connection->rest, connection->rest + sent, connection->rest_size);
    }
    if (sent >= 0 && connection->rest_size == 0) {
        free(connection->rest);
        connection->rest = NULL;
        event_del(connection->writable);
        event_add(connection->readable, NULL);
    }
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int size, void *arg)
{
    struct event_base *base = evconnlistener_get_base(listener);
    struct connection *connection = calloc(1, sizeof *connection);

    (void)address;
    (void)size;
    (void)arg;
    job_need(connection == NULL, "calloc");
    connection->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, connection);
    connection->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, connection);
    job_need(connection->readable == NULL || connection->writable == NULL, "event_new");
    event_add(connection->readable, NULL);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct event_base *base = event_base_new();
    struct evconnlistener *listener =
        evconnlistener_new(base, on_connection, NULL, LEV_OPT_CLOSE_ON_EXEC, 4096, job.fd);

    job_need(listener == NULL, "evconnlistener_new");
    return event_base_dispatch(base);
}

/* SPDX-License-Identifier: MIT */
/* libev: it watches, the program receives and sends itself. */
#include "job.h"
#include <errno.h>
#include <ev.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024 };

struct connection {
    ev_io io;
    char *rest; /* what the system did not take yet; reading stands still meanwhile */
    size_t rest_size;
};

static void connection_close(struct ev_loop *loop, struct connection *connection)
{
    ev_io_stop(loop, &connection->io);
    close(connection->io.fd);
    free(connection->rest);
    free(connection);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events);

static void connection_watch(struct ev_loop *loop, struct connection *connection, int events)
{
    int fd = connection->io.fd;

    ev_io_stop(loop, &connection->io);
    ev_io_init(&connection->io, on_ready, fd, events);
    ev_io_start(loop, &connection->io);
}

static void connection_echo(struct ev_loop *loop, struct connection *connection)
{
    static char buffer[BUFFER];
    ssize_t n = recv(connection->io.fd, buffer, sizeof buffer, 0);
    ssize_t sent;

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        connection_close(loop, connection);
        return;
    }
    sent = send(connection->io.fd, buffer, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        connection_close(loop, connection);
    } else if (sent < n) {
        connection->rest_size = (size_t)(n - (sent > 0 ? sent : 0));
        connection->rest = malloc(connection->rest_size);
        job_need(connection->rest == NULL, "malloc");
        memcpy(connection->rest, buffer + (sent > 0 ? sent : 0), connection->rest_size);
        connection_watch(loop, connection, EV_WRITE);
    }
}

static void connection_send_rest(struct ev_loop *loop, struct connection *connection)
{
    ssize_t sent = send(connection->io.fd, connection->rest, connection->rest_size, MSG_NOSIGNAL);

    if (sent < 0 && errno == EAGAIN)
        return;
    if (sent < 0) {
        connection_close(loop, connection);
        return;
    }
    connection->rest_size -= (size_t)sent;
    memmove(connection->rest, connection->rest + sent, connection->rest_size);
    if (connection->rest_size == 0) {
        free(connection->rest);
        connection->rest = NULL;
        connection_watch(loop, connection, EV_READ);
    }
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
    struct connection *connection = (struct connection *)io;

    (void)events;
    if (connection->rest != NULL)
        connection_send_rest(loop, connection);
    else
        connection_echo(loop, connection);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
    struct connection *connection;
    int fd;

    (void)events;
    while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        connection = calloc(1, sizeof *connection);
        job_need(connection == NULL, "calloc");
        ev_io_init(&connection->io, on_ready, fd, EV_READ);
        ev_io_start(loop, &connection->io);
    }
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct ev_loop *loop = ev_default_loop(0);
    ev_io listener;

    ev_io_init(&listener, on_connection, job.fd, EV_READ);
    ev_io_start(loop, &listener);
    return ev_run(loop, 0);
}

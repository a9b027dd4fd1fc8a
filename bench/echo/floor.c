/* SPDX-License-Identifier: MIT */
/* The floor: what has to be done, on the system calls alone. */
#include "job.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BUFFER = 256 * 1024 };

struct connection {
    int fd;
    char *rest; /* what the system did not take yet; reading stands still meanwhile */
    size_t rest_size;
};

static int epoll;
static char buffer[BUFFER];

static void watch(struct connection *connection, int operation, unsigned events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = connection}};

    job_need(epoll_ctl(epoll, operation, connection->fd, &event) != 0, "epoll_ctl");
}

static void close_connection(struct connection *connection)
{
    close(connection->fd);
    free(connection->rest);
    free(connection);
}

static void keep_rest(struct connection *connection, const char *data, size_t size)
{
    connection->rest = malloc(size);
    job_need(connection->rest == NULL, "malloc");
    memcpy(connection->rest, data, size);
    connection->rest_size = size;
    watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
}

static void echo(struct connection *connection)
{
    ssize_t n = recv(connection->fd, buffer, sizeof buffer, 0);
    ssize_t sent;

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close_connection(connection);
        return;
    }
    sent = send(connection->fd, buffer, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        close_connection(connection);
    else if (sent < n)
        keep_rest(connection, buffer + (sent > 0 ? sent : 0), (size_t)(n - (sent > 0 ? sent : 0)));
}

static void send_rest(struct connection *connection)
{
    ssize_t sent = send(connection->fd, connection->rest, connection->rest_size, MSG_NOSIGNAL);

    if (sent < 0 && errno == EAGAIN)
        return;
    if (sent < 0) {
        close_connection(connection);
        return;
    }
    connection->rest_size -= (size_t)sent;
    memmove(connection->rest, connection->rest + sent, connection->rest_size);
    if (connection->rest_size == 0) {
        free(connection->rest);
        connection->rest = NULL;
        watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void accept_all(struct connection *listener)
{
    struct connection *connection;
    int fd;

    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        connection = calloc(1, sizeof *connection);
        job_need(connection == NULL, "calloc");
        connection->fd = fd;
        watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char **argv)
{
    struct connection listener = {.fd = job_read(argc, argv).fd};
    struct epoll_event events[EVENTS];
    struct connection *connection;
    int i, n;

    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        n = epoll_wait(epoll, events, EVENTS, -1);
        for (i = 0; i < n; i++) {
            connection = events[i].data.ptr;
            if (connection == &listener)
                accept_all(&listener);
            else if (connection->rest != NULL)
                send_rest(connection);
            else
                echo(connection);
        }
    }
}

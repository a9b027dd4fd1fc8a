/* SPDX-License-Identifier: MIT */
/* The floor: the same piece again and again, as much as the system takes. */
#include "echo/job.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

struct source {
    int fd;
    size_t sent; /* of the piece */
};

static char piece[PIECE];

static void watch(int epoll, struct source *source, unsigned events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = source}};

    job_need(epoll_ctl(epoll, EPOLL_CTL_ADD, source->fd, &event) != 0, "epoll_ctl");
}

static void source_send(struct source *source)
{
    ssize_t n;

    while ((n = send(source->fd, piece + source->sent, PIECE - source->sent, MSG_NOSIGNAL)) >= 0)
        source->sent = (source->sent + (size_t)n) % PIECE;
    if (errno != EAGAIN) {
        close(source->fd);
        free(source);
    }
}

int main(int argc, char **argv)
{
    struct source listener = {.fd = job_read(argc, argv).fd};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    struct source *source;

    watch(epoll, &listener, EPOLLIN);
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) != 1)
            continue;
        if (event.data.ptr != &listener) {
            source_send(event.data.ptr);
            continue;
        }
        source = calloc(1, sizeof *source);
        job_need(source == NULL, "calloc");
        source->fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        watch(epoll, source, EPOLLOUT);
    }
}

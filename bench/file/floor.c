/* SPDX-License-Identifier: MIT */
/* The floor: sendfile(), as much as the system takes. */
#include "file.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

struct source {
    int fd;
    off_t offset;
};

static int file;

static void watch(int epoll, struct source *source, unsigned events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = source}};

    job_need(epoll_ctl(epoll, EPOLL_CTL_ADD, source->fd, &event) != 0, "epoll_ctl");
}

static void source_send(struct source *source)
{
    while (sendfile(source->fd, file, &source->offset, (size_t)(FILE_SIZE - source->offset)) >= 0)
        source->offset %= FILE_SIZE;
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

    file = file_make();
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

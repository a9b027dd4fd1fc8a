/* SPDX-License-Identifier: MIT */
/* The floor: what comes is received and forgotten. */
#include "echo/job.h"
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024 };

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};

    job_need(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0, "epoll_ctl");
}

int main(int argc, char **argv)
{
    static char buffer[BUFFER];
    struct job job = job_read(argc, argv);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    ssize_t n;

    watch(epoll, job.fd);
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) != 1)
            continue;
        if (event.data.fd == job.fd) {
            watch(epoll, accept4(job.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
            continue;
        }
        n = recv(event.data.fd, buffer, sizeof buffer, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            close(event.data.fd);
    }
}

/* SPDX-License-Identifier: MIT */
/* libev: a watcher, and the system calls one by one. */
#include "echo/job.h"
#include <ev.h>
#include <sys/socket.h>

enum { DATAGRAM = 64 * 1024 };

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    static char buffer[DATAGRAM];
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    ssize_t n;

    (void)loop;
    (void)events;
    while ((n = recvfrom(io->fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size)) >= 0) {
        job_need(sendto(io->fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, size) != n,
                 "sendto");
        size = sizeof from;
    }
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct ev_loop *loop = ev_default_loop(0);
    ev_io io;

    ev_io_init(&io, on_readable, job.fd, EV_READ);
    ev_io_start(loop, &io);
    return ev_run(loop, 0);
}

/* SPDX-License-Identifier: MIT */
/* libevent has nothing for datagrams: an event, and the system calls one by one. */
#include "echo/job.h"
#include <event2/event.h>
#include <sys/socket.h>

enum { DATAGRAM = 64 * 1024 };

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    static char buffer[DATAGRAM];
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    ssize_t n;

    (void)what;
    (void)arg;
    while ((n = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size)) >= 0) {
        job_need(sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, size) != n, "sendto");
        size = sizeof from;
    }
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct event_base *base = event_base_new();
    struct event *event = event_new(base, job.fd, EV_READ | EV_PERSIST, on_readable, NULL);

    job_need(event == NULL || event_add(event, NULL) != 0, "event_add");
    return event_base_dispatch(base);
}

/* SPDX-License-Identifier: MIT */
/* The floor: recvmmsg() and sendmmsg(), as many at once as there are. */
#include "echo/job.h"
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>

enum { BATCH = 16, DATAGRAM = 64 * 1024 };

static char places[BATCH][DATAGRAM];
static struct sockaddr_storage peers[BATCH];
static struct iovec pieces[BATCH];
static struct mmsghdr messages[BATCH];

static void prepare(void)
{
    int i;

    for (i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){places[i], DATAGRAM};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
                                              .msg_namelen = sizeof peers[i],
                                              .msg_iov = &pieces[i],
                                              .msg_iovlen = 1};
    }
}

static void echo(int fd)
{
    int i, n;

    n = recvmmsg(fd, messages, BATCH, 0, NULL);
    for (i = 0; i < n; i++)
        pieces[i].iov_len = messages[i].msg_len;
    if (n > 0)
        job_need(sendmmsg(fd, messages, (unsigned)n, 0) != n, "sendmmsg");
    for (i = 0; i < n; i++) {
        pieces[i].iov_len = DATAGRAM;
        messages[i].msg_hdr.msg_namelen = sizeof peers[i];
    }
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    prepare();
    job_need(epoll_ctl(epoll, EPOLL_CTL_ADD, job.fd, &event) != 0, "epoll_ctl");
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) == 1)
            echo(job.fd);
    }
}

/* SPDX-License-Identifier: MIT */
/* What a loop that can be woken needs from the system. */
#include "micro/micro.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    struct epoll_event event = {.events = EPOLLIN};
    int epoll, wake;
    uint64_t i;

    micro_begin();
    for (i = 0; i < micro.n; i++) {
        epoll = epoll_create1(EPOLL_CLOEXEC);
        wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        micro_need(epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) != 0, "epoll_ctl");
        epoll_wait(epoll, &event, 1, 0);
        close(wake);
        close(epoll);
    }
    micro_end(micro.n);
    return 0;
}

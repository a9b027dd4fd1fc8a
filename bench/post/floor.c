/* SPDX-License-Identifier: MIT */
/* A list that posters push to without a lock, and an eventfd for the one who found it empty. */
#include "post.h"
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct node {
    struct node *next;
    void (*call)(struct poster *poster);
    struct poster *poster;
};

static _Atomic(struct node *) pushed;
static struct node nodes[POST_THREADS_MAX][POST_ROW];
static int epoll, wake;
static int stopped;

static void init(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};

    epoll = epoll_create1(EPOLL_CLOEXEC);
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    micro_need(epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) != 0, "epoll_ctl");
}

static void post(struct poster *poster, unsigned i)
{
    struct node *node = &nodes[poster - posters][i];
    uint64_t one = 1;

    node->call = post_called;
    node->poster = poster;
    node->next = atomic_load_explicit(&pushed, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&pushed, &node->next, node, memory_order_release,
                                                  memory_order_relaxed))
        continue;
    if (node->next == NULL)
        micro_need(write(wake, &one, sizeof one) != sizeof one, "eventfd");
}

static void call_all(struct node *node)
{
    struct node *first = NULL;
    struct node *next;

    for (; node != NULL; node = next) {
        next = node->next;
        node->next = first;
        first = node;
    }
    for (; first != NULL; first = next) {
        next = first->next;
        first->call(first->poster);
    }
}

static void run(void)
{
    struct epoll_event event;

    stopped = 0;
    while (!stopped) {
        epoll_wait(epoll, &event, 1, -1);
        call_all(atomic_exchange_explicit(&pushed, NULL, memory_order_acquire));
    }
}

static void stop(void)
{
    stopped = 1;
}

int main(int argc, char **argv)
{
    static const struct post_script script = {init, post, run, stop};

    return post_main(argc, argv, &script);
}

/* SPDX-License-Identifier: MIT */
#include "load.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 512, STALL_MS = 30000, SIZE_MAX_CHURN = 4096 };

/* A place in which one connection lives after the other. */
struct visit {
    int fd;
    bool said;
    size_t received;
    uint64_t begun_ns;
};

struct churn {
    const struct load_options *options;
    struct load_window window;
    int epoll;
};

static void visit_begin(struct churn *churn, struct visit *visit)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data = {.ptr = visit}};

    visit->fd = -1;
    if (!load_window_begin(&churn->window))
        return;
    visit->begun_ns = load_now();
    visit->said = false;
    visit->received = 0;
    visit->fd = load_connect(churn->options, SOCK_STREAM);
    if (epoll_ctl(churn->epoll, EPOLL_CTL_ADD, visit->fd, &event) != 0)
        load_fail("epoll_ctl");
}

/*
 * Closing resets the connection: no port stays taken, and the server sees the same end each time.
 * Otherwise tens of thousands of finished connections would lie in the system for a minute.
 */
static void visit_end(struct churn *churn, struct visit *visit)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    load_window_end(&churn->window, churn->options->size, load_now() - visit->begun_ns);
    setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(visit->fd);
    visit_begin(churn, visit);
}

static void visit_say(struct churn *churn, struct visit *visit)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = visit}};

    if (send(visit->fd, load_pattern(0), churn->options->size, MSG_NOSIGNAL) !=
        (ssize_t)churn->options->size)
        load_fail("send");
    visit->said = true;
    if (epoll_ctl(churn->epoll, EPOLL_CTL_MOD, visit->fd, &event) != 0)
        load_fail("epoll_ctl");
}

static void visit_hear(struct churn *churn, struct visit *visit)
{
    unsigned char buffer[SIZE_MAX_CHURN];
    ssize_t n = recv(visit->fd, buffer, sizeof buffer, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        load_fail("the server closed a connection");
    if (memcmp(buffer, load_pattern(visit->received), (size_t)n) != 0)
        load_fail("the echo is not what was sent");
    visit->received += (size_t)n;
    if (visit->received == churn->options->size)
        visit_end(churn, visit);
}

static void churn_turn(struct churn *churn)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(churn->epoll, events, EVENTS, STALL_MS);
    int i;

    if (n == 0) {
        errno = ETIMEDOUT;
        load_fail("the server does not answer");
    }
    for (i = 0; i < n; i++) {
        struct visit *visit = events[i].data.ptr;

        load_pause(churn->options);
        if (!visit->said)
            visit_say(churn, visit);
        else
            visit_hear(churn, visit);
    }
}

void load_churn(const struct load_options *options, struct load_result *result)
{
    struct churn churn = {.options = options, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct visit *visits = calloc((size_t)options->connections, sizeof *visits);
    int i;

    if (churn.epoll < 0 || visits == NULL || options->size > SIZE_MAX_CHURN)
        load_fail("no memory");
    load_window_init(&churn.window, options, result);
    for (i = 0; i < options->connections; i++)
        visit_begin(&churn, &visits[i]);
    while (load_window_step(&churn.window, load_now()))
        churn_turn(&churn);
    for (i = 0; i < options->connections; i++) {
        if (visits[i].fd >= 0)
            close(visits[i].fd);
    }
    close(churn.epoll);
    free(visits);
}

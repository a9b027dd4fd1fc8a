/* SPDX-License-Identifier: MIT */
#include "load.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 512, STALL_MS = 30000, BURST = 500, BURST_PAUSE_US = 20000 };

/* Bytes are counted from the connect on; a message ends where `received` passes its last byte. */
struct client {
    int fd;
    bool wants_room;
    uint64_t to_send; /* up to here bytes may be sent */
    uint64_t sent;
    uint64_t received;
    uint64_t answered; /* messages */
    uint64_t begun;
    uint64_t *begun_ns; /* when the messages under way began, a ring of `depth` */
};

struct echo {
    const struct load_options *options;
    struct load_window window;
    struct client *clients;
    int epoll;
    unsigned char buffer[LOAD_PIECE_MAX];
};

static void client_watch(struct echo *echo, struct client *client, int operation, bool wants_room)
{
    struct epoll_event event = {.data = {.ptr = client}};

    event.events = wants_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
    client->wants_room = wants_room;
    if (epoll_ctl(echo->epoll, operation, client->fd, &event) != 0)
        load_fail("epoll_ctl");
}

static void client_send(struct echo *echo, struct client *client)
{
    size_t left;
    ssize_t n;

    while (client->sent < client->to_send) {
        left = client->to_send - client->sent;
        n = send(client->fd, load_pattern(client->sent),
                 left < LOAD_PIECE_MAX ? left : LOAD_PIECE_MAX, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
            load_fail("send");
        if (n < 0)
            break;
        client->sent += (uint64_t)n;
    }
    if (client->wants_room != (client->sent < client->to_send))
        client_watch(echo, client, EPOLL_CTL_MOD, !client->wants_room);
}

/* Begin as many messages as may be under way, and as the run has left. */
static void client_begin(struct echo *echo, struct client *client, uint64_t now_ns)
{
    uint64_t depth = (uint64_t)echo->options->depth;

    while (client->begun - client->answered < depth && load_window_begin(&echo->window)) {
        client->begun_ns[client->begun % depth] = now_ns;
        client->begun++;
        client->to_send += echo->options->size;
    }
}

static void client_receive(struct echo *echo, struct client *client, uint64_t now_ns)
{
    size_t size = echo->options->size;
    ssize_t n = recv(client->fd, echo->buffer, sizeof echo->buffer, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        load_fail("the server closed a connection");
    if (memcmp(echo->buffer, load_pattern(client->received), (size_t)n) != 0)
        load_fail("the echo is not what was sent");
    client->received += (uint64_t)n;
    while ((client->answered + 1) * size <= client->received) {
        load_window_end(&echo->window, size,
                        now_ns -
                            client->begun_ns[client->answered % (uint64_t)echo->options->depth]);
        client->answered++;
    }
}

static void echo_open(struct echo *echo)
{
    int total = echo->options->connections + echo->options->idle;
    int i;

    echo->epoll = epoll_create1(EPOLL_CLOEXEC);
    echo->clients = calloc((size_t)total, sizeof *echo->clients);
    if (echo->epoll < 0 || echo->clients == NULL)
        load_fail("no memory");
    for (i = 0; i < total; i++) {
        struct client *client = &echo->clients[i];

        client->fd = load_connect(echo->options, SOCK_STREAM);
        client->begun_ns = calloc((size_t)echo->options->depth, sizeof *client->begun_ns);
        if (client->begun_ns == NULL)
            load_fail("no memory");
        client_watch(echo, client, EPOLL_CTL_ADD, false);
        /* The listener's queue is finite, and who does not fit in has to wait for a second. */
        if (i % BURST == BURST - 1)
            usleep(BURST_PAUSE_US);
    }
}

/* The idle ones come last in the table and never begin. */
static void echo_begin(struct echo *echo)
{
    uint64_t now_ns = load_now();
    int i;

    for (i = 0; i < echo->options->connections; i++) {
        client_begin(echo, &echo->clients[i], now_ns);
        client_send(echo, &echo->clients[i]);
    }
}

static void echo_turn(struct echo *echo)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(echo->epoll, events, EVENTS, STALL_MS);
    uint64_t now_ns = load_now();
    int i;

    if (n == 0) {
        errno = ETIMEDOUT;
        load_fail("the server does not answer");
    }
    for (i = 0; i < n; i++) {
        struct client *client = events[i].data.ptr;

        if (events[i].events & ~(unsigned)EPOLLOUT) {
            load_pause(echo->options);
            client_receive(echo, client, now_ns);
            client_begin(echo, client, now_ns);
        }
        client_send(echo, client);
    }
}

static void echo_close(struct echo *echo)
{
    int total = echo->options->connections + echo->options->idle;
    int i;

    for (i = 0; i < total; i++) {
        close(echo->clients[i].fd);
        free(echo->clients[i].begun_ns);
    }
    free(echo->clients);
    close(echo->epoll);
    free(echo);
}

void load_echo(const struct load_options *options, struct load_result *result)
{
    struct echo *echo = calloc(1, sizeof *echo);

    if (echo == NULL)
        load_fail("no memory");
    echo->options = options;
    echo_open(echo);
    load_window_init(&echo->window, options, result);
    echo_begin(echo);
    while (load_window_step(&echo->window, load_now()))
        echo_turn(echo);
    echo_close(echo);
}

void load_idle(const struct load_options *options, struct load_result *result)
{
    struct load_options lasting = *options;
    struct echo *echo = calloc(1, sizeof *echo);

    if (echo == NULL)
        load_fail("no memory");
    /* One message each, so that every connection is known to be accepted. */
    lasting.count = (uint64_t)options->connections;
    lasting.depth = 1;
    echo->options = &lasting;
    echo_open(echo);
    load_window_init(&echo->window, &lasting, result);
    echo_begin(echo);
    while (load_window_step(&echo->window, load_now()))
        echo_turn(echo);
    load_idle_stay(options);
    echo_close(echo);
}

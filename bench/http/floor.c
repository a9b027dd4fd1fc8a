/* SPDX-License-Identifier: MIT */
/* The floor: epoll, openat(), fstat(), and sendfile() behind a head that waits for it. */
#include "http.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

struct client {
    int fd;
    int file; /* -1: none is being sent */
    off_t offset;
    int64_t size;
    size_t filled;
    char request[HTTP_REQUEST_MAX];
};

static int epoll, folder;

static void watch(struct client *client, int command, unsigned events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = client}};

    job_need(epoll_ctl(epoll, command, client->fd, &event) != 0, "epoll_ctl");
}

static void client_close(struct client *client)
{
    if (client->file >= 0)
        close(client->file);
    close(client->fd);
    free(client);
}

/* Send what is left of the file: 1 when all of it is sent, 0 if the system takes no more now. */
static int client_send(struct client *client)
{
    while (client->offset < client->size) {
        size_t left = (size_t)(client->size - client->offset);

        if (sendfile(client->fd, client->file, &client->offset, left) < 0)
            return errno == EAGAIN ? 0 : -1;
    }
    close(client->file);
    client->file = -1;
    return 1;
}

static int client_answer(struct client *client, const char *path)
{
    char head[HTTP_HEAD_MAX];

    client->offset = 0;
    client->file = http_open(folder, path, &client->size);
    if (client->file < 0)
        return send(client->fd, HTTP_MISSING, sizeof HTTP_MISSING - 1, MSG_NOSIGNAL) < 0 ? -1 : 1;
    if (send(client->fd, head, (size_t)http_head(head, client->size), MSG_NOSIGNAL | MSG_MORE) < 0)
        return -1; /* a head always fits behind an answer that was all sent */
    return client_send(client);
}

/* Answer what has arrived: 0 if that has to wait until there is room, negative at the end. */
static int client_serve(struct client *client)
{
    char path[HTTP_PATH_MAX];
    int used, sent = 1;

    while (sent > 0 && (used = http_parse(client->request, client->filled, path)) != 0) {
        if (used < 0)
            return -1;
        client->filled -= (size_t)used;
        memmove(client->request, client->request + used, client->filled);
        sent = client_answer(client, path);
    }
    return sent;
}

static void client_read(struct client *client)
{
    ssize_t size = recv(client->fd, client->request + client->filled,
                        sizeof client->request - client->filled, 0);
    int served;

    if (size <= 0) {
        client_close(client);
        return;
    }
    client->filled += (size_t)size;
    served = client_serve(client);
    if (served < 0)
        client_close(client);
    else if (served == 0)
        watch(client, EPOLL_CTL_MOD, EPOLLOUT);
}

static void client_continue(struct client *client)
{
    int sent = client_send(client);

    if (sent > 0)
        sent = client_serve(client);
    if (sent < 0)
        client_close(client);
    else if (sent > 0)
        watch(client, EPOLL_CTL_MOD, EPOLLIN);
}

static void accept_all(int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct client *client = calloc(1, sizeof *client);

        job_need(client == NULL, "calloc");
        client->fd = fd;
        client->file = -1;
        watch(client, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char **argv)
{
    struct client listener = {.fd = job_read(argc, argv).fd};
    struct epoll_event events[256];

    folder = open(http_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);

        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;

            if (client == &listener)
                accept_all(listener.fd);
            else if (client->file >= 0)
                client_continue(client);
            else
                client_read(client);
        }
    }
}

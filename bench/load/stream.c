/* SPDX-License-Identifier: MIT */
#include "load.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STALL_MS = 30000, MEBIBYTE = 1 << 20 };

static void wait_for(int fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};

    if (poll(&entry, 1, STALL_MS) == 0) {
        errno = ETIMEDOUT;
        load_fail("the server stands still");
    }
}

/* Bytes that passed become operations, a MiB each. The run by count asks for so many MiB. */
struct stream {
    struct load_window window;
    uint64_t bytes;
    uint64_t counted;
    uint64_t last_ns;
};

static bool stream_passed(struct stream *stream, size_t bytes)
{
    uint64_t now_ns = load_now();

    stream->bytes += bytes;
    while (stream->bytes - stream->counted >= MEBIBYTE) {
        stream->counted += MEBIBYTE;
        load_window_end(&stream->window, MEBIBYTE, now_ns - stream->last_ns);
        stream->last_ns = now_ns;
    }
    return load_window_step(&stream->window, now_ns);
}

void load_sink(const struct load_options *options, struct load_result *result)
{
    struct stream stream = {.last_ns = load_now()};
    int fd = load_connect(options, SOCK_STREAM);
    char end;
    ssize_t n;

    wait_for(fd, POLLOUT);
    load_window_init(&stream.window, options, result);
    for (;;) {
        n = send(fd, load_pattern(stream.bytes), options->size, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            wait_for(fd, POLLOUT);
        else if (n < 0)
            load_fail("send");
        else if (!stream_passed(&stream, (size_t)n))
            break;
    }
    /* The server has it all when it has closed, too: a count is of what it really did. */
    shutdown(fd, SHUT_WR);
    wait_for(fd, POLLIN);
    if (recv(fd, &end, 1, 0) > 0)
        load_fail("the server should not have answered");
    close(fd);
}

void load_source(const struct load_options *options, struct load_result *result)
{
    struct stream stream = {.last_ns = load_now()};
    int fd = load_connect(options, SOCK_STREAM);
    unsigned char *buffer = malloc(LOAD_PIECE_MAX);
    ssize_t n;

    if (buffer == NULL)
        load_fail("no memory");
    load_window_init(&stream.window, options, result);
    for (;;) {
        n = recv(fd, buffer, LOAD_PIECE_MAX, 0);
        if (n < 0 && errno == EAGAIN)
            wait_for(fd, POLLIN);
        else if (n <= 0)
            load_fail("the server closed the connection");
        else if (!stream_passed(&stream, (size_t)n))
            break;
    }
    close(fd);
    free(buffer);
}

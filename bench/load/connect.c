/* SPDX-License-Identifier: MIT */
#include "load.h"
#include <errno.h>
#include <netinet/tcp.h>

int load_connect(const struct load_options *options, int type)
{
    int family = options->address.any.sa_family;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0)
        load_fail("socket");
    if (family != AF_UNIX && type == SOCK_STREAM &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        load_fail("TCP_NODELAY");
    /* A Unix socket whose listener's queue is full is not connected later: try on. */
    while (connect(fd, &options->address.any, options->address_size) != 0) {
        if (errno == EINPROGRESS)
            break;
        if (errno != EAGAIN && errno != EINTR)
            load_fail("connect");
    }
    return fd;
}

const unsigned char *load_pattern(uint64_t offset)
{
    static unsigned char table[LOAD_PIECE_MAX + 256];
    size_t i;

    if (table[1] == 0) {
        for (i = 0; i < sizeof table; i++)
            table[i] = (unsigned char)(i & 0xff);
    }
    return table + (offset & 0xff);
}

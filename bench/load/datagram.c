/* SPDX-License-Identifier: MIT */
#include "load.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STALL_MS = 5000, DEPTH_MAX = 64, SIZE_MAX_DATAGRAM = 2048 };

/* One socket that has `depth` datagrams under way; they all leave and come back in one call. */
struct datagrams {
    const struct load_options *options;
    struct load_window window;
    int fd;
    int under_way;
    uint64_t sent_ns;
    struct mmsghdr out[DEPTH_MAX];
    struct mmsghdr in[DEPTH_MAX];
    struct iovec out_piece;
    struct iovec in_pieces[DEPTH_MAX];
    unsigned char places[DEPTH_MAX][SIZE_MAX_DATAGRAM];
};

static void datagrams_init(struct datagrams *all)
{
    int i;

    all->fd = load_connect(all->options, SOCK_DGRAM);
    /* The pattern is only read. */
    all->out_piece = (struct iovec){(void *)(uintptr_t)load_pattern(0), all->options->size};
    for (i = 0; i < DEPTH_MAX; i++) {
        all->in_pieces[i] = (struct iovec){all->places[i], SIZE_MAX_DATAGRAM};
        all->out[i].msg_hdr = (struct msghdr){.msg_iov = &all->out_piece, .msg_iovlen = 1};
        all->in[i].msg_hdr = (struct msghdr){.msg_iov = &all->in_pieces[i], .msg_iovlen = 1};
    }
}

static void datagrams_send(struct datagrams *all)
{
    int wanted = 0;

    while (wanted < all->options->depth - all->under_way && load_window_begin(&all->window))
        wanted++;
    all->sent_ns = load_now();
    if (wanted > 0 && sendmmsg(all->fd, all->out, (unsigned)wanted, 0) != wanted)
        load_fail("sendmmsg");
    all->under_way += wanted;
}

/* The next ones leave when all have come, so that the server meets as many at once. */
static void datagrams_receive(struct datagrams *all)
{
    struct pollfd entry = {.fd = all->fd, .events = POLLIN};
    int i, n;

    while (all->under_way > 0) {
        if (poll(&entry, 1, STALL_MS) == 0) {
            errno = ETIMEDOUT;
            load_fail("a datagram was lost");
        }
        load_pause(all->options);
        n = recvmmsg(all->fd, all->in, DEPTH_MAX, 0, NULL);
        if (n < 0)
            load_fail("recvmmsg");
        for (i = 0; i < n; i++) {
            if (all->in[i].msg_len != all->options->size ||
                memcmp(all->places[i], load_pattern(0), all->options->size) != 0)
                load_fail("the echo is not what was sent");
            load_window_end(&all->window, all->options->size, load_now() - all->sent_ns);
        }
        all->under_way -= n;
    }
}

void load_datagram(const struct load_options *options, struct load_result *result)
{
    struct datagrams *all = calloc(1, sizeof *all);

    if (all == NULL || options->depth > DEPTH_MAX || options->size > SIZE_MAX_DATAGRAM)
        load_fail("no memory");
    all->options = options;
    datagrams_init(all);
    load_window_init(&all->window, options, result);
    while (load_window_step(&all->window, load_now())) {
        datagrams_send(all);
        datagrams_receive(all);
    }
    close(all->fd);
    free(all);
}

/* SPDX-License-Identifier: MIT */
/*
 * Datagrams over readiness: one report, one batch, one event for each datagram of it.
 *
 * A batch is received into memory of the reactor, which all its channels share, as none of them
 * holds it longer than its own turn. It is large so that 64 of the largest UDP datagrams fit, but
 * memory that was never written to costs a system nothing, and small datagrams touch only the
 * first page of their place. Where the system receives one at a time, the loop's scratch does.
 */
#include "common/reactor_datagram.h"
#include "common/loop.h"

enum { BATCH_PLACE_SIZE = 64 * 1024, BATCH_SIZE = EDDY__DATAGRAMS_MAX * BATCH_PLACE_SIZE };

struct eddy__reactor_batch {
    struct eddy__incoming list[EDDY__DATAGRAMS_MAX];
    unsigned char bytes[];
};

static struct eddy__reactor *datagram_reactor(const struct eddy__reactor_channel *channel)
{
    return channel->channel.loop->backend_state;
}

static const struct eddy__socket_ops *datagram_sockets(const struct eddy__reactor_channel *channel)
{
    return eddy__channel_ops(&channel->channel);
}

int eddy__reactor_prepare_datagrams(struct eddy__reactor_channel *channel)
{
    struct eddy__reactor *reactor = datagram_reactor(channel);
    bool one_by_one = datagram_sockets(channel)->datagrams_max == 1;

    if (one_by_one && eddy__loop_scratch(channel->channel.loop) == NULL)
        return EDDY_ENOMEM;
    if (reactor->batch == NULL)
        reactor->batch = eddy__alloc(sizeof *reactor->batch + (one_by_one ? 0 : BATCH_SIZE));
    return reactor->batch == NULL ? EDDY_ENOMEM : 0;
}

/* Divide the room among as many datagrams as it can hold; how many. */
static size_t datagram_divide(const struct eddy__reactor_channel *channel)
{
    struct eddy__reactor_batch *batch = datagram_reactor(channel)->batch;
    size_t size = channel->datagram_max;
    size_t count = datagram_sockets(channel)->datagrams_max;
    unsigned char *bytes = batch->bytes;

    if (count == 1)
        bytes = channel->channel.loop->scratch;
    else if (count > BATCH_SIZE / size)
        count = BATCH_SIZE / size;
    for (size_t i = 0; i < count; i++) {
        batch->list[i].data = bytes + i * size;
        batch->list[i].room = size;
    }
    return count;
}

/* The object may stop or close from within an event, or the process fork, and this be the child:
 * the rest is dropped then. */
static void datagram_deliver(struct eddy__reactor_channel *channel, int64_t count)
{
    const struct eddy__incoming *list = datagram_reactor(channel)->batch->list;
    struct eddy__channel *base = &channel->channel;

    for (int64_t i = 0;
         i < count && eddy__reactor_takes_datagrams(channel) && !eddy__loop_is_foreign(base->loop);
         i++) {
        if (list[i].is_truncated)
            base->events->on_datagram_error(base, EDDY_EMSGSIZE);
        else
            base->events->on_datagram(base, list[i].data, list[i].size, &list[i].from);
    }
}

void eddy__reactor_receive_datagrams(struct eddy__reactor_channel *channel)
{
    struct eddy__channel *base = &channel->channel;
    size_t batch_max = datagram_divide(channel);
    size_t left = EDDY__DATAGRAMS_MAX;

    /* After an exit request what was not yet received stays for the next run (LOOP-42). */
    while (left > 0 && eddy__reactor_takes_datagrams(channel) && !base->loop->exit_requested) {
        size_t count = left < batch_max ? left : batch_max;
        int64_t received = datagram_sockets(channel)->receive_datagrams(
            base->socket, datagram_reactor(channel)->batch->list, count);

        if (received == EDDY_EAGAIN)
            return;
        if (received < 0) {
            base->events->on_datagram_error(base, (int)received);
            return;
        }
        datagram_deliver(channel, received);
        if ((size_t)received < count)
            return; /* that was all */
        left -= (size_t)received;
    }
}

int64_t eddy__reactor_send_queued(struct eddy__reactor_channel *channel)
{
    struct eddy__channel *base = &channel->channel;
    struct eddy__outgoing list[EDDY__DATAGRAMS_MAX];
    size_t count = base->events->get_datagrams(base, list, EDDY__DATAGRAMS_MAX);

    return datagram_sockets(channel)->send_datagrams(base->socket, list, count);
}

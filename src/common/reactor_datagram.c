/* SPDX-License-Identifier: MIT */
/*
 * Datagrams over readiness: one report, one batch, one event for each datagram of it.
 *
 * A batch is received into memory of the reactor, which all its channels share, as none of them
 * holds it longer than its own turn. It is large so that 64 of the largest UDP datagrams fit, but
 * memory that was never written to costs a system nothing, and small datagrams touch only the
 * first page of their place. Where the system receives one at a time, the loop's scratch does.
 *
 * Asking for many has its price, as each place is described to the system: so the next receive asks
 * for twice as many as came last, and for all there is room for once they have filled it.
 */
#include "common/reactor_datagram.h"
#include "common/loop.h"

enum { BATCH_PLACE_SIZE = 64 * 1024, BATCH_SIZE = EDDY__DATAGRAMS_MAX * BATCH_PLACE_SIZE };

/** Datagrams that a receive asks for at least. */
enum { BATCH_MIN = 4 };

struct eddy__reactor_batch {
    size_t next;          /**< how many to ask for next, of the channels all together */
    unsigned char *bytes; /* BATCH_SIZE; NULL where one comes at a time */
    struct eddy__incoming list[EDDY__DATAGRAMS_MAX];
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
    if (reactor->batch != NULL)
        return 0;
    reactor->batch = eddy__alloc(sizeof *reactor->batch);
    if (reactor->batch == NULL)
        return EDDY_ENOMEM;
    reactor->batch->next = BATCH_MIN;
    reactor->batch->bytes = one_by_one ? NULL : eddy__buffer_alloc(BATCH_SIZE);
    if (one_by_one || reactor->batch->bytes != NULL)
        return 0;
    eddy__reactor_free_batch(reactor);
    return EDDY_ENOMEM;
}

void eddy__reactor_free_batch(struct eddy__reactor *reactor)
{
    if (reactor->batch == NULL)
        return;
    eddy__buffer_free(reactor->batch->bytes);
    eddy__free(reactor->batch);
    reactor->batch = NULL;
}

/* From one place to the next: each is as good a buffer as the first. */
static size_t datagram_place_size(const struct eddy__reactor_channel *channel)
{
    return (channel->datagram_max + EDDY__BUFFER_ALIGNMENT - 1) & ~(EDDY__BUFFER_ALIGNMENT - 1);
}

/* How many datagrams there is room for. */
static size_t datagram_room(const struct eddy__reactor_channel *channel)
{
    size_t max = datagram_sockets(channel)->datagrams_max;
    size_t places = BATCH_SIZE / datagram_place_size(channel);

    return max == 1 || max < places ? max : places;
}

/* Give each of `count` datagrams its place. */
static void datagram_divide(const struct eddy__reactor_channel *channel, size_t count)
{
    struct eddy__reactor_batch *batch = datagram_reactor(channel)->batch;
    size_t place = datagram_place_size(channel);
    unsigned char *bytes = batch->bytes;

    if (datagram_sockets(channel)->datagrams_max == 1)
        bytes = channel->channel.loop->scratch;
    for (size_t i = 0; i < count; i++) {
        batch->list[i].data = bytes + i * place;
        batch->list[i].room = channel->datagram_max;
    }
}

/* The object may stop or close from within an event, or the process fork, and this be the child:
 * the rest is dropped then. */
static void datagram_deliver(struct eddy__reactor_channel *channel, int64_t count)
{
    const struct eddy__incoming *list = datagram_reactor(channel)->batch->list;
    struct eddy__channel *base = &channel->channel;
    bool together = count > 1 && base->events->on_datagrams_begin != NULL;

    if (together)
        base->events->on_datagrams_begin(base);
    for (int64_t i = 0;
         i < count && eddy__reactor_takes_datagrams(channel) && !eddy__loop_is_foreign(base->loop);
         i++) {
        if (list[i].is_truncated)
            base->events->on_datagram_error(base, EDDY_EMSGSIZE);
        else
            base->events->on_datagram(base, list[i].data, list[i].size, &list[i].from);
    }
    if (together && !eddy__reactor_is_closed(channel))
        base->events->on_datagrams_end(base);
}

/* What the next receive asks for, after one that asked for `count`. */
static size_t datagram_expect(size_t received, size_t count)
{
    if (received == count)
        return EDDY__DATAGRAMS_MAX;
    return 2 * received > BATCH_MIN ? 2 * received : BATCH_MIN;
}

void eddy__reactor_receive_datagrams(struct eddy__reactor_channel *channel)
{
    struct eddy__channel *base = &channel->channel;
    struct eddy__reactor_batch *batch = datagram_reactor(channel)->batch;
    size_t room = datagram_room(channel);
    size_t left = EDDY__DATAGRAMS_MAX;

    /* After an exit request what was not yet received stays for the next run (LOOP-42). */
    while (left > 0 && eddy__reactor_takes_datagrams(channel) && !base->loop->exit_requested) {
        size_t most = left < room ? left : room;
        size_t count = batch->next < most ? batch->next : most;
        int64_t received;

        datagram_divide(channel, count);
        received = datagram_sockets(channel)->receive_datagrams(base->socket, batch->list, count);
        if (received == EDDY_EAGAIN)
            return;
        if (received < 0) {
            base->events->on_datagram_error(base, (int)received);
            return;
        }
        batch->next = datagram_expect((size_t)received, count);
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

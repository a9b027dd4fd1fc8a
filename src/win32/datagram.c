/* SPDX-License-Identifier: MIT */
/*
 * Datagrams: the socket is polled through AFD (watch.c), then calls that do not block move what is
 * there, one by one. An overlapped receive would take a datagram out of the socket that a stop or
 * a close then loses, and would pin a buffer for each idle endpoint; a receive of no bytes that
 * only peeks ends with an error for which it is not documented whether a packet follows.
 *
 * That a datagram reached nobody comes as the error of some later receive, while more can be
 * received: it is an event, and the poll is made anew (TR-38).
 */
#include "win32/iocp.h"
#include "common/error.h"
#include <assert.h>

static const struct eddy__operation_kind datagram_receiving;
static const struct eddy__operation_kind datagram_sending;

static const struct eddy__socket_ops *datagram_sockets(const struct eddy__channel *channel)
{
    return channel->loop->backend->sockets;
}

/* Windows receives on bound sockets only, other systems bind by themselves. */
static int datagram_bind(struct eddy__channel *channel)
{
    const struct eddy__socket_ops *sockets = datagram_sockets(channel);
    int family, type, protocol;
    eddy_address address;
    int error;

    if (sockets->local_address(channel->socket, &address) == 0 && eddy_address_port(&address) != 0)
        return 0;
    error = sockets->identify(channel->socket, &family, &type, &protocol);
    if (error == 0 && (family == EDDY_INET || family == EDDY_INET6)) {
        eddy_address_parse(family == EDDY_INET ? "0.0.0.0" : "::", 0, &address);
        error = sockets->bind(channel->socket, &address);
    }
    return error;
}

int eddy__iocp_datagrams_open(struct eddy__iocp_channel *channel)
{
    int error = eddy__loop_scratch(channel->channel.loop) == NULL ? EDDY_ENOMEM : 0;

    if (error == 0)
        error = datagram_bind(&channel->channel);
    if (error == 0)
        error = eddy__iocp_watch_open(channel);
    if (error < 0)
        return error;
    eddy__operation_init(&channel->receive, channel, &datagram_receiving);
    eddy__operation_init(&channel->send, channel, &datagram_sending);
    return 0;
}

/* Receive one: false when there is none, or one that is an error. */
static bool datagram_receive(struct eddy__channel *base)
{
    struct eddy__incoming incoming = {.data = base->loop->scratch, .room = EDDY__SCRATCH_SIZE};
    int64_t received = datagram_sockets(base)->receive_datagrams(base->socket, &incoming, 1);

    if (received == EDDY_EAGAIN)
        return false;
    if (received < 0)
        base->events->on_datagram_error(base, (int)received);
    else if (incoming.is_truncated)
        base->events->on_datagram_error(base, EDDY_EMSGSIZE);
    else
        base->events->on_datagram(base, incoming.data, incoming.size, &incoming.from);
    return received > 0;
}

static void datagram_run_receive(struct eddy__ready *ready)
{
    struct eddy__operation *operation = eddy__operation_of(ready);
    struct eddy__channel *base = &operation->channel->channel;
    int number = operation->number;

    eddy__operation_take(operation);
    if (number != 0 && number != ERROR_OPERATION_ABORTED) {
        operation->wanted = false;
        base->events->on_receive_ended(base, eddy__system_error(number));
        return;
    }
    /* The object may stop or close from within an event. */
    for (int left = EDDY__DATAGRAMS_MAX; left > 0 && operation->wanted; left--)
        if (!datagram_receive(base))
            break;
    if (operation->wanted)
        eddy__operation_start(operation);
}

void eddy__iocp_receive_datagrams_start(struct eddy__channel *base, size_t size_max)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);

    (void)size_max; /* the loop's scratch has room for any */
    if (!channel->closed && !channel->receive.wanted)
        eddy__operation_start(&channel->receive);
}

int64_t eddy__iocp_send_datagrams_now(struct eddy__channel *base, const struct eddy__outgoing *list,
                                      size_t count)
{
    int64_t sent = datagram_sockets(base)->send_datagrams(base->socket, list, count);

    assert(eddy__iocp_channel_of(base)->send.phase == EDDY__OPERATION_IDLE);
    return sent == EDDY_EAGAIN ? 0 : sent;
}

static int64_t datagram_send(struct eddy__channel *base)
{
    struct eddy__outgoing list[EDDY__DATAGRAMS_MAX];
    size_t count = base->events->get_datagrams(base, list, EDDY__DATAGRAMS_MAX);

    return datagram_sockets(base)->send_datagrams(base->socket, list, count);
}

static void datagram_run_send(struct eddy__ready *ready)
{
    struct eddy__operation *operation = eddy__operation_of(ready);
    struct eddy__channel *base = &operation->channel->channel;
    int64_t sent;

    eddy__operation_take(operation);
    sent = operation->number == 0 ? datagram_send(base) : eddy__system_error(operation->number);
    operation->wanted = false;
    base->events->on_sent(base, sent == EDDY_EAGAIN ? 0 : sent);
}

void eddy__iocp_send_datagrams_start(struct eddy__channel *base)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);

    if (channel->closed)
        return;
    assert(channel->send.phase == EDDY__OPERATION_IDLE);
    eddy__operation_start(&channel->send);
}

static const struct eddy__operation_kind datagram_receiving = {
    .receiving = true,
    .polls = true,
    .submit = eddy__iocp_poll_submit,
    .run = datagram_run_receive,
};

static const struct eddy__operation_kind datagram_sending = {
    .polls = true,
    .submit = eddy__iocp_poll_submit,
    .run = datagram_run_send,
};

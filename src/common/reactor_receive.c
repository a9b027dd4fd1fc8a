/* SPDX-License-Identifier: MIT */
/* What comes in over readiness, but for datagrams: bytes and connections. */
#include "common/reactor_receive.h"
#include "common/loop.h"

static const struct eddy__socket_ops *receive_sockets(const struct eddy__reactor_channel *channel)
{
    return eddy__channel_ops(&channel->channel);
}

/* One receive for one report: the next wait tells whether there is more (TR-16). */
void eddy__reactor_receive(struct eddy__reactor_channel *channel)
{
    struct eddy__channel *base = &channel->channel;
    struct eddy__span span;
    int64_t received;

    if (base->events->get_buffer(base, &span) < 0)
        return;
    received = receive_sockets(channel)->receive(base->socket, span.data, span.size);
    if (received > 0)
        base->events->on_received(base, span.data, (size_t)received);
    else if (received != EDDY_EAGAIN)
        eddy__reactor_end_receive(channel, (int)received);
}

/* Errors of a connection that was gone before it could be accepted. Linux passes on what its
 * network stack knew about the peer; the next accept meets the next connection. */
static bool receive_peer_vanished(int error)
{
    switch (error) {
    case EDDY_ECONNABORTED:
    case EDDY_ECONNRESET:
    case EDDY_EHOSTDOWN:
    case EDDY_EHOSTUNREACH:
    case EDDY_EINTR:
    case EDDY_ENETDOWN:
    case EDDY_ENETUNREACH:
    case EDDY_EPROTO:
        return true;
    default:
        return false;
    }
}

/* Turns in a row that took all they might, until one may take more. */
enum { FULL_TURNS = 3 };

/* A turn is over that made `count` calls, the last of which did not find the backlog empty. */
static void receive_count_turn(struct eddy__accept_turn *turn, int count)
{
    if (count < turn->limit || ++turn->full < FULL_TURNS)
        return;
    turn->full = FULL_TURNS;
    turn->limit = turn->limit <= turn->max / 2 ? (uint8_t)(turn->limit * 2) : turn->max;
}

void eddy__reactor_accept(struct eddy__reactor_channel *channel)
{
    struct eddy__channel *base = &channel->channel;
    struct eddy__accept_turn *turn = &channel->accepts;
    int count;

    /* The object may stop, start or close from within its event. */
    for (count = 0; eddy__reactor_accepts(channel) && count < turn->limit; count++) {
        eddy_socket socket = EDDY_NO_SOCKET;
        eddy_address peer = {0};
        int error = receive_sockets(channel)->accept(base->socket, &socket, &peer);

        if (error == EDDY_EAGAIN) {
            turn->full = 0;
            turn->limit = (uint8_t)(count > 0 ? count : 1);
            return;
        }
        if (error == 0) {
            base->events->on_accepted(base, socket, &peer);
        } else if (!receive_peer_vanished(error)) {
            base->events->on_accept_failed(base, error);
            return;
        }
    }
    if (eddy__reactor_accepts(channel))
        receive_count_turn(turn, count);
}

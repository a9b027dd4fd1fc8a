/* SPDX-License-Identifier: MIT */
/*
 * Receiving: an overlapped receive of no bytes waits until there is something, then a call that
 * does not block takes it. So an idle connection pins no memory, the kernel never writes into
 * memory of the program, and cancelling loses nothing, because the waiting receive takes nothing.
 *
 * While the order is stopped the waiting receive stays with the kernel. When it ends, the
 * operation is DONE and unwanted, and the next start finds it.
 */
#include "win32/iocp.h"
#include "common/error.h"

static int receive_submit(struct eddy__operation *operation)
{
    WSABUF nothing = {.len = 0, .buf = NULL};
    DWORD received = 0;
    DWORD flags = 0;

    if (EDDY__SYS(WSARecv)((SOCKET)operation->channel->channel.socket, &nothing, 1, &received,
                           &flags, &operation->overlapped, NULL) == 0)
        return 0;
    return WSAGetLastError();
}

static void receive_end(struct eddy__iocp_channel *channel, int error)
{
    channel->receive.wanted = false;
    channel->channel.events->on_receive_ended(&channel->channel, error);
}

/*
 * Whether an end of the stream is a reset in truth: Wine 8 takes note of a reset that comes while
 * nobody receives, and lets the next receive see an end (its SO_ERROR is empty, too). Sending
 * nothing puts nothing on the wire and brings it to light. Costs a call a connection.
 */
static bool receive_was_reset(struct eddy__channel *channel)
{
    struct eddy__span nothing = {NULL, 0};

    return channel->loop->backend->sockets->send(channel->socket, &nothing, 1) == EDDY_ECONNRESET;
}

/* Take what is there. One receive a turn: the next wait tells whether there is more (TR-16). */
static void receive_take(struct eddy__iocp_channel *channel)
{
    struct eddy__channel *base = &channel->channel;
    struct eddy__span span;
    int64_t received;

    if (base->events->get_buffer(base, &span) < 0)
        return;
    received = base->loop->backend->sockets->receive(base->socket, span.data, span.size);
    if (received == 0 && receive_was_reset(base))
        received = EDDY_ECONNRESET;
    if (received > 0)
        base->events->on_received(base, span.data, (size_t)received);
    else if (received != EDDY_EAGAIN)
        receive_end(channel, (int)received);
}

static void receive_run(struct eddy__ready *ready)
{
    struct eddy__operation *operation = eddy__operation_of(ready);
    struct eddy__iocp_channel *channel = operation->channel;

    eddy__operation_take(operation);
    if (operation->number == 0 || operation->number == WSAESHUTDOWN)
        receive_take(channel);
    else /* the error is in the status only: a socket does not repeat it everywhere */
        receive_end(channel, eddy__system_error(operation->number));
    if (operation->wanted)
        eddy__operation_start(operation);
}

void eddy__iocp_receive_start(struct eddy__channel *base)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);

    if (!channel->closed)
        eddy__operation_start(&channel->receive);
}

void eddy__iocp_receive_stop(struct eddy__channel *base)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);

    if (!channel->closed)
        eddy__operation_stop(&channel->receive);
}

const struct eddy__operation_kind eddy__iocp_receiving = {
    .receiving = true,
    .submit = receive_submit,
    .run = receive_run,
};

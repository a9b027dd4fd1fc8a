/* SPDX-License-Identifier: MIT */
#include "win32/iocp.h"
#include "common/error.h"
#include "win32/socket.h"
#include <assert.h>

int64_t eddy__iocp_send_now(struct eddy__channel *base, const struct eddy__span *spans,
                            size_t count)
{
    assert(eddy__iocp_channel_of(base)->send.phase == EDDY__OPERATION_IDLE);
    return base->loop->backend->sockets->send(base->socket, spans, count);
}

static int send_submit(struct eddy__operation *operation)
{
    struct eddy__channel *base = &operation->channel->channel;
    struct eddy__span spans[EDDY__SPANS_MAX];
    WSABUF buffers[EDDY__SPANS_MAX];
    DWORD sent = 0;
    DWORD count;

    count =
        eddy__socket_buffers(spans, base->events->get_spans(base, spans, EDDY__SPANS_MAX), buffers);
    /* The array of buffers is the system's only for the call, what it points to until the end. */
    if (EDDY__SYS(WSASend)((SOCKET)base->socket, buffers, count, &sent, 0, &operation->overlapped,
                           NULL) != 0)
        return WSAGetLastError();
    operation->size = sent;
    return 0;
}

static void send_run(struct eddy__ready *ready)
{
    struct eddy__operation *operation = eddy__operation_of(ready);
    struct eddy__channel *base = &operation->channel->channel;
    int number = operation->number;

    eddy__operation_take(operation);
    operation->wanted = false;
    /* "Try later" from an overlapped send means that too many are under way: none was taken. */
    if (number == WSAEWOULDBLOCK)
        base->events->on_sent(base, 0);
    else
        base->events->on_sent(base,
                              number == 0 ? (int64_t)operation->size : eddy__system_error(number));
}

void eddy__iocp_send_start(struct eddy__channel *base)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);

    if (channel->closed)
        return;
    assert(channel->send.phase == EDDY__OPERATION_IDLE);
    eddy__operation_start(&channel->send);
}

const struct eddy__operation_kind eddy__iocp_sending = {
    .receiving = false,
    .submit = send_submit,
    .run = send_run,
};

/* SPDX-License-Identifier: MIT */
#include "win32/iocp.h"
#include "win32/status.h"
#include <assert.h>
#include <string.h>

void eddy__operation_init(struct eddy__operation *operation, struct eddy__iocp_channel *channel,
                          const struct eddy__operation_kind *kind)
{
    operation->channel = channel;
    operation->kind = kind;
    operation->ready.run = kind->run;
}

static struct eddy_loop *operation_loop(const struct eddy__operation *operation)
{
    return operation->channel->channel.loop;
}

void eddy__operation_start(struct eddy__operation *operation)
{
    struct eddy__iocp *iocp = eddy__iocp_of(operation->channel);

    operation->wanted = true;
    if (operation->phase == EDDY__OPERATION_IDLE) {
        operation->phase = EDDY__OPERATION_QUEUED;
        eddy__list_append(&iocp->queued[operation->kind->receiving ? 0 : 1],
                          &operation->ready.node);
    } else if (operation->phase == EDDY__OPERATION_DONE) {
        eddy__loop_enqueue(operation_loop(operation), &operation->ready);
    }
}

void eddy__operation_stop(struct eddy__operation *operation)
{
    operation->wanted = false;
    if (operation->phase == EDDY__OPERATION_QUEUED)
        operation->phase = EDDY__OPERATION_IDLE;
    /* Out of the queue of submissions, or out of the ready queue: then it stays DONE. */
    eddy__list_remove(&operation->ready.node);
}

void eddy__operation_decide(struct eddy__operation *operation, int number)
{
    operation->phase = EDDY__OPERATION_DONE;
    operation->number = number;
    if (operation->wanted)
        eddy__loop_enqueue(operation_loop(operation), &operation->ready);
}

void eddy__operation_begin(struct eddy__operation *operation)
{
    memset(&operation->overlapped, 0, sizeof operation->overlapped);
    operation->size = 0;
    operation->phase = EDDY__OPERATION_FLYING;
}

void eddy__operation_begun(struct eddy__operation *operation, int number)
{
    struct eddy__iocp_channel *channel = operation->channel;

    /* A failing call queues no packet. One that succeeds at once does, unless that was turned
     * off for this socket. */
    if (number == ERROR_IO_PENDING || (number == 0 && !channel->skips_packets))
        channel->flying++;
    else
        eddy__operation_decide(operation, number);
}

void eddy__operation_submit(struct eddy__operation *operation)
{
    eddy__operation_begin(operation);
    eddy__operation_begun(operation, operation->kind->submit(operation));
}

void eddy__operation_arrive(struct eddy__operation *operation)
{
    struct eddy__iocp_channel *channel = operation->channel;

    assert(operation->phase == EDDY__OPERATION_FLYING && channel->flying > 0);
    channel->flying--;
    operation->size = (uint32_t)operation->overlapped.InternalHigh;
    eddy__operation_decide(operation,
                           eddy__status_number((eddy__ntstatus)operation->overlapped.Internal));
    if (channel->closed && channel->flying == 0)
        eddy__iocp_channel_landed(channel);
}

void eddy__operation_take(struct eddy__operation *operation)
{
    assert(operation->phase == EDDY__OPERATION_DONE && operation->wanted);
    operation->phase = EDDY__OPERATION_IDLE;
}

/* Whom it was submitted to. */
static HANDLE operation_file(const struct eddy__operation *operation)
{
    return operation->kind->polls ? eddy__iocp_of(operation->channel)->afd
                                  : (HANDLE)operation->channel->channel.socket;
}

void eddy__operation_abandon(struct eddy__operation *operation)
{
    eddy__operation_stop(operation);
    /* It fails when the operation has just ended by itself: its packet is in the port then. */
    if (operation->phase == EDDY__OPERATION_FLYING)
        EDDY__SYS(CancelIoEx)(operation_file(operation), &operation->overlapped);
}

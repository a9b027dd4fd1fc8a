/* SPDX-License-Identifier: MIT */
/*
 * A socket's time with the port. Windows ties a socket to a port for the socket's life, and to no
 * second one. That is fine for sockets of the library, but the program's own (sock_recv() and its
 * like) come and go: the next operation on them opens a channel again, perhaps in another loop.
 * Since Windows 8.1 the tie can be undone while no operation is under way; where that fails, the
 * port remembers which sockets it keeps.
 */
#include "win32/iocp.h"
#include "common/error.h"
#include <string.h>

/* Make room to keep one more socket than there are channels, so that closing needs no memory. */
static int channel_reserve(struct eddy__iocp *iocp)
{
    size_t needed = iocp->kept_count + iocp->channel_count + 1;
    size_t capacity = iocp->kept_capacity != 0 ? iocp->kept_capacity : 16;
    eddy_socket *kept;

    if (needed <= iocp->kept_capacity)
        return 0;
    while (capacity < needed)
        capacity *= 2;
    kept = eddy__realloc(iocp->kept, capacity * sizeof *kept);
    if (kept == NULL)
        return EDDY_ENOMEM;
    iocp->kept = kept;
    iocp->kept_capacity = capacity;
    return 0;
}

/*
 * Forget that `socket` was kept; false if it was not. Linear, over what is empty where the tie can
 * be undone. A number that was closed and given out anew for a socket of another port would be
 * mistaken for the old one; the tie of the old ends with it, so that takes a program which gives
 * one socket to two loops, on a system that is older than Windows 8.1.
 */
static bool channel_recall(struct eddy__iocp *iocp, eddy_socket socket)
{
    for (size_t i = 0; i < iocp->kept_count; i++) {
        if (iocp->kept[i] == socket) {
            iocp->kept[i] = iocp->kept[--iocp->kept_count];
            return true;
        }
    }
    return false;
}

/* Tie the socket to the port. */
static int channel_attach(struct eddy__iocp *iocp, eddy_socket socket)
{
    HANDLE port =
        EDDY__SYS(CreateIoCompletionPort)((HANDLE)socket, iocp->port, EDDY__IOCP_KEY_SOCKET, 0);
    DWORD number = port == NULL ? GetLastError() : 0;
    bool was_kept = channel_recall(iocp, socket);

    if (number == 0 || (number == ERROR_INVALID_PARAMETER && was_kept))
        return 0;
    if (number == ERROR_INVALID_PARAMETER) {
        eddy__system_error(number);
        return eddy_error(EDDY_EBUSY, "the socket is tied to another loop or completion port, "
                                      "or was not made for overlapped use");
    }
    return eddy__system_error(number);
}

int eddy__iocp_channel_open(struct eddy__channel *base)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);
    struct eddy__iocp *iocp = eddy__iocp_of(channel);
    int error = channel_reserve(iocp);

    if (error == 0 && base->events->on_ready != NULL)
        error = eddy__iocp_watch_open(channel);
    else if (error == 0 && base->events->on_datagram != NULL)
        error = eddy__iocp_datagrams_open(channel);
    else if (error == 0)
        error = channel_attach(iocp, base->socket);
    if (error < 0)
        return error;
    iocp->channel_count++;
    if (channel->watching != NULL)
        return 0;
    channel->skips_packets = eddy__winsock_skips_packets() &&
                             EDDY__SYS(SetFileCompletionNotificationModes)(
                                 (HANDLE)base->socket, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS |
                                                           FILE_SKIP_SET_EVENT_ON_HANDLE);
    eddy__operation_init(&channel->receive, channel, &eddy__iocp_receiving);
    eddy__operation_init(&channel->send, channel, &eddy__iocp_sending);
    return 0;
}

/* True while the kernel may still put a packet into the port. */
static bool channel_is_in_flight(const struct eddy__operation *operation)
{
    return operation->phase == EDDY__OPERATION_FLYING &&
           !HasOverlappedIoCompleted(&operation->overlapped);
}

/* Undo the tie to the port; false where the system cannot. Wine 8 cannot: this has not been run. */
static bool channel_detach(eddy_socket socket)
{
    typedef eddy__ntstatus(NTAPI * set_information)(HANDLE file, void *status, void *information,
                                                    ULONG size, int kind);
    enum { REPLACE_COMPLETION_INFORMATION = 61 };
    struct {
        HANDLE port;
        void *key;
    } none = {NULL, NULL};
    void *status[2] = {NULL, NULL}; /* IO_STATUS_BLOCK: two words */
    set_information set;

    set = (set_information)(void (*)(void))GetProcAddress(GetModuleHandleW(L"ntdll.dll"),
                                                          "NtSetInformationFile");
    return set != NULL &&
           set((HANDLE)socket, status, &none, sizeof none, REPLACE_COMPLETION_INFORMATION) >= 0;
}

/*
 * Closing under a waiting receive makes the system reset the connection instead of ending it, and
 * what the peer has not read yet is lost; not so after a shutdown. A receive whose cancel has taken
 * effect does not wait any more. That is the rule, though not documented, and then a copy of the
 * socket that the program has made keeps both its directions.
 */
static void channel_end_gracefully(const struct eddy__iocp_channel *channel)
{
    if (channel_is_in_flight(&channel->receive))
        EDDY__SYS(shutdown)((SOCKET)channel->channel.socket, SD_SEND);
}

/* The object gets its socket back, to close it when connection_lost() has returned; or it is the
 * program's, and then a listener. */
static void channel_give_back(struct eddy__iocp_channel *channel)
{
    struct eddy__iocp *iocp = eddy__iocp_of(channel);
    eddy_socket socket = channel->channel.socket;

    channel_end_gracefully(channel);
    /* A packet that is still to come needs the tie, or the channel would wait for it for ever. */
    if (!channel_is_in_flight(&channel->receive) && !channel_is_in_flight(&channel->send) &&
        channel->acceptor == NULL && channel_detach(socket))
        return;
    iocp->kept[iocp->kept_count++] = socket;
}

static void channel_close_socket(struct eddy__iocp_channel *channel)
{
    channel_end_gracefully(channel);
    channel->channel.loop->backend->sockets->close(channel->channel.socket);
    channel->channel.socket = EDDY_NO_SOCKET;
}

void eddy__iocp_channel_close(struct eddy__channel *base, bool close_socket)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);

    if (channel->closed)
        return;
    channel->closed = true;
    eddy__operation_abandon(&channel->send);
    eddy__operation_abandon(&channel->receive);
    eddy__iocp_accept_abandon(channel);
    eddy__iocp_watch_fini(channel);
    if (channel->watching == NULL && close_socket)
        channel_close_socket(channel);
    else if (channel->watching == NULL)
        channel_give_back(channel);
    eddy__list_append(&eddy__iocp_of(channel)->closing, &channel->closing);
    if (channel->flying == 0)
        eddy__iocp_channel_landed(channel);
}

static void channel_run_closed(struct eddy__ready *ready)
{
    eddy__iocp_channel_finish(eddy__operation_of(ready)->channel);
}

void eddy__iocp_channel_landed(struct eddy__iocp_channel *channel)
{
    channel->receive.ready.run = channel_run_closed;
    eddy__loop_enqueue(channel->channel.loop, &channel->receive.ready);
}

void eddy__iocp_channel_finish(struct eddy__iocp_channel *channel)
{
    eddy__loop_dequeue(&channel->receive.ready);
    eddy__list_remove(&channel->closing);
    eddy__iocp_accept_free(channel);
    eddy__free(channel->watching);
    eddy__iocp_of(channel)->channel_count--;
    channel->channel.events->on_closed(&channel->channel);
}

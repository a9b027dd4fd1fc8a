/* SPDX-License-Identifier: MIT */
/*
 * Accepting: several AcceptEx() are outstanding, each with a socket made in advance, and each is
 * one event a turn. So as many are started as the order allows a turn, up to SLOTS; one alone
 * would throttle the rate of connects (NET-29).
 *
 * Stopping leaves them with the kernel: it would have taken the connections into the backlog
 * anyway, and what they bring is kept for the next start. Closing the listener ends them, and
 * closes the sockets once their packets have come.
 */
#include "win32/iocp.h"
#include "common/error.h"
#include <assert.h>

enum { SLOTS = 8, ADDRESS_SIZE = EDDY__ACCEPT_ADDRESS_SIZE };

struct accept_slot {
    struct eddy__operation operation;
    SOCKET socket; /**< made for the connection to come, or INVALID_SOCKET */
    union {
        SOCKADDR_STORAGE align;
        unsigned char bytes[2 * ADDRESS_SIZE];
    } addresses;
};

struct eddy__acceptor {
    int family;
    int protocol;
    int slot_count; /**< that may be started: at most the connections of a turn */
    struct accept_slot slots[SLOTS];
};

static void accept_slot_close(struct accept_slot *slot)
{
    if (slot->socket == INVALID_SOCKET)
        return;
    EDDY__SYS(closesocket)(slot->socket);
    slot->socket = INVALID_SOCKET;
}

/* A socket like those that the listener's accept() would make. */
static int accept_slot_open(struct accept_slot *slot, const struct eddy__acceptor *acceptor)
{
    u_long yes = 1;
    int number;

    slot->socket = EDDY__SYS(WSASocketW)(acceptor->family, SOCK_STREAM, acceptor->protocol, NULL, 0,
                                         WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (slot->socket == INVALID_SOCKET)
        return WSAGetLastError();
    if (EDDY__SYS(ioctlsocket)(slot->socket, (long)FIONBIO, &yes) == 0)
        return 0;
    number = WSAGetLastError();
    accept_slot_close(slot);
    return number;
}

static int accept_submit(struct eddy__operation *operation)
{
    struct accept_slot *slot = EDDY__OWNER(operation, struct accept_slot, operation);
    struct eddy__iocp_channel *channel = operation->channel;
    int number = accept_slot_open(slot, channel->acceptor);

    if (number != 0)
        return number;
    if (EDDY__SYS(eddy__accept_ex)((SOCKET)channel->channel.socket, slot->socket,
                                   slot->addresses.bytes, ADDRESS_SIZE, &operation->overlapped))
        return 0;
    number = WSAGetLastError();
    if (number != ERROR_IO_PENDING)
        accept_slot_close(slot);
    return number;
}

/* Without this the socket does not know that it is connected: no addresses, no shutdown(). */
static int accept_adopt(const struct eddy__iocp_channel *channel, const struct accept_slot *slot)
{
    SOCKET listener = (SOCKET)channel->channel.socket;

    if (EDDY__SYS(setsockopt)(slot->socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                              (const char *)&listener, (int)sizeof listener) != 0)
        return WSAGetLastError();
    return 0;
}

/* Errors of a connection that was gone before it could be accepted: the next accept meets the next
 * connection (NET-27). */
static bool accept_peer_vanished(int error)
{
    switch (error) {
    case EDDY_ECONNABORTED:
    case EDDY_ECONNRESET:
    case EDDY_ECONNTIMEDOUT:
    case EDDY_EHOSTDOWN:
    case EDDY_EHOSTUNREACH:
    case EDDY_EINTR:
    case EDDY_ENETUNREACH:
    case EDDY_ENOTCONN:
        return true;
    default:
        return false;
    }
}

static void accept_hand_over(struct eddy__channel *base, struct accept_slot *slot)
{
    eddy_socket socket = (eddy_socket)slot->socket;
    eddy_address peer = {0};
    int size;
    const struct sockaddr *native =
        eddy__accept_ex_peer(slot->addresses.bytes, ADDRESS_SIZE, &size);

    if (native != NULL && size > 0)
        eddy_address_from_native(native, (size_t)size, &peer);
    slot->socket = INVALID_SOCKET;
    base->events->on_accepted(base, socket, &peer);
}

static void accept_run(struct eddy__ready *ready)
{
    struct eddy__operation *operation = eddy__operation_of(ready);
    struct accept_slot *slot = EDDY__OWNER(operation, struct accept_slot, operation);
    struct eddy__iocp_channel *channel = operation->channel;
    int number = operation->number;
    int error;

    eddy__operation_take(operation);
    if (number == 0)
        number = accept_adopt(channel, slot);
    if (number == 0) {
        accept_hand_over(&channel->channel, slot);
    } else {
        accept_slot_close(slot);
        error = eddy__system_error(number);
        if (!accept_peer_vanished(error))
            channel->channel.events->on_accept_failed(&channel->channel, error);
    }
    if (operation->wanted)
        eddy__operation_start(operation);
}

static const struct eddy__operation_kind accept_kind = {
    .receiving = true,
    .submit = accept_submit,
    .run = accept_run,
};

/* The turn of an order that found no memory. It stands, unless the object stops it now. */
static void accept_run_without(struct eddy__ready *ready)
{
    struct eddy__operation *operation = eddy__operation_of(ready);
    struct eddy__channel *base = &operation->channel->channel;
    int turn_max = (int)operation->size;
    int number = operation->number;

    eddy__operation_take(operation);
    base->events->on_accept_failed(base, eddy__system_error(number));
    if (operation->wanted && operation->phase == EDDY__OPERATION_IDLE)
        eddy__iocp_accept_start(base, turn_max);
}

static const struct eddy__operation_kind accept_without_kind = {
    .receiving = true,
    .submit = NULL, /* never queued: decided in accept_start() */
    .run = accept_run_without,
};

static int acceptor_new(struct eddy__iocp_channel *channel)
{
    struct eddy__acceptor *acceptor;
    WSAPROTOCOL_INFOW info;
    int size = (int)sizeof info;

    if (EDDY__SYS(getsockopt)((SOCKET)channel->channel.socket, SOL_SOCKET, SO_PROTOCOL_INFOW,
                              (char *)&info, &size) != 0)
        return WSAGetLastError();
    acceptor = eddy__alloc_zeroed(sizeof *acceptor);
    if (acceptor == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    acceptor->family = info.iAddressFamily;
    acceptor->protocol = info.iProtocol;
    for (int i = 0; i < SLOTS; i++) {
        acceptor->slots[i].socket = INVALID_SOCKET;
        eddy__operation_init(&acceptor->slots[i].operation, channel, &accept_kind);
    }
    channel->acceptor = acceptor;
    return 0;
}

void eddy__iocp_accept_start(struct eddy__channel *base, int turn_max)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);
    int number = 0;

    if (channel->closed)
        return;
    if (channel->acceptor == NULL)
        number = acceptor_new(channel);
    if (number != 0) {
        /* A listener receives nothing, so that operation is free to bring the bad news. */
        eddy__operation_init(&channel->receive, channel, &accept_without_kind);
        channel->receive.size = (uint32_t)turn_max;
        channel->receive.wanted = true;
        eddy__operation_decide(&channel->receive, number);
        return;
    }
    channel->receive.wanted = false;
    channel->acceptor->slot_count = turn_max < SLOTS ? turn_max : SLOTS;
    for (int i = 0; i < channel->acceptor->slot_count; i++)
        eddy__operation_start(&channel->acceptor->slots[i].operation);
}

/* What it has accepted is kept, a failure is not: at the next start it would be no news. */
static void accept_slot_stop(struct accept_slot *slot)
{
    eddy__operation_stop(&slot->operation);
    if (slot->operation.phase != EDDY__OPERATION_DONE || slot->operation.number == 0)
        return;
    accept_slot_close(slot);
    slot->operation.phase = EDDY__OPERATION_IDLE;
}

void eddy__iocp_accept_stop(struct eddy__channel *base)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);

    if (channel->closed)
        return;
    if (channel->receive.phase == EDDY__OPERATION_DONE)
        channel->receive.phase = EDDY__OPERATION_IDLE;
    eddy__operation_stop(&channel->receive);
    if (channel->acceptor == NULL)
        return;
    for (int i = 0; i < SLOTS; i++)
        accept_slot_stop(&channel->acceptor->slots[i]);
}

void eddy__iocp_accept_abandon(struct eddy__iocp_channel *channel)
{
    if (channel->acceptor == NULL)
        return;
    for (int i = 0; i < SLOTS; i++)
        eddy__operation_abandon(&channel->acceptor->slots[i].operation);
}

void eddy__iocp_accept_free(struct eddy__iocp_channel *channel)
{
    if (channel->acceptor == NULL)
        return;
    for (int i = 0; i < SLOTS; i++) {
        assert(channel->acceptor->slots[i].operation.phase != EDDY__OPERATION_FLYING);
        accept_slot_close(&channel->acceptor->slots[i]);
    }
    eddy__free(channel->acceptor);
    channel->acceptor = NULL;
}

/* SPDX-License-Identifier: MIT */
#include "win32/iocp.h"
#include "common/error.h"
#include <assert.h>
#include <string.h>

/* ConnectEx() wants a bound socket; one that the program has bound says WSAEINVAL here. */
static int connect_bind(SOCKET socket, const struct sockaddr *peer)
{
    SOCKADDR_STORAGE any;
    int size = (int)(peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                 : sizeof(struct sockaddr_in));
    int number;

    memset(&any, 0, sizeof any);
    any.ss_family = (short)peer->sa_family;
    if (EDDY__SYS(bind)(socket, (struct sockaddr *)&any, size) == 0)
        return 0;
    number = WSAGetLastError();
    return number == WSAEINVAL ? 0 : number;
}

static bool connect_is_to_loopback(const struct sockaddr *peer)
{
    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *inet = (const void *)peer;

        return (ntohl(inet->sin_addr.s_addr) >> 24) == 127;
    }
    return peer->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr);
}

/*
 * By documentation Windows repeats a refused connect for two seconds before it believes it. On the
 * loopback, where nothing is lost on the way, once is enough. Wine and old versions refuse the
 * call, which costs only the time.
 */
static void connect_hasten(SOCKET socket)
{
    TCP_INITIAL_RTO_PARAMETERS retries = {.Rtt = TCP_INITIAL_RTO_UNSPECIFIED_RTT,
                                          .MaxSynRetransmissions =
                                              TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS};
    DWORD got = 0;

    WSAIoctl(socket, SIO_TCP_INITIAL_RTO, &retries, sizeof retries, NULL, 0, &got, NULL, NULL);
}

/*
 * Datagram and Unix sockets have no ConnectEx(); their connect() is decided at once. Should a Unix
 * socket nevertheless answer "later" (assumed not to happen, as no Windows was at hand to see it),
 * then it may take a second.
 */
static int connect_at_once(SOCKET socket, const struct sockaddr *peer, int size)
{
    WSAPOLLFD poll = {.fd = socket, .events = POLLWRNORM};
    int outcome = 0;
    int outcome_size = (int)sizeof outcome;
    int number;

    if (EDDY__SYS(connect)(socket, peer, size) == 0)
        return 0;
    number = WSAGetLastError();
    if (number != WSAEWOULDBLOCK)
        return number;
    if (WSAPoll(&poll, 1, 1000) <= 0)
        return WSAETIMEDOUT;
    if (EDDY__SYS(getsockopt)(socket, SOL_SOCKET, SO_ERROR, (char *)&outcome, &outcome_size) != 0)
        return WSAGetLastError();
    return outcome;
}

/* Whether the connect is one for the port: a stream over IP. */
static bool connect_takes_time(SOCKET socket, const struct sockaddr *peer)
{
    int type = 0;
    int size = (int)sizeof type;

    if (peer->sa_family != AF_INET && peer->sa_family != AF_INET6)
        return false;
    return EDDY__SYS(getsockopt)(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0 &&
           type == SOCK_STREAM;
}

/* The socket learns that it is connected: addresses, shutdown() and options work from now on. */
static int connect_adopt(SOCKET socket)
{
    if (EDDY__SYS(setsockopt)(socket, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) != 0)
        return WSAGetLastError();
    return 0;
}

static void connect_run(struct eddy__ready *ready)
{
    struct eddy__operation *operation = eddy__operation_of(ready);
    struct eddy__iocp_channel *channel = operation->channel;
    struct eddy__channel *base = &channel->channel;
    bool at_once = operation->size != 0;
    int number = operation->number;

    eddy__operation_take(operation);
    operation->wanted = false;
    eddy__operation_init(operation, channel, &eddy__iocp_sending);
    if (number == 0 && !at_once)
        number = connect_adopt((SOCKET)base->socket);
    base->events->on_connected(base, number == 0 ? 0 : eddy__system_error(number));
}

static const struct eddy__operation_kind connect_kind = {
    .receiving = false,
    .submit = NULL, /* never queued: the address is only lent */
    .run = connect_run,
};

void eddy__iocp_connect_start(struct eddy__channel *base, const eddy_address *address)
{
    struct eddy__iocp_channel *channel = eddy__iocp_channel_of(base);
    struct eddy__operation *operation = &channel->send;
    SOCKET socket = (SOCKET)base->socket;
    size_t size;
    const struct sockaddr *peer = eddy_address_native(address, &size);
    int number;

    if (channel->closed)
        return;
    assert(operation->phase == EDDY__OPERATION_IDLE);
    eddy__operation_init(operation, channel, &connect_kind);
    operation->wanted = true;
    if (!connect_takes_time(socket, peer)) {
        number = connect_at_once(socket, peer, (int)size);
        operation->size = 1;
        eddy__operation_decide(operation, number);
        return;
    }
    number = connect_bind(socket, peer);
    if (number != 0) {
        eddy__operation_decide(operation, number);
        return;
    }
    if (connect_is_to_loopback(peer))
        connect_hasten(socket);
    eddy__operation_begin(operation);
    if (EDDY__SYS(eddy__connect_ex)(socket, peer, (int)size, &operation->overlapped))
        eddy__operation_begun(operation, 0);
    else
        eddy__operation_begun(operation, WSAGetLastError());
}

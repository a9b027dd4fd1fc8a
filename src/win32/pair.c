/* SPDX-License-Identifier: MIT */
#include "common/error.h"
#include "common/socket.h"
#include "win32/socket.h"
#include "win32/sys.h"

/* A socket on a port of the loopback that the system picked. */
static int pair_open(int type, eddy_socket *socket, eddy_address *address)
{
    const struct eddy__socket_ops *ops = &eddy__system_sockets;
    int error = ops->open(NULL, EDDY_INET, type, EDDY_ANY_PROTOCOL, socket);

    if (error < 0)
        return error;
    error = eddy_address_parse("127.0.0.1", 0, address);
    if (error == 0)
        error = ops->bind(*socket, address);
    if (error == 0)
        error = ops->local_address(*socket, address);
    if (error < 0)
        ops->close(*socket);
    return error;
}

/* Until `socket` can be read or written to. The loopback answers at once; the limit is for a
 * firewall that swallows. */
static int pair_wait(eddy_socket socket, bool readable)
{
    WSAPOLLFD poll = {.fd = (SOCKET)socket, .events = readable ? POLLRDNORM : POLLWRNORM};
    int ready = WSAPoll(&poll, 1, 5000);

    if (ready < 0)
        return eddy__system_error(WSAGetLastError());
    return ready == 0 ? eddy_error(EDDY_ECONNTIMEDOUT, "the loopback does not answer") : 0;
}

static int pair_connect(eddy_socket socket, const eddy_address *address)
{
    const struct eddy__socket_ops *ops = &eddy__system_sockets;
    int error = ops->connect(socket, address);

    if (error != EDDY_EINPROGRESS)
        return error;
    error = pair_wait(socket, false);
    return error < 0 ? error : ops->connect_result(socket);
}

/* Accept the connection from `expected`, and no other: any process may connect to our port. */
static int pair_accept(eddy_socket listener, const eddy_address *expected, eddy_socket *accepted)
{
    enum { STRANGERS_MAX = 16 };
    const struct eddy__socket_ops *ops = &eddy__system_sockets;

    for (int stranger = 0; stranger < STRANGERS_MAX; stranger++) {
        eddy_address peer;
        int error = pair_wait(listener, true);

        if (error == 0)
            error = ops->accept(listener, accepted, &peer);
        if (error < 0)
            return error;
        if (eddy_address_equal(&peer, expected))
            return 0;
        ops->close(*accepted);
    }
    return eddy_error(EDDY_ECONNABORTED, "other processes keep connecting to the pair's port");
}

static int pair_make_stream(eddy_socket listener, const eddy_address *address,
                            eddy_socket sockets[2])
{
    const struct eddy__socket_ops *ops = &eddy__system_sockets;
    eddy_address own;
    int error = ops->listen(listener, 1);

    if (error == 0)
        error = pair_open(EDDY_STREAM, &sockets[0], &own);
    if (error < 0)
        return error;
    error = pair_connect(sockets[0], address);
    if (error == 0)
        error = pair_accept(listener, &own, &sockets[1]);
    if (error < 0) {
        ops->close(sockets[0]);
        return error;
    }
    /* Pairs carry small messages between parts of a program; failing here only costs time. */
    ops->set_option(sockets[0], EDDY__NO_DELAY, 1);
    ops->set_option(sockets[1], EDDY__NO_DELAY, 1);
    return 0;
}

static int pair_make_datagram(eddy_socket sockets[2])
{
    const struct eddy__socket_ops *ops = &eddy__system_sockets;
    eddy_address addresses[2];
    int error = pair_open(EDDY_DGRAM, &sockets[0], &addresses[0]);

    if (error < 0)
        return error;
    error = pair_open(EDDY_DGRAM, &sockets[1], &addresses[1]);
    if (error < 0) {
        ops->close(sockets[0]);
        return error;
    }
    error = ops->connect(sockets[0], &addresses[1]);
    if (error == 0)
        error = ops->connect(sockets[1], &addresses[0]);
    if (error < 0) {
        ops->close(sockets[1]);
        ops->close(sockets[0]);
    }
    return error;
}

int eddy__socket_pair(struct eddy_loop *loop, int type, eddy_socket sockets[2])
{
    eddy_socket made[2] = {EDDY_NO_SOCKET, EDDY_NO_SOCKET};
    eddy_socket listener;
    eddy_address address;
    int error;

    (void)loop;
    if (type == EDDY_DGRAM) {
        error = pair_make_datagram(made);
    } else {
        error = pair_open(EDDY_STREAM, &listener, &address);
        if (error == 0) {
            error = pair_make_stream(listener, &address, made);
            eddy__system_sockets.close(listener);
        }
    }
    if (error < 0)
        return error;
    sockets[0] = made[0];
    sockets[1] = made[1];
    return 0;
}

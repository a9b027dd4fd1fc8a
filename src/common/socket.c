/* SPDX-License-Identifier: MIT */
/* The public calls on sockets: each goes to the table that serves the socket's number. */
#include <eddy/socket.h>
#include "common/loop.h"
#include "common/socket_view.h"
#include "common/watcher.h"
#include <assert.h>

/** The portable numbers of options are the same inside and outside. */
static_assert((int)EDDY_SOCKET_REUSE_ADDRESS == (int)EDDY__REUSE_ADDRESS, "options agree");
static_assert((int)EDDY_SOCKET_REUSE_PORT == (int)EDDY__REUSE_PORT, "options agree");
static_assert((int)EDDY_SOCKET_KEEP_ALIVE == (int)EDDY__KEEP_ALIVE, "options agree");
static_assert((int)EDDY_SOCKET_IPV6_ONLY == (int)EDDY__IPV6_ONLY, "options agree");
static_assert((int)EDDY_SOCKET_NO_DELAY == (int)EDDY__NO_DELAY, "options agree");
static_assert((int)EDDY_SOCKET_RECEIVE_BUFFER == (int)EDDY__RECEIVE_BUFFER, "options agree");
static_assert((int)EDDY_SOCKET_SEND_BUFFER == (int)EDDY__SEND_BUFFER, "options agree");
static_assert((int)EDDY_SOCKET_BROADCAST == (int)EDDY__BROADCAST, "options agree");
static_assert((int)EDDY_SOCKET_HOP_LIMIT == (int)EDDY__HOP_LIMIT, "options agree");
static_assert((int)EDDY_SOCKET_MULTICAST_INTERFACE == (int)EDDY__MULTICAST_INTERFACE,
              "options agree");
static_assert((int)EDDY_SOCKET_MULTICAST_INTERFACE + 1 == (int)EDDY__SOCKET_OPTIONS, "all of them");

/** Say what failed. A call that only has to wait is none, and is frequent. */
static int socket_result(int error, const char *what)
{
    if (error >= 0 || error == EDDY_EAGAIN || error == EDDY_EINPROGRESS)
        return error;
    return eddy_error(error, "cannot %s: %s", what, eddy_strerror(error));
}

/**
 * The number means another socket from now on. Only a loop that runs in this thread can be told:
 * others find out for themselves.
 */
static void socket_forget(eddy_socket socket)
{
    struct eddy_loop *loop = eddy__thread_state()->running;

    if (loop != NULL && !eddy__loop_is_foreign(loop))
        eddy__watcher_forget(loop, socket);
}

int eddy_socket_new(eddy_loop *loop, eddy_family family, eddy_socket_type type,
                    eddy_ip_protocol protocol, eddy_socket *socket)
{
    int error = eddy__loop_check_open(loop);

    if (error)
        return error;
    error = loop->backend->sockets->open(loop, (int)family, (int)type, (int)protocol, socket);
    if (error == 0)
        socket_forget(*socket);
    return socket_result(error, "make a socket");
}

int eddy_socket_pair(eddy_loop *loop, eddy_socket_type type, eddy_socket sockets[2])
{
    int error = eddy__loop_check_open(loop);

    if (error)
        return error;
    error = loop->backend->sockets->pair(loop, (int)type, sockets);
    for (int i = 0; error == 0 && i < 2; i++)
        socket_forget(sockets[i]);
    return socket_result(error, "make a pair of sockets");
}

void eddy_socket_close(eddy_socket socket)
{
    if (socket == EDDY_NO_SOCKET)
        return;
    socket_forget(socket);
    eddy__socket_ops_of(socket)->close(socket);
}

int eddy_socket_bind(eddy_socket socket, const eddy_address *address)
{
    return socket_result(eddy__socket_ops_of(socket)->bind(socket, address), "bind a socket");
}

int eddy_socket_listen(eddy_socket socket, int backlog)
{
    return socket_result(eddy__socket_ops_of(socket)->listen(socket, backlog), "listen");
}

int eddy_socket_connect(eddy_socket socket, const eddy_address *address)
{
    return socket_result(eddy__socket_ops_of(socket)->connect(socket, address), "connect");
}

int eddy_socket_accept(eddy_socket socket, eddy_socket *accepted, eddy_address *peer)
{
    eddy_address ignored;
    int error =
        eddy__socket_ops_of(socket)->accept(socket, accepted, peer != NULL ? peer : &ignored);

    if (error == 0)
        socket_forget(*accepted);
    return socket_result(error, "accept");
}

int eddy_socket_local_address(eddy_socket socket, eddy_address *address)
{
    return socket_result(eddy__socket_ops_of(socket)->local_address(socket, address),
                         "get the local address");
}

int eddy_socket_peer_address(eddy_socket socket, eddy_address *address)
{
    return socket_result(eddy__socket_ops_of(socket)->peer_address(socket, address),
                         "get the peer's address");
}

int64_t eddy_socket_receive(eddy_socket socket, void *buffer, size_t size)
{
    int64_t count = eddy__socket_ops_of(socket)->receive(socket, buffer, size);

    return count < 0 ? socket_result((int)count, "receive") : count;
}

int64_t eddy_socket_send(eddy_socket socket, const void *data, size_t size)
{
    /* The table's spans serve both directions; a send only reads them. */
    struct eddy__span span = {.data = (void *)(uintptr_t)data, .size = size};
    int64_t count = eddy__socket_ops_of(socket)->send(socket, &span, 1);

    return count < 0 ? socket_result((int)count, "send") : count;
}

static int socket_check_option(eddy_socket_option option)
{
    if (option < EDDY_SOCKET_REUSE_ADDRESS || option > EDDY_SOCKET_MULTICAST_INTERFACE)
        return eddy_error(EDDY_EINVALID, "%d is no socket option", (int)option);
    return 0;
}

int eddy_socket_shutdown_send(eddy_socket socket)
{
    return socket_result(eddy__socket_ops_of(socket)->shutdown_send(socket),
                         "end the sending of a socket");
}

int eddy_socket_set_option(eddy_socket socket, eddy_socket_option option, int value)
{
    int error = socket_check_option(option);

    if (error)
        return error;
    return socket_result(
        eddy__socket_ops_of(socket)->set_option(socket, (enum eddy__socket_option)option, value),
        "set an option of a socket");
}

int eddy_socket_get_option(eddy_socket socket, eddy_socket_option option, int *value)
{
    int error = socket_check_option(option);

    if (error)
        return error;
    return socket_result(
        eddy__socket_ops_of(socket)->get_option(socket, (enum eddy__socket_option)option, value),
        "get an option of a socket");
}

static int socket_set_membership(eddy_socket socket, const eddy_address *group,
                                 unsigned interface_index, bool join)
{
    char text[EDDY_ADDRESS_TEXT_MAX];
    int error = eddy__socket_ops_of(socket)->set_membership(socket, group, interface_index, join);

    if (error == 0)
        return 0;
    eddy_address_host(group, text, sizeof text);
    return eddy_error(error, "cannot %s group %s: %s", join ? "join" : "leave", text,
                      eddy_strerror(error));
}

int eddy_socket_join_group(eddy_socket socket, const eddy_address *group, unsigned interface_index)
{
    return socket_set_membership(socket, group, interface_index, true);
}

int eddy_socket_leave_group(eddy_socket socket, const eddy_address *group, unsigned interface_index)
{
    return socket_set_membership(socket, group, interface_index, false);
}

/* SPDX-License-Identifier: MIT */
/* Datagrams among the socket calls of the simulated network. */
#include "sim/network.h"

/** 0 if it is a datagram socket. */
static int socket_check_datagram(const struct eddy__sim_socket *socket)
{
    if (socket == NULL)
        return EDDY_EBADF;
    return socket->type == EDDY_DGRAM ? 0 : EDDY_EOPNOTSUPP;
}

int64_t eddy__sim_receive_datagrams(eddy_socket number, struct eddy__incoming *list, size_t count)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    int error = socket_check_datagram(socket);

    (void)count; /* at least 1 */
    return error ? error : eddy__sim_datagram_receive(socket, list);
}

int64_t eddy__sim_send_datagrams(eddy_socket number, const struct eddy__outgoing *list,
                                 size_t count)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    int64_t sent = socket_check_datagram(socket);
    size_t done = 0;

    while (sent >= 0 && done < count) {
        sent = eddy__sim_datagram_send(socket, &list[done]);
        done += sent > 0;
    }
    return done > 0 ? (int64_t)done : sent;
}

int64_t eddy__sim_receive_from(struct eddy__sim_socket *socket, void *buffer, size_t size,
                               eddy_address *from)
{
    struct eddy__incoming incoming = {.data = buffer, .room = size};
    int64_t received = eddy__sim_datagram_receive(socket, &incoming);

    if (received < 0)
        return received;
    if (from != NULL)
        *from = incoming.from;
    return (int64_t)incoming.size;
}

int64_t eddy__sim_send_to(struct eddy__sim_socket *socket, const void *data, size_t size,
                          const eddy_address *to)
{
    const struct eddy__outgoing outgoing = {data, size, to};
    int64_t sent = eddy__sim_datagram_send(socket, &outgoing);

    return sent < 0 ? sent : (int64_t)size;
}

int eddy__sim_set_membership(eddy_socket number, const eddy_address *group,
                             unsigned interface_index, bool join)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);

    (void)interface_index; /* there is one network */
    if (socket == NULL)
        return EDDY_EBADF;
    return socket->type == EDDY_DGRAM ? eddy__sim_datagram_membership(socket, group, join)
                                      : EDDY_ENOPROTOOPT;
}

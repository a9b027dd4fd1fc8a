/* SPDX-License-Identifier: MIT */
/* The socket calls of the simulated network. */
#include "sim/network.h"
#include <string.h>

/** True while a connect of this socket has no answer yet. */
static bool socket_is_connecting(const struct eddy__sim_socket *socket)
{
    const struct eddy__sim_end *end = socket->end;

    return end != NULL && end == &end->connection->ends[0] && !end->connection->answered;
}

void eddy__sim_update(struct eddy__sim_socket *socket)
{
    unsigned events;

    if (socket == NULL)
        return;
    if (socket->type == EDDY_DGRAM)
        events = eddy__sim_datagram_events(socket);
    else if (socket->listening)
        events = socket->pending_count > 0 ? EDDY__READABLE : 0;
    else if (socket->end == NULL)
        events = EDDY__READABLE | EDDY__WRITABLE;
    else if (socket_is_connecting(socket))
        events = 0;
    else
        events = eddy__sim_end_events(socket->end);
    socket->events = events & socket->interest;
    if (socket->events == 0)
        eddy__list_remove(&socket->ready);
    else if (!eddy__list_is_linked(&socket->ready))
        eddy__list_append(&socket->sim->ready, &socket->ready);
}

static struct eddy__sim_socket *socket_make(struct eddy_sim *sim, int family, int type,
                                            int protocol)
{
    struct eddy__sim_socket *socket = eddy__alloc_zeroed(sizeof *socket);
    size_t send = sim->options.send_buffer;
    size_t receive = sim->options.receive_buffer;

    if (socket == NULL)
        return NULL;
    socket->sim = sim;
    socket->family = family;
    socket->type = type;
    socket->protocol = protocol;
    socket->options[EDDY__SEND_BUFFER] = (int)(send == 0 ? EDDY__SIM_BUFFER_SIZE : send);
    socket->options[EDDY__RECEIVE_BUFFER] = (int)(receive == 0 ? EDDY__SIM_BUFFER_SIZE : receive);
    socket->options[EDDY__HOP_LIMIT] = 64;
    socket->options[EDDY__MULTICAST_HOP_LIMIT] = socket->options[EDDY__MULTICAST_LOOPBACK] = 1;
    eddy__list_init(&socket->pending);
    eddy__sim_datagram_socket_init(socket);
    eddy__list_append(&sim->sockets, &socket->node);
    return socket;
}

/** Nobody will accept what waits at a listener. */
static void socket_drop_pending(struct eddy__sim_socket *socket)
{
    struct eddy__list *node;

    while ((node = eddy__list_shift(&socket->pending)) != NULL) {
        struct eddy__sim_end *end =
            &EDDY__OWNER(node, struct eddy__sim_connection, pending)->ends[1];

        eddy__sim_end_send_rst(end);
        eddy__sim_end_close(end);
    }
    socket->pending_count = 0;
}

void eddy__sim_socket_free(struct eddy__sim_socket *socket)
{
    struct eddy__sim_end *end = socket->end;

    eddy__list_remove(&socket->node);
    eddy__list_remove(&socket->bound);
    eddy__list_remove(&socket->ready);
    socket->interest = 0;
    if (end != NULL)
        eddy__sim_end_close(end);
    socket_drop_pending(socket);
    eddy__sim_datagram_socket_fini(socket);
    eddy__free(socket);
}

static void socket_unref(struct eddy__sim_socket *socket)
{
    if (--socket->references == 0)
        eddy__sim_socket_free(socket);
}

static void sim_close(eddy_socket number)
{
    struct eddy__sim_socket *socket = eddy__sim_number_free(number);

    if (socket == NULL)
        return;
    if (socket->watcher != NULL && socket->watcher->channel.socket == number) {
        socket->watcher = NULL;
        socket->interest = 0;
        eddy__sim_update(socket);
    }
    socket_unref(socket);
}

/** Make a number for a socket that has none; without it the socket goes again. */
static int socket_publish(struct eddy__sim_socket *socket, eddy_socket *number)
{
    int error = eddy__sim_number_new(socket, number);

    if (error)
        eddy__sim_socket_free(socket);
    return error;
}

static int socket_check_kind(int family, int type, int *protocol)
{
    int usual = type == EDDY_STREAM ? EDDY_TCP : EDDY_UDP;

    if (family != EDDY_INET && family != EDDY_INET6 && family != EDDY_UNIX)
        return eddy_error(EDDY_EAFNOSUPPORT, "the simulated network has no such family");
    if (family == EDDY_UNIX && type == EDDY_STREAM)
        return *protocol == EDDY_ANY_PROTOCOL ? 0 : EDDY_EPROTONOSUPPORT;
    if (family == EDDY_UNIX)
        return eddy_error(EDDY_ESOCKTNOSUPPORT, "simulated Unix sockets are streams");
    if (type != EDDY_STREAM && type != EDDY_DGRAM)
        return eddy_error(EDDY_ESOCKTNOSUPPORT, "no such socket type in the simulated network");
    if (*protocol == EDDY_ANY_PROTOCOL)
        *protocol = usual;
    return *protocol == usual ? 0 : EDDY_EPROTONOSUPPORT;
}

static int sim_open(struct eddy_loop *loop, int family, int type, int protocol, eddy_socket *number)
{
    struct eddy__sim_socket *socket;
    int error;

    if (loop->sim == NULL || !loop->sim->is_open)
        return EDDY_EBADSTATE;
    error = socket_check_kind(family, type, &protocol);
    if (error)
        return error;
    socket = socket_make(loop->sim, family, type, protocol);
    return socket == NULL ? EDDY_ENOMEM : socket_publish(socket, number);
}

static int sim_pair(struct eddy_loop *loop, int type, eddy_socket numbers[2])
{
    struct eddy__sim_socket *first;
    eddy_socket made[2];
    int error;

    error = sim_open(loop, EDDY_INET, type, EDDY_ANY_PROTOCOL, &made[0]);
    if (error)
        return error;
    error = sim_open(loop, EDDY_INET, type, EDDY_ANY_PROTOCOL, &made[1]);
    if (error)
        goto close_first;
    first = eddy__sim_lookup(made[0]);
    error = type == EDDY_DGRAM ? eddy__sim_datagram_pair(first, eddy__sim_lookup(made[1]))
                               : eddy__sim_connect_pair(first, eddy__sim_lookup(made[1]));
    if (error)
        goto close_second;
    numbers[0] = made[0];
    numbers[1] = made[1];
    return 0;

close_second:
    sim_close(made[1]);
close_first:
    sim_close(made[0]);
    return error;
}

static int sim_set_nonblocking(eddy_socket number)
{
    return eddy__sim_lookup(number) == NULL ? EDDY_EBADF : 0;
}

static int sim_is_nonblocking(eddy_socket number)
{
    return eddy__sim_lookup(number) == NULL ? EDDY_EBADF : 1;
}

static int sim_check_watchable(eddy_socket number)
{
    return eddy__sim_lookup(number) == NULL ? EDDY_EBADF : 0;
}

static int sim_identify(eddy_socket number, int *family, int *type, int *protocol)
{
    const struct eddy__sim_socket *socket = eddy__sim_lookup(number);

    if (socket == NULL)
        return EDDY_EBADF;
    *type = socket->type;
    if (family == NULL)
        return 0;
    *family = socket->family;
    *protocol = socket->protocol;
    return 0;
}

static int sim_is_listening(eddy_socket number)
{
    const struct eddy__sim_socket *socket = eddy__sim_lookup(number);

    return socket == NULL ? EDDY_EBADF : socket->listening;
}

static int sim_duplicate(eddy_socket number, eddy_socket *copy)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);

    return socket == NULL ? EDDY_EBADF : eddy__sim_number_new(socket, copy);
}

static int sim_bind(eddy_socket number, const eddy_address *address)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    eddy_address local = *address;
    int port;
    int error;

    if (socket == NULL)
        return EDDY_EBADF;
    if (socket->has_local || socket->end != NULL)
        return EDDY_EINVAL;
    if ((int)eddy_address_family(address) != socket->family)
        return EDDY_EAFNOSUPPORT;
    if (socket->family == EDDY_UNIX)
        return eddy__sim_bind_name(socket, address);
    if (!eddy__sim_has_address(socket->sim, address))
        return EDDY_EADDRNOTAVAIL;
    if (eddy_address_port(address) == 0) {
        error = eddy__sim_free_port(socket->sim, &port);
        if (error)
            return error;
        eddy__sim_set_port(&local, port);
    } else if (eddy__sim_conflicts(socket, address, false)) {
        return EDDY_EADDRINUSE;
    }
    socket->local = local;
    socket->has_local = true;
    eddy__list_append(&socket->sim->bound, &socket->bound);
    return 0;
}

static int sim_listen(eddy_socket number, int backlog)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    eddy_address any;
    int error;

    if (socket == NULL)
        return EDDY_EBADF;
    if (socket->type != EDDY_STREAM)
        return EDDY_EOPNOTSUPP;
    if (socket->end != NULL)
        return EDDY_EINVAL;
    if (!socket->has_local) {
        if (socket->family == EDDY_UNIX)
            return EDDY_EINVAL;
        eddy_address_parse(socket->family == EDDY_INET ? "0.0.0.0" : "::", 0, &any);
        error = sim_bind(number, &any);
        if (error)
            return error;
    }
    if (eddy__sim_conflicts(socket, &socket->local, true))
        return EDDY_EADDRINUSE;
    socket->listening = true;
    socket->backlog = backlog < 0 ? 0 : (size_t)backlog;
    eddy__sim_update(socket);
    return 0;
}

static int sim_connect(eddy_socket number, const eddy_address *address)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);

    if (socket == NULL)
        return EDDY_EBADF;
    if ((int)eddy_address_family(address) != socket->family)
        return EDDY_EAFNOSUPPORT;
    if (socket->type == EDDY_DGRAM)
        return eddy__sim_datagram_connect(socket, address);
    if (socket->listening)
        return EDDY_EISCONN;
    if (socket->end != NULL)
        return socket_is_connecting(socket) ? EDDY_EALREADY : EDDY_EISCONN;
    return eddy__sim_connect(socket, address);
}

/** Report the error of a socket without a connection once; 0 if there is none. */
static int socket_take_error(struct eddy__sim_socket *socket)
{
    int error = socket->error;

    socket->error = 0;
    return error;
}

static int sim_connect_result(eddy_socket number)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);

    if (socket == NULL)
        return EDDY_EBADF;
    if (socket->end == NULL)
        return socket_take_error(socket);
    return socket_is_connecting(socket) ? EDDY_EINPROGRESS : 0;
}

static int sim_accept(eddy_socket number, eddy_socket *accepted, eddy_address *peer)
{
    struct eddy__sim_socket *listener = eddy__sim_lookup(number);
    struct eddy__sim_connection *connection;
    struct eddy__sim_socket *socket;
    int error;

    if (listener == NULL)
        return EDDY_EBADF;
    if (!listener->listening)
        return EDDY_EINVAL;
    if (listener->pending_count == 0)
        return EDDY_EAGAIN;
    if (eddy__random_chance(&listener->sim->random, listener->sim->options.accept_failure))
        return EDDY_EMFILE;
    connection = EDDY__OWNER(listener->pending.next, struct eddy__sim_connection, pending);
    socket = socket_make(listener->sim, listener->family, listener->type, listener->protocol);
    if (socket == NULL)
        return EDDY_ENOMEM;
    error = socket_publish(socket, accepted);
    if (error)
        return error;
    memcpy(socket->options, listener->options, sizeof socket->options);
    eddy__list_remove(&connection->pending);
    listener->pending_count--;
    connection->ends[1].socket = socket;
    socket->end = &connection->ends[1];
    *peer = connection->ends[0].address;
    if (listener->family == EDDY_INET6)
        eddy__sim_map(peer);
    eddy__sim_update(listener);
    return 0;
}

/** What a call for bytes returns on a socket that is not connected; 0 if it is. */
static int socket_check_connected(struct eddy__sim_socket *socket)
{
    int error;

    if (socket == NULL)
        return EDDY_EBADF;
    if (socket->end != NULL)
        return socket_is_connecting(socket) ? EDDY_EAGAIN : 0;
    error = socket_take_error(socket);
    return error ? error : EDDY_ENOTCONN;
}

static int64_t sim_receive(eddy_socket number, void *buffer, size_t size)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    int error;

    if (socket != NULL && socket->type == EDDY_DGRAM)
        return eddy__sim_receive_from(socket, buffer, size, NULL);
    error = socket_check_connected(socket);
    return error ? error : eddy__sim_end_receive(socket->end, buffer, size);
}

static int64_t sim_send(eddy_socket number, const struct eddy__span *spans, size_t count)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    int error;

    if (socket != NULL && socket->type == EDDY_DGRAM) /* nobody gathers datagrams */
        return eddy__sim_send_to(socket, spans[0].data, spans[0].size, NULL);
    error = socket_check_connected(socket);
    return error ? error : eddy__sim_end_send(socket->end, spans, count);
}

static int sim_shutdown_send(eddy_socket number)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);

    if (socket == NULL)
        return EDDY_EBADF;
    if (socket->end == NULL || socket_is_connecting(socket) || socket->end->broken)
        return EDDY_ENOTCONN;
    eddy__sim_end_shutdown(socket->end);
    return 0;
}

static int sim_shutdown_both(eddy_socket number)
{
    int error = sim_shutdown_send(number);
    struct eddy__sim_socket *socket;

    if (error)
        return error;
    socket = eddy__sim_lookup(number);
    socket->end->receive_closed = true;
    eddy__sim_update(socket);
    return 0;
}

/** An address as a socket of this family shows it. */
static void socket_show(const struct eddy__sim_socket *socket, const eddy_address *from,
                        eddy_address *address)
{
    *address = *from;
    if (socket->family == EDDY_INET6)
        eddy__sim_map(address);
}

static int sim_local_address(eddy_socket number, eddy_address *address)
{
    const struct eddy__sim_socket *socket = eddy__sim_lookup(number);

    if (socket == NULL)
        return EDDY_EBADF;
    if (socket->end != NULL)
        socket_show(socket, &socket->end->address, address);
    else if (socket->has_local)
        socket_show(socket, &socket->local, address);
    else if (socket->family == EDDY_UNIX)
        return eddy__sim_no_name(address);
    else
        eddy_address_parse(socket->family == EDDY_INET ? "0.0.0.0" : "::", 0, address);
    return 0;
}

static int sim_peer_address(eddy_socket number, eddy_address *address)
{
    const struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    const struct eddy__sim_end *ends;

    if (socket == NULL)
        return EDDY_EBADF;
    if (socket->has_peer) {
        socket_show(socket, &socket->peer, address);
        return 0;
    }
    if (socket->end == NULL || socket_is_connecting(socket))
        return EDDY_ENOTCONN;
    ends = socket->end->connection->ends;
    socket_show(socket, &ends[socket->end == &ends[0]].address, address);
    return 0;
}

/** 0 if sockets of this kind have the option. */
static int socket_check_option(const struct eddy__sim_socket *socket,
                               enum eddy__socket_option option)
{
    if (socket == NULL)
        return EDDY_EBADF;
    if (option < EDDY__REUSE_ADDRESS || option >= EDDY__SOCKET_OPTIONS)
        return EDDY_ENOPROTOOPT;
    if (option == EDDY__IPV6_ONLY && socket->family != EDDY_INET6)
        return EDDY_ENOPROTOOPT;
    if (option == EDDY__NO_DELAY && (socket->type != EDDY_STREAM || socket->family == EDDY_UNIX))
        return EDDY_ENOPROTOOPT;
    return 0;
}

/** A connection's buffer also decides what either end is ready for. */
static void socket_set_buffer(struct eddy__sim_socket *socket, enum eddy__socket_option option,
                              int value)
{
    struct eddy__sim_end *end = socket->end;
    struct eddy__sim_end *ends;

    if (end == NULL)
        return;
    ends = end->connection->ends;
    if (option == EDDY__SEND_BUFFER)
        end->send_buffer = (size_t)value;
    else
        end->receive_buffer = (size_t)value;
    eddy__sim_update(ends[end == &ends[0]].socket);
}

static int sim_set_option(eddy_socket number, enum eddy__socket_option option, int value)
{
    struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    int error = socket_check_option(socket, option);

    if (error)
        return error;
    if (option == EDDY__RECEIVE_BUFFER || option == EDDY__SEND_BUFFER) {
        if (value < 1)
            return EDDY_EINVAL;
        socket_set_buffer(socket, option, value);
    } else if (option < EDDY__HOP_LIMIT || option == EDDY__MULTICAST_LOOPBACK) {
        value = value != 0;
    }
    socket->options[option] = value;
    eddy__sim_update(socket);
    return 0;
}

static int sim_get_option(eddy_socket number, enum eddy__socket_option option, int *value)
{
    const struct eddy__sim_socket *socket = eddy__sim_lookup(number);
    int error = socket_check_option(socket, option);

    if (error == 0)
        *value = socket->options[option];
    return error;
}

const struct eddy__socket_ops eddy__sim_sockets = {
    .local_address_lasts = true,
    .open = sim_open,
    .pair = sim_pair,
    .close = sim_close,
    .set_nonblocking = sim_set_nonblocking,
    .is_nonblocking = sim_is_nonblocking,
    .check_watchable = sim_check_watchable,
    .identify = sim_identify,
    .is_listening = sim_is_listening,
    .duplicate = sim_duplicate,
    .bind = sim_bind,
    .listen = sim_listen,
    .connect = sim_connect,
    .connect_result = sim_connect_result,
    .accept = sim_accept,
    .receive = sim_receive,
    .send = sim_send,
    .datagrams_max = 1,
    .receive_datagrams = eddy__sim_receive_datagrams,
    .send_datagrams = eddy__sim_send_datagrams,
    .shutdown_send = sim_shutdown_send,
    .shutdown_both = sim_shutdown_both,
    .local_address = sim_local_address,
    .peer_address = sim_peer_address,
    .set_option = sim_set_option,
    .get_option = sim_get_option,
    .set_membership = eddy__sim_set_membership,
};

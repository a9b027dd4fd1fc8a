/* SPDX-License-Identifier: MIT */
/*
 * From connect to the last close. One event carries the request to the listener and then the
 * answer back. A request that meets a full queue is repeated, as TCP does it.
 */
#include "sim/network.h"

enum { ATTEMPTS_MAX = 6 };

void eddy__sim_connection_free(struct eddy__sim_connection *connection)
{
    eddy__sim_event_stop(&connection->step);
    eddy__list_remove(&connection->node);
    eddy__list_remove(&connection->pending);
    eddy__sim_end_fini(&connection->ends[0]);
    eddy__sim_end_fini(&connection->ends[1]);
    eddy__free(connection);
}

static void connection_set_buffers(struct eddy__sim_end *end, const struct eddy__sim_socket *socket)
{
    end->send_buffer = (size_t)socket->options[EDDY__SEND_BUFFER];
    end->receive_buffer = (size_t)socket->options[EDDY__RECEIVE_BUFFER];
}

/** A connection that nobody has heard of yet, with end 0 at `socket`. */
static struct eddy__sim_connection *connection_new(struct eddy__sim_socket *socket)
{
    struct eddy__sim_connection *connection = eddy__alloc_zeroed(sizeof *connection);

    if (connection == NULL)
        return NULL;
    connection->sim = socket->sim;
    eddy__sim_end_init(&connection->ends[0], connection);
    eddy__sim_end_init(&connection->ends[1], connection);
    connection->ends[0].socket = socket;
    connection_set_buffers(&connection->ends[0], socket);
    eddy__list_append(&socket->sim->connections, &connection->node);
    return connection;
}

/** The answer arrives at the connecting end. May free the connection. */
static void connection_on_answer(struct eddy__sim_event *event)
{
    struct eddy__sim_connection *connection = EDDY__OWNER(event, struct eddy__sim_connection, step);
    struct eddy__sim_socket *socket = connection->ends[0].socket;

    connection->answered = true;
    if (connection->outcome) {
        socket->error = connection->outcome;
        socket->end = NULL;
        eddy__sim_connection_free(connection);
    }
    eddy__sim_update(socket);
}

static void connection_answer(struct eddy__sim_connection *connection, int outcome)
{
    struct eddy_sim *sim = connection->sim;
    eddy_time when = eddy__time_add(sim->now, eddy__sim_delay(sim));

    connection->outcome = outcome;
    connection->step.run = connection_on_answer;
    connection->ends[0].last_arrival = when;
    eddy__sim_happen(sim, &connection->step, when);
}

/** The request meets a full queue. */
static void connection_repeat(struct eddy__sim_connection *connection)
{
    struct eddy_sim *sim = connection->sim;

    if (++connection->attempts == ATTEMPTS_MAX)
        connection_answer(connection, EDDY_ECONNTIMEDOUT);
    else
        eddy__sim_event_start(&sim->events, &connection->step,
                              eddy__time_add(sim->now, EDDY_SECONDS(1)));
}

static void connection_establish(struct eddy__sim_connection *connection,
                                 struct eddy__sim_socket *listener)
{
    connection->established = true;
    connection_set_buffers(&connection->ends[1], listener);
    eddy__list_append(&listener->pending, &connection->pending);
    listener->pending_count++;
    eddy__sim_update(listener);
    connection_answer(connection, 0);
}

/** The request arrives where it was sent to. May free the connection. */
static void connection_on_request(struct eddy__sim_event *event)
{
    struct eddy__sim_connection *connection = EDDY__OWNER(event, struct eddy__sim_connection, step);
    struct eddy_sim *sim = connection->sim;
    const eddy_address *address = &connection->ends[1].address;
    struct eddy__sim_socket *listener = eddy__sim_find_listener(sim, address);

    if (!eddy__sim_has_address(sim, address))
        connection_answer(connection, EDDY_EHOSTUNREACH);
    else if (listener == NULL)
        connection_answer(connection, eddy__sim_refusal(sim, address));
    else if (eddy__random_chance(&sim->random, sim->options.refuse))
        connection_answer(connection, EDDY_ECONNREFUSED);
    else if (listener->pending_count > listener->backlog)
        connection_repeat(connection);
    else
        connection_establish(connection, listener);
}

/** Where a connect to `address` really goes. */
static void connection_target(const eddy_address *address, eddy_address *target)
{
    *target = *address;
    eddy__sim_unmap(target);
    if (!eddy__sim_is_wildcard(target))
        return;
    eddy_address_parse(eddy_address_family(target) == EDDY_INET ? "127.0.0.1" : "::1",
                       eddy_address_port(address), target);
}

/** The address that the peer will see; a free port if the socket has none yet. */
static int connection_source(struct eddy__sim_socket *socket, const eddy_address *target,
                             eddy_address *source)
{
    int port;
    int error;

    if (socket->family == EDDY_UNIX) {
        *source = socket->local;
        return socket->has_local ? 0 : eddy__sim_no_name(source);
    }
    if (socket->has_local) {
        port = eddy_address_port(&socket->local);
        *source = eddy__sim_is_wildcard(&socket->local) ? *target : socket->local;
    } else {
        *source = *target;
        error = eddy__sim_free_port(socket->sim, &port);
        if (error)
            return error;
    }
    eddy__sim_unmap(source);
    eddy__sim_set_port(source, port);
    return 0;
}

int eddy__sim_connect(struct eddy__sim_socket *socket, const eddy_address *address)
{
    struct eddy_sim *sim = socket->sim;
    struct eddy__sim_connection *connection;
    eddy_address target;
    eddy_address source;
    int error;

    connection_target(address, &target);
    error = connection_source(socket, &target, &source);
    if (error)
        return error;
    connection = connection_new(socket);
    if (connection == NULL)
        return EDDY_ENOMEM;
    connection->step.run = connection_on_request;
    connection->ends[0].address = source;
    connection->ends[1].address = target;
    socket->end = &connection->ends[0];
    socket->error = 0;
    eddy__sim_update(socket);
    eddy__sim_happen(sim, &connection->step, eddy__time_add(sim->now, eddy__sim_delay(sim)));
    return EDDY_EINPROGRESS;
}

int eddy__sim_connect_pair(struct eddy__sim_socket *a, struct eddy__sim_socket *b)
{
    struct eddy__sim_connection *connection;
    int ports[2];
    int error = eddy__sim_free_port(a->sim, &ports[0]);

    if (error == 0)
        error = eddy__sim_free_port(a->sim, &ports[1]);
    if (error)
        return error;
    connection = connection_new(a);
    if (connection == NULL)
        return EDDY_ENOMEM;
    connection->established = connection->answered = true;
    connection->ends[1].socket = b;
    connection_set_buffers(&connection->ends[1], b);
    for (int i = 0; i < 2; i++)
        eddy_address_parse("127.0.0.1", ports[i], &connection->ends[i].address);
    a->end = &connection->ends[0];
    b->end = &connection->ends[1];
    return 0;
}

void eddy__sim_end_close(struct eddy__sim_end *end)
{
    struct eddy__sim_connection *connection = end->connection;
    struct eddy__sim_end *peer = &connection->ends[end == &connection->ends[0]];

    if (!connection->established) {
        eddy__sim_connection_free(connection);
        return;
    }
    if (end == &connection->ends[0])
        eddy__sim_event_stop(&connection->step);
    end->socket = NULL;
    end->closed = true;
    if (end->arrived_bytes > 0)
        eddy__sim_end_send_rst(end);
    else
        eddy__sim_end_shutdown(end);
    if (peer->closed)
        eddy__sim_connection_free(connection);
}

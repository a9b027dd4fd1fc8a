/* SPDX-License-Identifier: MIT */
/*
 * Datagrams of the simulated network. Each one flies by itself, so jitter lets them overtake each
 * other. Until it arrives it takes room in its sender's buffer, afterwards in its receiver's; a
 * full receiver loses it, as everywhere. Where nobody is, a refusal flies back, which a connected
 * sender hears of once.
 */
#include "sim/network.h"
#include <string.h>

/**
 * What fits into UDP over IPv4; and what a datagram takes of a buffer beside its bytes, so that no
 * buffer holds any number of empty ones.
 */
enum { PAYLOAD_MAX = 65507, HEADER_SIZE = 8 };

/** A datagram, and then maybe the refusal of it. */
struct datagram {
    struct eddy__list node; /* sim->datagrams while it flies, then its receiver's `arrived` */
    struct eddy__sim_event event;
    struct eddy_sim *sim;
    struct eddy__sim_socket *sender; /* whose buffer it is in; NULL: closed */
    eddy_address from;
    eddy_address to;
    size_t size;
    unsigned char bytes[];
};

/** A group that a socket has joined. */
struct group {
    struct eddy__list node;
    eddy_address address;
};

static struct datagram *datagram_of(struct eddy__list *node)
{
    return EDDY__OWNER(node, struct datagram, node);
}

/** The room that it takes in a buffer. */
static size_t datagram_room(const struct datagram *datagram)
{
    return datagram->size + HEADER_SIZE;
}

static void datagram_free(struct datagram *datagram)
{
    eddy__sim_event_stop(&datagram->event);
    eddy__list_remove(&datagram->node);
    eddy__free(datagram);
}

void eddy__sim_datagrams_fini(struct eddy_sim *sim)
{
    while (!eddy__list_is_empty(&sim->datagrams))
        datagram_free(datagram_of(sim->datagrams.next));
}

void eddy__sim_datagram_socket_init(struct eddy__sim_socket *socket)
{
    eddy__list_init(&socket->arrived);
    eddy__list_init(&socket->groups);
}

void eddy__sim_datagram_socket_fini(struct eddy__sim_socket *socket)
{
    const struct eddy__list *flying = &socket->sim->datagrams;
    struct eddy__list *node;

    while (!eddy__list_is_empty(&socket->arrived))
        datagram_free(datagram_of(socket->arrived.next));
    while ((node = eddy__list_shift(&socket->groups)) != NULL)
        eddy__free(EDDY__OWNER(node, struct group, node));
    for (node = flying->next; node != flying; node = node->next)
        if (datagram_of(node)->sender == socket)
            datagram_of(node)->sender = NULL;
}

/**
 * True if the sender's buffer takes another datagram, of any size, as systems have it: what said
 * "writable" must not refuse the datagram then, or who waits for readiness would turn in circles
 * while the clock stands.
 */
static bool datagram_can_send(const struct eddy__sim_socket *socket)
{
    return socket->flying_bytes < (size_t)socket->options[EDDY__SEND_BUFFER];
}

unsigned eddy__sim_datagram_events(const struct eddy__sim_socket *socket)
{
    unsigned events = 0;

    if (!eddy__list_is_empty(&socket->arrived) || socket->error)
        events |= EDDY__READABLE;
    if (datagram_can_send(socket) || socket->error)
        events |= EDDY__WRITABLE;
    return events;
}

/** It leaves its sender's buffer. */
static void datagram_leave(struct datagram *datagram)
{
    struct eddy__sim_socket *sender = datagram->sender;

    datagram->sender = NULL;
    if (sender == NULL)
        return;
    sender->flying_bytes -= datagram_room(datagram);
    eddy__sim_update(sender);
}

/** The refusal arrives at the socket that is connected to where nobody was, if it still is. */
static void datagram_on_refusal(struct eddy__sim_event *event)
{
    struct datagram *datagram = EDDY__OWNER(event, struct datagram, event);
    const struct eddy__list *bound = &datagram->sim->bound;

    for (const struct eddy__list *node = bound->next; node != bound; node = node->next) {
        struct eddy__sim_socket *socket = EDDY__OWNER(node, struct eddy__sim_socket, bound);

        if (socket->type != EDDY_DGRAM || !socket->has_peer ||
            !eddy_address_equal(&socket->peer, &datagram->to) ||
            !eddy_address_equal(&socket->local, &datagram->from))
            continue;
        socket->error = EDDY_ECONNREFUSED;
        eddy__sim_update(socket);
        break;
    }
    datagram_free(datagram);
}

/** True if `address` begins with one of the numbers of multicast groups. */
static bool datagram_is_group(const eddy_address *address)
{
    char host[EDDY_ADDRESS_TEXT_MAX];

    eddy_address_host(address, host, sizeof host);
    if (eddy_address_family(address) == EDDY_INET6)
        return strncmp(host, "ff", 2) == 0;
    return host[0] == '2' && (host[1] == '2' || host[1] == '3') && host[2] >= '0' &&
           host[2] <= '9' && host[3] == '.' && (host[1] == '3' || host[2] >= '4');
}

static bool datagram_is_broadcast(const eddy_address *address)
{
    char host[EDDY_ADDRESS_TEXT_MAX];

    eddy_address_host(address, host, sizeof host);
    return strcmp(host, "255.255.255.255") == 0;
}

static struct group *datagram_find_group(const struct eddy__sim_socket *socket,
                                         const eddy_address *address)
{
    for (struct eddy__list *node = socket->groups.next; node != &socket->groups;
         node = node->next) {
        struct group *group = EDDY__OWNER(node, struct group, node);

        if (eddy__sim_same_host(&group->address, address))
            return group;
    }
    return NULL;
}

/** True if `socket` takes what comes from there: from anybody, or from whom it is connected to. */
static bool datagram_is_welcome(const struct eddy__sim_socket *socket,
                                const struct datagram *datagram)
{
    return socket->type == EDDY_DGRAM &&
           (!socket->has_peer || eddy_address_equal(&socket->peer, &datagram->from));
}

/** `socket` has it now, or has no room for it. */
static void datagram_arrive_at(struct eddy__sim_socket *socket, struct datagram *datagram)
{
    size_t room = (size_t)socket->options[EDDY__RECEIVE_BUFFER];

    if (socket->arrived_bytes > 0 && socket->arrived_bytes + datagram_room(datagram) > room) {
        datagram_free(datagram);
        return;
    }
    eddy__list_remove(&datagram->node);
    eddy__list_append(&socket->arrived, &datagram->node);
    socket->arrived_bytes += datagram_room(datagram);
    eddy__sim_update(socket);
}

static struct datagram *datagram_new(struct eddy_sim *sim, const void *data, size_t size)
{
    struct datagram *datagram = eddy__alloc_zeroed(sizeof *datagram + size);

    if (datagram == NULL)
        return NULL;
    datagram->sim = sim;
    datagram->size = size;
    if (size > 0)
        memcpy(datagram->bytes, data, size);
    eddy__list_append(&sim->datagrams, &datagram->node);
    return datagram;
}

/** A copy for each socket at that port that hears of it; without memory it is lost on the way. */
static void datagram_spread(struct datagram *datagram, bool is_group)
{
    const struct eddy__list *bound = &datagram->sim->bound;
    int port = eddy_address_port(&datagram->to);

    for (const struct eddy__list *node = bound->next; node != bound; node = node->next) {
        struct eddy__sim_socket *socket = EDDY__OWNER(node, struct eddy__sim_socket, bound);
        struct datagram *copy;

        if (!datagram_is_welcome(socket, datagram) || eddy_address_port(&socket->local) != port)
            continue;
        if (is_group ? datagram_find_group(socket, &datagram->to) == NULL
                     : !eddy__sim_is_wildcard(&socket->local))
            continue;
        copy = datagram_new(datagram->sim, datagram->bytes, datagram->size);
        if (copy == NULL)
            continue;
        copy->from = datagram->from;
        copy->to = datagram->to;
        datagram_arrive_at(socket, copy);
    }
    datagram_free(datagram);
}

/** Whoever is bound to where it goes: the closest fit, a connected socket first. */
static struct eddy__sim_socket *datagram_receiver(const struct datagram *datagram)
{
    const struct eddy__list *bound = &datagram->sim->bound;
    struct eddy__sim_socket *best = NULL;
    int best_fit = 0;

    for (const struct eddy__list *node = bound->next; node != bound; node = node->next) {
        struct eddy__sim_socket *socket = EDDY__OWNER(node, struct eddy__sim_socket, bound);
        int fit;

        if (!datagram_is_welcome(socket, datagram))
            continue;
        fit = 2 * eddy__sim_fit(socket, &datagram->to);
        fit += fit > 0 && socket->has_peer;
        if (fit > best_fit) {
            best = socket;
            best_fit = fit;
        }
    }
    return best;
}

static void datagram_on_arrival(struct eddy__sim_event *event)
{
    struct datagram *datagram = EDDY__OWNER(event, struct datagram, event);
    struct eddy_sim *sim = datagram->sim;
    struct eddy__sim_socket *receiver;

    datagram_leave(datagram);
    if (datagram_is_group(&datagram->to) || datagram_is_broadcast(&datagram->to)) {
        datagram_spread(datagram, datagram_is_group(&datagram->to));
        return;
    }
    receiver = datagram_receiver(datagram);
    if (receiver != NULL) {
        datagram_arrive_at(receiver, datagram);
        return;
    }
    datagram->event.run = datagram_on_refusal;
    eddy__sim_happen(sim, &datagram->event, eddy__time_add(sim->now, eddy__sim_delay(sim)));
}

/** Where what goes to `address` really goes. */
static void datagram_target(const eddy_address *address, eddy_address *target)
{
    *target = *address;
    eddy__sim_unmap(target);
    if (eddy__sim_is_wildcard(target))
        eddy_address_parse(eddy_address_family(target) == EDDY_INET ? "127.0.0.1" : "::1",
                           eddy_address_port(address), target);
}

/** Give a socket that was never bound a port of its own. */
static int datagram_bind(struct eddy__sim_socket *socket)
{
    int port;
    int error;

    if (socket->has_local)
        return 0;
    error = eddy__sim_free_port(socket->sim, &port);
    if (error)
        return error;
    eddy_address_parse(socket->family == EDDY_INET ? "0.0.0.0" : "::", port, &socket->local);
    socket->has_local = true;
    eddy__list_append(&socket->sim->bound, &socket->bound);
    return 0;
}

/** The address that receivers see. Who is bound to no host is at the one it sends to. */
static void datagram_source(const struct eddy__sim_socket *socket, const eddy_address *target,
                            eddy_address *source)
{
    bool spreads = datagram_is_group(target) || datagram_is_broadcast(target);

    *source = socket->local;
    eddy__sim_unmap(source);
    if (!eddy__sim_is_wildcard(source))
        return;
    if (spreads)
        eddy_address_parse(eddy_address_family(target) == EDDY_INET ? "127.0.0.1" : "::1", 0,
                           source);
    else
        *source = *target;
    eddy__sim_set_port(source, eddy_address_port(&socket->local));
}

/** Sending to `target` is possible at all. */
static int datagram_check_target(const struct eddy__sim_socket *socket, const eddy_address *target)
{
    bool is_broadcast = datagram_is_broadcast(target);

    if (eddy_address_port(target) == 0)
        return EDDY_EINVAL;
    if (is_broadcast && !socket->options[EDDY__BROADCAST])
        return EDDY_EACCES;
    if (is_broadcast || datagram_is_group(target) || eddy__sim_has_address(socket->sim, target))
        return 0;
    return EDDY_EHOSTUNREACH;
}

int eddy__sim_datagram_connect(struct eddy__sim_socket *socket, const eddy_address *address)
{
    eddy_address target;
    eddy_address source;
    int error;

    datagram_target(address, &target);
    error = datagram_check_target(socket, &target);
    if (error == 0)
        error = datagram_bind(socket);
    if (error)
        return error;
    datagram_source(socket, &target, &source);
    socket->local = source;
    socket->peer = target;
    socket->has_peer = true;
    return 0;
}

int eddy__sim_datagram_pair(struct eddy__sim_socket *a, struct eddy__sim_socket *b)
{
    eddy_address address;
    int error = datagram_bind(a);

    if (error == 0)
        error = datagram_bind(b);
    if (error)
        return error;
    eddy_address_parse("127.0.0.1", eddy_address_port(&b->local), &address);
    error = eddy__sim_datagram_connect(a, &address);
    return error ? error : eddy__sim_datagram_connect(b, &a->local);
}

static int datagram_take_error(struct eddy__sim_socket *socket)
{
    int error = socket->error;

    socket->error = 0;
    if (error)
        eddy__sim_update(socket);
    return error;
}

int64_t eddy__sim_datagram_receive(struct eddy__sim_socket *socket, struct eddy__incoming *incoming)
{
    int error = datagram_take_error(socket);
    struct datagram *datagram;

    if (error)
        return error;
    if (eddy__list_is_empty(&socket->arrived))
        return EDDY_EAGAIN;
    datagram = datagram_of(socket->arrived.next);
    incoming->is_truncated = datagram->size > incoming->room;
    incoming->size = incoming->is_truncated ? incoming->room : datagram->size;
    incoming->from = datagram->from;
    if (socket->family == EDDY_INET6)
        eddy__sim_map(&incoming->from);
    if (incoming->size > 0)
        memcpy(incoming->data, datagram->bytes, incoming->size);
    socket->arrived_bytes -= datagram_room(datagram);
    datagram_free(datagram);
    eddy__sim_update(socket);
    return 1;
}

/** Where it goes, once everything that speaks against it was looked at. */
static int datagram_check(struct eddy__sim_socket *socket, const struct eddy__outgoing *outgoing,
                          eddy_address *target)
{
    int error = datagram_take_error(socket);

    if (error)
        return error;
    if (outgoing->to == NULL && !socket->has_peer)
        return EDDY_EDESTADDRREQ;
    if (outgoing->size > PAYLOAD_MAX)
        return EDDY_EMSGSIZE;
    if (outgoing->to != NULL && (int)eddy_address_family(outgoing->to) != socket->family)
        return EDDY_EAFNOSUPPORT;
    if (outgoing->to != NULL)
        datagram_target(outgoing->to, target);
    else
        *target = socket->peer;
    error = datagram_check_target(socket, target);
    if (error)
        return error;
    if (!datagram_can_send(socket))
        return EDDY_EAGAIN;
    return datagram_bind(socket);
}

int64_t eddy__sim_datagram_send(struct eddy__sim_socket *socket,
                                const struct eddy__outgoing *outgoing)
{
    struct eddy_sim *sim = socket->sim;
    struct datagram *datagram;
    eddy_address target;
    int error = datagram_check(socket, outgoing, &target);

    if (error)
        return error;
    datagram = datagram_new(sim, outgoing->data, outgoing->size);
    if (datagram == NULL)
        return EDDY_ENOMEM;
    if (eddy__random_chance(&sim->random, sim->options.loss)) {
        datagram_free(datagram);
        return 1;
    }
    datagram->sender = socket;
    datagram->to = target;
    datagram_source(socket, &target, &datagram->from);
    datagram->event.run = datagram_on_arrival;
    socket->flying_bytes += datagram_room(datagram);
    eddy__sim_update(socket);
    eddy__sim_happen(sim, &datagram->event, eddy__time_add(sim->now, eddy__sim_delay(sim)));
    return 1;
}

static int datagram_join(struct eddy__sim_socket *socket, const eddy_address *address)
{
    struct group *group;

    if (datagram_find_group(socket, address) != NULL)
        return EDDY_EADDRINUSE;
    group = eddy__alloc_zeroed(sizeof *group);
    if (group == NULL)
        return EDDY_ENOMEM;
    group->address = *address;
    eddy__list_append(&socket->groups, &group->node);
    return 0;
}

int eddy__sim_datagram_membership(struct eddy__sim_socket *socket, const eddy_address *address,
                                  bool join)
{
    struct group *group;

    if (!datagram_is_group(address) || (int)eddy_address_family(address) != socket->family)
        return EDDY_EINVAL;
    if (join)
        return datagram_join(socket, address);
    group = datagram_find_group(socket, address);
    if (group == NULL)
        return EDDY_EADDRNOTAVAIL;
    eddy__list_remove(&group->node);
    eddy__free(group);
    return 0;
}

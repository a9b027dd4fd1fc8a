/* SPDX-License-Identifier: MIT */
/* Addresses of the simulated network. It reads them through their texts, so it knows no system. */
#include "sim/network.h"
#include <string.h>

enum { FIRST_FREE_PORT = 49152, LAST_FREE_PORT = 65535 };

static const char mapped_prefix[] = "::ffff:";

bool eddy__sim_is_wildcard(const eddy_address *address)
{
    char host[EDDY_ADDRESS_TEXT_MAX];

    if (eddy_address_family(address) == EDDY_UNIX)
        return false;
    eddy_address_host(address, host, sizeof host);
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

bool eddy__sim_same_host(const eddy_address *a, const eddy_address *b)
{
    char host_a[EDDY_ADDRESS_TEXT_MAX];
    char host_b[EDDY_ADDRESS_TEXT_MAX];

    if (eddy_address_family(a) == EDDY_UNIX)
        return eddy_address_equal(a, b);
    eddy_address_host(a, host_a, sizeof host_a);
    eddy_address_host(b, host_b, sizeof host_b);
    return strcmp(host_a, host_b) == 0;
}

bool eddy__sim_has_address(struct eddy_sim *sim, const eddy_address *address)
{
    char host[EDDY_ADDRESS_TEXT_MAX];
    eddy_address plain = *address;
    const struct eddy__list *node;

    if (eddy_address_family(address) == EDDY_UNIX)
        return true; /* of this machine, in any case */
    eddy__sim_unmap(&plain);
    eddy_address_host(&plain, host, sizeof host);
    if (strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || eddy__sim_is_wildcard(&plain))
        return true;
    for (node = sim->hosts.next; node != &sim->hosts; node = node->next) {
        if (eddy__sim_same_host(&EDDY__OWNER(node, struct eddy__sim_host, node)->address, &plain))
            return true;
    }
    return false;
}

void eddy__sim_set_port(eddy_address *address, int port)
{
    char host[EDDY_ADDRESS_TEXT_MAX];

    eddy_address_host(address, host, sizeof host);
    eddy_address_parse(host, port, address);
}

void eddy__sim_unmap(eddy_address *address)
{
    char host[EDDY_ADDRESS_TEXT_MAX];
    size_t prefix = sizeof mapped_prefix - 1;

    if (eddy_address_family(address) != EDDY_INET6)
        return;
    eddy_address_host(address, host, sizeof host);
    if (strncmp(host, mapped_prefix, prefix) == 0 && strchr(host, '.') != NULL)
        eddy_address_parse(host + prefix, eddy_address_port(address), address);
}

void eddy__sim_map(eddy_address *address)
{
    char host[sizeof mapped_prefix + EDDY_ADDRESS_TEXT_MAX];
    size_t prefix = sizeof mapped_prefix - 1;

    if (eddy_address_family(address) != EDDY_INET)
        return;
    memcpy(host, mapped_prefix, prefix);
    eddy_address_host(address, host + prefix, sizeof host - prefix);
    eddy_address_parse(host, eddy_address_port(address), address);
}

/** True if a socket at `a` would get connects that are for `b`. */
static bool address_covers(const struct eddy__sim_socket *socket, const eddy_address *a,
                           const eddy_address *b)
{
    if (eddy_address_family(a) == eddy_address_family(b))
        return eddy__sim_is_wildcard(a) || eddy__sim_same_host(a, b);
    return eddy_address_family(a) == EDDY_INET6 && !socket->options[EDDY__IPV6_ONLY] &&
           eddy__sim_is_wildcard(a);
}

bool eddy__sim_conflicts(const struct eddy__sim_socket *socket, const eddy_address *address,
                         bool listening)
{
    const struct eddy__list *node = socket->sim->bound.next;

    for (; node != &socket->sim->bound; node = node->next) {
        struct eddy__sim_socket *other = EDDY__OWNER(node, struct eddy__sim_socket, bound);

        if (other == socket || other->type != socket->type ||
            eddy_address_port(&other->local) != eddy_address_port(address))
            continue;
        if (!address_covers(socket, address, &other->local) &&
            !address_covers(other, &other->local, address))
            continue;
        if (socket->options[EDDY__REUSE_PORT] && other->options[EDDY__REUSE_PORT])
            continue;
        if (other->listening)
            return true;
        if (!listening &&
            !(socket->options[EDDY__REUSE_ADDRESS] && other->options[EDDY__REUSE_ADDRESS]))
            return true;
    }
    return false;
}

/** True if some socket was bound to `port` at any address. */
static bool address_port_is_bound(const struct eddy_sim *sim, int port)
{
    const struct eddy__list *node;

    for (node = sim->bound.next; node != &sim->bound; node = node->next) {
        if (eddy_address_port(&EDDY__OWNER(node, struct eddy__sim_socket, bound)->local) == port)
            return true;
    }
    return false;
}

int eddy__sim_free_port(struct eddy_sim *sim, int *port)
{
    for (int i = FIRST_FREE_PORT; i <= LAST_FREE_PORT; i++) {
        int candidate = sim->next_port < FIRST_FREE_PORT ? FIRST_FREE_PORT : sim->next_port;

        sim->next_port = candidate == LAST_FREE_PORT ? FIRST_FREE_PORT : candidate + 1;
        if (!address_port_is_bound(sim, candidate)) {
            *port = candidate;
            return 0;
        }
    }
    return eddy_error(EDDY_EADDRINUSE, "no free port in the simulated network");
}

/** The exact host before any host, any of the same family before any of both. */
int eddy__sim_fit(const struct eddy__sim_socket *socket, const eddy_address *b)
{
    if (eddy_address_port(&socket->local) != eddy_address_port(b) ||
        !address_covers(socket, &socket->local, b))
        return 0;
    if (!eddy__sim_is_wildcard(&socket->local))
        return 3;
    return eddy_address_family(&socket->local) == eddy_address_family(b) ? 2 : 1;
}

struct eddy__sim_socket *eddy__sim_find_listener(struct eddy_sim *sim, const eddy_address *address)
{
    struct eddy__sim_socket *best = NULL;
    int best_fit = 0;
    const struct eddy__list *node;

    for (node = sim->bound.next; node != &sim->bound; node = node->next) {
        struct eddy__sim_socket *socket = EDDY__OWNER(node, struct eddy__sim_socket, bound);
        int fit;

        if (!socket->listening)
            continue;
        fit = eddy__sim_fit(socket, address);
        if (fit > best_fit ||
            (fit > 0 && fit == best_fit && socket->pending_count < best->pending_count)) {
            best = socket;
            best_fit = fit;
        }
    }
    return best;
}

/* SPDX-License-Identifier: MIT */
/* Names of Unix sockets: a name is there as long as a socket that is bound to it. */
#include "sim/network.h"
#include "common/address.h"

static bool unix_name_is_bound(const struct eddy_sim *sim, const eddy_address *address)
{
    const struct eddy__list *node;

    for (node = sim->bound.next; node != &sim->bound; node = node->next)
        if (eddy_address_equal(&EDDY__OWNER(node, struct eddy__sim_socket, bound)->local, address))
            return true;
    return false;
}

int eddy__sim_bind_name(struct eddy__sim_socket *socket, const eddy_address *address)
{
    struct eddy__endpoint endpoint;

    eddy__address_split(address, &endpoint);
    if (endpoint.path_size == 0)
        return EDDY_EINVAL;
    if (unix_name_is_bound(socket->sim, address))
        return EDDY_EADDRINUSE;
    socket->local = *address;
    socket->has_local = true;
    eddy__list_append(&socket->sim->bound, &socket->bound);
    return 0;
}

int eddy__sim_no_name(eddy_address *address)
{
    return eddy__address_join(&(struct eddy__endpoint){.family = EDDY_UNIX}, address);
}

int eddy__sim_refusal(const struct eddy_sim *sim, const eddy_address *address)
{
    struct eddy__endpoint endpoint;

    /* Where there is a path, there would be a file; abstract names and ports have none. */
    eddy__address_split(address, &endpoint);
    if (endpoint.family == EDDY_UNIX && endpoint.path_size > 0 && endpoint.path[0] != '\0' &&
        !unix_name_is_bound(sim, address))
        return EDDY_ENOENT;
    return EDDY_ECONNREFUSED;
}

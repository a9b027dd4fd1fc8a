/* SPDX-License-Identifier: MIT */
/* The socket of a datagram endpoint: which addresses are tried, and what is done to it. */
#include "common/address.h"
#include "common/endpoint.h"
#include "common/error.h"
#include "common/future.h"
#include "common/resolver.h"
#include "common/socket_file.h"
#include <string.h>

/** DGRAM-5: nothing is set unless it was asked for. */
static int endpoint_prepare(const struct eddy__socket_ops *sockets, eddy_socket socket,
                            const struct eddy__endpoint_manner *manner)
{
    int error = 0;

    if (manner->reuse_port && sockets->set_option(socket, EDDY__REUSE_PORT, 1) != 0)
        return eddy_error(EDDY_EINVALID, "reuse_port is not available on this system");
    if (manner->allow_broadcast)
        error = sockets->set_option(socket, EDDY__BROADCAST, 1);
    return error == 0 ? 0 : eddy_error(error, "allow_broadcast: %s", eddy_strerror(error));
}

/** DGRAM-3, once there is a socket to take the place. Simulated names have no files. */
static void endpoint_clear_path(const struct eddy_loop *loop, const eddy_address *local)
{
    struct eddy__endpoint name;
    char path[sizeof local->storage + 1] = {0};

    eddy__address_split(local, &name);
    if (loop->sim != NULL || name.family != EDDY_UNIX || name.path_size == 0 ||
        name.path[0] == '\0')
        return;
    memcpy(path, name.path, name.path_size);
    eddy__socket_file_remove_stale(path);
}

static int endpoint_bind(const struct eddy__socket_ops *sockets, eddy_socket socket,
                         const eddy_address *local)
{
    char text[EDDY_ADDRESS_TEXT_MAX];
    int error = sockets->bind(socket, local);

    if (error == 0)
        return 0;
    eddy_address_format(local, text, sizeof text);
    return eddy_error(error, "cannot bind to %s: %s", text, eddy_strerror(error));
}

/** Datagram sockets connect at once: it only says with whom they talk. */
static int endpoint_connect(const struct eddy__socket_ops *sockets, eddy_socket socket,
                            const eddy_address *remote)
{
    char text[EDDY_ADDRESS_TEXT_MAX];
    int error = sockets->connect(socket, remote);

    if (error == 0)
        return 0;
    eddy_address_format(remote, text, sizeof text);
    return eddy_error(error, "cannot connect to %s: %s", text, eddy_strerror(error));
}

int eddy__endpoint_open(struct eddy_loop *loop, const struct eddy__endpoint_addresses *addresses,
                        const struct eddy__endpoint_manner *manner, eddy_socket *opened)
{
    const struct eddy__socket_ops *sockets = loop->backend->sockets;
    eddy_socket socket;
    int error = sockets->open(loop, addresses->family, EDDY_DGRAM, addresses->protocol, &socket);

    if (error)
        return eddy_error(error, "cannot make a datagram socket: %s", eddy__error_text_of(error));
    error = endpoint_prepare(sockets, socket, manner);
    if (error == 0 && addresses->local != NULL) {
        endpoint_clear_path(loop, addresses->local);
        error = endpoint_bind(sockets, socket, addresses->local);
    }
    if (error == 0 && addresses->remote != NULL && !manner->allow_broadcast)
        error = endpoint_connect(sockets, socket, addresses->remote);
    if (error) {
        sockets->close(socket);
        return error;
    }
    *opened = socket;
    return 0;
}

/** The first entry before `end` that is of the same family and protocol; NULL: none. */
static const eddy_addrinfo *endpoint_match(const eddy_address_list *list, size_t end,
                                           const eddy_addrinfo *like)
{
    for (size_t i = 0; i < end; i++)
        if (list->entries[i].family == like->family && list->entries[i].protocol == like->protocol)
            return &list->entries[i];
    return NULL;
}

/** The combination that entry `index` of `list` leads to, with its partner; false: none. */
static bool endpoint_combine(const eddy_address_list *list, size_t index,
                             const eddy_address_list *others,
                             struct eddy__endpoint_addresses *addresses)
{
    const eddy_addrinfo *entry = &list->entries[index];
    const eddy_addrinfo *other = NULL;

    if (endpoint_match(list, index, entry) != NULL)
        return false; /* the earlier one of its kind stands for it */
    if (others != NULL)
        other = endpoint_match(others, others->count, entry);
    if (others != NULL && other == NULL)
        return false;
    *addresses = (struct eddy__endpoint_addresses){
        .family = (int)entry->family,
        .protocol = (int)entry->protocol,
        .local = &entry->address,
        .remote = other != NULL ? &other->address : NULL,
    };
    return true;
}

int eddy__endpoint_open_any(struct eddy_loop *loop, const eddy_address_list *locals,
                            const eddy_address_list *remotes,
                            const struct eddy__endpoint_manner *manner,
                            struct eddy__endpoint_addresses *opened, eddy_socket *socket)
{
    const eddy_address_list *list = locals != NULL ? locals : remotes;
    struct eddy__failure *failure = NULL;
    int first_error = 0;

    for (size_t i = 0; i < list->count; i++) {
        int error;

        if (!endpoint_combine(list, i, locals != NULL ? remotes : NULL, opened))
            continue;
        if (locals == NULL) {
            opened->remote = opened->local;
            opened->local = NULL;
        }
        error = eddy__endpoint_open(loop, opened, manner, socket);
        if (error == 0) {
            eddy__free(failure);
            return 0;
        }
        if (first_error == 0) {
            first_error = error;
            failure = eddy__failure_capture(error);
        }
    }
    if (first_error == 0)
        return eddy_error(EDDY_EINVALID, "the local and the remote address have no family and "
                                         "protocol in common");
    eddy__failure_restore(first_error, failure);
    eddy__free(failure);
    return first_error;
}

/* SPDX-License-Identifier: MIT */
/* The listening sockets of a server: one for each address that this machine has. */
#include "common/log.h"
#include "common/server.h"
#include "common/text.h"

/** NET-21: what a listening socket is given before it is bound. */
static int bind_prepare(const struct eddy__socket_ops *sockets, eddy_socket socket, bool is_ipv6,
                        const struct eddy__server_binding *binding)
{
    int error = 0;

    if (binding->reuse_address)
        error = sockets->set_option(socket, EDDY__REUSE_ADDRESS, 1);
    if (error == 0 && binding->reuse_port && sockets->set_option(socket, EDDY__REUSE_PORT, 1) != 0)
        return eddy_error(EDDY_EINVALID, "reuse_port is not available on this system");
    if (error == 0 && binding->keep_alive)
        error = sockets->set_option(socket, EDDY__KEEP_ALIVE, 1);
    if (error == 0 && is_ipv6)
        error = sockets->set_option(socket, EDDY__IPV6_ONLY, 1);
    if (error)
        eddy_error(error, "cannot prepare a listening socket: %s", eddy_strerror(error));
    return error;
}

/**
 * Bind an open socket. A stale file goes only now, when there is something to take its place; the
 * new one is noted at once, so that it goes again whatever fails from here on.
 */
static int bind_socket(struct eddy_server *server, eddy_socket socket, const eddy_address *address,
                       const char *text)
{
    struct eddy__socket_file *file = server->socket_file;
    int error;

    if (file != NULL)
        eddy__socket_file_remove_stale(file->path);
    error = server->loop->backend->sockets->bind(socket, address);
    if (error)
        return eddy_error(error, "cannot bind to %s: %s", text, eddy_strerror(error));
    if (file != NULL)
        eddy__socket_file_note(file);
    return 0;
}

/** Bind one address: its error, and whether the others may do without it (`skip`). */
static int bind_address(struct eddy_server *server, const eddy_addrinfo *entry, const char *text,
                        const struct eddy__server_binding *binding, bool *skip)
{
    const struct eddy__socket_ops *sockets = server->loop->backend->sockets;
    eddy_socket socket;
    int error =
        sockets->open(server->loop, (int)entry->family, EDDY_STREAM, (int)entry->protocol, &socket);

    /* The family may not be there (NET-21), or no address of it (NET-22). */
    *skip = error != 0;
    if (error)
        return error;
    error = bind_prepare(sockets, socket, entry->family == EDDY_INET6, binding);
    if (error == 0) {
        error = bind_socket(server, socket, &entry->address, text);
        *skip = error == EDDY_EADDRNOTAVAIL;
    }
    if (error == 0) {
        error = eddy__server_add(server, socket);
        if (error)
            eddy_error(error, "cannot serve on %s: %s", text, eddy_strerror(error));
    }
    if (error)
        sockets->close(socket);
    return error;
}

int eddy__server_bind(struct eddy_server *server, const eddy_address_list *addresses,
                      const struct eddy__server_binding *binding)
{
    struct eddy__text skipped = {0};
    int skipped_error = EDDY_EADDRNOTAVAIL;
    char text[EDDY_ADDRESS_TEXT_MAX];
    const eddy_addrinfo *entry;

    for (size_t i = 0; (entry = eddy_address_list_get(addresses, i)) != NULL; i++) {
        bool skip;
        int error;

        eddy_address_format(&entry->address, text, sizeof text);
        error = bind_address(server, entry, text, binding, &skip);
        if (error == 0)
            continue;
        if (!skip)
            return error;
        if (server->loop->debug)
            eddy__log(EDDY_LOG_WARNING, "server: %s is skipped: %s", text, eddy_strerror(error));
        eddy__text_add(&skipped, "%s%s", skipped.used > 0 ? ", " : "", text);
        skipped_error = error;
    }
    if (server->listener_count > 0)
        return 0;
    if (skipped.used == 0)
        return eddy_error(EDDY_EADDRNOTAVAIL, "the host has no address");
    return eddy_error(skipped_error, "cannot bind to any of %s: %s", skipped.text,
                      eddy_strerror(skipped_error));
}

/* SPDX-License-Identifier: MIT */
#include "common/argument.h"
#include "common/watcher.h"
#include "sim/sim.h"

int eddy__check_loop_and_factory(const struct eddy_loop *loop, eddy_protocol_factory factory)
{
    if (loop == NULL)
        return eddy_error(EDDY_EINVALID, "no loop");
    if (factory == NULL)
        return eddy_error(EDDY_EINVALID, "no protocol factory");
    return eddy__loop_check_open(loop);
}

int eddy__check_reserved(void *const *reserved, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (reserved[i] != NULL)
            return eddy_error(EDDY_EINVALID, "reserved fields of the options are not zero");
    return 0;
}

int eddy__check_without_tls(const struct eddy__tls_setup *setup)
{
    if (setup->server_hostname != NULL)
        return eddy_error(EDDY_EINVALID, "server_hostname is only meaningful with tls");
    if (setup->handshake_timeout != 0)
        return eddy_error(EDDY_EINVALID, "tls_handshake_timeout is given without tls");
    if (setup->shutdown_timeout != 0)
        return eddy_error(EDDY_EINVALID, "tls_shutdown_timeout is given without tls");
    return 0;
}

/** That `socket` is of type `wanted`, called `words`, and free to be used by this loop. */
static int check_socket(const struct eddy_loop *loop, eddy_socket socket, int wanted,
                        const char *words, int *family, int *protocol)
{
    const struct eddy__socket_ops *sockets = loop->backend->sockets;
    int type = EDDY_ANY_TYPE;
    int error;

    if (socket == EDDY_NO_SOCKET)
        return eddy_error(EDDY_EINVALID, "sock is no socket");
    if (eddy__sim_is_socket(socket) != (loop->sim != NULL))
        return eddy_error(EDDY_EINVALID, "sock is not of the network of this loop");
    error = sockets->identify(socket, family, &type, protocol);
    if (error)
        return eddy_error(error, "sock: %s", eddy_strerror(error));
    if (type != wanted)
        return eddy_error(EDDY_EINVALID, "sock is not a %s socket", words);
    if (eddy__watcher_is_taken(loop, socket))
        return eddy_error(EDDY_EBADSTATE, "sock is watched, waited for, or used already");
    return 0;
}

int eddy__check_stream_socket(const struct eddy_loop *loop, eddy_socket socket, int *family,
                              int *protocol)
{
    return check_socket(loop, socket, EDDY_STREAM, "stream", family, protocol);
}

int eddy__check_datagram_socket(const struct eddy_loop *loop, eddy_socket socket, int *family)
{
    int protocol = EDDY_ANY_PROTOCOL;

    return check_socket(loop, socket, EDDY_DGRAM, "datagram", family, &protocol);
}

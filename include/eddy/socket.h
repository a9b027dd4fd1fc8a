/* SPDX-License-Identifier: MIT */
/** Sockets: making plain ones for a loop, and the restricted view of one that a transport owns. */
#ifndef EDDY_SOCKET_H
#define EDDY_SOCKET_H

#include <eddy/address.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a non-blocking socket that is not inherited by children; on a simulated loop one of its
 * network. Close it with eddy_socket_close() unless a call takes it.
 */
EDDY_API int eddy_socket_new(eddy_loop *loop, eddy_family family, eddy_socket_type type,
                             eddy_ip_protocol protocol, eddy_socket *socket);

/** Make two sockets of `type` connected to each other; else as eddy_socket_new(). */
EDDY_API int eddy_socket_pair(eddy_loop *loop, eddy_socket_type type, eddy_socket sockets[2]);

/** Close; EDDY_NO_SOCKET is allowed. Neither fails nor blocks. */
EDDY_API void eddy_socket_close(eddy_socket socket);

/** Bind, listen, connect, as the system's calls, without ever blocking. */
EDDY_API int eddy_socket_bind(eddy_socket socket, const eddy_address *address);
EDDY_API int eddy_socket_listen(eddy_socket socket, int backlog);

/** 0, or EDDY_EINPROGRESS while it is under way. */
EDDY_API int eddy_socket_connect(eddy_socket socket, const eddy_address *address);

/** Accept one connection, non-blocking; EDDY_EAGAIN when there is none. `peer` may be NULL. */
EDDY_API int eddy_socket_accept(eddy_socket socket, eddy_socket *accepted, eddy_address *peer);

EDDY_API int eddy_socket_local_address(eddy_socket socket, eddy_address *address);
EDDY_API int eddy_socket_peer_address(eddy_socket socket, eddy_address *address);

/** Receive or send what is possible now: a count, 0 at the end of the stream, EDDY_EAGAIN. */
EDDY_API int64_t eddy_socket_receive(eddy_socket socket, void *buffer, size_t size);
EDDY_API int64_t eddy_socket_send(eddy_socket socket, const void *data, size_t size);

/** Send no more: the peer receives the end of the stream. Receiving goes on. */
EDDY_API int eddy_socket_shutdown_send(eddy_socket socket);

/** Options that are the same on every system; the rest: the system's calls on the number. */
typedef enum eddy_socket_option {
    EDDY_SOCKET_REUSE_ADDRESS = 1,
    EDDY_SOCKET_REUSE_PORT,
    EDDY_SOCKET_KEEP_ALIVE,
    EDDY_SOCKET_IPV6_ONLY,
    EDDY_SOCKET_NO_DELAY,
    EDDY_SOCKET_RECEIVE_BUFFER,
    EDDY_SOCKET_SEND_BUFFER,
    EDDY_SOCKET_BROADCAST,
    EDDY_SOCKET_HOP_LIMIT,           /**< of datagrams to one receiver (IPv4: time to live) */
    EDDY_SOCKET_MULTICAST_HOP_LIMIT, /**< of datagrams to a group; 1, the default: this network */
    EDDY_SOCKET_MULTICAST_LOOPBACK,  /**< whether this machine hears them too; on by default */
    EDDY_SOCKET_MULTICAST_INTERFACE  /**< index of the interface they leave by; 0: any. IPv4: only
                                          to be set */
} eddy_socket_option;

EDDY_API int eddy_socket_set_option(eddy_socket socket, eddy_socket_option option, int value);
EDDY_API int eddy_socket_get_option(eddy_socket socket, eddy_socket_option option, int *value);

/**
 * Join a multicast group, or leave it: the socket receives what is sent there to its port.
 *
 * `group` is an IPv4 or IPv6 address of the socket's family; its port does not matter. The group is
 * joined on the interface of this index, as if_nametoindex() tells; 0: the system's choice. That of
 * a transport is reached by the number of its view, eddy_socket_view_fileno(). EDDY_EINVAL if it is
 * no group; EDDY_EADDRINUSE if it is joined already, EDDY_EADDRNOTAVAIL if it was not;
 * EDDY_ENOTSUPPORTED for an index where the system has none for IPv4.
 */
EDDY_API int eddy_socket_join_group(eddy_socket socket, const eddy_address *group,
                                    unsigned interface_index);
EDDY_API int eddy_socket_leave_group(eddy_socket socket, const eddy_address *group,
                                     unsigned interface_index);

/**
 * A view of a socket that a transport or server owns (SRV-1): names and options, but no close, no
 * accept, no I/O. Borrowed from its owner; after that let the socket go, fileno is EDDY_NO_SOCKET
 * and the calls return EDDY_EBADF (TR-8).
 */
EDDY_API eddy_socket eddy_socket_view_fileno(const eddy_socket_view *view);
EDDY_API eddy_family eddy_socket_view_family(const eddy_socket_view *view);
EDDY_API eddy_socket_type eddy_socket_view_type(const eddy_socket_view *view);
EDDY_API eddy_ip_protocol eddy_socket_view_proto(const eddy_socket_view *view);
EDDY_API int eddy_socket_view_getsockname(const eddy_socket_view *view, eddy_address *address);
EDDY_API int eddy_socket_view_getpeername(const eddy_socket_view *view, eddy_address *address);
EDDY_API int eddy_socket_view_set_option(const eddy_socket_view *view, eddy_socket_option option,
                                         int value);
EDDY_API int eddy_socket_view_get_option(const eddy_socket_view *view, eddy_socket_option option,
                                         int *value);

/** A second, independent number for the same socket; the caller's to close. */
EDDY_API int eddy_socket_view_dup(const eddy_socket_view *view, eddy_socket *copy);

/** Shut down both directions below the transport's feet. */
EDDY_API int eddy_socket_view_shutdown(const eddy_socket_view *view);

/** Only 0 (non-blocking) is accepted, else EDDY_EINVALID (SRV-1). */
EDDY_API int eddy_socket_view_settimeout(const eddy_socket_view *view, eddy_time timeout);

#ifdef __cplusplus
}
#endif

#endif

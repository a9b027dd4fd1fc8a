/* SPDX-License-Identifier: MIT */
/** Datagram endpoints: UDP and Unix datagram sockets (DGRAM-1..DGRAM-7). */
#ifndef EDDY_DATAGRAM_H
#define EDDY_DATAGRAM_H

#include <eddy/dns.h>
#include <eddy/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The keywords of create_datagram_endpoint(); zeroed fields mean the default. Copied by the call.
 *
 * There is a local address if any local field is set, a remote one if any remote field is.
 */
typedef struct eddy_datagram_options {
    eddy_family family; /**< needed if there is no address at all (DGRAM-3) */
    eddy_ip_protocol protocol;
    unsigned flags;             /**< EDDY_AI_* for the resolver */
    const char *local_host;     /**< bind to this; "", or NULL with a port: all interfaces */
    const char *local_service;  /**< name or number, in place of `local_port` */
    int local_port;             /**< 0: any */
    const char *remote_host;    /**< connect to this: the only one to talk with */
    const char *remote_service; /**< name or number, in place of `remote_port` */
    int remote_port;
    const char *local_path;  /**< of a Unix socket, in place of host and port */
    size_t local_path_size;  /**< bytes of an abstract name; 0: `local_path` ends at its NUL */
    const char *remote_path; /**< the same for the remote address */
    size_t remote_path_size;
    bool reuse_port;         /**< share the port with others that ask for the same */
    bool allow_broadcast;    /**< sending to broadcast addresses; does not connect (DGRAM-6) */
    const eddy_socket *sock; /**< a datagram socket, in place of all the rest (DGRAM-2) */
    void *reserved[6];
} eddy_datagram_options;

/**
 * Make a datagram endpoint: resolve the addresses, then bind and connect the first combination of
 * them that works (DGRAM-4, DGRAM-5).
 *
 * The value is the `transport`, with a reference for who takes it out; its protocol is the one that
 * `factory(arg)` made once the socket was ready (DGRAM-7, TR-52): connection_made() has run before
 * the future is done. Awaited without taking the value, the endpoint stays open, its protocol's to
 * close; never awaited (its task was cancelled), it is closed.
 *
 * With a remote address the endpoint receives from there only, unless allow_broadcast is set. A
 * socket that lies at `local_path` is taken for one that a dead program left behind, and removed,
 * even if somebody still receives by it (DGRAM-3); the endpoint's own file stays behind when it
 * closes. A passed `sock` is the library's once a transport exists, the
 * caller's if the call fails earlier. EDDY_EINVALID, with a text that names them, for options that
 * do not go together.
 */
EDDY_API eddy_future *eddy_loop_create_datagram_endpoint(eddy_loop *loop,
                                                         eddy_protocol_factory factory, void *arg,
                                                         const eddy_datagram_options *options);

#ifdef __cplusplus
}
#endif

#endif

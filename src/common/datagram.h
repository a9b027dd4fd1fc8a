/* SPDX-License-Identifier: MIT */
/**
 * The datagram transport: one datagram socket and one protocol, on any backend (TR-33..TR-38).
 *
 * As a stream (stream.h) it exists before its protocol does, so that everything that can fail is
 * allocated when the factory is called (TR-52). Until it is started nobody outside the library
 * knows it.
 */
#ifndef EDDY_COMMON_DATAGRAM_H
#define EDDY_COMMON_DATAGRAM_H

#include "common/transport.h"

struct eddy__datagrams;

/** What an endpoint needs to become a program's. */
struct eddy__datagrams_setup {
    eddy_protocol_factory factory;
    void *factory_arg;

    /**
     * Called once from the loop, after connection_made() has run and reading is on: `error` 0 and
     * the transport, borrowed; or why the factory made no protocol or connection_made() failed.
     */
    void (*on_made)(void *arg, struct eddy_transport *transport, int error);
    void *on_made_arg;
};

/**
 * Make a transport over `socket`, of `family`, taking it when this succeeds. `remote` (copied;
 * NULL: none) is the only address it sends to (TR-33). EDDY_ENOMEM or the backend's error: the
 * socket is the caller's still.
 */
int eddy__datagrams_new(struct eddy_loop *loop, eddy_socket socket, int family,
                        const eddy_address *remote, struct eddy__datagrams **endpoint);

/**
 * Start it: in the next iteration the factory is called, connection_made(), reading enabled,
 * on_made (TR-2, DGRAM-7). Copies `setup`. Cannot fail.
 */
void eddy__datagrams_start(struct eddy__datagrams *endpoint,
                           const struct eddy__datagrams_setup *setup);

/** Nobody waits for on_made any more: the endpoint is closed as by close() (NET-16). */
void eddy__datagrams_forget(struct eddy__datagrams *endpoint);

#endif

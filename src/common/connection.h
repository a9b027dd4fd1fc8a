/* SPDX-License-Identifier: MIT */
/** Making connections, for the calls that know where to without asking a resolver. */
#ifndef EDDY_COMMON_CONNECTION_H
#define EDDY_COMMON_CONNECTION_H

#include "common/stream.h"
#include "tls/tls.h"
#include <eddy/dns.h>

/** What every call that connects is told; checked, borrowed. */
struct eddy__connection_setup {
    eddy_protocol_factory factory;
    void *factory_arg;
    struct eddy__tls_setup tls;
    bool is_accepted; /**< by the program; for the log */
};

/**
 * The future of a transport over `socket`, which is connected: checked here, and the caller's
 * until a stream exists (NET-8).
 */
struct eddy_future *eddy__connection_over(struct eddy_loop *loop,
                                          const struct eddy__connection_setup *setup,
                                          eddy_socket socket);

/** The same of a connection to one of `targets`, which it takes. */
struct eddy_future *eddy__connection_to(struct eddy_loop *loop,
                                        const struct eddy__connection_setup *setup,
                                        eddy_address_list *targets);

/**
 * Start a connected stream, over which `tls` was made, if it is not NULL; takes both. Returns the
 * transport that is to be the program's, borrowed.
 */
struct eddy_transport *eddy__connection_start(struct eddy__stream *stream, struct eddy__tls *tls,
                                              const struct eddy__transport_setup *setup);

#endif

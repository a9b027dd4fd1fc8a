/* SPDX-License-Identifier: MIT */
/** Making connections, for the calls that know where to without asking a resolver. */
#ifndef EDDY_COMMON_CONNECTION_H
#define EDDY_COMMON_CONNECTION_H

#include "common/loop.h"
#include <eddy/dns.h>

/**
 * The future of a transport over `socket`, which is connected: checked here, and the caller's
 * until a stream exists (NET-8). The other arguments have been checked.
 */
struct eddy_future *eddy__connection_over(struct eddy_loop *loop, eddy_protocol_factory factory,
                                          void *arg, eddy_socket socket);

/** The same of a connection to one of `targets`, which it takes. */
struct eddy_future *eddy__connection_to(struct eddy_loop *loop, eddy_protocol_factory factory,
                                        void *arg, eddy_address_list *targets);

#endif

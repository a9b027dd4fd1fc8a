/* SPDX-License-Identifier: MIT */
/** Asking for addresses, for the calls that take a host and a port. */
#ifndef EDDY_COMMON_DNS_H
#define EDDY_COMMON_DNS_H

#include "common/loop.h"
#include "common/resolver.h"

/** Room for a port as text. */
#define EDDY__PORT_TEXT_SIZE 12

/**
 * A future of the addresses that `query` asks for, without asking the resolver if its host is a
 * numeric address (NET-4): then it is done already. Copies. Never NULL.
 */
struct eddy_future *eddy__dns_resolve(struct eddy_loop *loop,
                                      const struct eddy__resolver_query *query);

/**
 * The service text of a port or a service name, of which at most one may be given: `service`
 * itself, or the port written to `room`. EDDY_EINVALID, with a text, for both or a bad port.
 */
int eddy__dns_service(int port, const char *service, char room[EDDY__PORT_TEXT_SIZE],
                      const char **text);

#endif

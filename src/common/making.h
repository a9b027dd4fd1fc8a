/* SPDX-License-Identifier: MIT */
/** The future of a transport that is being made into a program's transport (NET-15, NET-16). */
#ifndef EDDY_COMMON_MAKING_H
#define EDDY_COMMON_MAKING_H

#include "common/transport.h"

struct eddy__making;

/** Make the future, without a transport yet. NULL: EDDY_ENOMEM. */
struct eddy__making *eddy__making_new(struct eddy_loop *loop);

/** Give it up: there will be none. NULL is allowed. */
void eddy__making_free(struct eddy__making *making);

/** What its transport is to be started with. */
struct eddy__transport_setup eddy__making_setup(struct eddy__making *making,
                                                eddy_protocol_factory factory, void *arg);

/**
 * `transport` was started with that, from the same callback; returns the future, a reference for
 * the caller, whose value is the transport. Cancelling closes what there is; a result that nobody
 * asked for is closed. Cannot fail.
 */
struct eddy_future *eddy__making_wait(struct eddy__making *making,
                                      struct eddy_transport *transport);

#endif

/* SPDX-License-Identifier: MIT */
/** The future of a stream that is being made into a program's transport (NET-15, NET-16). */
#ifndef EDDY_COMMON_MAKING_H
#define EDDY_COMMON_MAKING_H

#include "common/stream.h"

struct eddy__making;

/** Make the future, without a stream yet. NULL: EDDY_ENOMEM. */
struct eddy__making *eddy__making_new(struct eddy_loop *loop);

/** Give it up: there will be no stream. */
void eddy__making_free(struct eddy__making *making);

/**
 * Start `stream`; returns the future, a reference for the caller, whose value is the transport.
 * Cancelling closes what there is; a result that nobody asked for is closed. Cannot fail.
 */
struct eddy_future *eddy__making_start(struct eddy__making *making, struct eddy__stream *stream,
                                       eddy_protocol_factory factory, void *arg);

#endif

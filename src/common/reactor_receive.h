/* SPDX-License-Identifier: MIT */
/** Receiving and accepting: what reactor.c leaves to reactor_receive.c, and asks of it. */
#ifndef EDDY_COMMON_REACTOR_RECEIVE_H
#define EDDY_COMMON_REACTOR_RECEIVE_H

#include "common/reactor.h"

/** One receive, with its event. */
void eddy__reactor_receive(struct eddy__reactor_channel *channel);

/** As many accepts as a turn has, each with its event. */
void eddy__reactor_accept(struct eddy__reactor_channel *channel);

/* In reactor.c. */

/** The order to receive is over, with its event. */
void eddy__reactor_end_receive(struct eddy__reactor_channel *channel, int error);

/** True while the order to accept stands. */
bool eddy__reactor_accepts(const struct eddy__reactor_channel *channel);

#endif

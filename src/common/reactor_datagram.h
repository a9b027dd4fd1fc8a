/* SPDX-License-Identifier: MIT */
/** Datagrams over readiness: what reactor.c leaves to reactor_datagram.c, and asks of it. */
#ifndef EDDY_COMMON_REACTOR_DATAGRAM_H
#define EDDY_COMMON_REACTOR_DATAGRAM_H

#include "common/reactor.h"

/** Have room for a batch in the loop of `channel`. EDDY_ENOMEM. */
int eddy__reactor_prepare_datagrams(struct eddy__reactor_channel *channel);

/** Give that room back. Cannot fail. */
void eddy__reactor_free_batch(struct eddy__reactor *reactor);

/** Receive one batch, with an event for each datagram. */
void eddy__reactor_receive_datagrams(struct eddy__reactor_channel *channel);

/** Send what get_datagrams gives: as eddy__socket_ops.send_datagrams. */
int64_t eddy__reactor_send_queued(struct eddy__reactor_channel *channel);

/* In reactor.c. */

/** True while the order to receive datagrams stands. */
bool eddy__reactor_takes_datagrams(const struct eddy__reactor_channel *channel);

/** True once the channel is closed. */
bool eddy__reactor_is_closed(const struct eddy__reactor_channel *channel);

#endif

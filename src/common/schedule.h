/* SPDX-License-Identifier: MIT */
/** What call_soon(), call_later() and call_at() do first. In handle.c. */
#ifndef EDDY_COMMON_SCHEDULE_H
#define EDDY_COMMON_SCHEDULE_H

#include "common/loop.h"

/** Refuse what cannot be scheduled, and make sure of the order with posts of other threads. */
int eddy__schedule_check(struct eddy_loop *loop, eddy_callback callback);

/**
 * The context that a call captures if it is given none. The running loop knows it without a look at
 * the thread; in debug mode, where other threads are found out, its state is not touched before.
 */
eddy_context *eddy__schedule_context(const struct eddy_loop *loop);

#endif

/* SPDX-License-Identifier: MIT */
/** A future that is done in the next iteration (NET-24). */
#ifndef EDDY_COMMON_LATER_H
#define EDDY_COMMON_LATER_H

#include "common/loop.h"

/** A pending future of `loop` whose result, 0, comes one iteration later. Never NULL. */
struct eddy_future *eddy__later(struct eddy_loop *loop);

#endif

/* SPDX-License-Identifier: MIT */
/** Calls posted from any thread (LOOP-36), with all that a few of them ask for. In threadsafe.c. */
#ifndef EDDY_COMMON_THREADSAFE_H
#define EDDY_COMMON_THREADSAFE_H

#include <eddy/loop.h>

/** As eddy_loop_call_soon_threadsafe(), called from `caller` (place.h). */
int eddy__threadsafe_post(struct eddy_loop *loop, eddy_callback callback, void *arg,
                          eddy_threadsafe_handle **handle, void *caller);

#endif

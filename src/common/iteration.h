/* SPDX-License-Identifier: MIT */
/** The passes of the loop: prepare, wait, dispatch and run (LOOP-22). */
#ifndef EDDY_COMMON_ITERATION_H
#define EDDY_COMMON_ITERATION_H

#include "common/loop.h"

/** Iterate until the run is stopped or left: once at least. 0, or the error that ends the run. */
int eddy__loop_iterate_all(struct eddy_loop *loop);

#endif

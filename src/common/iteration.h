/* SPDX-License-Identifier: MIT */
/** One pass of the loop: prepare, wait, dispatch and run (LOOP-22). */
#ifndef EDDY_COMMON_ITERATION_H
#define EDDY_COMMON_ITERATION_H

#include "common/loop.h"

/** Run one iteration; `first` of its run. 0, or the error that ends the run. */
int eddy__loop_iterate(struct eddy_loop *loop, bool first);

#endif

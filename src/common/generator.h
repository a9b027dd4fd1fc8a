/* SPDX-License-Identifier: MIT */
/** Generators, as the loop sees them when it closes. */
#ifndef EDDY_COMMON_GENERATOR_H
#define EDDY_COMMON_GENERATOR_H

#include "common/loop.h"

/** The loop closes: free the stacks of all generators, without unwinding (LOOP-17). */
void eddy__generators_abandon(struct eddy_loop *loop);

#endif

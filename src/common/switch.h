/* SPDX-License-Identifier: MIT */
/**
 * What an implementation of the context switch supplies to coroutine.c, and nothing more: the
 * coroutine's own bookkeeping and the annotations for sanitizers stand above it, once.
 */
#ifndef EDDY_COMMON_SWITCH_H
#define EDDY_COMMON_SWITCH_H

#include "common/coroutine.h"

/** Prepare co->context so that the first switch calls eddy__coroutine_main(co) on co->stack. */
int eddy__switch_init(struct eddy__coroutine *co);

/** Prepare co->context to be saved into, by the calling thread. */
int eddy__switch_init_thread(struct eddy__coroutine *co);

/** Save into `from`, continue `to`. The assembly is this very function. */
void eddy__switch_to(struct eddy__coroutine *from, struct eddy__coroutine *to);

/** Continue `to`; `from` is finished. */
_Noreturn void eddy__switch_exit_to(struct eddy__coroutine *from, struct eddy__coroutine *to);

/** Release what init made, for a coroutine as for a thread; never called in `co` itself. */
void eddy__switch_fini(struct eddy__coroutine *co);

/** Where every coroutine starts; called by the implementation on the new stack. */
_Noreturn void eddy__coroutine_main(void *co);

#endif

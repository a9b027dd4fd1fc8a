/* SPDX-License-Identifier: MIT */
/**
 * Ctrl-C for eddy_run() (RUN-1). src/posix/interrupt.c and src/win32/interrupt.c supply it.
 *
 * One loop of the process at a time may ask for it. The handler of the system only counts in
 * `loop->interrupts` (atomic) and wakes the loop.
 */
#ifndef EDDY_COMMON_INTERRUPT_H
#define EDDY_COMMON_INTERRUPT_H

#include <eddy/base.h>

/** Catch SIGINT (Windows: Ctrl-C) for `loop`. EDDY_EBADSTATE if another loop has it. */
int eddy__interrupt_start(struct eddy_loop *loop);

/** Restore what was in force before. Cannot fail. */
void eddy__interrupt_stop(struct eddy_loop *loop);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef EDDY_POSIX_THREAD_MASK_H
#define EDDY_POSIX_THREAD_MASK_H

#include <signal.h>

/**
 * The blocked signals as the program wants them in this thread: its own mask, or, in a thread that
 * the library has made with all signals blocked, the mask of the one that had it made.
 */
void eddy__thread_program_mask(sigset_t *mask);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef EDDY_POSIX_THREAD_MASK_H
#define EDDY_POSIX_THREAD_MASK_H

#include <signal.h>

/**
 * The blocked signals as the program wants them in this thread, if the library has made it with all
 * signals blocked: the mask of the one that had it made. NULL: they are as the program set them.
 */
const sigset_t *eddy__thread_program_mask(void);

#endif

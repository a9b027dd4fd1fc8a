/* SPDX-License-Identifier: MIT */
#ifndef EDDY_POSIX_SPAWN_H
#define EDDY_POSIX_SPAWN_H

#include "common/child.h"
#include <sys/types.h>

/**
 * Start a process and return when it runs the program, or with the code why it does not; then it
 * has left no trace. Any thread.
 */
int eddy__spawn(const struct eddy__child_plan *plan, pid_t *pid);

#endif

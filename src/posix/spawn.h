/* SPDX-License-Identifier: MIT */
#ifndef EDDY_POSIX_SPAWN_H
#define EDDY_POSIX_SPAWN_H

#include "common/child.h"
#include <stdatomic.h>
#include <sys/types.h>

/** A child was seen to share its parent's memory: the next one needs no pipe. Tests clear it. */
extern atomic_bool eddy__spawn_shares_memory;

/**
 * Start a process and return when it runs the program, or with the code why it does not; then it
 * has left no trace. Any thread. Unless `pidfd` is NULL, a descriptor of the process that is not
 * inheritable goes there if the system gives one in the same step, else -1. `room` is grown if it
 * is too small, and nobody else may use it meanwhile.
 */
int eddy__spawn(const struct eddy__child_plan *plan, struct eddy__child_room *room, pid_t *pid,
                int *pidfd);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * Seeing what becomes of a child that starts while its parent goes on: whether it becomes another
 * program, ends, or says through a pipe why it cannot.
 */
#ifndef EDDY_POSIX_SPAWN_WATCH_H
#define EDDY_POSIX_SPAWN_WATCH_H

#include <sys/types.h>

/** Used only with EDDY__SPAWN_FORKS. */
struct eddy__spawn_watch {
    int queue; /**< a kqueue */
    int go[2]; /**< a pipe: the child starts with what comes out of it */
};

/** Before the child is made. Leaves nothing behind if it fails. */
int eddy__spawn_watch_open(struct eddy__spawn_watch *watch);

/** In the child, first of all: wait until the parent watches, if it has to. Cannot fail. */
void eddy__spawn_watch_start(const struct eddy__spawn_watch *watch);

/**
 * Let the child `pid` start, and wait until it has become another program or has ended, or until
 * there is something to read from `fd`, which it writes to. Cannot fail.
 */
void eddy__spawn_watch_wait(const struct eddy__spawn_watch *watch, pid_t pid, int fd);

/** Cannot fail. */
void eddy__spawn_watch_close(struct eddy__spawn_watch *watch);

#endif

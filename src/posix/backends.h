/* SPDX-License-Identifier: MIT */
/** The backends of the POSIX side, and the clock that they share. */
#ifndef EDDY_POSIX_BACKENDS_H
#define EDDY_POSIX_BACKENDS_H

#include "common/reactor.h"

/** eddy__backend.now and .resolution by the system's monotonic clock. */
eddy_time eddy__posix_now(struct eddy_loop *loop);
eddy_time eddy__posix_resolution(struct eddy_loop *loop);

/** What the backends of this folder have alike, for their designated initialisers. */
#define EDDY__POSIX_OPERATIONS                                                                     \
    .sockets = &eddy__system_sockets, .open = eddy__reactor_open, .abandon = eddy__reactor_close,  \
    .now = eddy__posix_now, .has_system_clock = true, .resolution = eddy__posix_resolution,        \
    EDDY__REACTOR_OPERATIONS

/* Each is defined where the system has it; poll and select are everywhere. */
extern const struct eddy__backend eddy__epoll_backend;
extern const struct eddy__backend eddy__kqueue_backend;
extern const struct eddy__backend eddy__poll_backend;
extern const struct eddy__backend eddy__select_backend;

/**
 * Marks the channel of a child process, whose `socket` is the child's id. There is nothing to call:
 * a process is only watched. See eddy__backend.watches_processes.
 */
extern const struct eddy__socket_ops eddy__process_ids;

#endif

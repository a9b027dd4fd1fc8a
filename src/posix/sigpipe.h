/* SPDX-License-Identifier: MIT */
/**
 * SIGPIPE kept away from a call for which there is no flag: it is blocked around the call, then
 * pending for this thread, and taken away, unless it was blocked and pending before, by the
 * program's doing.
 */
#ifndef EDDY_POSIX_SIGPIPE_H
#define EDDY_POSIX_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct eddy__sigpipe {
    sigset_t only;
    sigset_t before;
    sigset_t pending;
};

/** Before the call. Cannot fail. */
void eddy__sigpipe_begin(struct eddy__sigpipe *guard);

/** After it; `broken`: it said EPIPE. Keeps errno. Cannot fail. */
void eddy__sigpipe_end(struct eddy__sigpipe *guard, bool broken);

#endif

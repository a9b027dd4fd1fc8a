/* SPDX-License-Identifier: MIT */
/** The backends of the POSIX side, and the clock that they share. */
#ifndef EDDY_POSIX_BACKENDS_H
#define EDDY_POSIX_BACKENDS_H

#include "common/backend.h"

/** eddy__backend.now and .resolution by the system's monotonic clock. */
eddy_time eddy__posix_now(struct eddy_loop *loop);
eddy_time eddy__posix_resolution(struct eddy_loop *loop);

#if defined(__linux__)
extern const struct eddy__backend eddy__epoll_backend;
#endif

#endif

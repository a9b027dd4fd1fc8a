/* SPDX-License-Identifier: MIT */
#include "posix/backends.h"
#include "common/clock.h"

eddy_time eddy__posix_now(struct eddy_loop *loop)
{
    (void)loop;
    return eddy__clock_now();
}

eddy_time eddy__posix_resolution(struct eddy_loop *loop)
{
    (void)loop;
    return eddy__clock_resolution();
}

/* A system without epoll has none yet: making a loop fails there with EDDY_ENOTSUPPORTED, and only
 * simulated loops work. */
const struct eddy__backend *const eddy__backends[] = {
#if defined(__linux__)
    &eddy__epoll_backend,
#endif
    NULL,
};

/* SPDX-License-Identifier: MIT */
#include "posix/backends.h"
#include "common/clock.h"
#include "posix/sys.h"

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

const struct eddy__backend *const eddy__backends[] = {
#if defined(__linux__)
    &eddy__epoll_backend,
#endif
#if defined(EDDY__HAVE_KQUEUE)
    &eddy__kqueue_backend,
#endif
    &eddy__poll_backend,   /* every channel in every wait */
    &eddy__select_backend, /* descriptors below FD_SETSIZE only */
    NULL,
};

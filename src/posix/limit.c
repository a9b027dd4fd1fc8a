/* SPDX-License-Identifier: MIT */
#include "posix/limit.h"
#include <limits.h>

#define LIMIT_MAX EDDY_SECONDS(1000000)

int eddy__limit_ms(eddy_time timeout)
{
    eddy_time limit = timeout / EDDY_MILLISECONDS(1) + (timeout % EDDY_MILLISECONDS(1) != 0);

    if (timeout == EDDY_FOREVER)
        return -1;
    return limit > INT_MAX ? INT_MAX : (int)limit;
}

const struct timespec *eddy__limit_ns(eddy_time timeout, struct timespec *limit)
{
    if (timeout == EDDY_FOREVER)
        return NULL;
    if (timeout > LIMIT_MAX)
        timeout = LIMIT_MAX;
    limit->tv_sec = (time_t)(timeout / EDDY_SECONDS(1));
    limit->tv_nsec = (long)(timeout % EDDY_SECONDS(1));
    return limit;
}

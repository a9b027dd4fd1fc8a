/* SPDX-License-Identifier: MIT */
#include "common/environment.h"
#include <stdlib.h>
#include <unistd.h>

const char *eddy__environment(const char *name)
{
#if defined(__GLIBC__)
    return secure_getenv(name);
#elif defined(__linux__)
    /* Other C libraries of Linux: compare what secure_getenv() would look at. */
    return getuid() != geteuid() || getgid() != getegid() ? NULL : getenv(name);
#else
    return issetugid() ? NULL : getenv(name);
#endif
}

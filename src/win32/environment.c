/* SPDX-License-Identifier: MIT */
#include "common/environment.h"
#include <stdlib.h>

const char *eddy__environment(const char *name)
{
    /* The C library's copy, which the program can change; Windows has no set-uid programs. */
    return getenv(name);
}

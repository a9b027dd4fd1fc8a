/* SPDX-License-Identifier: MIT */
#include "win32/backends.h"

const struct eddy__backend *const eddy__backends[] = {
    &eddy__iocp_backend,
    NULL,
};

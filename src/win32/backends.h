/* SPDX-License-Identifier: MIT */
/** The backends of the Windows side. */
#ifndef EDDY_WIN32_BACKENDS_H
#define EDDY_WIN32_BACKENDS_H

#include "common/backend.h"

extern const struct eddy__backend eddy__iocp_backend;

#endif

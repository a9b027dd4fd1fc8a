/* SPDX-License-Identifier: MIT */
/** Environment variables; src/posix/environment.c and src/win32/environment.c supply it. */
#ifndef EDDY_COMMON_ENVIRONMENT_H
#define EDDY_COMMON_ENVIRONMENT_H

/** The value of `name`, borrowed; NULL if unset, and always in a set-uid program. */
const char *eddy__environment(const char *name);

#endif

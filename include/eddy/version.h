/* SPDX-License-Identifier: MIT */
/** The version of the header, and of the library that runs. */
#ifndef EDDY_VERSION_H
#define EDDY_VERSION_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of these headers. The build reads the three numbers from here. */
#define EDDY_VERSION_MAJOR 0
#define EDDY_VERSION_MINOR 1
#define EDDY_VERSION_PATCH 0

/** As one number that grows: 0x010203 is 1.2.3. */
#define EDDY_VERSION_NUMBER                                                                        \
    ((EDDY_VERSION_MAJOR << 16) | (EDDY_VERSION_MINOR << 8) | EDDY_VERSION_PATCH)

/**
 * The version of the library that was linked, as EDDY_VERSION_NUMBER is of the header.
 *
 * A program and a shared library of different versions meet at run time only. Any thread.
 * Cannot fail.
 */
EDDY_API uint32_t eddy_version(void);

/** The same as text, "1.2.3"; constant. Any thread. Cannot fail. */
EDDY_API const char *eddy_version_text(void);

#ifdef __cplusplus
}
#endif

#endif

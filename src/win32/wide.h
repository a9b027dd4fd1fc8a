/* SPDX-License-Identifier: MIT */
/** UTF-8 inside the library, UTF-16 at the border of Windows. */
#ifndef EDDY_WIN32_WIDE_H
#define EDDY_WIN32_WIDE_H

#include "win32/system.h"
#include <stddef.h>

/**
 * Convert UTF-8 to UTF-16. `*wide` is the caller's, to be freed with eddy__free(); NULL for NULL.
 *
 * EDDY_EINVALID for what is no UTF-8, EDDY_ENOMEM.
 */
int eddy__wide_from_utf8(const char *text, WCHAR **wide);

/**
 * Convert UTF-16 into `buffer` of `size` bytes, NUL included; returns the bytes needed, NUL
 * included, and writes nothing if `size` is less. Lone surrogates become U+FFFD. Cannot fail.
 */
size_t eddy__wide_to_utf8(const WCHAR *wide, char *buffer, size_t size);

#endif

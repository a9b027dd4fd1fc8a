/* SPDX-License-Identifier: MIT */
#include "win32/wide.h"
#include "common/error.h"
#include "common/memory.h"
#include <limits.h>
#include <string.h>

int eddy__wide_from_utf8(const char *text, WCHAR **wide)
{
    WCHAR *result;
    size_t size;
    int units;

    *wide = NULL;
    if (text == NULL)
        return 0;
    size = strlen(text) + 1;
    if (size > INT_MAX)
        return eddy_error(EDDY_EINVALID, "text of %zu bytes is too long", size);
    units = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, (int)size, NULL, 0);
    if (units <= 0)
        return eddy_error(EDDY_EINVALID, "text is not UTF-8");
    result = eddy__alloc((size_t)units * sizeof *result);
    if (result == NULL)
        return EDDY_ENOMEM;
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, (int)size, result, units);
    *wide = result;
    return 0;
}

size_t eddy__wide_to_utf8(const WCHAR *wide, char *buffer, size_t size)
{
    int needed = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);

    if (needed <= 0) {
        if (size > 0)
            buffer[0] = '\0';
        return 1;
    }
    if ((size_t)needed <= size)
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, buffer, needed, NULL, NULL);
    return (size_t)needed;
}

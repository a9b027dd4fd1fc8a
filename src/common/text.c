/* SPDX-License-Identifier: MIT */
#include "common/text.h"
#include <stdarg.h>
#include <stdio.h>

void eddy__text_add(struct eddy__text *text, const char *format, ...)
{
    size_t room = sizeof text->text - text->used;
    va_list arguments;
    int written;

    va_start(arguments, format);
    written = vsnprintf(text->text + text->used, room, format, arguments);
    va_end(arguments);
    if (written < 0)
        return;
    text->used += (size_t)written < room ? (size_t)written : room - 1;
}

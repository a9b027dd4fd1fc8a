/* SPDX-License-Identifier: MIT */
/** Where something was made, for debug mode: a return address, put into words when printed. */
#ifndef EDDY_COMMON_PLACE_H
#define EDDY_COMMON_PLACE_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** The place that called the function this stands in; NULL where the compiler cannot tell. */
#if defined(__GNUC__)
#define EDDY__CALLER() __builtin_return_address(0)
#else
#define EDDY__CALLER() NULL
#endif

/** Room for the words of a place. */
#define EDDY__PLACE_TEXT_SIZE 32

/** Write the words of `place` into `text` and return it; NULL for no place. */
static inline const char *eddy__place_text(const void *place, char text[EDDY__PLACE_TEXT_SIZE])
{
    if (place == NULL)
        return NULL;
    snprintf(text, EDDY__PLACE_TEXT_SIZE, "called at 0x%" PRIxPTR, (uintptr_t)place);
    return text;
}

#endif

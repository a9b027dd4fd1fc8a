/* SPDX-License-Identifier: MIT */
/** Putting a message together in fixed room: what does not fit is cut off. */
#ifndef EDDY_COMMON_TEXT_H
#define EDDY_COMMON_TEXT_H

#include <eddy/base.h>

struct eddy__text {
    size_t used;
    char text[1024];
};

/** Append, like printf(). Cannot fail. */
void eddy__text_add(struct eddy__text *text, const char *format, ...) EDDY_PRINTF(2, 3);

#endif

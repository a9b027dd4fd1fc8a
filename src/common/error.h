/* SPDX-License-Identifier: MIT */
/** Inside view of errors: system numbers to codes, and failures that travel with a future. */
#ifndef EDDY_COMMON_ERROR_H
#define EDDY_COMMON_ERROR_H

#include "common/thread_state.h"
#include <eddy/error.h>
#include <limits.h>

/* What a platform supplies. */

/**
 * The portable code of a number of the system (errno; GetLastError or WSAGetLastError). Never 0;
 * EDDY_EUNKNOWN for what has no name.
 */
int eddy__system_code(int64_t number);

/** Map a getaddrinfo()/getnameinfo() result to a code. */
int eddy__resolver_error(int number);

/** The system's own words for a number, "" if it has none. */
void eddy__system_text(int64_t number, char *buffer, size_t size);

/** As eddy__system_code(), and remember the number for the next eddy_error() with this code. */
int eddy__system_error(int64_t number);

/** True for codes of the operating system's range. */
static inline bool eddy__is_system_error(int code)
{
    return code <= -1000 && code > -2000;
}

/**
 * True if the system said `code` and nobody has called eddy_error() since: there are no words yet.
 * It tells the system's EDDY_ENOMEM from the allocator's, which brings its own.
 */
static inline bool eddy__is_unsaid(int code)
{
    return eddy__thread_state()->system_code == code;
}

/**
 * As eddy_error(), of a connection that the system ended: its words name `peer`, if that is
 * specified. They are composed when somebody asks for them, which most programs never do.
 */
int eddy__error_of_peer(int code, const eddy_address *peer);

/** What eddy_error() last said, if it spoke of `code` and in words; else NULL. */
const char *eddy__error_said(int code);

/** An error that is told later than it was found, and other calls may fail meanwhile. */
struct eddy__late_error {
    int value; /**< the code, or the system's number, which is positive and says more */
};

/** Keep `code` or 0, with its number if the system said that last and nobody has since. */
static inline struct eddy__late_error eddy__late_error_keep(int code)
{
    const struct eddy__thread_state *state = eddy__thread_state();
    bool has_number = code < 0 && state->system_code == code && state->system_number > 0 &&
                      state->system_number <= INT_MAX;

    return (struct eddy__late_error){has_number ? (int)state->system_number : code};
}

/** The code; its number is the one for the next eddy_error() with it, as if found just now. */
static inline int eddy__late_error_tell(struct eddy__late_error late)
{
    struct eddy__thread_state *state = eddy__thread_state();

    if (late.value > 0)
        return eddy__system_error(late.value);
    if (state->system_code == late.value)
        state->system_code = 0;
    return late.value;
}

/** A text and number on their way from a failure to whoever awaits it. */
struct eddy__failure {
    int64_t number;
    char text[];
};

/** Copy what eddy_error() last said about `code`; NULL if it said nothing or memory is out. */
struct eddy__failure *eddy__failure_capture(int code);

/** Make `failure` (may be NULL) the current error text for `code`. Borrows. */
void eddy__failure_restore(int code, const struct eddy__failure *failure);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * A race of connection attempts to the addresses of one host (NET-9..NET-14): one after the other,
 * or, with a delay, a further one whenever the last one is slow.
 */
#ifndef EDDY_COMMON_RACE_H
#define EDDY_COMMON_RACE_H

#include "common/error.h"
#include "common/stream.h"
#include <eddy/dns.h>

struct eddy__race;

struct eddy__race_options {
    const eddy_address_list *targets; /**< borrowed until the race is freed */
    const eddy_address_list *locals;  /**< the same; NULL: not bound */
    size_t interleave;                /**< as eddy__interleave() */
    eddy_time delay;                  /**< 0: the next attempt waits for the last one's failure */
    bool all_errors;                  /**< the text of a failure leaves nothing out (NET-11) */

    /**
     * It is over: a connected stream, which the callee takes, or NULL and the first error, with
     * its text. Once, from the loop. The callee may free the race.
     */
    void (*on_ended)(void *arg, struct eddy__stream *stream, int error);
    void *arg;
};

/** Prepare a race. Copies `options`. NULL: EDDY_ENOMEM. */
struct eddy__race *eddy__race_new(struct eddy_loop *loop, const struct eddy__race_options *options);

/**
 * Start it. A negative result: every attempt has failed already, as for on_ended, which is not
 * called then.
 */
int eddy__race_start(struct eddy__race *race);

/**
 * The whole text of a failed race, for a future; NULL if memory is out, or there was no attempt and
 * so nothing but what eddy_error_text() says. The caller's.
 */
struct eddy__failure *eddy__race_failure(const struct eddy__race *race);

/** Close what is being connected, and free the race. NULL is allowed. */
void eddy__race_free(struct eddy__race *race);

#endif

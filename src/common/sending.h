/* SPDX-License-Identifier: MIT */
/**
 * Sending a file over whatever can carry it: first as the carrier has the system do it, else in
 * pieces that are read on the executor (FILE-4, FILE-7).
 */
#ifndef EDDY_COMMON_SENDING_H
#define EDDY_COMMON_SENDING_H

#include "common/future.h"
#include <eddy/sendfile.h>

struct eddy__sending;
struct eddy__source;

/** What carries the file. */
struct eddy__carrier {
    size_t size;       /**< of the struct that begins with an eddy__sending */
    size_t piece_size; /**< bytes that are read at once */

    /**
     * Have the system send of the range what it takes at once, without counting it: bytes, 0 at the
     * end of the file, or the error; EDDY_EAGAIN: nothing now.
     */
    int64_t (*send_now)(struct eddy__sending *sending);

    /**
     * That was not all: prepare for a time of sending. 0, an error, or 1: it has ended meanwhile,
     * or its end is next. May be NULL.
     */
    int (*begin)(struct eddy__sending *sending);

    /**
     * A future of the system sending what is left of s->range; EDDY_ENOSENDFILE: it does not. Never
     * NULL.
     */
    struct eddy_future *(*send_file)(struct eddy__sending *sending);

    /** Whether a piece may be sent; if not, eddy__sending_go_on() follows when it may. */
    bool (*is_ready)(struct eddy__sending *sending);

    /**
     * Send a piece, whose memory stays until the next one, count it, and have
     * eddy__sending_go_on() called; or eddy__sending_fail().
     */
    void (*send)(struct eddy__sending *sending, const void *data, size_t size);

    /** It is over: let go. True if settle() has to be called, from the loop. */
    bool (*leave)(struct eddy__sending *sending);
    void (*settle)(struct eddy__sending *sending);
};

struct eddy__sending {
    struct eddy_future future;
    const struct eddy__carrier *carrier;
    struct eddy__live live;   /**< linked while the loop holds a reference */
    struct eddy__ready ready; /**< settle() */
    struct eddy__source *source;
    struct eddy__file_range range;
    bool no_fallback;
    bool has_left;
    struct eddy_future *inner; /**< what is waited for, or NULL */
    struct eddy__watch inner_done;
    void (*on_inner)(struct eddy__sending *sending, int error, eddy_value value);
};

/**
 * A sending that has not started. Whatever is wrong with the arguments: NULL, and `*failed` is the
 * future to return.
 */
struct eddy__sending *eddy__sending_new(struct eddy_loop *loop, const struct eddy__carrier *carrier,
                                        eddy_file file, int64_t offset, int64_t count,
                                        const eddy_sendfile_options *options,
                                        struct eddy_future **failed);

/**
 * Start it; the future, the caller's reference. What the carrier takes at once needs nothing but
 * the call: then the future is done already.
 */
struct eddy_future *eddy__sending_start(struct eddy__sending *sending);

/** The next piece, or the end. */
void eddy__sending_go_on(struct eddy__sending *sending);

/** Wait for `inner`, taking it, and call `on_inner`, which is not called after the end. */
void eddy__sending_await(struct eddy__sending *sending, struct eddy_future *inner,
                         void (*on_inner)(struct eddy__sending *sending, int error,
                                          eddy_value value));

/** End it with an error; it may be gone afterwards. */
void eddy__sending_fail(struct eddy__sending *sending, int error);

#endif

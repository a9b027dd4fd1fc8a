/* SPDX-License-Identifier: MIT */
/**
 * Signals from the inside. The platform (src/posix/signal.c, src/win32/signal.c) catches them and
 * notes each in the loop that owns it; everything else happens in the loop's thread.
 */
#ifndef EDDY_COMMON_SIGNAL_H
#define EDDY_COMMON_SIGNAL_H

#include "common/backend.h"
#include <eddy/signal.h>
#include <stdatomic.h>

/** Signals are numbered from 1 up to this, on every system there is. */
#define EDDY__SIGNAL_MAX 128

/** What a loop has to do with signals; made at its first handler. */
struct eddy__signals {
    struct eddy__list handlers;
    atomic_bool any;                         /**< something was noted since the last dispatch */
    atomic_uint noted[EDDY__SIGNAL_MAX + 1]; /**< how often each has come */
};

/**
 * Have a handler for Ctrl-C as eddy_run() wants it (RUN-1): a signal that is ignored stays ignored,
 * and stopping restores what was in force before.
 */
int eddy__signal_add_polite(struct eddy_loop *loop, int number, eddy_callback callback, void *arg);

/** Remove that handler, if it is still the one with this callback. Cannot fail. */
void eddy__signal_remove_polite(struct eddy_loop *loop, int number, eddy_callback callback);

/** Schedule the handlers of what was noted; something was, or is about to be. Cannot fail. */
void eddy__signals_dispatch(struct eddy_loop *loop);

/** The loop closes: remove all handlers (SIG-7). */
void eddy__signals_close(struct eddy_loop *loop);

/**
 * Note a signal and wake the loop. From a signal handler or any thread; the caller makes sure that
 * the loop is not taken away meanwhile.
 */
void eddy__signal_note(struct eddy_loop *loop, int number);

/* What a platform supplies. */

/** 0; EDDY_EINVALID for a number that is no signal; EDDY_ENOTSUPPORTED. */
int eddy__signal_check(int number);

/**
 * Catch `number` for `loop`. EDDY_EBADSTATE: another loop has it, or it cannot be caught.
 *
 * If the loop has it already, that only ends politeness: the signal is caught without a gap, and
 * still is when this fails.
 */
int eddy__signal_start(struct eddy_loop *loop, int number, bool polite);

/** Stop catching it for `loop`; returns when no handler uses the loop any more. Cannot fail. */
void eddy__signal_stop(struct eddy_loop *loop, int number);

#endif

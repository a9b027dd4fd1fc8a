/* SPDX-License-Identifier: MIT */
/** Signals of the operating system, as callbacks of a loop (SIG-1..SIG-8). */
#ifndef EDDY_SIGNAL_H
#define EDDY_SIGNAL_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Numbers that Windows' <signal.h> lacks; elsewhere use the system's names. There, SIGINT is
 * Ctrl-C, SIGBREAK Ctrl-Break, EDDY_SIGHUP the closing of the console, SIGTERM a log-off or
 * shutdown. After the last two the system grants a few seconds for cleaning up, and then ends the
 * process.
 */
#define EDDY_SIGHUP 1
#define EDDY_SIGWINCH 28

/**
 * Run `callback(arg)` in the loop's thread each time signal `number` arrives (SIG-1, SIG-2).
 *
 * `arg` stays the caller's. Replaces the callback that the loop had for it. Runs in the context
 * that is current now; arrivals close to each other may be merged (SIG-6). A signal belongs to at
 * most one loop of the process (SIG-3). Ends with eddy_loop_remove_signal_handler() or the loop's
 * close (SIG-7).
 *
 * EDDY_EINVALID: no callback, or no such signal. EDDY_EBADSTATE: closed, another loop has it, or it
 * cannot be caught. EDDY_ENOTSUPPORTED: this system does not deliver it. EDDY_ENOMEM.
 */
EDDY_API int eddy_loop_add_signal_handler(eddy_loop *loop, int number, eddy_callback callback,
                                          void *arg);

/**
 * Stop that, and restore the signal's default effect (SIG-4). 1 if there was a handler, 0 if not;
 * EDDY_EINVALID if there is no such signal.
 */
EDDY_API int eddy_loop_remove_signal_handler(eddy_loop *loop, int number);

#ifdef __cplusplus
}
#endif

#endif

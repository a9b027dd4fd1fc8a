/* SPDX-License-Identifier: MIT */
/**
 * A child process as the platform knows it: started, watched, signalled, reaped exactly once.
 * src/posix/child.c and src/win32/child.c supply all of this; what a program sees of it is made in
 * process.c. Belongs to the loop's thread.
 */
#ifndef EDDY_COMMON_CHILD_H
#define EDDY_COMMON_CHILD_H

#include "common/loop.h"

struct eddy__child;

/** Signals that every platform understands, in POSIX' numbers. */
enum { EDDY__CHILD_KILL = 9, EDDY__CHILD_TERMINATE = 15 };

/** The exit code of a child whose status somebody else took (SUB-23). */
enum { EDDY__CHILD_STATUS_LOST = 255 };

/** What to start; borrowed for the call. */
struct eddy__child_plan {
    const char *program;
    const char *const *argv;
    eddy_socket fds[3]; /**< what becomes its 0, 1, 2; EDDY_NO_SOCKET: the same as here */
    const eddy_subprocess_options *options; /**< the rest; its standard streams are not looked at */
};

/** Whether this platform can do all this: 0, or EDDY_ENOTSUPPORTED with a text. */
int eddy__child_check(void);

/** The arguments of the program's that runs `command`; `argv` has room for four. */
const char *eddy__child_shell(const char *command, const char *argv[4]);

/** A pipe: `ours` non-blocking, for writing if `we_write`, `theirs` blocking. Not inheritable. */
int eddy__child_pipe(bool we_write, eddy_socket *ours, eddy_socket *theirs);

/** The null device, open for both directions. Not inheritable. */
int eddy__child_null(eddy_socket *fd);

/** Close what the two above have made. Cannot fail. */
void eddy__child_close(eddy_socket fd);

/**
 * Start a child and watch it. The system's own code if it could not be started, and then nothing is
 * left of it. on_exit(arg, code) comes once, out of the ready queue, when it has ended and was
 * reaped: the status, -N for signal N, or EDDY__CHILD_STATUS_LOST.
 */
int eddy__child_start(struct eddy_loop *loop, const struct eddy__child_plan *plan,
                      void (*on_exit)(void *arg, int64_t code), void *arg,
                      struct eddy__child **child);

int64_t eddy__child_pid(const struct eddy__child *child);

/** Signal it; 0 also if it has ended. EDDY_EINVALID; EDDY_EPERM. */
int eddy__child_signal(struct eddy__child *child, int number);

/**
 * Let go: on_exit does not come any more. A child that has not ended by then stays, and is reaped
 * only where a thread waits for it (SUB-26). False then. Cannot fail.
 */
bool eddy__child_free(struct eddy__child *child);

#endif

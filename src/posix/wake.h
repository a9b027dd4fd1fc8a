/* SPDX-License-Identifier: MIT */
/** A descriptor that becomes readable when somebody wants the loop's attention. */
#ifndef EDDY_POSIX_WAKE_H
#define EDDY_POSIX_WAKE_H

/** An eventfd where there is one: both are the same then. Else the two ends of a pipe. */
struct eddy__wake {
    int read_fd;
    int write_fd;
};

/** Make it: non-blocking, not inheritable. Leaves nothing behind if it fails. */
int eddy__wake_open(struct eddy__wake *wake);
void eddy__wake_close(struct eddy__wake *wake);

/** Make `read_fd` readable; keeps errno. Any thread, signal handlers too. Cannot fail. */
void eddy__wake_send(const struct eddy__wake *wake);

/** Make `read_fd` unreadable again; not needed by who only looks at edges. */
void eddy__wake_drain(const struct eddy__wake *wake);

#endif

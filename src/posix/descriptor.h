/* SPDX-License-Identifier: MIT */
/** What every descriptor of the library is: non-blocking and not inheritable. */
#ifndef EDDY_POSIX_DESCRIPTOR_H
#define EDDY_POSIX_DESCRIPTOR_H

/** 0 or a system error. Any thread. */
int eddy__descriptor_set_nonblocking(int fd);
int eddy__descriptor_set_cloexec(int fd);

/** Close; EINTR counts as closed. Keeps errno. Any thread. */
void eddy__descriptor_close(int fd);

/** Both flags on a new descriptor, which is closed if that fails. */
int eddy__descriptor_adopt(int fd);

/** A pipe with both flags at both ends, or only not inheritable; fds[0] is for reading. */
int eddy__descriptor_pipe(int fds[2]);
int eddy__descriptor_pipe_blocking(int fds[2]);

#endif

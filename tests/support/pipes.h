/* SPDX-License-Identifier: MIT */
/** Pipes of the operating system and transports over them; not on a simulated loop. */
#ifndef TESTS_SUPPORT_PIPES_H
#define TESTS_SUPPORT_PIPES_H

#include "support/peer.h"
#include "support/witness.h"

/** Skip the test where there are none: on a simulated loop. */
void pipes_or_skip(struct fixture *f);

/** A non-blocking pipe, both ends kept by the fixture; fds[0] is for reading. */
void pipes_make(struct fixture *f, eddy_socket fds[2]);

/** Make a transport over `fd`, which the fixture keeps and then gives up, and run until made. */
void pipes_connect_reader(struct fixture *f, struct witness *w, eddy_socket fd);
void pipes_connect_writer(struct fixture *f, struct witness *w, eddy_socket fd);

/** A transport for `w` at one end of a pipe; skips the test where there are none. */
void pipes_begin_reader(struct fixture *f, struct witness *w, eddy_socket fds[2]);
void pipes_begin_writer(struct fixture *f, struct witness *w, eddy_socket fds[2]);

/** Both sides of a terminal, kept by the fixture; skips the test if there is none to be had. */
void pipes_make_terminal(struct fixture *f, int *master, int *slave);

/** Close what the fixture keeps. */
void pipes_close(struct fixture *f, eddy_socket fd);

/** Write all of `text`. */
void pipes_write(eddy_socket fd, const char *text);

/** Run the loop until exactly `text` was read from `fd` ("": the end), or fail. */
#define pipes_expect(f, fd, text) pipes_expect_text(f, fd, text, __FILE__, __LINE__)

/** Read what is there, and throw it away; how much, 0 at the end, -1 if there is nothing yet. */
long pipes_drain(eddy_socket fd);

void pipes_expect_text(struct fixture *f, eddy_socket fd, const char *text, const char *file,
                       int line);

#endif

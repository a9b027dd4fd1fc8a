/* SPDX-License-Identifier: MIT */
/** For the suites of direct socket operations. */
#ifndef TESTS_SUPPORT_SOCK_H
#define TESTS_SUPPORT_SOCK_H

#include "support/listener.h"
#include "support/support.h"

/** Two connected stream sockets of the fixture. */
void sock_pair(struct fixture *f, eddy_socket sockets[2]);

/** Close a socket of the fixture now. */
void sock_close(struct fixture *f, eddy_socket socket);

/** Send a short text, which the socket takes at once. */
void sock_send_text(eddy_socket socket, const char *text);

/** Let what was sent arrive. */
void sock_settle(struct fixture *f);

/** Send until the socket takes no more; how many bytes. */
size_t sock_fill(struct fixture *f, eddy_socket socket);

/** True if `future` is done and has failed with `code`. */
bool sock_failed(eddy_future *future, int code);

/** Run until `future`, which is taken, is done, and expect these bytes (as `bytes`). */
void sock_expect_bytes(struct fixture *f, eddy_future *future, const char *text);

/** Run until `future`, which is taken, has failed with `code`. */
void sock_expect_error(struct fixture *f, eddy_future *future, int code);

/** The same of a future that has failed already, where no loop runs. */
void sock_expect_refused(eddy_future *future, int code);

/** Two connected sockets of the fixture that block; false where one cannot ask whether they do. */
bool sock_make_blocking(struct fixture *f, eddy_socket sockets[2]);

#endif

/* SPDX-License-Identifier: MIT */
/** Raw TCP sockets on the loopback interface, for what connects to them. */
#ifndef TESTS_SUPPORT_LISTENER_H
#define TESTS_SUPPORT_LISTENER_H

#include "support/fixture.h"

/** A socket of the fixture that listens on 127.0.0.1 and a port of the system's choice. */
eddy_socket listener_new(struct fixture *f, eddy_address *address);

/** The same, but it does not listen: connecting to it is refused. */
eddy_socket listener_new_deaf(struct fixture *f, eddy_address *address);

/** Skip this test where the backend under test has no Unix sockets. */
void need_unix(struct fixture *f);

/** A socket of the fixture that listens at `path`, of `size` bytes (0: a text). */
eddy_socket listener_new_unix(struct fixture *f, const char *path, size_t size);

/** A raw socket of the fixture that is connecting, or connected, to `path`. */
eddy_socket listener_connect_unix(struct fixture *f, const char *path);

/** Run the loop until somebody has connected; the fixture's socket of that connection. */
eddy_socket listener_accept(struct fixture *f, eddy_socket listener);

/** True if somebody has connected; the connection is closed. */
bool listener_was_reached(struct fixture *f, eddy_socket listener);

/** Run the loop until `socket` has received the end of its stream, or a reset; false after 10 s. */
bool listener_await_end(struct fixture *f, eddy_socket socket);

/**
 * Skip this test, and say why, if the system's resolver does not know "localhost": a system without
 * /etc/hosts need not. The simulation's always does.
 */
void need_localhost(struct fixture *f);

#endif

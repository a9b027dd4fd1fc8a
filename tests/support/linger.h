/* SPDX-License-Identifier: MIT */
/** For the suites of sockets that stay registered between two operations; not on Windows. */
#ifndef TESTS_SUPPORT_LINGER_H
#define TESTS_SUPPORT_LINGER_H

#include "support/support.h"

/** Skip where sockets are closed by the library's own calls only, or something may fail. */
void linger_need(struct fixture *f);

/** Let the clock tick that finds out which guesses have to be verified. */
void linger_tick(struct fixture *f);

size_t linger_count(struct fixture *f);

/** What is there already is received without the clock's help. */
void linger_receive(struct fixture *f, eddy_socket socket, const char *text);

/** A message that is waited for. */
void linger_exchange(struct fixture *f, const eddy_socket sockets[2]);

/** Have the loop rely on it that `sockets[0]` is registered, and empty; no other one lingers. */
void linger_make_busy(struct fixture *f, const eddy_socket sockets[2]);

/** The same with a pair of the fixture. */
void linger_busy_pair(struct fixture *f, eddy_socket sockets[2]);

/** The program gives the number of `socket` to another socket, past the library. */
void linger_replace(eddy_socket socket, eddy_socket by);

#endif

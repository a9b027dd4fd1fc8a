/* SPDX-License-Identifier: MIT */
/**
 * A connection as lines, for tasks: read one, write one, turn the connection into TLS.
 *
 * Lines end in CR and LF, and in nothing else: who is laxer takes for two mails what others take
 * for one.
 */
#ifndef LINES_H
#define LINES_H

#include <eddy/eddy.h>

struct lines;

/**
 * The protocol of a new connection, or NULL; for factories. If there is a `talk`, talk(lines) is
 * run as a task of its own, and the connection is closed when that ends; else lines_close() has to
 * be called.
 */
eddy_protocol *lines_new(eddy_function talk, void *arg);

/** What lines_new() was given for the program's use. */
void *lines_arg(const struct lines *lines);

/**
 * Wait for a line: 1, and it is lent until the next call, without its end; 0 at the end of the
 * stream; EDDY_EPROTO for what is none; EDDY_ETIMEDOUT after five minutes.
 */
int lines_read(struct lines *lines, char **line);

/** Write a line; its end is added. */
int lines_write(struct lines *lines, const char *format, ...) EDDY_PRINTF(2, 3);

/** Something was received that nobody has read yet. */
bool lines_are_waiting(const struct lines *lines);

/**
 * Turn the connection into TLS, which ends it if that fails. What was received already came
 * without encryption, maybe from somebody in the middle, and must not be taken for something that
 * was encrypted: EDDY_EPROTO if there is any.
 */
int lines_start_tls(struct lines *lines, eddy_tls_context *context, const char *server_hostname);

/** Close the connection, when all is sent; `lines` must not be used any more. NULL is allowed. */
void lines_close(struct lines *lines);

#endif

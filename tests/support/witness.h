/* SPDX-License-Identifier: MIT */
/**
 * A protocol that records what it hears, and does what a script says.
 *
 * It records "made", "data:hello", "eof", "updated:5", "pause", "resume", "lost:0" or
 * "lost:EDDY_ECONNRESET"; get_buffer() is not recorded, since it may come for nothing (TR-45).
 * Of a datagram transport it records "datagram:hello" and "error:EDDY_ECONNREFUSED".
 * With a name "a" they read "a.made" and so on. It lives in the test; its factory hands it out.
 */
#ifndef TESTS_SUPPORT_WITNESS_H
#define TESTS_SUPPORT_WITNESS_H

#include "support/fixture.h"

enum witness_event {
    WITNESS_MADE = 1,
    WITNESS_DATA,
    WITNESS_EOF,
    WITNESS_GET_BUFFER,
    WITNESS_UPDATED,
    WITNESS_PAUSE,
    WITNESS_RESUME,
    WITNESS_LOST,
    WITNESS_DATAGRAM,
    WITNESS_ERROR,
    WITNESS_EVENTS
};

struct witness;

/** Called after an event was recorded; its result is the callback's. */
typedef int (*witness_script)(struct witness *w, enum witness_event event);

struct witness {
    eddy_protocol protocol;
    eddy_transport *transport; /**< from connection_made() to connection_lost() */
    bool held; /**< the fixture holds the transport: it stays when the connection is lost */
    const char *name;
    witness_script script;       /**< NULL: every callback returns 0 */
    void *arg;                   /**< the script's */
    bool quiet;                  /**< do not record data: only count and keep it */
    int results[WITNESS_EVENTS]; /**< what the callback of an event returns without a script */
    size_t counts[WITNESS_EVENTS];
    size_t received; /**< bytes in all */
    char text[1024]; /**< the first of them, NUL-terminated */
    int error;       /**< of connection_lost() */

    eddy_address from;  /**< of the last datagram */
    int received_error; /**< the last one of error_received() */

    /* A buffered witness: what get_buffer() offers. */
    char *buffer;
    size_t buffer_size;
    ptrdiff_t size_hint; /**< the last one given to get_buffer() */
};

/** Begin a witness whose events are recorded with `name` (may be NULL). */
void witness_init(struct witness *w, const char *name);

/** The same as a buffered protocol that offers `size` bytes of `buffer`. */
void witness_init_buffered(struct witness *w, const char *name, void *buffer, size_t size);

/** An eddy_protocol_factory; `witness` is a struct witness. Records nothing. */
eddy_protocol *witness_factory(void *witness);

/**
 * True without a connection: not made, or lost. `transport` does not tell while system calls fail,
 * as the fixture holds it then.
 */
bool witness_is_gone(const struct witness *w);

/** The witness behind a protocol. */
struct witness *witness_of(eddy_protocol *protocol);

#endif

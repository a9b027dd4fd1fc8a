/* SPDX-License-Identifier: MIT */
/** The program behind a server, and raw clients of it. */
#ifndef TESTS_SUPPORT_PROGRAM_H
#define TESTS_SUPPORT_PROGRAM_H

#include "support/witness.h"

enum { CLIENTS_MAX = 8, SERVERS_MAX = 8 };

/** Has a witness for each connection, in the order in which they come. All zero to begin with. */
struct program {
    struct witness clients[CLIENTS_MAX];
    size_t count;
    witness_script script;
    int made_result;
    bool refuse; /**< the factory records "refused" and makes nothing */
};

/** An eddy_protocol_factory; `arg` is a struct program. */
eddy_protocol *program_factory(void *arg);

/** Make a server with a port of the system's choice, run until it stands, and keep it. */
int make_server(struct fixture *f, struct program *program, const char *host,
                const eddy_server_options *options, eddy_server **server);

/**
 * A reference that the test owns is the fixture's from now on, so that the test may end anywhere;
 * or let go of it now.
 */
void keep_server(struct fixture *f, eddy_server *server);
void release_server(eddy_server *server);

/** The same for a future, to the end of the test; returns it. */
eddy_future *keep_future(struct fixture *f, eddy_future *future);

/** Address of the server's socket `index`. */
void server_address(eddy_server *server, size_t index, eddy_address *address);

/** A raw client: the fixture's socket, connecting to the server's first address. */
eddy_socket connect_client(struct fixture *f, eddy_server *server);

/**
 * Run the loop until `text` was recorded `count` times, or fail after half a minute. Ends the test,
 * as give_up_if() does, if an injected failure can be why it is not.
 */
void run_until_count(struct fixture *f, const char *text, size_t count);

/** Record "name:done" or "name:cancelled" when the future ends. */
void watch(eddy_future *future, const char *name);

/** The future has failed already, with `code` and a text that contains `text`; drop it. */
void assert_refused(eddy_future *future, int code, const char *text);

#endif

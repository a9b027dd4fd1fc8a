/* SPDX-License-Identifier: MIT */
/** Datagram endpoints for tests: witnesses of the loopback interface. */
#ifndef TESTS_SUPPORT_DATAGRAM_H
#define TESTS_SUPPORT_DATAGRAM_H

#include "support/witness.h"

/** Make an endpoint for `w` as `options` say; what the call's future says. */
int try_endpoint(struct fixture *f, struct witness *w, const eddy_datagram_options *options);

/** The same, which has to succeed. */
void open_endpoint(struct fixture *f, struct witness *w, const eddy_datagram_options *options);

/** An endpoint bound to a free port of 127.0.0.1; its address. */
void bind_endpoint(struct fixture *f, struct witness *w, eddy_address *address);

/** An endpoint that is connected to `address`, of 127.0.0.1. */
void connect_endpoint(struct fixture *f, struct witness *w, const eddy_address *address);

/** A server "s" and a client "c" that is connected to it; nothing is recorded afterwards. */
void open_endpoint_pair(struct fixture *f, struct witness *s, struct witness *c);

/** The address under which others reach the endpoint. */
eddy_address endpoint_address(const eddy_transport *transport);

/** Send a text; `address` as in eddy_transport_sendto(). */
int send_datagram(eddy_transport *transport, const char *text, const eddy_address *address);

/** Close it, and run until connection_lost(). */
void close_endpoint(struct fixture *f, struct witness *w);

/**
 * Hold back what the backend of the fixture's loop sends, as if the system took nothing, or let it
 * go again.
 */
void hold_sending(struct fixture *f);
void release_sending(struct fixture *f);

/** Have the next datagrams sent fail with `error`, as many as `count`. */
void fail_sending(struct fixture *f, int error, int count);

/** Have the next receive fail with `error`. */
void fail_receiving(struct fixture *f, int error);

#endif

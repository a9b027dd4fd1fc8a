/* SPDX-License-Identifier: MIT */
/**
 * The stream transport: one connected stream socket and one protocol, on any backend.
 *
 * It exists before its connection does, so that everything that can fail is allocated when the
 * protocol factory is called (TR-52): made over a socket, then connected if it is not yet, then
 * started with a factory. Until it is started nobody outside the library knows it.
 */
#ifndef EDDY_COMMON_STREAM_H
#define EDDY_COMMON_STREAM_H

#include "common/transport.h"

struct eddy__stream;

/**
 * Make a stream over `socket`, taking it when this succeeds. `peer` (NULL: ask the socket, once
 * connected) is kept as "peername". EDDY_ENOMEM or the backend's error: the socket is the
 * caller's still.
 */
int eddy__stream_new(struct eddy_loop *loop, eddy_socket socket, const eddy_address *peer,
                     struct eddy__stream **stream);

/** How kinds of streams differ; constants. That of sockets is in stream.c, others in pipe.c. */
struct eddy__stream_manner {
    const struct eddy__transport_kind *kind;
    const struct eddy__channel_events *events;
    bool is_pipe; /**< no addresses; a failing data_received() is only reported (PIPE-4) */
};

/** The same in another manner, which has to live as long. */
int eddy__stream_new_in_manner(struct eddy_loop *loop, const struct eddy__stream_manner *manner,
                               eddy_socket socket, const eddy_address *peer,
                               struct eddy__stream **stream);

/** Connect it; on_connected(arg, error) comes once from the loop, unless discarded before. */
void eddy__stream_connect(struct eddy__stream *stream, const eddy_address *address,
                          void (*on_connected)(void *arg, int error), void *arg);

/**
 * Start a connected stream: in the next iteration the factory is called, connection_made(), reading
 * enabled, on_made (TR-2, NET-15). Copies `setup`. Cannot fail.
 */
void eddy__stream_start(struct eddy__stream *stream, const struct eddy__transport_setup *setup);

/** Close a stream that was never started, and its socket. Nothing is called. Cannot fail. */
void eddy__stream_discard(struct eddy__stream *stream);

struct eddy_transport *eddy__stream_transport(struct eddy__stream *stream);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * The other end of a transport: a raw socket that the test drives by hand, so that a connection
 * has only one moving part.
 *
 *     struct witness w;
 *     struct peer peer;
 *
 *     witness_init(&w, NULL);
 *     connect_peer(f, &w, &peer);          ... "made" has been recorded
 *     peer_send(&peer, "hello");
 *     run_until_recorded(f->loop, "data:hello");
 *     eddy_transport_write(w.transport, "bye", 3);
 *     peer_expect(&peer, "bye");
 */
#ifndef TESTS_SUPPORT_PEER_H
#define TESTS_SUPPORT_PEER_H

#include "support/witness.h"

/** The fixture closes its socket at the end of the test. */
struct peer {
    struct fixture *f;
    eddy_socket socket;
};

/** Connect `w` to a raw peer by eddy_socket_pair(), and run until its connection_made(). */
void connect_peer(struct fixture *f, struct witness *w, struct peer *peer);

/** The same over TCP on the loopback interface, where addresses and resets are real. */
void connect_tcp_peer(struct fixture *f, struct witness *w, struct peer *peer);

/** Connect two witnesses to each other. */
void connect_witnesses(struct fixture *f, struct witness *a, struct witness *b);

/** Make a transport over `socket`, for `w`, and run until connection_made(). Takes `socket`. */
void connect_socket(struct fixture *f, struct witness *w, eddy_socket socket);

/** Two raw TCP sockets connected to each other; both are the caller's. */
void tcp_pair(struct fixture *f, eddy_socket sockets[2]);

/** Send all of `text`, or of `data`; fails if the socket does not take it at once. */
void peer_send(struct peer *peer, const char *text);
void peer_send_bytes(struct peer *peer, const void *data, size_t size);

/** Receive what is there now: a count, 0 at the end of the stream, EDDY_EAGAIN. */
int64_t peer_receive(struct peer *peer, void *buffer, size_t size);

/** As peer_receive(), but runs the loop until there is something. */
int64_t peer_receive_waiting(struct peer *peer, void *buffer, size_t size);

/** Run the loop until the peer has received exactly `text`, or fail. */
#define peer_expect(peer, text) peer_expect_text(peer, text, __FILE__, __LINE__)

/** The same where more may be right behind: that much is received, and no more. */
#define peer_expect_ahead(peer, text) peer_expect_text_ahead(peer, text, __FILE__, __LINE__)

/** Run the loop until the peer has received the end of the stream and nothing before, or fail. */
#define peer_expect_eof(peer) peer_expect_text(peer, "", __FILE__, __LINE__)

/** Run the loop and receive until `size` bytes have come or the stream has ended; how many. */
size_t peer_drain(struct peer *peer, size_t size);

/** No more from this side; the other direction stays open. */
void peer_shutdown(struct peer *peer);

/** Close the socket in order; break the connection (only with connect_tcp_peer()). */
void peer_close(struct peer *peer);
void peer_reset(struct peer *peer);

/** The socket of a transport, which keeps it. */
eddy_socket transport_socket(eddy_transport *transport);

/** Write a text to a transport; 0, or what the write returned. */
int write_text(eddy_transport *transport, const char *text);

/**
 * Write to the transport until it has to keep something; returns how much was written in all. The
 * bytes count up, so that peer_check_filling() can tell their order.
 */
size_t fill_transport(eddy_transport *transport);

/** Bytes `at` to `at + size` of what fill_transport() writes: make them, or compare with them. */
void peer_fill(char *data, size_t size, size_t at);
bool peer_is_filling(const char *data, size_t size, size_t at);

/** Receive `size` bytes as fill_transport() wrote them, and fail at the first wrong one. */
void peer_check_filling(struct peer *peer, size_t size);

void peer_expect_text(struct peer *peer, const char *text, const char *file, int line);
void peer_expect_text_ahead(struct peer *peer, const char *text, const char *file, int line);

#endif

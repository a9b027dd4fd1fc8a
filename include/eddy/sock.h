/* SPDX-License-Identifier: MIT */
/**
 * Direct socket operations, for straight-line code without a transport (SOCK-1..SOCK-9).
 *
 * They work on sockets of the program that are non-blocking, as those of eddy_socket_new() are. All
 * of them try at once, so that the future may be done already, and otherwise wait for the socket; a
 * receive from a stream that the last one has emptied may go straight to waiting.
 * What goes wrong is in the future, which is never NULL: EDDY_EINVALID; EDDY_EBADSTATE if a
 * transport or a server uses the socket, or if an operation waits for this direction of it already
 * (SOCK-2: one at a time to receive or accept, one to send or connect); errors of the system.
 *
 * Memory that is passed in stays the caller's and has to stay there until the future is done, is
 * cancelled, or its last reference is dropped, which cancels too. It is touched only by a call that
 * does not wait, never after that. A cancel takes effect at once: no byte and no connection is lost
 * to it, and the socket may be used again or closed. Cancel, or wait for the end, before closing.
 *
 * A busy socket stays registered with the system for up to 100 ms after an operation, which spares
 * half of its system calls. Any use of the descriptor is allowed meanwhile, and closing it. Close
 * with eddy_socket_close() in what the loop runs: then the loop knows. If it is closed otherwise
 * or elsewhere and another busy socket gets the number, the first receive from that one may be
 * late, by 100 ms at most, and the loop keeps nothing registered on trust from then on; and if a
 * duplicate of it is open elsewhere, the loop may wake up for what arrives there.
 */
#ifndef EDDY_SOCK_H
#define EDDY_SOCK_H

#include <eddy/address.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that were received, in memory of their own. */
struct eddy_bytes {
    size_t size;
    unsigned char *data;
};

/** The same with the address of the sender, unspecified if it has none. */
struct eddy_datagram {
    size_t size;
    unsigned char *data;
    eddy_address peer;
};

/** Free; NULL is allowed. */
EDDY_API void eddy_bytes_free(eddy_bytes *bytes);
EDDY_API void eddy_datagram_free(eddy_datagram *datagram);

/**
 * Receive at least one byte and at most `max` (1 or more). The value is `bytes`, owned by who takes
 * it out; a size of 0 is the end of the stream. EDDY_ENOMEM leaves the data to the next call.
 */
EDDY_API eddy_future *eddy_loop_sock_recv(eddy_loop *loop, eddy_socket sock, size_t max);

/**
 * The same into memory of the caller. The value is `size`; 0 is the end of the stream.
 *
 * If `buffer` has room for more than what comes, it is known that nothing is left, and the next
 * call need not look. Large buffers are fastest at a multiple of 64 bytes.
 */
EDDY_API eddy_future *eddy_loop_sock_recv_into(eddy_loop *loop, eddy_socket sock, void *buffer,
                                               size_t size);

/**
 * Receive one datagram, of which only the first `max` bytes (1 or more) are kept. The value is
 * `datagram`, owned by who takes it out.
 */
EDDY_API eddy_future *eddy_loop_sock_recvfrom(eddy_loop *loop, eddy_socket sock, size_t max);

/**
 * The same into memory of the caller, the sender's address into `*peer`, which may be NULL. The
 * value is `size`. To use less than the whole buffer, pass a smaller `size`.
 */
EDDY_API eddy_future *eddy_loop_sock_recvfrom_into(eddy_loop *loop, eddy_socket sock, void *buffer,
                                                   size_t size, eddy_address *peer);

/**
 * Send all of `data`; done once the system has taken the last byte. After an error or a cancel it
 * is unknown how much was sent. Nothing to send is done at once. No value.
 */
EDDY_API eddy_future *eddy_loop_sock_sendall(eddy_loop *loop, eddy_socket sock, const void *data,
                                             size_t size);

/**
 * Send one datagram to `peer`, which is copied; the unspecified address is where the socket is
 * connected to. The value is `size`, the bytes that were sent. An error names the address.
 */
EDDY_API eddy_future *eddy_loop_sock_sendto(eddy_loop *loop, eddy_socket sock, const void *data,
                                            size_t size, const eddy_address *peer);

/**
 * Connect to `address`, which is copied. No value. An error names the address. After a cancel the
 * system goes on connecting; the same call waits for that again, or meets EDDY_EISCONN.
 */
EDDY_API eddy_future *eddy_loop_sock_connect(eddy_loop *loop, eddy_socket sock,
                                             const eddy_address *address);

/**
 * The same by name: the first answer for `host`, which is copied, with the socket's family, type
 * and protocol (SOCK-7). A Unix socket has no names of this kind: EDDY_EINVALID.
 */
EDDY_API eddy_future *eddy_loop_sock_connect_host(eddy_loop *loop, eddy_socket sock,
                                                  const char *host, int port);

/**
 * Accept a connection. The value is `socket`, non-blocking, owned by who takes it out; its other
 * end's address goes to `*peer`, which may be NULL and is memory as described above.
 */
EDDY_API eddy_future *eddy_loop_sock_accept(eddy_loop *loop, eddy_socket sock, eddy_address *peer);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/**
 * The other end of a TLS transport: OpenSSL over a raw socket that the test drives by hand, so that
 * a connection has only one moving part.
 *
 *     struct tls_kit kit;
 *     struct witness w;
 *     struct tls_peer peer;
 *
 *     tls_kit_init(f, &kit);
 *     witness_init(&w, NULL);
 *     connect_tls_peer(f, &kit, &w, TLS_PEER_IS_SERVER, &peer);      ... "made" has been recorded
 *     tls_peer_send(&peer, "hello");
 *     run_until_recorded(f->loop, "data:hello");
 *
 * The fixture gives everything back. The peer's memory is OpenSSL's, which no sweep over the
 * library's allocations hits.
 */
#ifndef TESTS_SUPPORT_TLS_PEER_H
#define TESTS_SUPPORT_TLS_PEER_H

#include "support/certificates.h"
#include "support/peer.h"
#include <openssl/ssl.h>

/** An authority, a server for "example.test" and 127.0.0.1, and contexts that go with them. */
struct tls_kit {
    struct certificate *authority;
    struct certificate *certificate;
    eddy_tls_context *client;
    eddy_tls_context *server;
};

/** Make everything, to the end of the test; a failure that a sweep made ends it, content. */
void tls_kit_init(struct fixture *f, struct tls_kit *kit);

/** Make a context, to the end of the test, as above. */
eddy_tls_context *tls_kit_context(struct fixture *f, const eddy_tls_options *options);

enum tls_peer_side { TLS_PEER_IS_SERVER, TLS_PEER_IS_CLIENT };

struct tls_peer {
    struct peer raw; /**< its socket; what is read and written here bypasses TLS */
    SSL *ssl;
    BIO *in;
    BIO *out;
};

/** Make the peer's side over `socket`, which the fixture closes. Nothing is said yet. */
void tls_peer_init(struct tls_peer *peer, struct fixture *f, const struct tls_kit *kit,
                   enum tls_peer_side side, eddy_socket socket);

/** Connect `w` by TLS to a new peer over a socket pair, and run until its connection_made(). */
void connect_tls_peer(struct fixture *f, const struct tls_kit *kit, struct witness *w,
                      enum tls_peer_side side, struct tls_peer *peer);

/** The future of the same, whose peer has not begun its handshake. */
eddy_future *begin_tls_peer(struct fixture *f, const struct tls_kit *kit, struct witness *w,
                            enum tls_peer_side side, struct tls_peer *peer);

/**
 * `future` is under way; else it failed at the call because of a sweep, which ends the test,
 * content: `socket` was not taken then, and is closed (EDDY_NO_SOCKET: there is none).
 */
void must_begin(struct fixture *f, eddy_future *future, eddy_socket socket);

/** Move what there is between the socket and OpenSSL, both ways; false at the end of the stream. */
bool tls_peer_pump(struct tls_peer *peer);

/** Shake hands, running the loop, until the peer has done its part; false if that failed. */
bool tls_peer_shake(struct tls_peer *peer);

/** Encrypt and send; all of it has to fit. */
void tls_peer_send(struct tls_peer *peer, const char *text);
void tls_peer_send_bytes(struct tls_peer *peer, const void *data, size_t size);

/** Encrypt, but do not send yet: a later pump does, all in one. */
void tls_peer_prepare(struct tls_peer *peer, const void *data, size_t size);

/** Take ciphertext that OpenSSL wants to send, at most `size` bytes: how many. */
size_t tls_peer_take(struct tls_peer *peer, void *buffer, size_t size);

/** Run the loop until something can be decrypted; 0 at the end of TLS, of the stream, of time. */
size_t tls_peer_receive(struct tls_peer *peer, void *buffer, size_t size);

/** Run the loop until exactly `text` has come, or fail. */
#define tls_peer_expect(peer, text) tls_peer_expect_text(peer, text, __FILE__, __LINE__)

/** Run the loop and receive until `size` bytes have come, or the end; how many. Kept nowhere. */
size_t tls_peer_drain(struct tls_peer *peer, size_t size);

/** Say close_notify; run the loop until the other side's has come, or fail. */
void tls_peer_close_notify(struct tls_peer *peer);
void tls_peer_expect_close_notify(struct tls_peer *peer);

void tls_peer_expect_text(struct tls_peer *peer, const char *text, const char *file, int line);

/** Receive what is there, hand it to the SSL, and count the records in it. */
size_t tls_peer_count_records(struct tls_peer *peer);

#endif

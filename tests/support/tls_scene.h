/* SPDX-License-Identifier: MIT */
/** What most suites of TLS begin with: a witness over TLS, and a peer that the test drives. */
#ifndef TESTS_SUPPORT_TLS_SCENE_H
#define TESTS_SUPPORT_TLS_SCENE_H

#include "support/tls_peer.h"

struct tls_scene {
    struct tls_kit kit;
    struct witness w;
    struct tls_peer peer;
};

/** A plain witness that has been told of its connection; nothing is recorded afterwards. */
void tls_scene_begin(struct fixture *f, struct tls_scene *s, enum tls_peer_side side);

/** The same with a buffered witness that offers `size` bytes of `buffer`. */
void tls_scene_begin_buffered(struct fixture *f, struct tls_scene *s, enum tls_peer_side side,
                              void *buffer, size_t size);

/** With a server as the peer, whose SSL is prepared before it shakes hands. */
void tls_scene_begin_prepared(struct fixture *f, struct tls_scene *s, void (*prepare)(SSL *ssl));

/** The same in TLS 1.2, which knows renegotiation. */
void tls_scene_begin_in_1_2(struct fixture *f, struct tls_scene *s);

/** By TCP, where resets are real; the peer is a client, and the limit for closing 20 ms. */
void tls_scene_begin_by_tcp(struct fixture *f, struct tls_scene *s);

/** Run until what the peer has sent is there; the test ends, content, if a sweep broke it off. */
void tls_scene_settle(struct fixture *f, struct tls_scene *s);

/** Abort, and see the end, which is all that is recorded. */
void tls_scene_abort(struct fixture *f, struct tls_scene *s);

/** Fill the transport up until it keeps output of its own; how many bytes were written. */
size_t tls_scene_fill(struct tls_scene *s);

/** Have the peer receive `size` bytes as tls_scene_fill() wrote them; fail at a wrong one. */
void tls_scene_check_filling(struct tls_scene *s, size_t size);

/** What TLS is over, borrowed. */
eddy_transport *tls_scene_lower(const struct tls_scene *s);

#endif

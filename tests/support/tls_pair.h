/* SPDX-License-Identifier: MIT */
/**
 * A client and a server of TLS with nothing but memory between them: contexts are tried without a
 * loop, transports, or the library's own engine.
 */
#ifndef TESTS_SUPPORT_TLS_PAIR_H
#define TESTS_SUPPORT_TLS_PAIR_H

#include "support/certificates.h"
#include "tls/openssl.h"

/** One side and what became of it. Is not moved. */
struct tls_side {
    SSL *ssl;
    struct eddy__tls_wire wire;
    struct eddy__tls_room room;
    unsigned char said[32 * 1024]; /**< all that it has sent so far */
    struct tls_side *other;
    size_t heard; /**< how much of what `other` said is in the wire, or was */
    int result;   /**< of the handshake: 0, or what eddy__tls_explain() made of its failure */
    bool is_done;
    int64_t number; /**< eddy_error_number() of a failure */
    char text[256]; /**< and eddy_error_text() */
};

struct tls_pair {
    struct tls_side client;
    struct tls_side server;
};

/** Make both sides; `name` is whom the client asks for. A negative code, and nothing is made. */
int tls_pair_new(struct tls_pair *pair, eddy_tls_context *client, eddy_tls_context *server,
                 const char *name);
void tls_pair_free(struct tls_pair *pair);

/** Let them talk until both are done or failed, then pass one byte each way, if they are done. */
void tls_pair_run(struct tls_pair *pair);

/** True if both sides have ended their handshakes well. */
bool tls_pair_is_good(const struct tls_pair *pair);

/** Options of two sides that go together. The server is a.test, b.test and c.test. */
struct tls_scene {
    const struct certificate *ca;
    const struct certificate *own;
    eddy_tls_options client;
    eddy_tls_options server;
};

struct tls_scene tls_scene_new(void);

/** How a handshake ended, without anything to free. */
struct tls_outcome {
    bool is_good; /**< both sides are done, and a byte went each way */
    int client;   /**< 0 or its code */
    int server;
    int64_t client_number;
    char client_text[256];
    char server_text[256];
    char alpn[32];    /**< what the client heard of; "" if nothing */
    char version[16]; /**< as the client calls it */
    bool was_resumed;
    bool is_verified; /**< the client's view of the server's certificate ... */
    char subject[64]; /**< ... of which this is the subject */
};

/** Have a client and a server by these contexts talk, and free all but them. */
struct tls_outcome tls_play(eddy_tls_context *client, eddy_tls_context *server, const char *name);

/** The same by contexts of their own. Gives the test up if these cannot be made for memory. */
struct tls_outcome tls_play_options(const eddy_tls_options *client, const eddy_tls_options *server,
                                    const char *name);

/** The same by the options of a scene; the client asks for "a.test". */
struct tls_outcome tls_play_scene(const struct tls_scene *scene);

/** Contexts of both sides, for several plays. */
struct tls_contexts {
    eddy_tls_context *client;
    eddy_tls_context *server;
};

/** Make them. Gives the test up if they cannot be made for memory, and then there are none. */
struct tls_contexts tls_contexts_new(const eddy_tls_options *client,
                                     const eddy_tls_options *server);
void tls_contexts_free(struct tls_contexts *contexts);

/** Assert that it went well, or that the side, "client" or "server", ended with such a text. */
#define assert_tls_good(outcome) tls_assert_good((outcome), __FILE__, __LINE__)
#define assert_tls_failed(outcome, side, code, text)                                               \
    tls_assert_failed((outcome), (side), (code), (text), __FILE__, __LINE__)

void tls_assert_good(const struct tls_outcome *outcome, const char *file, int line);
void tls_assert_failed(const struct tls_outcome *outcome, const char *side, int code,
                       const char *text, const char *file, int line);

/** Drive one handshake as far as it goes; true if it may go on. */
bool tls_side_step(struct tls_side *side);

#endif

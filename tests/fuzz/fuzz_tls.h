/* SPDX-License-Identifier: MIT */
/** The parts of fuzz_tls: eddy's side (app), and OpenSSL's at the other end (peer). */
#ifndef TESTS_FUZZ_FUZZ_TLS_H
#define TESTS_FUZZ_FUZZ_TLS_H

#include <eddy/eddy.h>
#include <eddy/testing.h>
#include <openssl/ssl.h>

/** Ends the program, and says what should have been. */
#define MUST(condition) ((condition) ? (void)0 : fuzz_complain(#condition, __FILE__, __LINE__))

void fuzz_complain(const char *what, const char *file, int line);

/** The script: what is behind its end is zeros. */
struct script {
    const uint8_t *data;
    size_t size;
};

unsigned script_byte(struct script *script);

/** Byte number `position` of what either side writes: nothing may be lost, doubled or reordered. */
uint8_t pattern_at(size_t position);

/** What the app does besides what it is told to. */
enum app_habit {
    APP_ECHOES = 1,          /* writes as much as it has received */
    APP_PAUSES = 2,          /* in data_received() */
    APP_FAILS = 4,           /* in data_received() */
    APP_ABORTS = 8,          /* in data_received() */
    APP_CLOSES = 16,         /* in eof_received() */
    APP_FAILS_AT_START = 32, /* in connection_made() */
    APP_WRITES_AT_START = 64
};

struct app {
    eddy_protocol protocol;
    eddy_transport *transport; /* a reference */
    unsigned habits;
    int made, lost, eofs;
    bool is_paused;  /* by itself: no data comes */
    bool is_full;    /* by the transport */
    bool is_closing; /* close() or abort() was called: nothing but the end comes */
    bool is_exact;   /* what is received is the pattern */
    size_t received;
    size_t written;
    uint8_t buffer[300];
};

void app_init(struct app *app, bool is_buffered, unsigned habits);
void app_write(struct app *app, size_t size);
void app_close(struct app *app);
void app_abort(struct app *app);
void app_pause(struct app *app, bool pause);

/** OpenSSL with memory on both sides, and a socket to eddy. */
struct peer {
    eddy_socket socket;
    SSL *ssl;
    BIO *in, *out;
    uint8_t records[65536]; /* from OpenSSL, and not yet sent */
    size_t size;
    size_t written;
    size_t received;
    bool is_deaf;  /* takes nothing from the socket */
    bool is_inner; /* within what it decrypts is more TLS */
};

void peer_init(struct peer *peer, SSL_CTX *context, bool is_server, eddy_socket socket);
void peer_fini(struct peer *peer);

/** Take what has come, and have OpenSSL do something about it. */
void peer_work(struct peer *peer);

/** Send the first `size` bytes of the records, as far as the socket takes them. */
void peer_send(struct peer *peer, size_t size);

/** How long the record at `offset` is; what is left, if there is no whole one. */
size_t peer_record_size(const struct peer *peer, size_t offset);

void peer_write(struct peer *peer, size_t size);

/** Change what is about to be sent. */
void peer_flip(struct peer *peer, size_t offset, unsigned bits);
void peer_double(struct peer *peer);
void peer_drop(struct peer *peer);
void peer_swap(struct peer *peer);
void peer_insert(struct peer *peer, struct script *script, size_t size);

#endif

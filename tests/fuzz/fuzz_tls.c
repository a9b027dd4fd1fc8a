/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of TLS transports on the simulated backend, by libFuzzer; docs/testing.md says how.
 *
 * The input is a script: what kind of connection, then what happens, a byte for each step and a few
 * more for its numbers. At the other end is OpenSSL; its records are passed on whole, cut, flipped,
 * doubled, dropped, reordered, or replaced by bytes of the script, while the program at eddy's end
 * writes, pauses, closes, aborts, begins TLS. Time and randomness are the script's, too.
 *
 * Whatever happens: each callback comes in its order, connection_lost() once and last; what arrives
 * is what was sent, up to some point; and nothing is left, neither memory nor sockets.
 */
#include "fuzz_tls.h"
#include "support/certificates.h"
#include "support/scratch.h"
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

enum kind {
    KIND_SERVER = 1,  /* eddy's side */
    KIND_NOISE = 2,   /* there is nothing but noise at the other end */
    KIND_OLD = 4,     /* TLS 1.2 */
    KIND_LATER = 8,   /* by start_tls() */
    KIND_SHAKEN = 16, /* the script begins behind the handshake */
    KIND_MUTUAL = 32, /* both have certificates */
    KIND_BUFFERED = 64,
    KIND_ODD_NET = 128 /* parts, delays */
};

struct scene {
    struct script script;
    unsigned kind;
    eddy_sim *sim;
    eddy_loop *loop;
    struct app app;
    struct peer peer;
    eddy_future *making; /* of the connection, or NULL */
    bool is_nested;
};

static eddy_tls_context *contexts[2]; /* of client and server, ours */
static eddy_tls_context *mutual_contexts[2];
static SSL_CTX *peer_contexts[2][2]; /* of client and server, 1.3 and 1.2 */

void fuzz_complain(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

/* Certificates could be written to files, which nobody does here. */
const char *scratch_path(const char *name)
{
    return name;
}

unsigned script_byte(struct script *script)
{
    if (script->size == 0)
        return 0;
    script->size--;
    return *script->data++;
}

uint8_t pattern_at(size_t position)
{
    return (uint8_t)(position * 167 + (position >> 8));
}

/* Randomness that follows from nothing but what was asked for before. */

static uint64_t random_state;

static int random_bytes(unsigned char *buffer, int size)
{
    for (int i = 0; i < size; i++) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        buffer[i] = (unsigned char)(random_state >> 56);
    }
    return 1;
}

static int random_is_seeded(void)
{
    return 1;
}

static const RAND_METHOD random_method = {
    .bytes = random_bytes, .pseudorand = random_bytes, .status = random_is_seeded};

static void ignore_log(eddy_log_level level, const char *text, void *arg)
{
    (void)level;
    (void)text;
    (void)arg;
}

static SSL_CTX *peer_context(bool is_server, bool is_old, const struct certificate *own)
{
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

    MUST(context != NULL);
    MUST(SSL_CTX_use_certificate(context, certificate_x509(own)) == 1);
    MUST(SSL_CTX_use_PrivateKey(context, certificate_key(own)) == 1);
    SSL_CTX_set_max_proto_version(context, is_old ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return context;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct certificate *root =
        certificate_new(&(struct certificate_wish){.is_authority = true});
    const struct certificate *own = certificate_for("DNS:fuzz.test", root);

    (void)argc;
    (void)argv;
    eddy_set_log_handler(ignore_log, NULL);
    for (int side = 0; side < 4; side++) {
        eddy_tls_options options = {.server = side % 2 == 1,
                                    .certificate_data = certificate_pem(own),
                                    .key_data = certificate_key_pem(own)};

        if (side != 1) /* which asks for no certificate */
            options.ca_data = certificate_pem(root);
        if (side >= 2)
            options.verify = EDDY_TLS_VERIFY_REQUIRED;
        MUST(eddy_tls_context_new(&options,
                                  side < 2 ? &contexts[side] : &mutual_contexts[side - 2]) == 0);
        peer_contexts[side % 2][side / 2] = peer_context(side % 2 == 1, side >= 2, own);
    }
    return 0;
}

/* Let the loop go round a few times. */

static int stop_loop(void *loop)
{
    eddy_loop_stop(loop);
    return 0;
}

static void turn(struct scene *s, unsigned times)
{
    while (times-- > 0) {
        MUST(eddy_loop_call_soon(s->loop, stop_loop, s->loop, NULL) == 0);
        MUST(eddy_loop_run_forever(s->loop) == 0);
    }
}

/* A new transport takes the place of the old one, if that is what the future is about. */
static void look_at_making(struct scene *s)
{
    eddy_value value;

    if (s->making == NULL || !eddy_future_done(s->making))
        return;
    if (eddy_future_result(s->making, &value) == 0) {
        MUST(s->app.made == 1);
        eddy_transport_unref(s->app.transport);
        s->app.transport = value.transport;
    }
    eddy_future_unref(s->making);
    s->making = NULL;
}

static void work(struct scene *s)
{
    turn(s, 3);
    look_at_making(s);
    if (s->kind & KIND_NOISE)
        return;
    peer_work(&s->peer);
}

/* Pass everything on until both sides rest. */
static void settle(struct scene *s)
{
    for (int i = 0; i < 12; i++) {
        work(s);
        peer_send(&s->peer, s->peer.size);
    }
}

static eddy_tls_context *context_of(const struct scene *s)
{
    return (s->kind & KIND_MUTUAL ? mutual_contexts : contexts)[(s->kind & KIND_SERVER) != 0];
}

static void begin_tls(struct scene *s)
{
    eddy_future *future;

    if (s->making != NULL || s->app.made == 0 || s->is_nested)
        return;
    future = eddy_loop_start_tls(s->loop, s->app.transport, &s->app.protocol, context_of(s),
                                 &(eddy_start_tls_options){.server_hostname = "fuzz.test"});
    s->making = future;
    if (eddy_future_done(future)) { /* refused: nothing has happened */
        look_at_making(s);
        return;
    }
    s->is_nested = !(s->kind & KIND_LATER);
    s->kind &= ~(unsigned)KIND_LATER;
    s->app.is_exact = !s->is_nested;
    s->app.received = s->app.written = 0;
    s->app.is_paused = false;
    s->peer.is_inner = s->is_nested;
    eddy_transport_unref(s->app.transport); /* until there is the new one */
    s->app.transport = NULL;
}

static eddy_protocol *app_factory(void *app)
{
    return &((struct app *)app)->protocol;
}

static void scene_begin(struct scene *s)
{
    unsigned seed = s->kind & KIND_ODD_NET ? script_byte(&s->script) : 0;
    eddy_tls_context *tls = s->kind & KIND_LATER ? NULL : context_of(s);
    eddy_socket sockets[2];

    s->sim = eddy_sim_new(&(eddy_sim_options){.seed = seed + 1,
                                              .partial_reads = seed % 4 * 0.25,
                                              .partial_writes = seed / 4 % 4 * 0.25,
                                              .send_buffer = seed / 16 % 4 * 700,
                                              .receive_buffer = seed / 64 % 4 * 700});
    MUST(s->sim != NULL);
    s->loop = eddy_sim_loop(s->sim);
    MUST(eddy_socket_pair(s->loop, EDDY_STREAM, sockets) == 0);
    peer_init(&s->peer, peer_contexts[!(s->kind & KIND_SERVER)][(s->kind & KIND_OLD) != 0],
              !(s->kind & KIND_SERVER), sockets[1]);
    s->app.is_exact = tls != NULL;
    if (s->kind & KIND_SERVER)
        s->making = eddy_loop_connect_accepted_socket(s->loop, app_factory, &s->app, sockets[0],
                                                      &(eddy_accepted_options){.tls = tls});
    else
        s->making = eddy_loop_create_connection(
            s->loop, app_factory, &s->app, NULL, 0,
            &(eddy_connection_options){.sock = &sockets[0],
                                       .tls = tls,
                                       .server_hostname = tls != NULL ? "fuzz.test" : NULL});
    work(s);
    if (s->kind & KIND_SHAKEN) {
        if (s->kind & KIND_LATER)
            begin_tls(s);
        settle(s);
    }
}

static void scene_end(struct scene *s)
{
    if (s->script.size % 2 == 0)
        app_abort(&s->app);
    s->peer.is_deaf = false;
    app_pause(&s->app, false);
    settle(s);
    app_close(&s->app);
    peer_fini(&s->peer);
    turn(s, 4);
    /* Every limit there is ends within this time. */
    eddy_sim_advance(s->sim, EDDY_SECONDS(200));
    turn(s, 8);
    look_at_making(s);
    app_abort(&s->app);
    turn(s, 4);
    MUST(s->making == NULL);
    MUST(s->app.lost == s->app.made);
    eddy_transport_unref(s->app.transport);
    if (eddy_sim_free(s->sim) != 0)
        fuzz_complain(eddy_error_text(), __FILE__, __LINE__);
}

/* What happens at the other end. */
static void step_peer(struct scene *s, unsigned step)
{
    struct peer *peer = &s->peer;

    switch (step) {
    case 0:
        peer_send(peer, peer->size);
        break;
    case 1:
        peer_send(peer, peer_record_size(peer, 0));
        break;
    case 2:
        peer_send(peer, script_byte(&s->script) + 1);
        break;
    case 3: {
        size_t offset = script_byte(&s->script);

        peer_flip(peer, offset, script_byte(&s->script));
        break;
    }
    case 4:
        peer_double(peer);
        break;
    case 5:
        peer_drop(peer);
        break;
    case 6:
        peer_swap(peer);
        break;
    case 7:
        peer_insert(peer, &s->script, script_byte(&s->script));
        break;
    case 8:
        peer_write(peer, script_byte(&s->script) * 16 + 1);
        break;
    case 9:
        SSL_shutdown(peer->ssl);
        break;
    case 10:
        SSL_key_update(peer->ssl, (int)(script_byte(&s->script) % 2));
        break;
    case 11:
        SSL_renegotiate(peer->ssl);
        break;
    case 12:
        peer->is_deaf = !peer->is_deaf;
        break;
    case 13:
        if (peer->socket != EDDY_NO_SOCKET)
            eddy_socket_shutdown_send(peer->socket);
        break;
    case 14:
        if (peer->socket != EDDY_NO_SOCKET)
            eddy_socket_close(peer->socket);
        peer->socket = EDDY_NO_SOCKET;
        break;
    default:
        settle(s);
        break;
    }
}

static void update_keys(struct app *app)
{
    eddy_value value;

    if (app->transport != NULL &&
        eddy_transport_get_extra_info(app->transport, "ssl_object", &value) && value.tls != NULL)
        (void)eddy_tls_update_keys(value.tls, app->written % 2 == 0);
}

/* What happens at ours. */
static void step_app(struct scene *s, unsigned step)
{
    struct app *app = &s->app;
    size_t number;

    switch (step) {
    case 0:
        app_write(app, script_byte(&s->script));
        break;
    case 1:
        app_write(app, script_byte(&s->script) * 256);
        break;
    case 2:
        app_close(app);
        break;
    case 3:
        app_abort(app);
        break;
    case 4:
        app_pause(app, true);
        break;
    case 5:
        app_pause(app, false);
        break;
    case 6:
        begin_tls(s);
        break;
    case 7:
        update_keys(app);
        break;
    case 8:
        if (s->making != NULL)
            eddy_future_cancel(s->making, NULL);
        break;
    case 9:
        app->habits ^= script_byte(&s->script);
        break;
    case 10:
        number = script_byte(&s->script) * 64;
        if (app->transport != NULL)
            eddy_transport_set_write_buffer_limits(app->transport, number, number / 4);
        break;
    case 11:
        number = script_byte(&s->script) * 16;
        if (app->transport != NULL)
            eddy_transport_set_read_buffer_limits(app->transport, number, number / 4);
        break;
    case 12:
        eddy_sim_advance(s->sim, EDDY_MILLISECONDS(500) * script_byte(&s->script));
        break;
    case 13:
        eddy_sim_reset_all(s->sim);
        break;
    case 14:
        turn(s, 1);
        break;
    default:
        work(s);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scene s;

    s = (struct scene){.script = {data, size}};
    random_state = 1;
    RAND_set_rand_method(&random_method);
    s.kind = script_byte(&s.script);
    app_init(&s.app, (s.kind & KIND_BUFFERED) != 0, script_byte(&s.script));
    scene_begin(&s);
    while (s.script.size > 0) {
        unsigned step = script_byte(&s.script);

        if (step & 128)
            step_app(&s, step % 16);
        else
            step_peer(&s, step % 16);
        if (step & 64)
            work(&s);
    }
    scene_end(&s);
    return 0;
}

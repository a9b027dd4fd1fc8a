/* SPDX-License-Identifier: MIT */
/*
 * Handshakes that are cut off at every byte, in both directions, in three ways: the call fails as
 * it should, nobody hears of a connection, and nothing is left (TLS-21, TLS-22, TR-52).
 */
#include "common/loop.h"
#include "support/support.h"
#include "support/sweep.h"
#include "support/tls_peer.h"
#include <limits.h>
#include <openssl/err.h>
#include <string.h>

enum ending { BY_FIN, BY_RESET, BY_CANCEL };

/** Signatures of elliptic curves, and with them handshakes, differ in length. */
enum { UNCUT = INT_MAX, SIGNATURE_VARIES = 8 };

/** One connection after the other, each with a peer of its own. */
struct cut {
    struct fixture *f;
    struct tls_kit kit;
    SSL_CTX *context;
    bool is_client; /**< the side under test; the peer is the other */
    bool is_tcp;
    struct witness w;
    struct peer raw;
    SSL *ssl;
    BIO *in;
    BIO *out;
    eddy_future *future;
    int to_us; /**< bytes that may still go there */
    int to_peer;
    int moved_to_us; /**< that went there */
    int moved_to_peer;
};

static void cut_drop(void *cut)
{
    struct cut *c = cut;

    if (c->future != NULL)
        eddy_future_unref(c->future);
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    ERR_clear_error();
}

static void cut_init(struct fixture *f, struct cut *c, bool is_client, enum ending ending)
{
    memset(c, 0, sizeof *c);
    c->f = f;
    c->is_client = is_client;
    c->is_tcp = ending == BY_RESET;
    tls_kit_init(f, &c->kit);
    c->context = SSL_CTX_new(is_client ? TLS_server_method() : TLS_client_method());
    fixture_at_end(f, cut_drop, c);
    assert_non_null(c->context);
    if (!is_client)
        return;
    SSL_CTX_set_num_tickets(c->context, 0); /* they come behind the handshake */
    assert_int_equal(SSL_CTX_use_certificate(c->context, certificate_x509(c->kit.certificate)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(c->context, certificate_key(c->kit.certificate)), 1);
}

static eddy_protocol *asked_factory(void *witness)
{
    record("asked");
    return witness_factory(witness);
}

static void cut_begin(struct cut *c)
{
    eddy_socket sockets[2];

    witness_init(&c->w, NULL);
    if (c->is_tcp)
        tcp_pair(c->f, sockets);
    else
        must(eddy_socket_pair(c->f->loop, EDDY_STREAM, sockets));
    c->raw = (struct peer){.f = c->f, .socket = sockets[1]};
    fixture_keep_socket(c->f, sockets[1]);
    c->ssl = SSL_new(c->context);
    c->in = BIO_new(BIO_s_mem());
    c->out = BIO_new(BIO_s_mem());
    SSL_set_bio(c->ssl, c->in, c->out);
    if (c->is_client)
        SSL_set_accept_state(c->ssl);
    else
        SSL_set_connect_state(c->ssl);
    if (c->is_client)
        c->future = eddy_loop_create_connection(
            c->f->loop, asked_factory, &c->w, NULL, 0,
            &(eddy_connection_options){
                .sock = &sockets[0], .tls = c->kit.client, .server_hostname = "example.test"});
    else
        c->future =
            eddy_loop_connect_accepted_socket(c->f->loop, asked_factory, &c->w, sockets[0],
                                              &(eddy_accepted_options){.tls = c->kit.server});
    if (eddy_future_done(c->future)) {
        eddy_future *failed = c->future;

        c->future = NULL;
        must_begin(c->f, failed, sockets[0]);
    }
    c->moved_to_us = c->moved_to_peer = 0;
}

/** Move what may be moved between the socket and the peer; how much that was. */
static int cut_move(struct cut *c)
{
    char buffer[4096];
    int size = c->to_us < (int)sizeof buffer ? c->to_us : (int)sizeof buffer;
    int64_t received;

    ERR_clear_error();
    SSL_do_handshake(c->ssl);
    size = size > 0 ? BIO_read(c->out, buffer, size) : 0;
    if (size > 0)
        peer_send_bytes(&c->raw, buffer, (size_t)size);
    size = size > 0 ? size : 0;
    c->to_us -= size;
    c->moved_to_us += size;
    received = c->to_peer < (int)sizeof buffer ? c->to_peer : (int)sizeof buffer;
    received = received > 0 ? peer_receive(&c->raw, buffer, (size_t)received) : 0;
    if (received <= 0)
        return size;
    assert_int_equal(BIO_write(c->in, buffer, (int)received), received);
    c->to_peer -= (int)received;
    c->moved_to_peer += (int)received;
    return size + (int)received;
}

/** Shake hands as far as the limits allow. */
static void cut_shake(struct cut *c, int to_us, int to_peer)
{
    c->to_us = to_us;
    c->to_peer = to_peer;
    for (int idle = 0; idle < 3; idle++) {
        if (c->f->sim != NULL || fixture_backend_is(c->f, "iocp"))
            run_for(c->f->loop, EDDY_MILLISECONDS(1));
        else
            run_iterations(c->f->loop, 1);
        if (cut_move(c) > 0)
            idle = 0;
    }
}

static bool is_code_of(int error, enum ending ending)
{
    if (ending == BY_CANCEL)
        return error == EDDY_ECANCELED;
    /* A reset may be noticed first by writing. */
    return error == EDDY_ECONNRESET || (ending == BY_RESET && error == EDDY_EPIPE);
}

/** What comes of it; true if the handshake had been done. */
static bool cut_end(struct cut *c, enum ending ending)
{
    eddy_future *future = c->future;
    eddy_value value = {0};
    int error;

    if (ending == BY_FIN)
        peer_shutdown(&c->raw);
    else if (ending == BY_RESET)
        peer_reset(&c->raw);
    else
        eddy_future_cancel(future, NULL);
    c->future = NULL;
    error = eddy_loop_run_until_complete(c->f->loop, future, &value);
    if (error == 0) {
        eddy_transport_abort(value.transport);
        eddy_transport_unref(value.transport);
        run_until_true(c->f->loop, c->w.counts[WITNESS_LOST] > 0);
        assert_int_equal(recorded("asked"), 1);
        assert_int_equal(c->w.counts[WITNESS_MADE], 1);
        assert_int_equal(c->w.counts[WITNESS_LOST], 1);
        recorder_reset();
    } else {
        give_up_if(!is_code_of(error, ending) && sweep_failed());
        assert_true(is_code_of(error, ending));
        run_iterations(c->f->loop, 3);
        assert_nothing_recorded();
    }
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (ending != BY_RESET)
        peer_close(&c->raw);
    run_iterations(c->f->loop, 1);
    return error == 0;
}

/** One cut, which must leave nothing. */
static bool cut_once(struct cut *c, enum ending ending, int to_us, int to_peer)
{
    size_t before = allocations_live();
    bool is_done;

    cut_begin(c);
    cut_shake(c, to_us, to_peer);
    is_done = cut_end(c, ending);
    give_up_if(sweep_failed());
    assert_int_equal(c->f->loop->timers.count, 0);
    /* A simulated peer's memory is the library's, and goes when what it sent has arrived. */
    if (c->f->sim != NULL)
        run_for(c->f->loop, EDDY_MILLISECONDS(1));
    if (before != allocations_live() && !c->w.held)
        fail_msg("cut at %d and %d leaks", to_us, to_peer);
    return is_done;
}

static void cut_everywhere(struct fixture *f, bool is_client, enum ending ending)
{
    static struct cut c;
    /* Under Wine a cut takes its time. */
    bool at_length = fixture_backend_is_default(f) && !fixture_backend_is(f, "iocp");
    int step = sweep_is_on() ? 151 : at_length ? 1 : 17;
    int to_us, to_peer;

    cut_init(f, &c, is_client, ending);
    cut_begin(&c); /* what a loop makes at its first use, it keeps */
    cut_shake(&c, UNCUT, UNCUT);
    assert_true(SSL_is_init_finished(c.ssl));
    assert_int_equal(recorded("made"), 1);
    to_us = c.moved_to_us;
    to_peer = c.moved_to_peer;
    assert_true(cut_end(&c, BY_FIN));
    /* Of one that was made a sweep over calls holds the transport: it gave nothing back to keep. */
    cut_begin(&c);
    cut_shake(&c, 0, UNCUT);
    cut_end(&c, BY_FIN);
    for (int at = 0; at < to_us; at += step) {
        bool is_done = cut_once(&c, ending, at, UNCUT);

        assert_false(is_done && at < to_us - SIGNATURE_VARIES);
    }
    /* What does not reach the peer keeps it from answering, but for its last part. */
    for (int at = 0; at < to_peer; at += step)
        cut_once(&c, ending, UNCUT, at);
}

static void test_a_client_by_fin(struct fixture *f)
{
    cut_everywhere(f, true, BY_FIN);
}

static void test_a_client_by_reset(struct fixture *f)
{
    cut_everywhere(f, true, BY_RESET);
}

static void test_a_client_by_cancel(struct fixture *f)
{
    cut_everywhere(f, true, BY_CANCEL);
}

static void test_a_server_by_fin(struct fixture *f)
{
    cut_everywhere(f, false, BY_FIN);
}

static void test_a_server_by_reset(struct fixture *f)
{
    cut_everywhere(f, false, BY_RESET);
}

static void test_a_server_by_cancel(struct fixture *f)
{
    cut_everywhere(f, false, BY_CANCEL);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_client_by_fin), TEST(test_a_client_by_reset), TEST(test_a_client_by_cancel),
        TEST(test_a_server_by_fin), TEST(test_a_server_by_reset), TEST(test_a_server_by_cancel),
    };

    return run_suite("tls_cut", tests);
}

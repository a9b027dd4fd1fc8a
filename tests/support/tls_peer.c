/* SPDX-License-Identifier: MIT */
#include "support/tls_peer.h"
#include "support/support.h"
#include "support/sweep.h"
#include <openssl/err.h>
#include <string.h>

static void kit_drop_context(void *context)
{
    eddy_tls_context_unref(context);
}

eddy_tls_context *tls_kit_context(struct fixture *f, const eddy_tls_options *options)
{
    eddy_tls_context *context;

    must(eddy_tls_context_new(options, &context));
    fixture_at_end(f, kit_drop_context, context);
    return context;
}

void tls_kit_init(struct fixture *f, struct tls_kit *kit)
{
    kit->authority = certificate_new(&(struct certificate_wish){.is_authority = true});
    kit->certificate = certificate_for("DNS:example.test,IP:127.0.0.1", kit->authority);
    kit->client =
        tls_kit_context(f, &(eddy_tls_options){.ca_data = certificate_pem(kit->authority)});
    kit->server = tls_kit_context(
        f, &(eddy_tls_options){.server = true,
                               .certificate_data = certificate_pem(kit->certificate),
                               .key_data = certificate_key_pem(kit->certificate)});
}

static SSL_CTX *peer_context(const struct tls_kit *kit, enum tls_peer_side side)
{
    SSL_CTX *context =
        SSL_CTX_new(side == TLS_PEER_IS_SERVER ? TLS_server_method() : TLS_client_method());

    assert_non_null(context);
    if (side == TLS_PEER_IS_SERVER) {
        assert_int_equal(SSL_CTX_use_certificate(context, certificate_x509(kit->certificate)), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(context, certificate_key(kit->certificate)), 1);
    }
    return context;
}

static void peer_free_ssl(void *ssl)
{
    SSL_free(ssl);
    ERR_clear_error();
}

void tls_peer_init(struct tls_peer *peer, struct fixture *f, const struct tls_kit *kit,
                   enum tls_peer_side side, eddy_socket socket)
{
    SSL_CTX *context = peer_context(kit, side);

    peer->raw = (struct peer){.f = f, .socket = socket};
    fixture_keep_socket(f, socket);
    peer->ssl = SSL_new(context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    assert_non_null(peer->ssl);
    assert_non_null(peer->in);
    assert_non_null(peer->out);
    SSL_CTX_free(context);
    fixture_at_end(f, peer_free_ssl, peer->ssl);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    if (side == TLS_PEER_IS_SERVER)
        SSL_set_accept_state(peer->ssl);
    else
        SSL_set_connect_state(peer->ssl);
}

void must_begin(struct fixture *f, eddy_future *future, eddy_socket socket)
{
    if (!eddy_future_done(future))
        return;
    if (socket != EDDY_NO_SOCKET)
        eddy_socket_close(socket);
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
}

eddy_future *begin_tls_peer(struct fixture *f, const struct tls_kit *kit, struct witness *w,
                            enum tls_peer_side side, struct tls_peer *peer)
{
    eddy_socket sockets[2];
    eddy_future *future;

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    tls_peer_init(peer, f, kit, side, sockets[1]);
    if (side == TLS_PEER_IS_SERVER)
        future = eddy_loop_create_connection(
            f->loop, witness_factory, w, NULL, 0,
            &(eddy_connection_options){
                .sock = &sockets[0], .tls = kit->client, .server_hostname = "example.test"});
    else
        future = eddy_loop_connect_accepted_socket(f->loop, witness_factory, w, sockets[0],
                                                   &(eddy_accepted_options){.tls = kit->server});
    must_begin(f, future, sockets[0]);
    return future;
}

/* What the socket has taken leaves OpenSSL's queue. */
static void peer_drop(struct tls_peer *peer, int64_t sent)
{
    char sink[4096];

    while (sent > 0) {
        int part = sent < (int64_t)sizeof sink ? (int)sent : (int)sizeof sink;

        sent -= BIO_read(peer->out, sink, part);
    }
}

/* Send what OpenSSL wants to send, as far as the socket takes it. */
static void peer_push(struct tls_peer *peer)
{
    char *data;
    long size;
    int64_t sent = 1;

    while (sent > 0 && (size = BIO_get_mem_data(peer->out, &data)) > 0) {
        sent = eddy_socket_send(peer->raw.socket, data, (size_t)size);
        peer_drop(peer, sent);
    }
}

bool tls_peer_pump(struct tls_peer *peer)
{
    char buffer[16384];
    int64_t received;

    peer_push(peer);
    do {
        received = peer_receive(&peer->raw, buffer, sizeof buffer);
        if (received > 0)
            assert_int_equal(BIO_write(peer->in, buffer, (int)received), received);
    } while (received > 0);
    return received == EDDY_EAGAIN;
}

/* In a sweep the loop would wait for it, to the limit of a handshake. */
static bool peer_give_up(struct tls_peer *peer)
{
    if (sweep_failed())
        peer_close(&peer->raw);
    return false;
}

bool tls_peer_shake(struct tls_peer *peer)
{
    eddy_loop *loop = peer->raw.f->loop;
    eddy_time end = 0;

    for (int turn = 0; fixture_wait_goes_on(eddy_loop_time(loop), &end); turn++) {
        bool goes_on = tls_peer_pump(peer);
        int result = SSL_do_handshake(peer->ssl);

        peer_push(peer);
        if (result == 1 && BIO_ctrl_pending(peer->out) == 0)
            return true;
        if (!goes_on || (result != 1 && SSL_get_error(peer->ssl, result) != SSL_ERROR_WANT_READ))
            return peer_give_up(peer);
        run_for(loop, EDDY_MILLISECONDS(turn < 10 ? 0 : 1));
    }
    return peer_give_up(peer);
}

void connect_tls_peer(struct fixture *f, const struct tls_kit *kit, struct witness *w,
                      enum tls_peer_side side, struct tls_peer *peer)
{
    eddy_future *future = begin_tls_peer(f, kit, w, side, peer);
    eddy_value value;
    bool is_shaken = tls_peer_shake(peer);
    int error = eddy_loop_run_until_complete(f->loop, future, &value);
    must(error);
    assert_true(is_shaken);
    eddy_transport_unref(value.transport);
}

void tls_peer_prepare(struct tls_peer *peer, const void *data, size_t size)
{
    assert_int_equal(SSL_write(peer->ssl, data, (int)size), (int)size);
}

void tls_peer_send_bytes(struct tls_peer *peer, const void *data, size_t size)
{
    tls_peer_prepare(peer, data, size);
    peer_push(peer);
    assert_int_equal(BIO_ctrl_pending(peer->out), 0);
}

void tls_peer_send(struct tls_peer *peer, const char *text)
{
    tls_peer_send_bytes(peer, text, strlen(text));
}

size_t tls_peer_take(struct tls_peer *peer, void *buffer, size_t size)
{
    int taken = BIO_read(peer->out, buffer, (int)size);

    return taken > 0 ? (size_t)taken : 0;
}

size_t tls_peer_receive(struct tls_peer *peer, void *buffer, size_t size)
{
    eddy_loop *loop = peer->raw.f->loop;
    eddy_time end = 0;

    for (int turn = 0; fixture_wait_goes_on(eddy_loop_time(loop), &end); turn++) {
        bool goes_on = tls_peer_pump(peer);
        int result = SSL_read(peer->ssl, buffer, (int)size);

        if (result > 0)
            return (size_t)result;
        if (!goes_on || SSL_get_error(peer->ssl, result) != SSL_ERROR_WANT_READ)
            return 0;
        run_for(loop, EDDY_MILLISECONDS(turn < 10 ? 0 : 1));
    }
    return 0;
}

void tls_peer_expect_text(struct tls_peer *peer, const char *text, const char *file, int line)
{
    size_t wanted = strlen(text), have = 0, part;
    char buffer[256];

    assert_true(wanted < sizeof buffer);
    do {
        part = tls_peer_receive(peer, buffer + have, sizeof buffer - 1 - have);
        have += part;
    } while (part > 0 && have < wanted);
    buffer[have] = '\0';
    if (strcmp(buffer, text) != 0) {
        print_error("the TLS peer expected \"%s\" and got \"%s\"\n", text, buffer);
        _fail(file, line);
    }
}

size_t tls_peer_drain(struct tls_peer *peer, size_t size)
{
    char buffer[16384];
    size_t have = 0, part;

    do {
        size_t room = size - have < sizeof buffer ? size - have : sizeof buffer;

        part = tls_peer_receive(peer, buffer, room);
        have += part;
    } while (part > 0 && have < size);
    return have;
}

void tls_peer_close_notify(struct tls_peer *peer)
{
    assert_true(SSL_shutdown(peer->ssl) >= 0);
    peer_push(peer);
}

void tls_peer_expect_close_notify(struct tls_peer *peer)
{
    char buffer[16];

    assert_int_equal(tls_peer_receive(peer, buffer, sizeof buffer), 0);
    assert_true(SSL_get_shutdown(peer->ssl) & SSL_RECEIVED_SHUTDOWN);
}

size_t tls_peer_count_records(struct tls_peer *peer)
{
    unsigned char buffer[65536];
    int64_t size = peer_receive(&peer->raw, buffer, sizeof buffer);
    size_t count = 0;

    for (int64_t at = 0; at + 5 <= size; count++)
        at += 5 + 256 * buffer[at + 3] + buffer[at + 4];
    if (size > 0)
        assert_int_equal(BIO_write(peer->in, buffer, (int)size), size);
    return count;
}

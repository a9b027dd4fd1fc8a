/* SPDX-License-Identifier: MIT */
/* How TLS connections are made, and how that fails (TLS-1, TLS-3, TLS-6, TLS-17..TLS-25). */
#include "support/support.h"
#include "support/program.h"
#include "support/sweep.h"
#include "support/tls_peer.h"
#include "common/loop.h"
#include "common/server.h"
#include <openssl/err.h>
#include <string.h>

struct scene {
    struct tls_kit kit;
    struct witness w;
    struct tls_peer peer;
    eddy_future *future;
};

static void drop_transport(void *transport)
{
    eddy_transport_unref(transport);
}

/** A connection whose peer has said nothing yet. */
static void scene_begin(struct fixture *f, struct scene *s, enum tls_peer_side side)
{
    tls_kit_init(f, &s->kit);
    witness_init(&s->w, NULL);
    s->future = begin_tls_peer(f, &s->kit, &s->w, side, &s->peer);
}

/** The future ends with `code`, and nobody heard of a connection. */
static void scene_fails(struct fixture *f, struct scene *s, int code, const char *text)
{
    assert_int_equal(eddy_loop_run_until_complete(f->loop, s->future, NULL), code);
    if (strstr(eddy_error_text(), text) == NULL) {
        print_error("the text is \"%s\"\n", eddy_error_text());
        fail();
    }
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
}

/* TLS-1, TLS-6: refused before anything happens. */
static void test_refusals(struct fixture *f)
{
    struct tls_kit kit;
    struct witness w;
    eddy_connection_options client = {.server_hostname = "h"};
    eddy_server_options server = {.tls = NULL};

    tls_kit_init(f, &kit);
    witness_init(&w, NULL);
    client.tls = kit.server;
    assert_refused(
        eddy_loop_create_connection(f->loop, witness_factory, &w, "127.0.0.1", 1, &client),
        EDDY_EINVALID, "servers");
    client.tls = kit.client;
    client.tls_handshake_timeout = -1;
    assert_refused(
        eddy_loop_create_connection(f->loop, witness_factory, &w, "127.0.0.1", 1, &client),
        EDDY_EINVALID, "limit");
    client.tls_handshake_timeout = 0;
    client.tls_shutdown_timeout = -1;
    assert_refused(
        eddy_loop_create_connection(f->loop, witness_factory, &w, "127.0.0.1", 1, &client),
        EDDY_EINVALID, "limit");
    client.tls_shutdown_timeout = 0;
    client.server_hostname = ".example.test";
    assert_refused(
        eddy_loop_create_connection(f->loop, witness_factory, &w, "127.0.0.1", 1, &client),
        EDDY_EINVALID, "not the name");
    server.tls = kit.client;
    assert_refused(eddy_loop_create_server(f->loop, witness_factory, &w, "127.0.0.1", 0, &server),
                   EDDY_EINVALID, "clients");
    server.tls = eddy_tls_default();
    assert_refused(eddy_loop_create_server(f->loop, witness_factory, &w, "127.0.0.1", 0, &server),
                   EDDY_EINVALID, "clients");
    assert_nothing_recorded();
}

/* TLS-17, TLS-18: nothing is heard before the handshake is over; data may follow at once. */
static void test_made_after_the_handshake(struct fixture *f)
{
    struct scene s;
    eddy_value value;

    scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
    SSL_do_handshake(s.peer.ssl);
    tls_peer_pump(&s.peer);
    run_for(f->loop, EDDY_MILLISECONDS(1));
    tls_peer_pump(&s.peer);
    assert_int_equal(SSL_do_handshake(s.peer.ssl), 1);
    assert_nothing_recorded();
    tls_peer_prepare(&s.peer, "early", 5);
    tls_peer_pump(&s.peer);
    assert_int_equal(BIO_ctrl_pending(s.peer.out), 0);
    must(eddy_loop_run_until_complete(f->loop, s.future, &value));
    run_until_recorded(f->loop, "data:early");
    assert_recorded("made", "data:early");
    eddy_transport_abort(value.transport);
    eddy_transport_unref(value.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS-19: a certificate that nobody vouches for; the peer is told why. */
static void test_an_untrusted_certificate(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    SSL_use_certificate(s.peer.ssl, certificate_x509(s.kit.authority));
    SSL_use_PrivateKey(s.peer.ssl, certificate_key(s.kit.authority));
    tls_peer_shake(&s.peer);
    scene_fails(f, &s, EDDY_ETLSVERIFY, "example.test");
    tls_peer_pump(&s.peer);
    SSL_do_handshake(s.peer.ssl);
    SSL_read(s.peer.ssl, s.w.text, 1);
    assert_true(ERR_peek_error() != 0); /* the alert */
}

/* TLS-19, TLS-30: no TLS at all. */
static void test_a_peer_that_speaks_something_else(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    peer_send(&s.peer.raw, "HTTP/1.0 400 Bad Request\r\n\r\n");
    scene_fails(f, &s, EDDY_ETLS, "TLS");
}

/* TLS-20: the limit is in the text. */
static void test_the_limit(struct fixture *f)
{
    struct tls_kit kit;
    struct scene s;
    eddy_socket sockets[2];

    tls_kit_init(f, &kit);
    witness_init(&s.w, NULL);
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    s.future = eddy_loop_connect_accepted_socket(
        f->loop, witness_factory, &s.w, sockets[0],
        &(eddy_accepted_options){.tls = kit.server,
                                 .tls_handshake_timeout = EDDY_MILLISECONDS(30)});
    must_begin(f, s.future, sockets[0]);
    scene_fails(f, &s, EDDY_ECONNABORTED, "0.03 s");
}

/* TLS-21: the end of the stream, and a reset. */
static void test_the_peer_hangs_up(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    /* No must(): the fixture cannot give back the future. */
    assert_int_equal(eddy__socket_ops_of(s.peer.raw.socket)->shutdown_send(s.peer.raw.socket), 0);
    scene_fails(f, &s, EDDY_ECONNRESET, "handshake");
}

/* TLS-22: a cancelled call leaves nothing; the peer sees the connection end. */
static void test_cancelling(struct fixture *f)
{
    struct scene s;
    char buffer[2048];
    int64_t received;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    run_iterations(f->loop, 2);
    eddy_future_cancel(s.future, NULL);
    scene_fails(f, &s, EDDY_ECANCELED, "");
    do
        received = peer_receive(&s.peer.raw, buffer, sizeof buffer);
    while (received > 0);
    assert_true(received == 0 || received == EDDY_ECONNRESET);
    assert_int_equal(f->loop->timers.count, 0);
}

/* TLS-18, TR-52: the factory's refusal is the caller's error. */
static eddy_protocol *refusing_factory(void *arg)
{
    record("%s", (const char *)arg);
    eddy_error(EDDY_EUSER, "not today");
    return NULL;
}

static void test_a_factory_that_refuses(struct fixture *f)
{
    struct tls_kit kit;
    struct tls_peer peer;
    eddy_socket sockets[2];
    eddy_future *future;

    tls_kit_init(f, &kit);
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    tls_peer_init(&peer, f, &kit, TLS_PEER_IS_CLIENT, sockets[1]);
    future = eddy_loop_connect_accepted_socket(f->loop, refusing_factory, "asked", sockets[0],
                                               &(eddy_accepted_options){.tls = kit.server});
    must_begin(f, future, sockets[0]);
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
    tls_peer_shake(&peer);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EUSER);
    assert_string_equal(eddy_error_text(), "not today");
    assert_recorded("asked");
}

/* TLS-24: as TR-41. */
static void test_a_failing_connection_made(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    s.w.results[WITNESS_MADE] = EDDY_EUSER;
    tls_peer_shake(&s.peer);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, s.future, NULL), EDDY_EUSER);
    run_until_recorded(f->loop, "lost:EDDY_EUSER");
    assert_recorded("made", "lost:EDDY_EUSER");
    assert_reported("connection_made", EDDY_EUSER);
}

static int close_when_made(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_MADE)
        eddy_transport_close(w->transport);
    return 0;
}

/* TLS-18, TLS-36: closing from inside connection_made(). */
static void test_closing_when_made(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    s.w.script = close_when_made;
    assert_true(tls_peer_shake(&s.peer));
    must(eddy_loop_run_until_complete(f->loop, s.future, NULL));
    tls_peer_close_notify(&s.peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
    tls_peer_expect_close_notify(&s.peer);
}

/* TLS-25: a failed handshake is nobody's business but the debugger's; the server goes on. */
static void test_a_server_goes_on(struct fixture *f)
{
    struct tls_kit kit;
    struct program program = {.count = 0};
    struct tls_peer good;
    eddy_server *server;
    eddy_socket bad;

    tls_kit_init(f, &kit);
    must(make_server(f, &program, "127.0.0.1", &(eddy_server_options){.tls = kit.server}, &server));
    bad = connect_client(f, server);
    run_for(f->loop, EDDY_MILLISECONDS(1));
    eddy_socket_send(bad, "GET / HTTP/1.0\r\n\r\n", 18);
    tls_peer_init(&good, f, &kit, TLS_PEER_IS_CLIENT, connect_client(f, server));
    fixture_drop_socket(f, good.raw.socket); /* it was kept twice */
    if (!tls_peer_shake(&good))
        give_up_if(true);
    tls_peer_send(&good, "hello");
    run_until_recorded(f->loop, "data:hello");
    assert_recorded("made", "data:hello");
    assert_int_equal(server->connections, 1);
    eddy_server_close(server);
    eddy_server_abort_clients(server);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* LOOP-33 (g): whom a server has accepted is logged as such, with TLS as without. */
static void test_accepting_is_logged(struct fixture *f)
{
    struct tls_kit kit;
    struct program program = {.count = 0};
    eddy_server *server;

    need_whole_test();
    tls_kit_init(f, &kit);
    must(make_server(f, &program, "127.0.0.1", &(eddy_server_options){.tls = kit.server}, &server));
    eddy_loop_set_debug(f->loop, true);
    connect_client(f, server);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_logged(EDDY_LOG_DEBUG, "accepted from 127.0.0.1:");
    assert_int_equal(logged(EDDY_LOG_DEBUG, "connected to"), 0);
    eddy_server_close(server);
    eddy_server_abort_clients(server);
    run_iterations(f->loop, 4);
}

/* LOOP-33 (g), NET-36: so is a socket that the program has accepted. */
static void test_an_accepted_socket_is_logged(struct fixture *f)
{
    struct scene s;

    need_whole_test();
    eddy_loop_set_debug(f->loop, true);
    scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    run_iterations(f->loop, 3);
    assert_logged(EDDY_LOG_DEBUG, "accepted from");
    assert_int_equal(logged(EDDY_LOG_DEBUG, "connected to"), 0);
    eddy_future_cancel(s.future, NULL);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, s.future, NULL), EDDY_ECANCELED);
    run_iterations(f->loop, 3);
}

/* A handler of the log that ends what the record is about. */

struct meddler {
    const char *at; /**< what the record contains */
    eddy_server *server;
    eddy_future *future;
    eddy_transport *transport;
    size_t count;
};

static void on_log_meddle(eddy_log_level level, const char *text, void *arg)
{
    struct meddler *meddler = arg;

    (void)level;
    if (strstr(text, meddler->at) == NULL || meddler->count++ > 0)
        return;
    if (meddler->server != NULL)
        eddy_server_abort_clients(meddler->server);
    if (meddler->future != NULL)
        eddy_future_cancel(meddler->future, NULL);
    if (meddler->transport != NULL)
        must(write_text(meddler->transport, "x"));
}

/* LOOP-33 (g), TLS-25: who hears of a connection ends it, as soon as it is accepted or later. */
static void test_a_log_handler_that_aborts(struct fixture *f)
{
    static const char *const moments[] = {"accepted from", "handshake begins", "TLSv1.3"};

    need_whole_test();
    eddy_loop_set_debug(f->loop, true);
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        struct tls_kit kit;
        struct tls_peer peer;
        struct program program = {.count = 0};
        struct meddler meddler = {.at = moments[i]};

        tls_kit_init(f, &kit);
        must(make_server(f, &program, "127.0.0.1", &(eddy_server_options){.tls = kit.server},
                         &meddler.server));
        eddy_set_log_handler(on_log_meddle, &meddler);
        tls_peer_init(&peer, f, &kit, TLS_PEER_IS_CLIENT, connect_client(f, meddler.server));
        fixture_drop_socket(f, peer.raw.socket); /* it was kept twice */
        tls_peer_shake(&peer);
        run_until_true(f->loop, meddler.count > 0 && meddler.server->connections == 0);
        reports_reset();
        eddy_server_close(meddler.server);
        must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(meddler.server), NULL));
        assert_nothing_recorded();
    }
}

/* LOOP-33 (g), TLS-22: or gives up who waits for it. */
static void test_a_log_handler_that_cancels(struct fixture *f)
{
    static const char *const moments[] = {"connected to", "handshake begins", "TLSv1.3"};

    need_whole_test();
    eddy_loop_set_debug(f->loop, true);
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        struct scene s;
        struct meddler meddler = {.at = moments[i]};

        scene_begin(f, &s, TLS_PEER_IS_SERVER);
        meddler.future = s.future;
        eddy_set_log_handler(on_log_meddle, &meddler);
        tls_peer_shake(&s.peer);
        assert_int_equal(eddy_loop_run_until_complete(f->loop, s.future, NULL), EDDY_ECANCELED);
        run_iterations(f->loop, 3);
        reports_reset();
        assert_int_equal(meddler.count, 1);
        assert_nothing_recorded();
    }
}

/* LOOP-33 (g), TLS-30: a failure while one is logged: the words of both are freed. */
static void test_a_log_handler_that_writes(struct fixture *f)
{
    struct scene s;
    struct meddler meddler = {.at = "TLS"};

    need_whole_test();
    tls_kit_init(f, &s.kit);
    witness_init(&s.w, NULL);
    connect_tls_peer(f, &s.kit, &s.w, TLS_PEER_IS_SERVER, &s.peer);
    eddy_loop_set_debug(f->loop, true);
    meddler.transport = s.w.transport;
    eddy_set_log_handler(on_log_meddle, &meddler);
    peer_send(&s.peer.raw, "this is no record of TLS at all");
    run_until_true(f->loop, s.w.counts[WITNESS_LOST] > 0);
    reports_reset();
    assert_true(meddler.count > 0);
    assert_recorded("made", "lost:EDDY_ETLS");
}

/* SRV-8, TLS-25: clients in the middle of their handshake go too. */
static void test_aborting_clients_in_the_handshake(struct fixture *f)
{
    struct tls_kit kit;
    struct program program = {.count = 0};
    eddy_server *server;

    tls_kit_init(f, &kit);
    must(make_server(f, &program, "127.0.0.1", &(eddy_server_options){.tls = kit.server}, &server));
    connect_client(f, server);
    connect_client(f, server);
    for (int turn = 0; server->connections < 2 && turn < 1000; turn++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    give_up_if(server->connections < 2);
    eddy_server_close(server);
    eddy_server_abort_clients(server);
    must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(server), NULL));
    assert_nothing_recorded();
}

/* TLS-6, LOOP-17: a loop that closes takes handshakes with it. */
static void test_closing_the_loop(struct fixture *f)
{
    struct scene s;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    run_iterations(f->loop, 2);
    eddy_future_unref(s.future);
}

/* TR-9, TLS-49: extra information of both sides. */
static void test_extra_information(struct fixture *f)
{
    struct scene s;
    eddy_value value = {0};
    eddy_transport *transport;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    assert_true(tls_peer_shake(&s.peer));
    must(eddy_loop_run_until_complete(f->loop, s.future, &value));
    transport = value.transport;
    fixture_at_end(f, drop_transport, transport);
    assert_true(eddy_transport_get_extra_info(transport, "sslcontext", &value));
    assert_ptr_equal(value.tls_context, s.kit.client);
    assert_true(eddy_transport_get_extra_info(transport, "ssl_object", &value));
    assert_string_equal(eddy_tls_get_version(value.tls), "TLSv1.3");
    assert_string_equal(eddy_tls_get_server_name(value.tls), "example.test");
    assert_null(eddy_tls_get_alpn(value.tls));
    assert_false(eddy_tls_is_resumed(value.tls));
    assert_non_null(eddy_tls_native(value.tls));
    assert_true(eddy_transport_get_extra_info(transport, "cipher", &value));
    assert_string_equal(value.tls_cipher->version, "TLSv1.3");
    assert_true(value.tls_cipher->secret_bits >= 128);
    if (eddy_transport_get_extra_info(transport, "peercert", &value)) {
        assert_true(value.tls_certificate->is_verified);
        assert_string_equal(value.tls_certificate->names[0].text, "example.test");
    }
    assert_false(eddy_transport_get_extra_info(transport, "compression", &value));
    assert_true(eddy_transport_get_extra_info(transport, "socket", &value));
    eddy_transport_abort(transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
    assert_true(eddy_transport_get_extra_info(transport, "cipher", &value));
    assert_false(eddy_transport_get_extra_info(transport, "socket", &value));
}

/* TR-8, TLS-49: what was lent of the connection below is lent as long as the transport is held. */
static void test_extra_information_is_lent_beyond_the_end(struct fixture *f)
{
    struct scene s;
    struct witness other;
    struct peer peer;
    eddy_value view, name, value = {0};
    eddy_address address;
    eddy_transport *transport;

    scene_begin(f, &s, TLS_PEER_IS_SERVER);
    assert_true(tls_peer_shake(&s.peer));
    must(eddy_loop_run_until_complete(f->loop, s.future, &value));
    transport = value.transport;
    fixture_at_end(f, drop_transport, transport);
    assert_true(eddy_transport_get_extra_info(transport, "socket", &view));
    must(eddy_transport_get_extra_info(transport, "peername", &name) ? 0 : EDDY_ENOMEM);
    address = *name.address;
    eddy_transport_abort(transport);
    run_until_recorded(f->loop, "lost:0");
    witness_init(&other, NULL);
    connect_tcp_peer(f, &other, &peer); /* would have its memory */
    assert_true(eddy_socket_view_fileno(view.socket_view) == EDDY_NO_SOCKET);
    assert_true(eddy_address_equal(name.address, &address));
    eddy_transport_abort(other.transport);
    run_until_count(f, "lost:0", 2);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_refusals),
        TEST(test_made_after_the_handshake),
        TEST(test_an_untrusted_certificate),
        TEST(test_a_peer_that_speaks_something_else),
        TEST(test_the_limit),
        TEST(test_the_peer_hangs_up),
        TEST(test_cancelling),
        TEST(test_a_factory_that_refuses),
        TEST(test_a_failing_connection_made),
        TEST(test_closing_when_made),
        TEST(test_a_server_goes_on),
        TEST(test_accepting_is_logged),
        TEST(test_an_accepted_socket_is_logged),
        TEST(test_a_log_handler_that_aborts),
        TEST(test_a_log_handler_that_cancels),
        TEST(test_a_log_handler_that_writes),
        TEST(test_aborting_clients_in_the_handshake),
        TEST(test_closing_the_loop),
        TEST(test_extra_information),
        TEST(test_extra_information_is_lent_beyond_the_end),
    };

    return run_suite("tls_handshake", tests);
}

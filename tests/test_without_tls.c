/* SPDX-License-Identifier: MIT */
/* A build without OpenSSL says so to who asks for TLS, and does without it otherwise: TLS-1. */
#include "support/support.h"

/* For want of memory it may fail before. Takes `future`. */
static void assert_not_supported(eddy_future *future)
{
    int error = eddy_future_done(future) ? eddy_future_exception(future) : 0;

    eddy_future_unref(future);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_ENOTSUPPORTED);
}

/* TLS-1: there is no context. */
static void test_context_is_refused(struct fixture *f)
{
    eddy_tls_context *context = eddy_tls_default();

    (void)f;
    assert_int_equal(eddy_tls_context_new(NULL, &context), EDDY_ENOTSUPPORTED);
    assert_null(context);
    assert_null(eddy_tls_context_ref(context));
    assert_null(eddy_tls_context_native(context));
    eddy_tls_context_unref(context);
}

/* TLS-1: no connection is made that would not be what was asked for. */
static void test_connection_is_refused(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_connection_options options = {
        .sock = &sockets[0], .tls = eddy_tls_default(), .server_hostname = "example.org"};
    struct witness w;

    witness_init(&w, NULL);
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    assert_not_supported(
        eddy_loop_create_connection(f->loop, witness_factory, &w, NULL, 0, &options));
    assert_nothing_recorded();
}

/* TLS-1: nor is a server that would serve in the open. */
static void test_server_is_refused(struct fixture *f)
{
    eddy_server_options options = {.tls = eddy_tls_default()};
    struct witness w;

    witness_init(&w, NULL);
    assert_not_supported(
        eddy_loop_create_server(f->loop, witness_factory, &w, "127.0.0.1", 0, &options));
}

/* TLS-1: a refused start_tls() leaves the connection as it was. */
static void test_start_tls_is_refused(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_not_supported(
        eddy_loop_start_tls(f->loop, w.transport, &w.protocol, eddy_tls_default(), NULL));
    peer_send(&peer, "plain");
    run_until_recorded(f->loop, "data:plain");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_context_is_refused),
        TEST(test_connection_is_refused),
        TEST(test_server_is_refused),
        TEST(test_start_tls_is_refused),
    };

    return run_suite("without_tls", tests);
}

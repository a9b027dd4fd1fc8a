/* SPDX-License-Identifier: MIT */
/* create_connection() and connect_accepted_socket(): NET-6..NET-8, NET-14..NET-17, NET-36, TR-2. */
#include "common/future.h"
#include "common/loop.h"
#include "support/listener.h"
#include "support/program.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>

static eddy_protocol *recording_factory(void *witness)
{
    record("factory");
    return witness_factory(witness);
}

static eddy_future *start_connecting(struct fixture *f, struct witness *w,
                                     const eddy_address *address,
                                     const eddy_connection_options *options)
{
    return eddy_loop_create_connection(f->loop, recording_factory, w, "127.0.0.1",
                                       eddy_address_port(address), options);
}

static int on_done(eddy_future *future, void *name)
{
    record("%s:%s", (const char *)name, eddy_future_cancelled(future) ? "cancelled" : "done");
    return 0;
}

/* The error of a future that failed, or will; drops the reference. */
static int outcome(struct fixture *f, eddy_future *future)
{
    return eddy_loop_run_until_complete(f->loop, future, NULL);
}

/* NET-6, NET-15, TR-2: factory, connection_made, then the call is done; none inside the call. */
static void test_connection_is_made_in_order(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    struct witness w;
    eddy_future *future;
    eddy_value value;
    eddy_value peername;
    int error;

    witness_init(&w, NULL);
    future = start_connecting(f, &w, &address, NULL);
    assert_nothing_recorded();
    error = eddy_future_add_done_callback(future, on_done, "call");
    if (error) {
        eddy_future_unref(future);
        must(error);
    }
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    run_iterations(f->loop, 1);
    assert_recorded("factory", "made", "call:done");
    assert_ptr_equal(value.transport, w.transport);
    assert_true(eddy_transport_get_extra_info(w.transport, "peername", &peername));
    assert_true(eddy_address_equal(peername.address, &address));
    eddy_transport_unref(value.transport);
    listener_accept(f, listener);
}

/* NET-6: a connection carries bytes both ways, right after the call. */
static void test_connection_carries_bytes(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    struct witness w;
    eddy_value value;
    struct peer peer = {.f = f};

    witness_init(&w, NULL);
    must(eddy_loop_run_until_complete(f->loop, start_connecting(f, &w, &address, NULL), &value));
    eddy_transport_unref(value.transport);
    peer.socket = listener_accept(f, listener);
    must(eddy_transport_write(w.transport, "ping", 4));
    peer_expect(&peer, "ping");
    peer_send(&peer, "pong");
    run_until_recorded(f->loop, "data:pong");
}

/* NET-6: by name, and by a service in place of the port. */
static void test_connection_by_name(struct fixture *f)
{
    eddy_connection_options options = {.family = EDDY_INET};
    eddy_address address;
    struct witness w;
    eddy_value value;
    char port[16];

    need_localhost(f);
    listener_new(f, &address);
    snprintf(port, sizeof port, "%d", eddy_address_port(&address));
    options.service = port;
    witness_init(&w, NULL);
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, recording_factory, &w, "localhost", 0, &options),
        &value));
    eddy_transport_unref(value.transport);
    assert_recorded("factory", "made");
}

struct refusal {
    const char *host;
    int port;
    eddy_connection_options options;
    int code;
    const char *text;
};

/* NET-7: each bad combination is refused before anything happens, with a text that says why. */
static void test_bad_combinations_are_refused(struct fixture *f)
{
    eddy_tls_context *tls = eddy_tls_default();
    eddy_socket sockets[2];
    struct witness w;
    eddy_address address;

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    {
        const struct refusal refusals[] = {
            {"h", 1, {.server_hostname = "h"}, EDDY_EINVALID, "server_hostname"},
            {"h", 1, {.server_hostname = ""}, EDDY_EINVALID, "server_hostname"},
            {NULL, 1, {.tls = tls}, EDDY_EINVALID, "server_hostname"},
            {NULL, 0, {.tls = tls, .sock = sockets}, EDDY_EINVALID, "server_hostname"},
            {"h", 1, {.tls_handshake_timeout = 1}, EDDY_EINVALID, "tls_handshake_timeout"},
            {"h", 1, {.tls_shutdown_timeout = 1}, EDDY_EINVALID, "tls_shutdown_timeout"},
            {"h", 0, {.sock = sockets}, EDDY_EINVALID, "sock"},
            {NULL, 1, {.sock = sockets}, EDDY_EINVALID, "sock"},
            {NULL, 0, {.sock = sockets, .service = "http"}, EDDY_EINVALID, "sock"},
            {NULL, 0, {.sock = sockets, .local_host = "::1"}, EDDY_EINVALID, "local_host"},
            {NULL, 0, {.interleave = 0}, EDDY_EINVALID, "neither"},
            {"h", 1, {.service = "http"}, EDDY_EINVALID, "service"},
            {"h", 65536, {.interleave = 0}, EDDY_EINVALID, "65535"},
            {"h", -1, {.interleave = 0}, EDDY_EINVALID, "65535"},
            {"h", 1, {.interleave = -1}, EDDY_EINVALID, "interleave"},
            {"h", 1, {.happy_eyeballs_delay = -1}, EDDY_EINVALID, "happy_eyeballs_delay"},
            {"h", 1, {.flags = 1u << 30}, EDDY_EINVALID, "flags"},
            {"h", 1, {.reserved = {tls}}, EDDY_EINVALID, "reserved"},
            {"h", 1, {.tls = tls, .tls_shutdown_timeout = -1}, NO_TLS_HERE, "TLS"},
        };

        witness_init(&w, NULL);
        for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
            assert_refused(eddy_loop_create_connection(f->loop, recording_factory, &w,
                                                       refusals[i].host, refusals[i].port,
                                                       &refusals[i].options),
                           refusals[i].code, refusals[i].text);
    }
    assert_refused(eddy_loop_create_connection(f->loop, NULL, NULL, "h", 1, NULL), EDDY_EINVALID,
                   "factory");
    assert_refused(eddy_loop_create_connection(NULL, recording_factory, &w, "h", 1, NULL),
                   EDDY_EINVALID, "loop");
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
    must(eddy_socket_local_address(sockets[0], &address)); /* still open */
}

/* NET-7: sock has to be a stream socket, and one of this loop's network. */
static void test_other_kinds_of_sockets_are_refused(struct fixture *f)
{
    eddy_socket none = EDDY_NO_SOCKET;
    eddy_socket foreign = f->sim != NULL ? 0 : 0x40000000;
    eddy_socket datagram;
    struct witness w;

    witness_init(&w, NULL);
    assert_refused(eddy_loop_create_connection(f->loop, recording_factory, &w, NULL, 0,
                                               &(eddy_connection_options){.sock = &none}),
                   EDDY_EINVALID, "no socket");
    assert_refused(eddy_loop_create_connection(f->loop, recording_factory, &w, NULL, 0,
                                               &(eddy_connection_options){.sock = &foreign}),
                   EDDY_EINVALID, "network");
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_DGRAM, EDDY_ANY_PROTOCOL, &datagram));
    fixture_keep_socket(f, datagram);
    assert_refused(eddy_loop_create_connection(f->loop, recording_factory, &w, NULL, 0,
                                               &(eddy_connection_options){.sock = &datagram}),
                   EDDY_EINVALID, "stream");
    assert_nothing_recorded();
}

/* NET-7: a closed loop refuses. */
static void test_closed_loop_refuses_connections(struct fixture *f)
{
    must(eddy_loop_close(f->loop));
    assert_refused(eddy_loop_create_connection(f->loop, recording_factory, NULL, "h", 1, NULL),
                   EDDY_EBADSTATE, "closed");
    assert_refused(eddy_loop_connect_accepted_socket(f->loop, recording_factory, NULL, 0, NULL),
                   EDDY_EBADSTATE, "closed");
}

/* NET-8: a passed socket becomes the transport's, which closes it in the end. */
static void test_passed_socket_becomes_the_transports(struct fixture *f)
{
    eddy_socket sockets[2];
    struct witness w;
    eddy_value value;

    tcp_pair(f, sockets);
    fixture_keep_socket(f, sockets[1]);
    witness_init(&w, NULL);
    connect_socket(f, &w, sockets[0]);
    assert_true(eddy_transport_get_extra_info(w.transport, "socket", &value));
    assert_true(eddy_socket_view_fileno(value.socket_view) == sockets[0]);
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_true(listener_await_end(f, sockets[1]));
}

/* NET-15: nobody hears of a connect that failed, least of all the factory. */
static void test_factory_is_not_called_for_a_failed_connect(struct fixture *f)
{
    eddy_address address;
    struct witness w;
    char text[EDDY_ADDRESS_TEXT_MAX];
    int error;

    listener_new_deaf(f, &address);
    must(eddy_address_format(&address, text, sizeof text));
    witness_init(&w, NULL);
    error = outcome(f, start_connecting(f, &w, &address, NULL));
    must(error == EDDY_ECONNREFUSED ? 0 : error);
    assert_int_equal(error, EDDY_ECONNREFUSED);
    assert_non_null(strstr(eddy_error_text(), text));
    assert_nothing_recorded();
}

static eddy_protocol *failing_factory(void *code)
{
    record("factory");
    if (code != NULL)
        eddy_error(*(int *)code, "not today");
    return NULL;
}

/* NET-15: a failing factory closes the socket, and its reason is the call's. */
static void test_failing_factory_closes_the_socket(struct fixture *f)
{
    int code = EDDY_EUSER - 3;
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    int port = eddy_address_port(&address);
    int error = outcome(
        f, eddy_loop_create_connection(f->loop, failing_factory, &code, "127.0.0.1", port, NULL));

    must(error == code ? 0 : error);
    assert_string_equal(eddy_error_text(), "not today");
    assert_true(listener_await_end(f, listener_accept(f, listener)));
    error = outcome(
        f, eddy_loop_create_connection(f->loop, failing_factory, NULL, "127.0.0.1", port, NULL));
    must(error == EDDY_EFAILED ? 0 : error);
    assert_recorded("factory", "factory");
}

/* NET-8, NET-15: a passed socket is closed too, once a transport existed. */
static void test_failing_factory_closes_a_passed_socket(struct fixture *f)
{
    int code = EDDY_EUSER;
    eddy_socket sockets[2];
    eddy_connection_options options = {.sock = &sockets[0]};
    int error;

    tcp_pair(f, sockets);
    fixture_keep_socket(f, sockets[1]);
    error =
        outcome(f, eddy_loop_create_connection(f->loop, failing_factory, &code, NULL, 0, &options));
    if (error != code)
        fixture_keep_socket(f, sockets[0]);
    must(error == code ? 0 : error);
    assert_true(listener_await_end(f, sockets[1]));
}

/* NET-16, TR-41: a failing connection_made() is the call's error, and the connection ends. */
static void test_failing_connection_made_fails_the_call(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    struct witness w;
    int error;

    witness_init(&w, NULL);
    w.results[WITNESS_MADE] = EDDY_EUSER - 1;
    error = outcome(f, start_connecting(f, &w, &address, NULL));
    must(error == EDDY_EUSER - 1 ? 0 : error);
    run_until_recorded(f->loop, "lost:EDDY_E?");
    assert_recorded("factory", "made", "lost:EDDY_E?");
    assert_reported("connection_made", EDDY_EUSER - 1);
    assert_true(listener_await_end(f, listener_accept(f, listener)));
}

/* NET-14: cancelling while names are resolved, or while it connects, leaves nothing behind. */
static void test_cancel_before_the_connection_stands(struct fixture *f)
{
    eddy_address address;
    struct witness w;
    eddy_future *future;

    listener_new(f, &address);
    witness_init(&w, NULL);
    future = eddy_loop_create_connection(f->loop, recording_factory, &w, "localhost",
                                         eddy_address_port(&address), NULL);
    eddy_future_cancel(future, "first");
    eddy_future_unref(future);
    future =
        start_connecting(f, &w, &address, &(eddy_connection_options){.happy_eyeballs_delay = 1});
    eddy_future_cancel(future, "second");
    assert_true(eddy_future_done(future));
    eddy_future_unref(future);
    run_for(f->loop, EDDY_MILLISECONDS(2));
    assert_nothing_recorded();
    assert_int_equal(f->loop->timers.count, 0);
}

/* NET-14: at whatever iteration the cancel comes, the outcome is one of two clean ones. */
static void test_cancel_in_any_iteration(struct fixture *f)
{
    eddy_address address;

    listener_new(f, &address);
    for (int iterations = 0; iterations < 8; iterations++) {
        struct witness w;
        eddy_future *future;
        bool cancelled;
        int error = 0;

        witness_init(&w, NULL);
        future = start_connecting(f, &w, &address, NULL);
        for (int i = 0; i < iterations && error == 0; i++) {
            eddy_loop_stop(f->loop);
            error = eddy_loop_run_forever(f->loop);
        }
        cancelled = eddy_future_cancel(future, NULL);
        if (!cancelled && eddy__future_peek(future, NULL) == EDDY_ENOMEM)
            error = EDDY_ENOMEM;
        eddy_future_unref(future);
        if (w.counts[WITNESS_MADE] > 0)
            run_until_recorded(f->loop, "lost:0");
        run_for(f->loop, EDDY_MILLISECONDS(1));
        assert_int_equal(w.counts[WITNESS_MADE], w.counts[WITNESS_LOST]);
        if (w.counts[WITNESS_MADE] > 0)
            assert_recorded("factory", "made", "lost:0");
        else
            assert_nothing_recorded();
        must(error);
    }
}

static int cancel_future(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_MADE)
        eddy_future_cancel(w->arg, NULL);
    return 0;
}

/* NET-16: a cancel after the transport exists closes it, and the call ends cancelled. */
static void test_cancel_in_connection_made_closes(struct fixture *f)
{
    eddy_address address;
    struct witness w;
    eddy_future *future;
    int error;

    listener_new(f, &address);
    witness_init(&w, NULL);
    w.script = cancel_future;
    future = start_connecting(f, &w, &address, NULL);
    w.arg = future;
    error = outcome(f, future);
    must(error == EDDY_ECANCELED ? 0 : error);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("factory", "made", "lost:0");
}

/* NET-16: a connection whose making nobody ever awaited is closed. */
static void test_connection_nobody_asked_for_is_closed(struct fixture *f)
{
    eddy_address address;
    struct witness w;
    eddy_future *future;

    listener_new(f, &address);
    witness_init(&w, NULL);
    future = start_connecting(f, &w, &address, NULL);
    run_until_recorded(f->loop, "made");
    eddy_future_unref(future);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("factory", "made", "lost:0");
}

/* NET-15: asking for the error alone is asking how it ended. */
static void test_connection_asked_for_its_error_stays_open(struct fixture *f)
{
    eddy_address address;
    struct witness w;
    eddy_future *future;

    listener_new(f, &address);
    witness_init(&w, NULL);
    future = start_connecting(f, &w, &address, NULL);
    run_until_recorded(f->loop, "made");
    must(eddy_future_exception(future));
    eddy_future_unref(future);
    run_iterations(f->loop, 3);
    assert_recorded("factory", "made");
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* NET-15: who awaits the connection but does not take the transport leaves it to the protocol. */
static void test_connection_awaited_without_its_value_stays_open(struct fixture *f)
{
    eddy_address address;
    struct witness w;

    listener_new(f, &address);
    witness_init(&w, NULL);
    must(outcome(f, start_connecting(f, &w, &address, NULL)));
    run_iterations(f->loop, 3);
    assert_recorded("factory", "made");
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* NET-14: closing the loop in the middle ends all of it, silently. */
static void test_loop_closes_while_connecting(struct fixture *f)
{
    eddy_address address;
    struct witness w;
    eddy_future *futures[2];

    listener_new(f, &address);
    witness_init(&w, NULL);
    futures[0] = start_connecting(f, &w, &address, NULL);
    futures[1] = eddy_loop_create_connection(f->loop, recording_factory, &w, "localhost",
                                             eddy_address_port(&address), NULL);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(!eddy_future_done(futures[i]) || allocations_failed());
        /* FUT-3: the loop has let go of it; cancelling afterwards only changes its state. */
        if (eddy_future_cancel(futures[i], NULL))
            assert_true(eddy_future_cancelled(futures[i]));
        eddy_future_unref(futures[i]);
    }
    assert_nothing_recorded();
}

static bool has_no_delay(eddy_transport *transport)
{
    eddy_value value;
    int set = 0;

    assert_true(eddy_transport_get_extra_info(transport, "socket", &value));
    eddy_socket_view_get_option(value.socket_view, EDDY_SOCKET_NO_DELAY, &set);
    return set != 0;
}

/* NET-17: TCP sends at once, on every way to a transport. */
static void test_tcp_connections_have_no_delay(struct fixture *f)
{
    eddy_address address;
    struct witness connected;
    struct witness passed;
    struct peer peer;
    eddy_value value;

    listener_new(f, &address);
    witness_init(&connected, "connected");
    must(eddy_loop_run_until_complete(f->loop, start_connecting(f, &connected, &address, NULL),
                                      &value));
    eddy_transport_unref(value.transport);
    assert_true(has_no_delay(connected.transport));
    witness_init(&passed, "passed");
    connect_tcp_peer(f, &passed, &peer);
    assert_true(has_no_delay(passed.transport));
}

/* NET-36: a connection accepted elsewhere, in the order of NET-15. */
static void test_accepted_socket_becomes_a_connection(struct fixture *f)
{
    eddy_socket sockets[2];
    struct witness w;
    struct peer peer = {.f = f};
    eddy_future *future;
    eddy_value value;
    int error;

    tcp_pair(f, sockets);
    peer.socket = sockets[0];
    fixture_keep_socket(f, sockets[0]);
    witness_init(&w, NULL);
    future = eddy_loop_connect_accepted_socket(f->loop, recording_factory, &w, sockets[1], NULL);
    error = eddy_loop_run_until_complete(f->loop, future, &value);
    if (error)
        fixture_keep_socket(f, sockets[1]);
    must(error);
    assert_recorded("factory", "made");
    assert_ptr_equal(value.transport, w.transport);
    assert_true(has_no_delay(value.transport));
    eddy_transport_unref(value.transport);
    peer_send(&peer, "hello");
    run_until_recorded(f->loop, "data:hello");
}

/* NET-36: what is no stream socket, and TLS options without TLS. */
static void test_accepted_socket_refusals(struct fixture *f)
{
    eddy_tls_context *tls = eddy_tls_default();
    eddy_accepted_options options = {.tls_handshake_timeout = 1};
    eddy_socket sockets[2];
    eddy_socket datagram;
    struct witness w;

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_DGRAM, EDDY_ANY_PROTOCOL, &datagram));
    fixture_keep_socket(f, datagram);
    witness_init(&w, NULL);
    assert_refused(
        eddy_loop_connect_accepted_socket(f->loop, recording_factory, &w, datagram, NULL),
        EDDY_EINVALID, "stream");
    assert_refused(
        eddy_loop_connect_accepted_socket(f->loop, recording_factory, &w, sockets[0], &options),
        EDDY_EINVALID, "tls_handshake_timeout");
    options = (eddy_accepted_options){.tls_shutdown_timeout = 1};
    assert_refused(
        eddy_loop_connect_accepted_socket(f->loop, recording_factory, &w, sockets[0], &options),
        EDDY_EINVALID, "tls_shutdown_timeout");
    options = (eddy_accepted_options){.tls = tls};
    assert_refused(
        eddy_loop_connect_accepted_socket(f->loop, recording_factory, &w, sockets[0], &options),
        NO_TLS_HERE, "TLS");
    assert_refused(eddy_loop_connect_accepted_socket(f->loop, NULL, &w, sockets[0], NULL),
                   EDDY_EINVALID, "factory");
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_connection_is_made_in_order),
        TEST(test_connection_carries_bytes),
        TEST(test_connection_by_name),
        TEST(test_bad_combinations_are_refused),
        TEST(test_other_kinds_of_sockets_are_refused),
        TEST(test_closed_loop_refuses_connections),
        TEST(test_passed_socket_becomes_the_transports),
        TEST(test_factory_is_not_called_for_a_failed_connect),
        TEST(test_failing_factory_closes_the_socket),
        TEST(test_failing_factory_closes_a_passed_socket),
        TEST(test_failing_connection_made_fails_the_call),
        TEST(test_cancel_before_the_connection_stands),
        TEST(test_cancel_in_any_iteration),
        TEST(test_cancel_in_connection_made_closes),
        TEST(test_connection_nobody_asked_for_is_closed),
        TEST(test_connection_awaited_without_its_value_stays_open),
        TEST(test_connection_asked_for_its_error_stays_open),
        TEST(test_loop_closes_while_connecting),
        TEST(test_tcp_connections_have_no_delay),
        TEST(test_accepted_socket_becomes_a_connection),
        TEST(test_accepted_socket_refusals),
    };

    return run_suite("connection", tests);
}

/* SPDX-License-Identifier: MIT */
/* create_unix_connection(): NET-30, NET-31. */
#include "common/loop.h"
#include "support/listener.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/support.h"
#include <string.h>

static eddy_future *start_connecting(struct fixture *f, struct witness *w, const char *path)
{
    return eddy_loop_create_unix_connection(f->loop, witness_factory, w, path, NULL);
}

static int outcome(struct fixture *f, eddy_future *future)
{
    return eddy_loop_run_until_complete(f->loop, future, NULL);
}

/* NET-30, NET-31, NET-15: a connection by path, with both names, that carries bytes both ways. */
static void test_a_path_is_connected_to(struct fixture *f)
{
    const char *path = scratch_path("server");
    eddy_socket listener;
    struct peer peer = {.f = f};
    struct witness w;
    eddy_value value, peername;
    eddy_address address;

    need_unix(f);
    listener = listener_new_unix(f, path, 0);
    witness_init(&w, NULL);
    must(eddy_loop_run_until_complete(f->loop, start_connecting(f, &w, path), &value));
    assert_recorded("made");
    assert_ptr_equal(value.transport, w.transport);
    eddy_transport_unref(value.transport);
    must(eddy_address_unix(path, strlen(path), &address));
    assert_true(eddy_transport_get_extra_info(w.transport, "peername", &peername));
    assert_true(eddy_address_equal(peername.address, &address));
    peer.socket = listener_accept(f, listener);
    must(write_text(w.transport, "ping"));
    peer_expect(&peer, "ping");
    peer_send(&peer, "pong");
    run_until_recorded(f->loop, "data:pong");
    peer_close(&peer);
    run_until_recorded(f->loop, "lost:0");
}

/* NET-31: a name that begins with a NUL is abstract: no file stands for it. */
static void test_an_abstract_name_is_connected_to(struct fixture *f)
{
    char name[SCRATCH_PATH_MAX + 1];
    size_t size = scratch_abstract(name);
    eddy_unix_connection_options options = {.path_size = size};
    eddy_address address;
    eddy_socket listener;
    struct witness w;
    int error = eddy_address_unix(name, size, &address);

    need_unix(f);
    if (error == EDDY_ENOTSUPPORTED) {
        witness_init(&w, NULL);
        assert_int_equal(outcome(f, eddy_loop_create_unix_connection(f->loop, witness_factory, &w,
                                                                     name, &options)),
                         EDDY_ENOTSUPPORTED);
        return;
    }
    must(error);
    listener = listener_new_unix(f, name, size);
    witness_init(&w, NULL);
    must(
        outcome(f, eddy_loop_create_unix_connection(f->loop, witness_factory, &w, name, &options)));
    listener_accept(f, listener);
    assert_recorded("made");
}

/* NET-30: each bad combination is refused at once, before any I/O. */
static void test_bad_combinations_are_refused(struct fixture *f)
{
    eddy_tls_context *tls = eddy_tls_default();
    eddy_socket none = EDDY_NO_SOCKET;
    eddy_socket inet;
    struct witness w;

    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &inet));
    fixture_keep_socket(f, inet);
    witness_init(&w, NULL);
    {
        const struct {
            const char *path;
            eddy_unix_connection_options options;
            int code;
            const char *text;
        } refusals[] = {
            {NULL, {.path_size = 0}, EDDY_EINVALID, "neither"},
            {"p", {.sock = &inet}, EDDY_EINVALID, "same time"},
            {NULL, {.sock = &inet}, EDDY_EINVALID, "not a Unix socket"},
            {NULL, {.sock = &none}, EDDY_EINVALID, "no socket"},
            {"", {.path_size = 0}, EDDY_EINVALID, "empty"},
            {"a\0b", {.path_size = 3}, EDDY_EINVALID, "NUL"},
            {"p", {.tls = tls}, EDDY_EINVALID, "server_hostname"},
            {"p",
             {.tls = tls, .server_hostname = "", .tls_shutdown_timeout = -1},
             NO_TLS_HERE,
             "TLS"},
            {"p", {.server_hostname = "h"}, EDDY_EINVALID, "server_hostname"},
            {"p", {.server_hostname = ""}, EDDY_EINVALID, "server_hostname"},
            {"p", {.tls_handshake_timeout = 1}, EDDY_EINVALID, "tls_handshake_timeout"},
            {"p", {.tls_shutdown_timeout = 1}, EDDY_EINVALID, "tls_shutdown_timeout"},
            {"p", {.reserved = {tls}}, EDDY_EINVALID, "reserved"},
        };

        for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
            assert_refused(eddy_loop_create_unix_connection(f->loop, witness_factory, &w,
                                                            refusals[i].path, &refusals[i].options),
                           refusals[i].code, refusals[i].text);
    }
    assert_refused(eddy_loop_create_unix_connection(f->loop, NULL, NULL, "p", NULL), EDDY_EINVALID,
                   "factory");
    must(eddy_loop_close(f->loop));
    assert_refused(eddy_loop_create_unix_connection(f->loop, witness_factory, &w, "p", NULL),
                   EDDY_EBADSTATE, "closed");
}

/* NET-30: a datagram socket of the family is refused too. */
static void test_a_datagram_socket_is_refused(struct fixture *f)
{
    eddy_unix_connection_options options = {.path_size = 0};
    eddy_socket datagram;
    struct witness w;
    int error;

    need_unix(f);
    error = eddy_socket_new(f->loop, EDDY_UNIX, EDDY_DGRAM, EDDY_ANY_PROTOCOL, &datagram);
    if (error != 0 && error != EDDY_ENOMEM) {
        print_message("skipped: no Unix datagrams here: %s\n", eddy_strerror(error));
        skip();
    }
    must(error);
    fixture_keep_socket(f, datagram);
    options.sock = &datagram;
    witness_init(&w, NULL);
    assert_refused(eddy_loop_create_unix_connection(f->loop, witness_factory, &w, NULL, &options),
                   EDDY_EINVALID, "stream");
}

/* NET-30, NET-8: a connected socket becomes the transport's. */
static void test_a_connected_socket_is_taken(struct fixture *f)
{
    eddy_unix_connection_options options = {.path_size = 0};
    const char *path = scratch_path("server");
    eddy_socket client;
    struct peer peer = {.f = f};
    struct witness w;

    need_unix(f);
    need_whole_test();
    peer.socket = listener_new_unix(f, path, 0);
    client = listener_connect_unix(f, path);
    peer.socket = listener_accept(f, peer.socket);
    options.sock = &client;
    witness_init(&w, NULL);
    must(
        outcome(f, eddy_loop_create_unix_connection(f->loop, witness_factory, &w, NULL, &options)));
    fixture_drop_socket(f, client);
    peer_send(&peer, "hello");
    run_until_recorded(f->loop, "data:hello");
    eddy_transport_close(w.transport);
    peer_expect_eof(&peer);
}

/* NET-31: nothing at the path; something that does not listen; the path is in the text. */
static void test_a_failed_connect_says_the_path(struct fixture *f)
{
    const char *path = scratch_path("nobody");
    eddy_address address;
    eddy_socket deaf;
    struct witness w;
    int error;

    need_unix(f);
    witness_init(&w, NULL);
    error = outcome(f, start_connecting(f, &w, path));
    must(error == EDDY_ENOMEM ? error : 0);
    assert_int_equal(error, EDDY_ENOENT);
    assert_non_null(strstr(eddy_error_text(), path));
    must(eddy_socket_new(f->loop, EDDY_UNIX, EDDY_STREAM, EDDY_ANY_PROTOCOL, &deaf));
    fixture_keep_socket(f, deaf);
    must(eddy_address_unix(path, strlen(path), &address));
    must(eddy_socket_bind(deaf, &address));
    error = outcome(f, start_connecting(f, &w, path));
    must(error == EDDY_ENOMEM ? error : 0);
    assert_int_equal(error, EDDY_ECONNREFUSED);
    assert_non_null(strstr(eddy_error_text(), path));
    assert_nothing_recorded();
}

/* NET-31: a path that is longer than an address is refused, not cut off. */
static void test_a_path_that_is_too_long_is_refused(struct fixture *f)
{
    char path[256];
    struct witness w;

    need_unix(f);
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    witness_init(&w, NULL);
    assert_refused(start_connecting(f, &w, path), EDDY_EINVALID, "longer");
}

/* NET-14, NET-16: cancelled at any moment, nothing stays open and nobody is told. */
static void test_cancelling_leaves_nothing(struct fixture *f)
{
    const char *path = scratch_path("server");
    struct witness w;
    int turns;

    need_unix(f);
    need_whole_test();
    listener_new_unix(f, path, 0);
    for (turns = 0; turns < 3; turns++) {
        eddy_future *future;

        witness_init(&w, NULL);
        future = start_connecting(f, &w, path);
        run_iterations(f->loop, turns);
        if (eddy_future_cancel(future, NULL))
            assert_int_equal(outcome(f, future), EDDY_ECANCELED);
        else
            eddy_future_unref(future);
        run_iterations(f->loop, 2);
        assert_int_equal(w.counts[WITNESS_MADE], w.counts[WITNESS_LOST]);
    }
}

/* NET-30: a factory that makes nothing closes the socket, and its error is the call's. */
static void test_a_failing_factory_closes_the_socket(struct fixture *f)
{
    struct program program = {.refuse = true};
    const char *path = scratch_path("server");
    eddy_socket listener, accepted;

    need_unix(f);
    need_whole_test();
    listener = listener_new_unix(f, path, 0);
    assert_int_equal(outcome(f, eddy_loop_create_unix_connection(f->loop, program_factory, &program,
                                                                 path, NULL)),
                     EDDY_EUSER);
    accepted = listener_accept(f, listener);
    assert_true(listener_await_end(f, accepted));
    assert_recorded("refused");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_path_is_connected_to),
        TEST(test_an_abstract_name_is_connected_to),
        TEST(test_bad_combinations_are_refused),
        TEST(test_a_datagram_socket_is_refused),
        TEST(test_a_connected_socket_is_taken),
        TEST(test_a_failed_connect_says_the_path),
        TEST(test_a_path_that_is_too_long_is_refused),
        TEST(test_cancelling_leaves_nothing),
        TEST(test_a_failing_factory_closes_the_socket),
    };

    return run_suite("unix_connection", tests);
}

/* SPDX-License-Identifier: MIT */
/* Sockets by their numbers, and the views that owners lend (SRV-1, TR-8). */
#include "common/socket_view.h"
#include "support/oom.h"
#include "support/support.h"
#include <string.h>

static int new_socket(struct fixture *f, eddy_socket_type type, eddy_socket *socket)
{
    int error = eddy_socket_new(f->loop, EDDY_INET, type, EDDY_ANY_PROTOCOL, socket);

    if (error == 0)
        fixture_keep_socket(f, *socket);
    return error;
}

/* Two connected stream sockets talk, without ever blocking. */
static void test_pair_carries_bytes(struct fixture *f)
{
    eddy_socket sockets[2];
    char buffer[8];

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    assert_int_equal(eddy_socket_receive(sockets[1], buffer, sizeof buffer), EDDY_EAGAIN);
    assert_int_equal(eddy_socket_send(sockets[0], "hello", 5), 5);
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(eddy_socket_receive(sockets[1], buffer, sizeof buffer), 5);
    assert_memory_equal(buffer, "hello", 5);
    fixture_drop_socket(f, sockets[0]);
    eddy_socket_close(sockets[0]);
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(eddy_socket_receive(sockets[1], buffer, sizeof buffer), 0);
}

/* bind, listen, connect and accept, step by step. */
static void test_listen_connect_accept(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_address local;
    eddy_address peer;

    tcp_pair(f, sockets);
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    must(eddy_socket_local_address(sockets[0], &local));
    must(eddy_socket_peer_address(sockets[1], &peer));
    assert_true(eddy_address_equal(&local, &peer));
}

/* Nobody there yet: accept does not wait. */
static void test_accept_does_not_block(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener;
    eddy_socket accepted;

    must(eddy_address_parse("127.0.0.1", 0, &address));
    must(new_socket(f, EDDY_STREAM, &listener));
    must(eddy_socket_bind(listener, &address));
    must(eddy_socket_listen(listener, 5));
    assert_int_equal(eddy_socket_accept(listener, &accepted, NULL), EDDY_EAGAIN);
}

/* What fails has a code and a text. */
static void test_failure_says_what_failed(struct fixture *f)
{
    eddy_address address;
    eddy_socket first;
    eddy_socket second;

    must(eddy_address_parse("127.0.0.1", 0, &address));
    must(new_socket(f, EDDY_STREAM, &first));
    must(new_socket(f, EDDY_STREAM, &second));
    must(eddy_socket_bind(first, &address));
    must(eddy_socket_local_address(first, &address));
    assert_int_equal(eddy_socket_bind(second, &address), EDDY_EADDRINUSE);
    assert_non_null(strstr(eddy_error_text(), "bind"));
    assert_int_equal(eddy_socket_peer_address(first, &address), EDDY_ENOTCONN);
}

/* Options are read back as they were set. */
static void test_options_are_kept(struct fixture *f)
{
    static const eddy_socket_option options[] = {EDDY_SOCKET_REUSE_ADDRESS, EDDY_SOCKET_KEEP_ALIVE,
                                                 EDDY_SOCKET_NO_DELAY};
    eddy_socket socket;
    int value;

    must(new_socket(f, EDDY_STREAM, &socket));
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        must(eddy_socket_set_option(socket, options[i], 1));
        must(eddy_socket_get_option(socket, options[i], &value));
        assert_true(value != 0);
    }
    assert_int_equal(eddy_socket_set_option(socket, (eddy_socket_option)0, 1), EDDY_EINVALID);
    assert_int_equal(eddy_socket_get_option(socket, (eddy_socket_option)99, &value), EDDY_EINVALID);
}

/* A closed loop makes no sockets; closing no socket is allowed. */
static void test_closed_loop_makes_no_sockets(struct fixture *f)
{
    eddy_socket sockets[2] = {EDDY_NO_SOCKET, EDDY_NO_SOCKET};

    must(eddy_loop_close(f->loop));
    assert_int_equal(
        eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_ANY_PROTOCOL, &sockets[0]),
        EDDY_EBADSTATE);
    assert_int_equal(eddy_socket_pair(f->loop, EDDY_STREAM, sockets), EDDY_EBADSTATE);
    assert_true(sockets[0] == EDDY_NO_SOCKET);
    eddy_socket_close(EDDY_NO_SOCKET);
}

/* SRV-1: a view tells what the socket is, and changes options, but gives no I/O away. */
static void test_view_of_a_transports_socket(struct fixture *f)
{
    struct witness w;
    struct peer peer;
    eddy_value value;
    eddy_address address;
    eddy_socket copy;
    int flag;

    witness_init(&w, NULL);
    connect_tcp_peer(f, &w, &peer);
    assert_true(eddy_transport_get_extra_info(w.transport, "socket", &value));
    assert_true(eddy_socket_view_fileno(value.socket_view) != EDDY_NO_SOCKET);
    assert_int_equal(eddy_socket_view_family(value.socket_view), EDDY_INET);
    assert_int_equal(eddy_socket_view_type(value.socket_view), EDDY_STREAM);
    assert_int_equal(eddy_socket_view_proto(value.socket_view), EDDY_TCP);
    must(eddy_socket_view_getsockname(value.socket_view, &address));
    must(eddy_socket_view_getpeername(value.socket_view, &address));
    must(eddy_socket_view_set_option(value.socket_view, EDDY_SOCKET_KEEP_ALIVE, 1));
    must(eddy_socket_view_get_option(value.socket_view, EDDY_SOCKET_KEEP_ALIVE, &flag));
    assert_true(flag != 0);
    must(eddy_socket_view_settimeout(value.socket_view, 0));
    assert_int_equal(eddy_socket_view_settimeout(value.socket_view, 1), EDDY_EINVALID);
    must(eddy_socket_view_dup(value.socket_view, &copy));
    assert_true(copy != eddy_socket_view_fileno(value.socket_view));
    eddy_socket_close(copy);
    must(eddy_socket_view_shutdown(value.socket_view));
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "eof", "lost:0");
}

/* TR-8: after its owner let go there is no socket behind a view. */
static void test_view_after_the_end(struct fixture *f)
{
    struct witness w;
    struct peer peer;
    eddy_transport *transport;
    eddy_value value;
    eddy_address address;
    eddy_socket copy;
    int flag;

    if (sweep_is_on())
        skip(); /* it holds a transport while the loop runs */
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    transport = eddy_transport_ref(w.transport);
    eddy_transport_abort(transport);
    run_until_recorded(f->loop, "lost:0");
    assert_true(eddy_transport_get_extra_info(transport, "socket", &value));
    assert_true(eddy_socket_view_fileno(value.socket_view) == EDDY_NO_SOCKET);
    assert_int_equal(eddy_socket_view_family(value.socket_view), EDDY_UNSPEC);
    assert_int_equal(eddy_socket_view_type(value.socket_view), EDDY_ANY_TYPE);
    assert_int_equal(eddy_socket_view_proto(value.socket_view), EDDY_ANY_PROTOCOL);
    assert_int_equal(eddy_socket_view_getsockname(value.socket_view, &address), EDDY_EBADF);
    assert_int_equal(eddy_socket_view_getpeername(value.socket_view, &address), EDDY_EBADF);
    assert_int_equal(eddy_socket_view_set_option(value.socket_view, EDDY_SOCKET_KEEP_ALIVE, 1),
                     EDDY_EBADF);
    assert_int_equal(eddy_socket_view_get_option(value.socket_view, EDDY_SOCKET_KEEP_ALIVE, &flag),
                     EDDY_EBADF);
    assert_int_equal(eddy_socket_view_dup(value.socket_view, &copy), EDDY_EBADF);
    assert_int_equal(eddy_socket_view_shutdown(value.socket_view), EDDY_EBADF);
    eddy_transport_unref(transport);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_pair_carries_bytes),
        TEST(test_listen_connect_accept),
        TEST(test_accept_does_not_block),
        TEST(test_failure_says_what_failed),
        TEST(test_options_are_kept),
        TEST(test_closed_loop_makes_no_sockets),
        TEST(test_view_of_a_transports_socket),
        TEST(test_view_after_the_end),
    };

    return run_suite("socket", tests);
}

/* SPDX-License-Identifier: MIT */
/* Connecting and accepting by direct socket operations: SOCK-7, SOCK-8. */
#include "common/dns.h"
#include "support/oom.h"
#include "support/sock.h"
#include <string.h>

static eddy_socket new_socket(struct fixture *f, eddy_family family)
{
    eddy_socket socket;

    must(eddy_socket_new(f->loop, family, EDDY_STREAM, EDDY_TCP, &socket));
    fixture_keep_socket(f, socket);
    return socket;
}

/** Accept by an operation; the fixture's socket. */
static eddy_socket accept_one(struct fixture *f, eddy_future *accepting)
{
    eddy_value value;

    must(eddy_loop_run_until_complete(f->loop, accepting, &value));
    fixture_keep_socket(f, value.socket);
    return value.socket;
}

/* SOCK-7, SOCK-8: both ends, and the peer's address. */
static void test_connect_and_accept(struct fixture *f)
{
    eddy_address address, local;
    eddy_address peer = {0};
    eddy_socket listener = listener_new(f, &address);
    eddy_socket client = new_socket(f, EDDY_INET);
    eddy_socket server;
    eddy_future *accepting;

    need_whole_test(); /* nobody would drop what waits */
    accepting = eddy_loop_sock_accept(f->loop, listener, &peer);
    must(eddy_loop_run_until_complete(f->loop, eddy_loop_sock_connect(f->loop, client, &address),
                                      NULL));
    server = accept_one(f, accepting);
    must(eddy_socket_local_address(client, &local));
    assert_true(eddy_address_equal(&peer, &local));
    must(eddy_loop_run_until_complete(f->loop, eddy_loop_sock_sendall(f->loop, server, "x", 1),
                                      NULL));
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, client, 10), "x");
}

/* SOCK-7: what the system says, with the address. */
static void test_refused_connect_names_the_address(struct fixture *f)
{
    eddy_address address;
    char text[EDDY_ADDRESS_TEXT_MAX];

    listener_new_deaf(f, &address);
    eddy_address_format(&address, text, sizeof text);
    sock_expect_error(f, eddy_loop_sock_connect(f->loop, new_socket(f, EDDY_INET), &address),
                      EDDY_ECONNREFUSED);
    assert_non_null(strstr(eddy_error_text(), text));
}

/* SOCK-7: a numeric host asks nobody. */
static void test_connect_to_numeric_host(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    eddy_socket client = new_socket(f, EDDY_INET);
    size_t work = f->loop->foreign_work;
    eddy_future *future =
        eddy_loop_sock_connect_host(f->loop, client, "127.0.0.1", eddy_address_port(&address));

    assert_int_equal(f->loop->foreign_work, work);
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
    listener_accept(f, listener);
}

/* SOCK-7: a name goes to the resolver, with the socket's family. */
static void test_connect_to_host_name(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener, client;

    need_localhost(f);
    listener = listener_new(f, &address);
    client = new_socket(f, EDDY_INET);
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_sock_connect_host(f->loop, client, "localhost", eddy_address_port(&address)),
        NULL));
    listener_accept(f, listener);
}

static void test_connect_by_name_refuses_what_it_cannot(struct fixture *f)
{
    eddy_socket client = new_socket(f, EDDY_INET);
    eddy_socket unix_socket;
    int error;

    sock_expect_error(f, eddy_loop_sock_connect_host(f->loop, client, NULL, 1), EDDY_EINVALID);
    sock_expect_error(f, eddy_loop_sock_connect_host(f->loop, client, "::1", 65536), EDDY_EINVALID);
    sock_expect_error(f, eddy_loop_sock_connect_host(f->loop, EDDY_NO_SOCKET, "::1", 1),
                      EDDY_EINVALID);
    sock_expect_error(f, eddy_loop_sock_connect(f->loop, client, NULL), EDDY_EINVALID);
    /* An IPv6 number is no name of an IPv4 address: the resolver says so. */
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_connect_host(f->loop, client, "::1", 1), NULL);
    give_up_if(error == EDDY_ENOMEM);
    assert_true(error < 0);
    if (eddy_socket_new(f->loop, EDDY_UNIX, EDDY_STREAM, EDDY_ANY_PROTOCOL, &unix_socket) != 0)
        return;
    fixture_keep_socket(f, unix_socket);
    sock_expect_error(f, eddy_loop_sock_connect_host(f->loop, unix_socket, "::1", 1),
                      EDDY_EINVALID);
}

/* NET-3: cancelled while the resolver works. */
static void test_connect_is_cancelled_while_resolving(struct fixture *f)
{
    eddy_socket client = new_socket(f, EDDY_INET);
    eddy_future *future = eddy_loop_sock_connect_host(f->loop, client, "localhost", 1);
    eddy_future *dropped = eddy_loop_sock_connect_host(f->loop, client, "localhost", 1);

    eddy_future_unref(dropped);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    assert_true(eddy_future_cancel(future, "no more"));
    sock_expect_error(f, future, EDDY_ECANCELED);
    sock_settle(f);
}

/* SOCK-3: cancelled, and begun anew: the second one gets there. */
static void test_cancelled_connect_is_retried(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    eddy_socket client = new_socket(f, EDDY_INET);
    eddy_future *future = eddy_loop_sock_connect(f->loop, client, &address);
    int error;

    give_up_if(sock_failed(future, EDDY_ENOMEM));
    eddy_future_cancel(future, NULL);
    eddy_future_unref(future);
    error = eddy_loop_run_until_complete(f->loop, eddy_loop_sock_connect(f->loop, client, &address),
                                         NULL);
    give_up_if(error == EDDY_ENOMEM);
    /* Connected meanwhile, or even at once: systems differ in whether they say so. */
    if (error != EDDY_EISCONN)
        assert_int_equal(error, 0);
    listener_accept(f, listener);
}

/** A system that is slow: a connect does not begin before the test says so. */
static struct {
    eddy_socket client;
    eddy_address address;
    eddy_future *future;
} slow_net;

static int slow_connect(eddy_socket socket, const eddy_address *address)
{
    (void)socket;
    (void)address;
    return EDDY_EINPROGRESS;
}

static int begin_slow_connect(void *arg)
{
    struct fixture *f = arg;

    slow_net.future = eddy_loop_sock_connect(f->loop, slow_net.client, &slow_net.address);
    return 0;
}

/* SOCK-7: Linux calls a socket writable that was never connected; if that is on its way already
 * when connecting begins, it must not count as the connection. */
static void test_earlier_readiness_is_no_connection(struct fixture *f)
{
    eddy_socket listener;
    struct spy *spy;
    int error;

    need_working_calls(); /* a system that knows no peer, nor of a connect, is waited for */
    listener = listener_new(f, &slow_net.address);
    spy = spy_begin(f->loop);
    spy->sockets.connect = slow_connect;
    slow_net.client = new_socket(f, EDDY_INET);
    slow_net.future = NULL;
    must(eddy_loop_add_writer(f->loop, slow_net.client, on_call, ""));
    must(eddy_loop_call_soon(f->loop, begin_slow_connect, f, NULL));
    run_iterations(f->loop, 3);
    give_up_if(sock_failed(slow_net.future, EDDY_ENOMEM));
    assert_false(eddy_future_done(slow_net.future));
    recorder_reset();
    eddy_loop_remove_writer(f->loop, slow_net.client);
    error = spy->real->sockets->connect(slow_net.client, &slow_net.address);
    assert_true(error == 0 || error == EDDY_EINPROGRESS);
    must(eddy_loop_run_until_complete(f->loop, slow_net.future, NULL));
    listener_accept(f, listener);
}

/* SOCK-8: a cancelled accept takes no connection, and the next one gets it. */
static void test_cancelled_accept_loses_nobody(struct fixture *f)
{
    eddy_address address;
    eddy_address untouched = {0};
    eddy_socket listener = listener_new(f, &address);
    eddy_socket client = new_socket(f, EDDY_INET);
    eddy_future *future = eddy_loop_sock_accept(f->loop, listener, &untouched);

    give_up_if(sock_failed(future, EDDY_ENOMEM));
    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    must(eddy_loop_run_until_complete(f->loop, eddy_loop_sock_connect(f->loop, client, &address),
                                      NULL));
    sock_settle(f);
    assert_int_equal(untouched.length, 0);
    accept_one(f, eddy_loop_sock_accept(f->loop, listener, NULL));
}

/* SOCK-8: nothing is left of a cancelled accept: once the socket is closed, nobody gets in. */
static void test_closed_after_cancelled_accept(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    eddy_future *future = eddy_loop_sock_accept(f->loop, listener, NULL);

    run_iterations(f->loop, 1);
    eddy_future_cancel(future, NULL);
    eddy_future_unref(future);
    sock_close(f, listener);
    sock_expect_error(f, eddy_loop_sock_connect(f->loop, new_socket(f, EDDY_INET), &address),
                      EDDY_ECONNREFUSED);
}

/* SOCK-8: a connection that nobody takes out of the future is closed. */
static void test_connection_nobody_wants_is_closed(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    eddy_socket client = new_socket(f, EDDY_INET);
    eddy_future *accepting;

    need_whole_test(); /* nobody would drop what waits */
    accepting = eddy_loop_sock_accept(f->loop, listener, NULL);
    must(eddy_loop_run_until_complete(f->loop, eddy_loop_sock_connect(f->loop, client, &address),
                                      NULL));
    must(eddy_loop_run_until_complete(f->loop, accepting, NULL));
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, client, 10), "");
}

/* SOCK-1, SOCK-2: a socket that does not listen; one accept at a time. */
static void test_accept_refuses_what_it_cannot(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    eddy_future *future;
    int error;

    need_whole_test(); /* nobody would drop what waits */
    need_working_calls();
    future = eddy_loop_sock_accept(f->loop, listener, NULL);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    sock_expect_error(f, eddy_loop_sock_accept(f->loop, listener, NULL), EDDY_EBADSTATE);
    eddy_future_unref(future);
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_accept(f->loop, new_socket(f, EDDY_INET), NULL), NULL);
    give_up_if(error == EDDY_ENOMEM);
    assert_true(error < 0);
    assert_non_null(strstr(eddy_error_text(), "accept"));
}

/** A task that is cancelled in the middle of its work, and cleans up. */
static int wait_for_data(void *arg, eddy_value *result)
{
    struct fixture *f = arg;
    char buffer[16];
    int error;

    (void)result;
    error =
        eddy_await(eddy_loop_sock_recv_into(f->loop, f->sockets[0], buffer, sizeof buffer), NULL);
    record("%s", eddy_err_name(error));
    return error;
}

/* SOCK-3: a cancelled task may leave its frame at once, with the buffer in it. */
static void test_cancelled_task_leaves_its_buffer(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *task;

    sock_pair(f, sockets);
    assert_int_equal(f->sockets[0], sockets[0]);
    task = eddy_loop_create_task(f->loop, wait_for_data, f, NULL);
    run_iterations(f->loop, 2);
    eddy_future_cancel(task, NULL);
    sock_send_text(sockets[1], "late");
    sock_expect_error(f, task, EDDY_ECANCELED);
    assert_recorded("EDDY_ECANCELED");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 10), "late");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_connect_and_accept),
        TEST(test_refused_connect_names_the_address),
        TEST(test_connect_to_numeric_host),
        TEST(test_connect_to_host_name),
        TEST(test_connect_by_name_refuses_what_it_cannot),
        TEST(test_connect_is_cancelled_while_resolving),
        TEST(test_cancelled_connect_is_retried),
        TEST(test_earlier_readiness_is_no_connection),
        TEST(test_cancelled_accept_loses_nobody),
        TEST(test_closed_after_cancelled_accept),
        TEST(test_connection_nobody_wants_is_closed),
        TEST(test_accept_refuses_what_it_cannot),
        TEST(test_cancelled_task_leaves_its_buffer),
    };

    return run_suite("sock_connect", tests);
}

/* SPDX-License-Identifier: MIT */
/* Receiving by direct socket operations: SOCK-1..SOCK-5, SOCK-9. */
#include "support/oom.h"
#include "support/sock.h"
#include <string.h>

/* SOCK-1: what is there is received at once, and the future is done already. */
static void test_recv_of_what_is_there_is_done_at_once(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_value value;
    int error;

    sock_pair(f, sockets);
    sock_send_text(sockets[1], "hello");
    sock_settle(f);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    assert_true(eddy_future_done(future));
    error = eddy_future_result(future, &value);
    eddy_future_unref(future);
    must(error);
    assert_int_equal(value.bytes->size, 5);
    assert_memory_equal(value.bytes->data, "hello", 5);
    eddy_bytes_free(value.bytes);
}

static void free_bytes(void *bytes)
{
    eddy_bytes_free(bytes);
}

/* What is large lies where processors are fast at putting it: see eddy__buffer_alloc(). All are
 * kept, so that the allocator has them at places of all kinds. */
static void test_large_bytes_are_aligned(struct fixture *f)
{
    static char text[2001];
    eddy_socket sockets[2];

    memset(text, 'x', 2000);
    sock_pair(f, sockets);
    for (size_t room = 2000; room <= 2064; room += 16) {
        eddy_future *future;
        eddy_value value;
        int error;

        sock_send_text(sockets[1], text);
        sock_settle(f);
        future = eddy_loop_sock_recv(f->loop, sockets[0], room);
        give_up_if(sock_failed(future, EDDY_ENOMEM));
        error = eddy_future_result(future, &value);
        eddy_future_unref(future);
        must(error);
        fixture_at_end(f, free_bytes, value.bytes);
        assert_int_equal(value.bytes->size, 2000);
        assert_memory_equal(value.bytes->data, text, 2000);
        assert_int_equal((uintptr_t)value.bytes->data % 64, 0);
    }
}

/* SOCK-4: waits for data, gives at most what was asked for, and empty bytes at the end. */
static void test_recv_waits(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    sock_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 3);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    assert_false(eddy_future_done(future));
    sock_send_text(sockets[1], "hello");
    sock_expect_bytes(f, future, "hel");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 3), "lo");
    future = eddy_loop_sock_recv(f->loop, sockets[0], 3);
    sock_close(f, sockets[1]);
    sock_expect_bytes(f, future, "");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 3), "");
}

/* SOCK-4: the end of one direction is not that of the other. */
static void test_shutdown_ends_one_direction(struct fixture *f)
{
    eddy_socket sockets[2];

    sock_pair(f, sockets);
    sock_send_text(sockets[1], "last");
    must(eddy_socket_shutdown_send(sockets[1]));
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 10), "last");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 10), "");
    sock_send_text(sockets[0], "answer");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[1], 10), "answer");
    assert_true(eddy_socket_shutdown_send(EDDY_NO_SOCKET) < 0);
    assert_non_null(strstr(eddy_error_text(), "end the sending"));
}

/* SOCK-4: into memory of the caller. */
static void test_recv_into_fills_memory(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_value value;
    char buffer[4] = "....";

    sock_pair(f, sockets);
    future = eddy_loop_sock_recv_into(f->loop, sockets[0], buffer, 3);
    sock_send_text(sockets[1], "hello");
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_int_equal(value.size, 3);
    assert_memory_equal(buffer, "hel.", 4);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_recv_into(f->loop, sockets[0], buffer, 4), &value));
    assert_int_equal(value.size, 2);
    assert_memory_equal(buffer, "lol.", 4);
    sock_close(f, sockets[1]);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_recv_into(f->loop, sockets[0], buffer, 4), &value));
    assert_int_equal(value.size, 0);
}

/* SOCK-3, SOCK-9: cancelled and begun anew at once: nothing is lost, and nothing touched late. */
static void test_cancelled_recv_touches_nothing(struct fixture *f)
{
    eddy_socket sockets[2];
    char first[8] = "first";
    char second[8] = "";
    eddy_future *future;
    eddy_value value;

    sock_pair(f, sockets);
    future = eddy_loop_sock_recv_into(f->loop, sockets[0], first, sizeof first);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "data");
    assert_true(eddy_future_cancel(future, NULL));
    assert_true(eddy_future_cancelled(future));
    eddy_future_unref(future);
    future = eddy_loop_sock_recv_into(f->loop, sockets[0], second, sizeof second);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_string_equal(first, "first");
    assert_int_equal(value.size, 4);
    assert_memory_equal(second, "data", 4);
}

/* SOCK-3: the event was already on its way when the operation was cancelled. */
static int on_call_cancel(void *future)
{
    record("cancel:%d", eddy_future_cancel(future, NULL));
    return 0;
}

static void test_recv_is_cancelled_while_its_event_is_due(struct fixture *f)
{
    eddy_socket sockets[2];
    char first[8] = "first";
    eddy_future *future;

    need_whole_test(); /* nobody would drop what waits */
    sock_pair(f, sockets);
    future = eddy_loop_sock_recv_into(f->loop, sockets[0], first, sizeof first);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "data");
    must(eddy_loop_call_soon(f->loop, on_call_cancel, future, NULL)); /* before events (LOOP-22) */
    run_until_recorded(f->loop, "cancel:1");
    eddy_future_unref(future);
    assert_string_equal(first, "first");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 10), "data");
    assert_recorded("cancel:1");
}

/* SOCK-3: cancelled, closed, its number used again: the new socket is its own. */
static void test_cancelled_recv_leaves_the_number_alone(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_socket again[2];
    eddy_future *future;

    sock_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 10);
    run_iterations(f->loop, 1);
    eddy_future_cancel(future, NULL);
    eddy_future_unref(future);
    sock_close(f, sockets[0]);
    sock_pair(f, again);
    future = eddy_loop_sock_recv(f->loop, again[0], 10);
    run_iterations(f->loop, 1);
    sock_send_text(again[1], "new");
    sock_expect_bytes(f, future, "new");
}

/* Dropping the last reference of a waiting operation withdraws it. */
static void test_dropped_recv_is_withdrawn(struct fixture *f)
{
    eddy_socket sockets[2];
    char buffer[8] = "first";

    sock_pair(f, sockets);
    eddy_future_unref(eddy_loop_sock_recv_into(f->loop, sockets[0], buffer, sizeof buffer));
    sock_send_text(sockets[1], "data");
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_string_equal(buffer, "first");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 10), "data");
}

/* SOCK-2: one operation at a time for each direction, beside readers and writers (FD-2). */
static void test_second_recv_is_refused(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    char buffer[8];

    need_whole_test(); /* nobody would drop what waits */
    need_working_calls();
    sock_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 10);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    sock_expect_error(f, eddy_loop_sock_recv(f->loop, sockets[0], 10), EDDY_EBADSTATE);
    sock_expect_error(f, eddy_loop_sock_recv_into(f->loop, sockets[0], buffer, 8), EDDY_EBADSTATE);
    sock_expect_error(f, eddy_loop_sock_accept(f->loop, sockets[0], NULL), EDDY_EBADSTATE);
    must(eddy_loop_run_until_complete(f->loop,
                                      eddy_loop_sock_sendall(f->loop, sockets[0], "out", 3), NULL));
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[1], 10), "out");
    sock_send_text(sockets[1], "in");
    sock_expect_bytes(f, future, "in");
}

static void test_reader_and_recv_share_a_socket(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    sock_pair(f, sockets);
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "reader"));
    future = eddy_loop_sock_recv(f->loop, sockets[0], 10);
    sock_send_text(sockets[1], "data");
    sock_expect_bytes(f, future, "data");
    run_until_recorded(f->loop, "reader");
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
    recorder_reset();
}

/* SOCK-1: sockets of transports and servers are theirs; what is no socket is refused. */
static void test_recv_refuses_foreign_sockets(struct fixture *f)
{
    struct witness w;
    struct peer peer;
    char byte;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    sock_expect_error(f, eddy_loop_sock_recv(f->loop, transport_socket(w.transport), 1),
                      EDDY_EBADSTATE);
    sock_expect_error(f, eddy_loop_sock_recv(f->loop, EDDY_NO_SOCKET, 1), EDDY_EINVALID);
    sock_expect_error(f, eddy_loop_sock_recv(f->loop, peer.socket, 0), EDDY_EINVALID);
    sock_expect_error(f, eddy_loop_sock_recv_into(f->loop, peer.socket, NULL, 1), EDDY_EINVALID);
    sock_expect_error(f, eddy_loop_sock_recvfrom_into(f->loop, peer.socket, &byte, 0, NULL),
                      EDDY_EINVALID);
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    recorder_reset();
}

/* SOCK-1: debug mode refuses blocking sockets, where one can ask. */
static void test_debug_refuses_blocking_sockets(struct fixture *f)
{
    eddy_socket sockets[2];

    if (f->sim != NULL || !sock_make_blocking(f, sockets))
        skip();
    eddy_loop_set_debug(f->loop, true);
    sock_expect_error(f, eddy_loop_sock_recv(f->loop, sockets[0], 1), EDDY_EINVALID);
    assert_non_null(strstr(eddy_error_text(), "blocking"));
    sock_expect_error(f, eddy_loop_sock_sendall(f->loop, sockets[0], "x", 1), EDDY_EINVALID);
}

/* Errors of the system are the future's, with words. */
static void test_recv_passes_errors_on(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);

    need_working_calls();
    sock_expect_error(f, eddy_loop_sock_recv(f->loop, listener, 1), EDDY_ENOTCONN);
    assert_non_null(strstr(eddy_error_text(), "receive"));
}

/* The loop closes while operations wait: they stay pending, and can be cancelled and dropped. */
static void test_recv_survives_its_loop(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *cancelled;
    eddy_future *dropped;

    sock_pair(f, sockets);
    cancelled = eddy_loop_sock_recv(f->loop, sockets[0], 1);
    dropped = eddy_loop_sock_recv(f->loop, sockets[1], 1);
    must(eddy_loop_close(f->loop));
    eddy_future_unref(dropped);
    assert_true(eddy_future_done(cancelled) || eddy_future_cancel(cancelled, NULL));
    eddy_future_unref(cancelled);
    sock_expect_refused(eddy_loop_sock_recv(f->loop, sockets[0], 1), EDDY_EBADSTATE);
}

/* Closed under a waiting operation, which the program should not do: it ends with the number. */
static void test_forgotten_recv_ends_with_its_number(struct fixture *f)
{
    eddy_socket sockets[2];
    struct witness w;
    eddy_address address;
    eddy_future *future;
    eddy_value value;

    if (fixture_backend_is(f, "sim") || fixture_backend_is(f, "iocp"))
        skip();        /* numbers do not come back, or nobody knows when */
    need_whole_test(); /* nobody would drop what waits */
    witness_init(&w, NULL);
    sock_pair(f, sockets);
    listener_new(f, &address);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 1);
    sock_close(f, sockets[0]);
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, witness_factory, &w, "127.0.0.1",
                                    eddy_address_port(&address), NULL),
        &value));
    assert_logged(EDDY_LOG_WARNING, "closed while it was being watched");
    sock_expect_error(f, future, EDDY_EBADF);
    eddy_transport_abort(value.transport);
    eddy_transport_unref(value.transport);
    run_until_recorded(f->loop, "lost:0");
    recorder_reset();
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_recv_of_what_is_there_is_done_at_once),
        TEST(test_large_bytes_are_aligned),
        TEST(test_recv_waits),
        TEST(test_shutdown_ends_one_direction),
        TEST(test_recv_into_fills_memory),
        TEST(test_cancelled_recv_touches_nothing),
        TEST(test_recv_is_cancelled_while_its_event_is_due),
        TEST(test_cancelled_recv_leaves_the_number_alone),
        TEST(test_dropped_recv_is_withdrawn),
        TEST(test_second_recv_is_refused),
        TEST(test_reader_and_recv_share_a_socket),
        TEST(test_recv_refuses_foreign_sockets),
        TEST(test_debug_refuses_blocking_sockets),
        TEST(test_recv_passes_errors_on),
        TEST(test_recv_survives_its_loop),
        TEST(test_forgotten_recv_ends_with_its_number),
    };

    return run_suite("sock_recv", tests);
}

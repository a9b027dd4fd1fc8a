/* SPDX-License-Identifier: MIT */
/* Sending by direct socket operations: SOCK-1..SOCK-3, SOCK-6. */
#include "support/oom.h"
#include "support/sock.h"
#include <string.h>

enum { MEGABYTE = 1024 * 1024 };

/* SOCK-6: what the system takes at once is done at once, and so is nothing. */
static void test_sendall_of_little_is_done_at_once(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    sock_pair(f, sockets);
    future = eddy_loop_sock_sendall(f->loop, sockets[0], "", 0);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    assert_true(eddy_future_done(future));
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
    future = eddy_loop_sock_sendall(f->loop, sockets[0], "hello", 5);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    assert_true(eddy_future_done(future));
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[1], 10), "hello");
    must(eddy_loop_run_until_complete(f->loop, eddy_loop_sock_sendall(f->loop, sockets[0], NULL, 0),
                                      NULL));
}

/** A task's half of a conversation over one socket. */
struct talk {
    eddy_loop *loop;
    eddy_socket socket;
    unsigned char *data;
};

static int send_megabyte(void *arg, eddy_value *result)
{
    struct talk *talk = arg;

    (void)result;
    return eddy_await(eddy_loop_sock_sendall(talk->loop, talk->socket, talk->data, MEGABYTE), NULL);
}

static int receive_megabyte(void *arg, eddy_value *result)
{
    struct talk *talk = arg;
    size_t size = 0;
    int error = 0;

    (void)result;
    while (error == 0 && size < MEGABYTE) {
        eddy_value n;

        error = eddy_await(
            eddy_loop_sock_recv_into(talk->loop, talk->socket, talk->data + size, MEGABYTE - size),
            &n);
        if (error == 0 && n.size == 0)
            return EDDY_EPIPE;
        size += error == 0 ? n.size : 0;
    }
    return error;
}

/* SOCK-2, SOCK-6: a megabyte each way, at the same time. */
static void test_a_megabyte_both_ways(struct fixture *f)
{
    static unsigned char memory[4 * MEGABYTE];
    eddy_socket sockets[2];
    struct talk talks[4];
    eddy_future *tasks[4];

    need_whole_test(); /* nobody would drop what waits */
    need_working_calls();
    sock_pair(f, sockets);
    for (size_t i = 0; i < 2 * MEGABYTE; i++)
        memory[i] = (unsigned char)(i * 7 + i / 251);
    for (int i = 0; i < 4; i++) {
        talks[i] = (struct talk){f->loop, sockets[i % 2], memory + i * MEGABYTE};
        tasks[i] = eddy_loop_create_task(f->loop, i < 2 ? send_megabyte : receive_megabyte,
                                         &talks[i], NULL);
    }
    for (int i = 0; i < 4; i++)
        must(eddy_loop_run_until_complete(f->loop, tasks[i], NULL));
    assert_memory_equal(memory, memory + 3 * MEGABYTE, MEGABYTE);
    assert_memory_equal(memory + MEGABYTE, memory + 2 * MEGABYTE, MEGABYTE);
}

/** Receive `size` bytes, as they come; the last `tail_size` of them into `tail`. */
static void drain(struct fixture *f, eddy_socket socket, size_t size, char *tail, size_t tail_size)
{
    static char buffer[64 * 1024];
    eddy_value n;

    while (size > tail_size) {
        size_t room = size - tail_size < sizeof buffer ? size - tail_size : sizeof buffer;

        must(eddy_loop_run_until_complete(
            f->loop, eddy_loop_sock_recv_into(f->loop, socket, buffer, room), &n));
        assert_true(n.size > 0);
        size -= n.size;
    }
    for (size_t at = 0; at < tail_size; at += n.size)
        must(eddy_loop_run_until_complete(
            f->loop, eddy_loop_sock_recv_into(f->loop, socket, tail + at, tail_size - at), &n));
}

/* SOCK-3, SOCK-6: cancelled on a full buffer: nothing of it is sent, the next is sent whole. */
static void test_cancelled_sendall_sends_no_more(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    size_t filled;
    char tail[8] = "";

    need_whole_test(); /* nobody would drop what waits */
    need_working_calls();
    sock_pair(f, sockets);
    filled = sock_fill(f, sockets[0]);
    future = eddy_loop_sock_sendall(f->loop, sockets[0], "first", 5);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    run_iterations(f->loop, 2);
    assert_false(eddy_future_done(future));
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    future = eddy_loop_sock_sendall(f->loop, sockets[0], "second", 6);
    drain(f, sockets[1], filled + 6, tail, 6);
    assert_memory_equal(tail, "second", 6);
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
}

/* SOCK-2: one at a time; the other direction is free, and so are readers and writers. */
static void test_second_sendall_is_refused(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_address address;
    size_t filled;
    char tail[8] = "";

    need_whole_test(); /* nobody would drop what waits */
    need_working_calls();
    must(eddy_address_parse("127.0.0.1", 9, &address));
    sock_pair(f, sockets);
    filled = sock_fill(f, sockets[0]);
    future = eddy_loop_sock_sendall(f->loop, sockets[0], "rest", 4);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    sock_expect_error(f, eddy_loop_sock_sendall(f->loop, sockets[0], "x", 1), EDDY_EBADSTATE);
    sock_expect_error(f, eddy_loop_sock_connect(f->loop, sockets[0], &address), EDDY_EBADSTATE);
    sock_send_text(sockets[1], "in");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 2), "in");
    drain(f, sockets[1], filled + 4, tail, 4);
    assert_memory_equal(tail, "rest", 4);
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
}

/* SOCK-6: nobody is left to read it. */
static void test_sendall_to_nobody_fails(struct fixture *f)
{
    eddy_socket sockets[2];
    int error;

    sock_pair(f, sockets);
    sock_fill(f, sockets[0]);
    sock_close(f, sockets[1]);
    error = eddy_loop_run_until_complete(f->loop,
                                         eddy_loop_sock_sendall(f->loop, sockets[0], "x", 1), NULL);
    give_up_if(error == EDDY_ENOMEM);
    if (error != EDDY_EPIPE && error != EDDY_ECONNABORTED)
        assert_int_equal(error, EDDY_ECONNRESET);
    assert_non_null(strstr(eddy_error_text(), "send"));
}

static void test_sendall_checks_its_arguments(struct fixture *f)
{
    eddy_socket sockets[2];

    sock_pair(f, sockets);
    sock_expect_error(f, eddy_loop_sock_sendall(f->loop, sockets[0], NULL, 1), EDDY_EINVALID);
    sock_expect_error(f, eddy_loop_sock_sendall(f->loop, EDDY_NO_SOCKET, "x", 1), EDDY_EINVALID);
    sock_expect_error(f, eddy_loop_sock_sendto(f->loop, sockets[0], "x", 1, NULL), EDDY_EINVALID);
    sock_expect_refused(eddy_loop_sock_sendall(NULL, sockets[0], "x", 1), EDDY_EINVALID);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_sendall_of_little_is_done_at_once), TEST(test_a_megabyte_both_ways),
        TEST(test_cancelled_sendall_sends_no_more),   TEST(test_second_sendall_is_refused),
        TEST(test_sendall_to_nobody_fails),           TEST(test_sendall_checks_its_arguments),
    };

    return run_suite("sock_send", tests);
}

/* SPDX-License-Identifier: MIT */
/* Datagrams by direct socket operations: SOCK-5, SOCK-6. */
#include "support/oom.h"
#include "support/sock.h"
#include <string.h>

/** A datagram socket of the fixture on 127.0.0.1. */
static eddy_socket new_bound(struct fixture *f, eddy_address *address)
{
    eddy_socket socket;

    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_DGRAM, EDDY_UDP, &socket));
    fixture_keep_socket(f, socket);
    must(eddy_address_parse("127.0.0.1", 0, address));
    must(eddy_socket_bind(socket, address));
    must(eddy_socket_local_address(socket, address));
    return socket;
}

static void send_datagram(struct fixture *f, eddy_socket from, const eddy_address *to,
                          const char *text)
{
    eddy_value sent;

    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_sendto(f->loop, from, text, strlen(text), to), &sent));
    assert_int_equal(sent.size, strlen(text));
}

/* SOCK-5: bytes and sender; what is longer is cut off, also empty ones come. */
static void test_recvfrom_gives_datagram_and_sender(struct fixture *f)
{
    eddy_address to, from;
    eddy_socket receiver = new_bound(f, &to);
    eddy_socket sender = new_bound(f, &from);
    static const char *const texts[] = {"hello", "", "truncated"};

    need_whole_test(); /* nobody would drop what waits */
    for (size_t i = 0; i < 3; i++) {
        eddy_future *future = eddy_loop_sock_recvfrom(f->loop, receiver, 5);
        size_t expected = strlen(texts[i]) < 5 ? strlen(texts[i]) : 5;
        eddy_value value;
        bool equal;

        send_datagram(f, sender, &to, texts[i]);
        must(eddy_loop_run_until_complete(f->loop, future, &value));
        equal = value.datagram->size == expected &&
                memcmp(value.datagram->data, texts[i], expected) == 0 &&
                eddy_address_equal(&value.datagram->peer, &from);
        eddy_datagram_free(value.datagram);
        assert_true(equal);
    }
}

/* SOCK-5: into memory of the caller, of which less than all may be offered. */
static void test_recvfrom_into_fills_part_of_the_memory(struct fixture *f)
{
    eddy_address to, from;
    eddy_address peer = {0};
    eddy_socket receiver = new_bound(f, &to);
    eddy_socket sender = new_bound(f, &from);
    char buffer[8] = "........";
    eddy_future *future;
    eddy_value value;

    need_whole_test(); /* nobody would drop what waits */
    future = eddy_loop_sock_recvfrom_into(f->loop, receiver, buffer, 4, &peer);
    send_datagram(f, sender, &to, "123456");
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_int_equal(value.size, 4);
    assert_memory_equal(buffer, "1234....", 8);
    assert_true(eddy_address_equal(&peer, &from));
    send_datagram(f, sender, &to, "ab");
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_recvfrom_into(f->loop, receiver, buffer, 8, NULL), &value));
    assert_int_equal(value.size, 2);
    assert_memory_equal(buffer, "ab34....", 8);
}

/* SOCK-3: a cancelled one touches nothing, and takes no datagram away. */
static void test_cancelled_recvfrom_takes_nothing(struct fixture *f)
{
    eddy_address to, from;
    eddy_address peer = {0};
    eddy_socket receiver = new_bound(f, &to);
    eddy_socket sender = new_bound(f, &from);
    char buffer[8] = "........";
    eddy_future *future;
    eddy_value value;

    future = eddy_loop_sock_recvfrom_into(f->loop, receiver, buffer, sizeof buffer, &peer);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    send_datagram(f, sender, &to, "data");
    sock_settle(f);
    assert_memory_equal(buffer, "........", 8);
    assert_int_equal(peer.length, 0);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_recvfrom_into(f->loop, receiver, buffer, 8, &peer), &value));
    assert_int_equal(value.size, 4);
}

/* SOCK-7: a datagram socket connects at once, and then has a peer. */
static void test_datagram_socket_connects_at_once(struct fixture *f)
{
    eddy_address to, from;
    eddy_socket receiver = new_bound(f, &to);
    eddy_socket sender = new_bound(f, &from);
    eddy_future *future = eddy_loop_sock_connect(f->loop, sender, &to);

    give_up_if(sock_failed(future, EDDY_ENOMEM));
    assert_true(eddy_future_done(future));
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
    must(eddy_loop_run_until_complete(f->loop, eddy_loop_sock_sendall(f->loop, sender, "hi", 2),
                                      NULL));
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, receiver, 10), "hi");
}

/* SOCK-6: sendto waits for room, where a socket can be full. */
static void test_sendto_waits_for_room(struct fixture *f)
{
    eddy_address connected = {0};
    eddy_socket sockets[2];
    eddy_future *future;
    size_t count = 0;
    char text[16];
    eddy_value value;

    if (f->sim != NULL || fixture_backend_is(f, "iocp"))
        skip(); /* their datagram sockets are never full */
    must(eddy_socket_pair(f->loop, EDDY_DGRAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    while (eddy_socket_send(sockets[0], "full", 4) == 4)
        count++;
    future = eddy_loop_sock_sendto(f->loop, sockets[0], "last", 4, &connected);
    give_up_if(sock_failed(future, EDDY_ENOMEM));
    run_iterations(f->loop, 1);
    assert_false(eddy_future_done(future));
    for (; count > 0; count--)
        assert_int_equal(eddy_socket_receive(sockets[1], text, sizeof text), 4);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_int_equal(value.size, 4);
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[1], 10), "last");
}

/* An error names the address. */
static void test_sendto_error_names_the_address(struct fixture *f)
{
    eddy_address to, from;
    eddy_socket sender = new_bound(f, &from);
    int error;

    must(eddy_address_parse("::1", 9, &to));
    error = eddy_loop_run_until_complete(f->loop,
                                         eddy_loop_sock_sendto(f->loop, sender, "x", 1, &to), NULL);
    give_up_if(error == EDDY_ENOMEM);
    assert_true(error < 0);
    assert_non_null(strstr(eddy_error_text(), "[::1]:9"));
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_recvfrom_gives_datagram_and_sender),
        TEST(test_recvfrom_into_fills_part_of_the_memory),
        TEST(test_cancelled_recvfrom_takes_nothing),
        TEST(test_datagram_socket_connects_at_once),
        TEST(test_sendto_waits_for_room),
        TEST(test_sendto_error_names_the_address),
    };

    return run_suite("sock_datagram", tests);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a receive leaves behind for the next one, and all that may happen to the descriptor in
 * between: SOCK-1, SOCK-3, FD-1. The clock of it is turned by hand.
 */
#include "support/linger.h"
#include "support/oom.h"
#include "support/sock.h"
#include "support/witness.h"
#include <string.h>

#if !defined(_WIN32)

#include "common/loop.h"
#include <sys/socket.h>
#include <unistd.h>
#if defined(EDDY_TEST_HOOKS)
#include "posix/sys.h"
#endif

/* SOCK-1: what arrives while nobody waits is there for the next receive, at once. */
static void test_arrival_between_operations_is_received_at_once(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    linger_need(f);
    linger_busy_pair(f, sockets);
    sock_send_text(sockets[1], "early");
    run_iterations(f->loop, 1);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    if (fixture_backend_is(f, "epoll")) /* others do not look at it meanwhile */
        assert_true(eddy_future_done(future));
    sock_expect_bytes(f, future, "early");
}

/* What arrives before the loop has looked again is received a moment later. */
static void test_arrival_that_the_loop_has_not_seen_is_received(struct fixture *f)
{
    eddy_socket sockets[2];

    linger_need(f);
    linger_busy_pair(f, sockets);
    sock_send_text(sockets[1], "unseen");
    linger_receive(f, sockets[0], "unseen");
}

/* SOCK-4: a receive that was full leaves something behind, for which nothing will be told. */
static void test_full_receive_is_followed_by_the_rest(struct fixture *f)
{
    eddy_socket sockets[2];

    linger_need(f);
    linger_busy_pair(f, sockets);
    sock_send_text(sockets[1], "hello");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 3), "hel");
    linger_receive(f, sockets[0], "lo");
}

/* SOCK-3: cancelled in between, also when the event was on its way: the next one gets it. */
static void test_cancelled_receive_loses_nothing(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    linger_need(f);
    linger_busy_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "late");
    eddy_future_cancel(future, NULL);
    eddy_future_unref(future);
    assert_int_equal(linger_count(f), 0);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    assert_true(eddy_future_done(future));
    sock_expect_bytes(f, future, "late");
}

/* SOCK-4: the end of the stream came along with the last bytes, or after them. */
static void test_end_behind_the_last_bytes_is_received(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_socket others[2];

    linger_need(f);
    linger_busy_pair(f, sockets);
    sock_send_text(sockets[1], "last");
    must(eddy_socket_shutdown_send(sockets[1]));
    linger_receive(f, sockets[0], "last");
    linger_receive(f, sockets[0], "");
    linger_receive(f, sockets[0], "");
    assert_int_equal(linger_count(f), 0);
    linger_busy_pair(f, others);
    sock_send_text(others[1], "last");
    linger_receive(f, others[0], "last");
    must(eddy_socket_shutdown_send(others[1]));
    linger_receive(f, others[0], "");
}

/* FD-1: a reader of the same descriptor is called as long as there is something. */
static void test_reader_takes_over_what_lingers(struct fixture *f)
{
    eddy_socket sockets[2];

    linger_need(f);
    linger_busy_pair(f, sockets);
    sock_send_text(sockets[1], "unread");
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "readable"));
    assert_int_equal(linger_count(f), 0);
    run_iterations(f->loop, 3);
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
    assert_recorded("readable", "readable", "readable");
    linger_receive(f, sockets[0], "unread");
    linger_make_busy(f, sockets);
}

/* TR-2: so does a transport. */
static void test_transport_takes_over_what_lingers(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_value value;
    struct witness w;

    linger_need(f);
    linger_busy_pair(f, sockets);
    sock_send_text(sockets[1], "hello");
    witness_init(&w, NULL);
    fixture_drop_socket(f, sockets[0]);
    future = eddy_loop_connect_accepted_socket(f->loop, witness_factory, &w, sockets[0], NULL);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    eddy_transport_unref(value.transport);
    run_until_recorded(f->loop, "data:hello");
    assert_int_equal(linger_count(f), 0);
    sock_send_text(sockets[1], "more");
    run_until_recorded(f->loop, "data:more");
    assert_recorded("made", "data:hello", "data:more");
}

/* SOCK-3: the number came back with another socket, past the library: that one is received from,
 * after two ticks at the latest, and from then on nothing is guessed. */
static void test_reused_number_is_found_out(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_socket others[2];
    eddy_future *future;

    linger_need(f);
    linger_busy_pair(f, sockets);
    sock_pair(f, others);
    linger_replace(sockets[0], others[0]);
    sock_send_text(others[1], "other");
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    run_iterations(f->loop, 1);
    linger_tick(f);
    linger_tick(f);
    sock_expect_bytes(f, future, "other");
    linger_exchange(f, (eddy_socket[2]){sockets[0], others[1]});
    linger_exchange(f, (eddy_socket[2]){sockets[0], others[1]});
    sock_send_text(others[1], "more");
    if (fixture_backend_is(f, "epoll")) {
        future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
        assert_true(eddy_future_done(future));
        eddy_future_unref(future);
    }
}

/* SOCK-3: a duplicate elsewhere keeps the old registration alive, which speaks of the old number:
 * it disturbs nobody, also when the watcher has gone. */
static void test_duplicate_elsewhere_disturbs_nobody(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_socket others[2];
    eddy_future *future;
    int duplicate;

    linger_need(f);
    linger_busy_pair(f, sockets);
    duplicate = dup((int)sockets[0]);
    fixture_keep_socket(f, duplicate);
    sock_pair(f, others);
    linger_replace(sockets[0], others[0]);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "old");
    run_iterations(f->loop, 2);
    assert_false(eddy_future_done(future));
    sock_send_text(others[1], "new");
    sock_expect_bytes(f, future, "new");
    eddy_future_unref(eddy_loop_sock_recv(f->loop, sockets[0], 100)); /* ends the watcher */
    sock_send_text(sockets[1], ", older");
    run_iterations(f->loop, 2);
    linger_receive(f, duplicate, "old, older");
}

/* The same with the duplicate under the old number again: the registration is there already. */
static void test_duplicate_comes_back_under_its_number(struct fixture *f)
{
    eddy_socket sockets[2];
    int duplicate;

    linger_need(f);
    linger_busy_pair(f, sockets);
    duplicate = dup((int)sockets[0]);
    fixture_keep_socket(f, duplicate);
    close((int)sockets[0]);
    linger_tick(f);
    linger_tick(f);
    assert_int_equal(linger_count(f), 0);
    linger_replace(sockets[0], duplicate);
    linger_exchange(f, sockets);
    linger_make_busy(f, sockets);
}

/* TR-2, TR-7: nor does it outlive a transport that it was found by. */
static void test_duplicate_outlives_the_transport_over_another(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_value value;
    struct witness w;
    int duplicate;

    linger_need(f);
    linger_busy_pair(f, sockets);
    duplicate = dup((int)sockets[0]);
    fixture_keep_socket(f, duplicate);
    close((int)sockets[0]);
    linger_tick(f);
    linger_tick(f);
    linger_replace(sockets[0], duplicate);
    witness_init(&w, NULL);
    fixture_drop_socket(f, sockets[0]);
    future = eddy_loop_connect_accepted_socket(f->loop, witness_factory, &w, sockets[0], NULL);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    run_iterations(f->loop, 1);
    eddy_transport_abort(value.transport);
    eddy_transport_unref(value.transport);
    run_until_recorded(f->loop, "lost:0");
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "for the duplicate");
    run_iterations(f->loop, 2);
    assert_recorded("made", "lost:0");
    linger_receive(f, duplicate, "for the duplicate");
}

/* Another loop may receive what this one has been told of. */
static void test_another_loop_receives_from_the_same_socket(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_loop *other;

    linger_need(f);
    linger_busy_pair(f, sockets);
    must(eddy_loop_new(NULL, &other));
    sock_send_text(sockets[1], "others");
    future = eddy_loop_sock_recv(other, sockets[0], 100);
    assert_true(eddy_future_done(future));
    eddy_future_unref(future);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    run_iterations(f->loop, 2);
    assert_false(eddy_future_done(future)); /* a false alarm */
    sock_send_text(sockets[1], "ours");
    run_iterations(f->loop, 2);
    assert_true(eddy_future_done(future));
    sock_expect_bytes(f, future, "ours");
    eddy_loop_close(other);
    eddy_loop_unref(other);
}

/* Numbers that pass through the library are known to be new. */
static int on_call_close_and_reuse(void *arg)
{
    struct fixture *f = arg;

    sock_close(f, f->sockets[0]);
    record("lingering:%d", (int)linger_count(f));
    return 0;
}

static void test_closing_by_the_library_forgets(struct fixture *f)
{
    eddy_socket sockets[2];

    linger_need(f);
    linger_busy_pair(f, sockets);
    must(eddy_loop_call_soon(f->loop, on_call_close_and_reuse, f, NULL));
    run_iterations(f->loop, 1);
    assert_recorded("lingering:0");
}

/* Who is not received from for two ticks is registered no more. */
static void test_idle_socket_lingers_two_ticks(struct fixture *f)
{
    eddy_socket sockets[2];

    linger_need(f);
    linger_busy_pair(f, sockets);
    linger_tick(f);
    assert_int_equal(linger_count(f), 1);
    linger_tick(f);
    assert_int_equal(linger_count(f), 0);
    assert_null(eddy__claims_find(&f->loop->claims, sockets[0]));
    linger_exchange(f, sockets);
}

/* An operation that waits for long is verified once, and costs nothing more. */
static void test_waiting_operation_is_left_alone_in_the_end(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    linger_need(f);
    linger_busy_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    for (int i = 0; i < 3; i++)
        linger_tick(f);
    assert_int_equal(linger_count(f), 0);
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "late");
    sock_expect_bytes(f, future, "late");
}

/* Datagrams: one that is smaller than the room says nothing about the next. */
static void test_short_datagram_is_followed_by_the_next(struct fixture *f)
{
    eddy_socket sockets[2];

    linger_need(f);
    must(eddy_socket_pair(f->loop, EDDY_DGRAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    linger_make_busy(f, sockets);
    for (int i = 0; i < 3; i++) {
        sock_send_text(sockets[1], "one");
        sock_send_text(sockets[1], "two");
        linger_receive(f, sockets[0], "one");
        linger_receive(f, sockets[0], "two");
    }
}

/* The system ends a receive where urgent data was, though there is more. */
static void test_short_receive_before_urgent_data_is_followed_by_the_rest(struct fixture *f)
{
    eddy_address address;
    eddy_socket sockets[2];
    eddy_socket listener;

    linger_need(f);
    listener = listener_new(f, &address);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &sockets[1]));
    fixture_keep_socket(f, sockets[1]);
    must(eddy_loop_run_until_complete(f->loop,
                                      eddy_loop_sock_connect(f->loop, sockets[1], &address), NULL));
    sockets[0] = listener_accept(f, listener);
    linger_make_busy(f, sockets);
    sock_send_text(sockets[1], "ab");
    assert_int_equal(send((int)sockets[1], "!", 1, MSG_OOB), 1);
    sock_send_text(sockets[1], "cd");
    sock_settle(f);
    linger_receive(f, sockets[0], "ab");
    linger_receive(f, sockets[0], "cd");
}

#if defined(__linux__)
static void send_descriptor(eddy_socket socket, const char *text)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    int number = (int)socket;

    memcpy(CMSG_DATA(&control.head), &number, sizeof number);
    assert_int_equal(sendmsg((int)socket, &message, 0), (ssize_t)part.iov_len);
}

/* So it does behind descriptors that a Unix socket was sent. Only the clock finds that out, once
 * a socket. */
static void test_short_receive_behind_descriptors_is_found_out(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    linger_need(f);
    linger_busy_pair(f, sockets);
    send_descriptor(sockets[1], "descriptor");
    sock_send_text(sockets[1], "text");
    linger_receive(f, sockets[0], "descriptor");
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    run_iterations(f->loop, 2);
    linger_tick(f);
    linger_tick(f);
    sock_expect_bytes(f, future, "text");
    send_descriptor(sockets[1], "descriptor");
    sock_send_text(sockets[1], "text");
    linger_receive(f, sockets[0], "descriptor");
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    if (fixture_backend_is(f, "epoll"))
        assert_true(eddy_future_done(future));
    sock_expect_bytes(f, future, "text");
}
#endif

#if defined(EDDY_TEST_HOOKS)
/* The system has no room to verify a registration: the next tick asks again. */
static void test_verifying_that_fails_is_repeated(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_socket others[2];
    eddy_future *future;

    linger_need(f);
    if (!fixture_backend_is(f, "epoll"))
        skip();
    linger_busy_pair(f, sockets);
    sock_pair(f, others);
    linger_replace(sockets[0], others[0]);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 2, ENOMEM); /* the first says that it is not there */
    linger_tick(f);
    linger_tick(f);
    eddy__sys_reset();
    assert_false(eddy_future_done(future));
    linger_tick(f);
    sock_send_text(others[1], "other");
    sock_expect_bytes(f, future, "other");
}

/* The descriptor was closed under an operation: what waits for it hears so. */
static eddy_socket client_new(struct fixture *f)
{
    eddy_socket client = EDDY_NO_SOCKET;

    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &client));
    fixture_keep_socket(f, client);
    return client;
}

/* The accepted connection is closed again. */
static void end_accepting(struct fixture *f, eddy_future *accepting)
{
    eddy_value value;

    must(eddy_loop_run_until_complete(f->loop, accepting, &value));
    eddy_socket_close(value.socket);
}

/* What is accepted at a tick may have the number of the next one that lingers. */
static void test_accept_at_a_tick_ends_another_watcher(struct fixture *f)
{
    eddy_address address;
    eddy_socket sockets[2];
    eddy_socket listener;
    eddy_socket client;
    eddy_future *accepting;

    linger_need(f);
    if (!fixture_backend_is(f, "epoll"))
        skip();
    listener = listener_new(f, &address);
    for (int i = 0; i < 4; i++) {
        accepting = eddy_loop_sock_accept(f->loop, listener, NULL);
        run_iterations(f->loop, 1);
        eddy_socket_connect(client_new(f), &address);
        end_accepting(f, accepting);
    }
    sock_pair(f, sockets);
    for (int i = 0; i < 4; i++)
        linger_exchange(f, sockets);
    assert_int_equal(linger_count(f), 2);
    client = client_new(f);
    accepting = eddy_loop_sock_accept(f->loop, listener, NULL);
    assert_false(eddy_future_done(accepting));
    fixture_drop_socket(f, sockets[0]);
    close((int)sockets[0]);
    eddy_socket_connect(client, &address);
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 1, ENOMEM);
    linger_tick(f);
    linger_tick(f);
    eddy__sys_reset();
    assert_true(eddy_future_done(accepting));
    end_accepting(f, accepting);
    assert_null(eddy__claims_find(&f->loop->claims, sockets[0]));
}

static void test_closing_under_an_operation_is_told(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    linger_need(f);
    if (!fixture_backend_is(f, "epoll"))
        skip();
    linger_busy_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    sock_close(f, sockets[0]);
    linger_tick(f);
    linger_tick(f);
    sock_expect_error(f, future, EDDY_EBADF);
}
#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_arrival_between_operations_is_received_at_once),
        TEST(test_arrival_that_the_loop_has_not_seen_is_received),
        TEST(test_full_receive_is_followed_by_the_rest),
        TEST(test_cancelled_receive_loses_nothing),
        TEST(test_end_behind_the_last_bytes_is_received),
        TEST(test_reader_takes_over_what_lingers),
        TEST(test_transport_takes_over_what_lingers),
        TEST(test_reused_number_is_found_out),
        TEST(test_duplicate_elsewhere_disturbs_nobody),
        TEST(test_duplicate_comes_back_under_its_number),
        TEST(test_duplicate_outlives_the_transport_over_another),
        TEST(test_another_loop_receives_from_the_same_socket),
        TEST(test_closing_by_the_library_forgets),
        TEST(test_idle_socket_lingers_two_ticks),
        TEST(test_waiting_operation_is_left_alone_in_the_end),
        TEST(test_short_datagram_is_followed_by_the_next),
        TEST(test_short_receive_before_urgent_data_is_followed_by_the_rest),
#if defined(__linux__)
        TEST(test_short_receive_behind_descriptors_is_found_out),
#endif
#if defined(EDDY_TEST_HOOKS)
        TEST(test_verifying_that_fails_is_repeated),
        TEST(test_accept_at_a_tick_ends_another_watcher),
        TEST(test_closing_under_an_operation_is_told),
#endif
    };

    return run_suite("sock_linger", tests);
}

#else

int main(void)
{
    return run_skipped_suite("sock_linger", "test_nothing_lingers_here");
}

#endif

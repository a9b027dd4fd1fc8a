/* SPDX-License-Identifier: MIT */
/*
 * What a receive leaves behind for the next one, and all that may happen to the descriptor in
 * between: SOCK-1, SOCK-3, FD-1. The clock of it is turned by hand.
 */
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

static void need_system_sockets(struct fixture *f)
{
    if (f->sim != NULL)
        skip(); /* its sockets are closed by its own calls only */
    need_whole_test();
    need_working_calls();
}

/** Let the clock tick that finds out which guesses have to be verified. */
static void tick(struct fixture *f)
{
    struct eddy__ready *ready = &f->loop->lingering.tick.ready;

    ready->run(ready);
}

static size_t count_lingering(struct fixture *f)
{
    size_t count = 0;

    for (struct eddy__list *node = f->loop->lingering.list.next; node != &f->loop->lingering.list;
         node = node->next)
        count++;
    return count;
}

/** What is there already is received without the clock's help. */
static void receive(struct fixture *f, eddy_socket socket, const char *text)
{
    eddy_future *future = eddy_loop_sock_recv(f->loop, socket, 100);

    run_iterations(f->loop, 2);
    assert_true(eddy_future_done(future));
    sock_expect_bytes(f, future, text);
}

/** A message that is waited for. */
static void exchange(struct fixture *f, const eddy_socket sockets[2])
{
    eddy_future *future = eddy_loop_sock_recv(f->loop, sockets[0], 100);

    assert_false(eddy_future_done(future));
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "message");
    sock_expect_bytes(f, future, "message");
}

/** Have the loop rely on it that `sockets[0]` is registered, and empty. */
static void make_busy(struct fixture *f, const eddy_socket sockets[2])
{
    for (int i = 0; i < 4; i++)
        exchange(f, sockets);
    assert_int_equal(count_lingering(f), 1);
}

static void busy_pair(struct fixture *f, eddy_socket sockets[2])
{
    sock_pair(f, sockets);
    make_busy(f, sockets);
}

/** The program gives the number of `socket` to another socket, past the library. */
static void replace(eddy_socket socket, eddy_socket by)
{
    assert_int_equal(dup2((int)by, (int)socket), (int)socket);
}

/* SOCK-1: what arrives while nobody waits is there for the next receive, at once. */
static void test_arrival_between_operations_is_received_at_once(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    need_system_sockets(f);
    busy_pair(f, sockets);
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

    need_system_sockets(f);
    busy_pair(f, sockets);
    sock_send_text(sockets[1], "unseen");
    receive(f, sockets[0], "unseen");
}

/* SOCK-4: a receive that was full leaves something behind, for which nothing will be told. */
static void test_full_receive_is_followed_by_the_rest(struct fixture *f)
{
    eddy_socket sockets[2];

    need_system_sockets(f);
    busy_pair(f, sockets);
    sock_send_text(sockets[1], "hello");
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 3), "hel");
    receive(f, sockets[0], "lo");
}

/* SOCK-3: cancelled in between, also when the event was on its way: the next one gets it. */
static void test_cancelled_receive_loses_nothing(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    need_system_sockets(f);
    busy_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "late");
    eddy_future_cancel(future, NULL);
    eddy_future_unref(future);
    assert_int_equal(count_lingering(f), 0);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    assert_true(eddy_future_done(future));
    sock_expect_bytes(f, future, "late");
}

/* SOCK-4: the end of the stream came along with the last bytes, or after them. */
static void test_end_behind_the_last_bytes_is_received(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_socket others[2];

    need_system_sockets(f);
    busy_pair(f, sockets);
    sock_send_text(sockets[1], "last");
    must(eddy_socket_shutdown_send(sockets[1]));
    receive(f, sockets[0], "last");
    receive(f, sockets[0], "");
    receive(f, sockets[0], "");
    assert_int_equal(count_lingering(f), 0);
    busy_pair(f, others);
    sock_send_text(others[1], "last");
    receive(f, others[0], "last");
    must(eddy_socket_shutdown_send(others[1]));
    receive(f, others[0], "");
}

/* FD-1: a reader of the same descriptor is called as long as there is something. */
static void test_reader_takes_over_what_lingers(struct fixture *f)
{
    eddy_socket sockets[2];

    need_system_sockets(f);
    busy_pair(f, sockets);
    sock_send_text(sockets[1], "unread");
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "readable"));
    assert_int_equal(count_lingering(f), 0);
    run_iterations(f->loop, 3);
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
    assert_recorded("readable", "readable", "readable");
    receive(f, sockets[0], "unread");
    make_busy(f, sockets);
}

/* TR-2: so does a transport. */
static void test_transport_takes_over_what_lingers(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_value value;
    struct witness w;

    need_system_sockets(f);
    busy_pair(f, sockets);
    sock_send_text(sockets[1], "hello");
    witness_init(&w, NULL);
    fixture_drop_socket(f, sockets[0]);
    future = eddy_loop_connect_accepted_socket(f->loop, witness_factory, &w, sockets[0], NULL);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    eddy_transport_unref(value.transport);
    run_until_recorded(f->loop, "data:hello");
    assert_int_equal(count_lingering(f), 0);
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

    need_system_sockets(f);
    busy_pair(f, sockets);
    sock_pair(f, others);
    replace(sockets[0], others[0]);
    sock_send_text(others[1], "other");
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    run_iterations(f->loop, 1);
    tick(f);
    tick(f);
    sock_expect_bytes(f, future, "other");
    exchange(f, (eddy_socket[2]){sockets[0], others[1]});
    exchange(f, (eddy_socket[2]){sockets[0], others[1]});
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

    need_system_sockets(f);
    busy_pair(f, sockets);
    duplicate = dup((int)sockets[0]);
    fixture_keep_socket(f, duplicate);
    sock_pair(f, others);
    replace(sockets[0], others[0]);
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
    receive(f, duplicate, "old, older");
}

/* The same with the duplicate under the old number again: the registration is there already. */
static void test_duplicate_comes_back_under_its_number(struct fixture *f)
{
    eddy_socket sockets[2];
    int duplicate;

    need_system_sockets(f);
    busy_pair(f, sockets);
    duplicate = dup((int)sockets[0]);
    fixture_keep_socket(f, duplicate);
    close((int)sockets[0]);
    tick(f);
    tick(f);
    assert_int_equal(count_lingering(f), 0);
    replace(sockets[0], duplicate);
    exchange(f, sockets);
    make_busy(f, sockets);
}

/* TR-2, TR-7: nor does it outlive a transport that it was found by. */
static void test_duplicate_outlives_the_transport_over_another(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_value value;
    struct witness w;
    int duplicate;

    need_system_sockets(f);
    busy_pair(f, sockets);
    duplicate = dup((int)sockets[0]);
    fixture_keep_socket(f, duplicate);
    close((int)sockets[0]);
    tick(f);
    tick(f);
    replace(sockets[0], duplicate);
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
    receive(f, duplicate, "for the duplicate");
}

/* Another loop may receive what this one has been told of. */
static void test_another_loop_receives_from_the_same_socket(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;
    eddy_loop *other;

    need_system_sockets(f);
    busy_pair(f, sockets);
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
    record("lingering:%d", (int)count_lingering(f));
    return 0;
}

static void test_closing_by_the_library_forgets(struct fixture *f)
{
    eddy_socket sockets[2];

    need_system_sockets(f);
    busy_pair(f, sockets);
    must(eddy_loop_call_soon(f->loop, on_call_close_and_reuse, f, NULL));
    run_iterations(f->loop, 1);
    assert_recorded("lingering:0");
}

/* Who is not received from for two ticks is registered no more. */
static void test_idle_socket_lingers_two_ticks(struct fixture *f)
{
    eddy_socket sockets[2];

    need_system_sockets(f);
    busy_pair(f, sockets);
    tick(f);
    assert_int_equal(count_lingering(f), 1);
    tick(f);
    assert_int_equal(count_lingering(f), 0);
    assert_null(eddy__claims_find(&f->loop->claims, sockets[0]));
    exchange(f, sockets);
}

/* An operation that waits for long is verified once, and costs nothing more. */
static void test_waiting_operation_is_left_alone_in_the_end(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    need_system_sockets(f);
    busy_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    for (int i = 0; i < 3; i++)
        tick(f);
    assert_int_equal(count_lingering(f), 0);
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "late");
    sock_expect_bytes(f, future, "late");
}

/* Datagrams: one that is smaller than the room says nothing about the next. */
static void test_short_datagram_is_followed_by_the_next(struct fixture *f)
{
    eddy_socket sockets[2];

    need_system_sockets(f);
    must(eddy_socket_pair(f->loop, EDDY_DGRAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    make_busy(f, sockets);
    for (int i = 0; i < 3; i++) {
        sock_send_text(sockets[1], "one");
        sock_send_text(sockets[1], "two");
        receive(f, sockets[0], "one");
        receive(f, sockets[0], "two");
    }
}

/* The system ends a receive where urgent data was, though there is more. */
static void test_short_receive_before_urgent_data_is_followed_by_the_rest(struct fixture *f)
{
    eddy_address address;
    eddy_socket sockets[2];
    eddy_socket listener;

    need_system_sockets(f);
    listener = listener_new(f, &address);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &sockets[1]));
    fixture_keep_socket(f, sockets[1]);
    must(eddy_loop_run_until_complete(f->loop,
                                      eddy_loop_sock_connect(f->loop, sockets[1], &address), NULL));
    sockets[0] = listener_accept(f, listener);
    make_busy(f, sockets);
    sock_send_text(sockets[1], "ab");
    assert_int_equal(send((int)sockets[1], "!", 1, MSG_OOB), 1);
    sock_send_text(sockets[1], "cd");
    sock_settle(f);
    receive(f, sockets[0], "ab");
    receive(f, sockets[0], "cd");
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

    need_system_sockets(f);
    busy_pair(f, sockets);
    send_descriptor(sockets[1], "descriptor");
    sock_send_text(sockets[1], "text");
    receive(f, sockets[0], "descriptor");
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    run_iterations(f->loop, 2);
    tick(f);
    tick(f);
    sock_expect_bytes(f, future, "text");
    send_descriptor(sockets[1], "descriptor");
    sock_send_text(sockets[1], "text");
    receive(f, sockets[0], "descriptor");
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

    need_system_sockets(f);
    if (!fixture_backend_is(f, "epoll"))
        skip();
    busy_pair(f, sockets);
    sock_pair(f, others);
    replace(sockets[0], others[0]);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 2, ENOMEM); /* the first says that it is not there */
    tick(f);
    tick(f);
    eddy__sys_reset();
    assert_false(eddy_future_done(future));
    tick(f);
    sock_send_text(others[1], "other");
    sock_expect_bytes(f, future, "other");
}

/* The descriptor was closed under an operation: what waits for it hears so. */
static void test_closing_under_an_operation_is_told(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    need_system_sockets(f);
    if (!fixture_backend_is(f, "epoll"))
        skip();
    busy_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 100);
    sock_close(f, sockets[0]);
    tick(f);
    tick(f);
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
        TEST(test_closing_under_an_operation_is_told),
#endif
    };

    return run_suite("sock_linger", tests);
}

#else

static void test_nothing_lingers_here(struct fixture *f)
{
    (void)f;
    skip();
}

int main(void)
{
    static const struct test tests[] = {TEST(test_nothing_lingers_here)};

    return run_suite("sock_linger", tests);
}

#endif

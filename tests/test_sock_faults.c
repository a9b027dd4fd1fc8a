/* SPDX-License-Identifier: MIT */
/*
 * Direct socket operations and readers when the system says no: SOCK-3, FD-1. On POSIX, in builds
 * with EDDY_TEST_HOOKS.
 */
#include "support/sock.h"

#if !defined(_WIN32) && defined(EDDY_TEST_HOOKS)

#include "support/oom.h"
#include "posix/sys.h"

/** The system's calls can be made to fail; put back as they were at the end of the test. */
static void need_system_calls(struct fixture *f)
{
    if (f->sim != NULL)
        skip(); /* its sockets are no system's */
    need_whole_test();
    eddy__sys_reset();
}

/* SOCK-3: EAGAIN and EINTR at a retry: the event was for nothing, the operation keeps waiting. */
static void test_recv_keeps_waiting_after_false_alarms(struct fixture *f)
{
    static const int numbers[] = {EAGAIN, EINTR};

    need_system_calls(f);
    for (size_t i = 0; i < 2; i++) {
        eddy_socket sockets[2];
        eddy_future *future;

        sock_pair(f, sockets);
        future = eddy_loop_sock_recv(f->loop, sockets[0], 10);
        eddy__sys_fail(EDDY__SYS_recv, 1, numbers[i]);
        sock_send_text(sockets[1], "data");
        sock_expect_bytes(f, future, "data");
        assert_true(eddy__sys_count(EDDY__SYS_recv) >= 3);
        eddy__sys_reset();
    }
}

static void test_accept_keeps_waiting_after_false_alarms(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener;
    eddy_socket client;
    eddy_future *future;
    eddy_value value;

    need_system_calls(f);
    listener = listener_new(f, &address);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &client));
    fixture_keep_socket(f, client);
    future = eddy_loop_sock_accept(f->loop, listener, NULL);
#if defined(EDDY__HAVE_ACCEPT4)
    eddy__sys_fail(EDDY__SYS_accept4, 1, EAGAIN);
#else
    eddy__sys_fail(EDDY__SYS_accept, 1, EAGAIN);
#endif
    must(eddy_loop_run_until_complete(f->loop, eddy_loop_sock_connect(f->loop, client, &address),
                                      NULL));
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    eddy_socket_close(value.socket);
    eddy__sys_reset();
}

/* An error of the retry ends the operation, and leaves the socket to others. */
static void test_recv_ends_with_the_error_of_a_retry(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_future *future;

    need_system_calls(f);
    sock_pair(f, sockets);
    future = eddy_loop_sock_recv(f->loop, sockets[0], 10);
    eddy__sys_fail(EDDY__SYS_recv, 1, ECONNRESET);
    sock_send_text(sockets[1], "data");
    sock_expect_error(f, future, EDDY_ECONNRESET);
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[0], 10), "data");
    eddy__sys_reset();
}

/* SOCK-6: a send that was interrupted is made again. */
static void test_sendall_goes_on_after_an_interrupt(struct fixture *f)
{
    eddy_socket sockets[2];

    need_system_calls(f);
    sock_pair(f, sockets);
    eddy__sys_fail(EDDY__SYS_send, 1, EINTR);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_sendall(f->loop, sockets[0], "hello", 5), NULL));
    eddy__sys_fail(EDDY__SYS_send, 1, EAGAIN);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_sendall(f->loop, sockets[0], "again", 5), NULL));
    sock_expect_bytes(f, eddy_loop_sock_recv(f->loop, sockets[1], 20), "helloagain");
    eddy__sys_reset();
}

/* The system has begun, and a signal ends the call. */
static int connect_interrupted(int fd, const struct sockaddr *address, socklen_t size)
{
    connect(fd, address, size);
    errno = EINTR;
    return -1;
}

/* SOCK-7: an interrupted connect goes on by itself. */
static void test_connect_goes_on_after_an_interrupt(struct fixture *f)
{
    eddy_address address;
    eddy_socket sockets[2];
    int error;

    need_working_calls(); /* a system that knows no peer, nor of a connect, is waited for */
    need_system_calls(f);
    listener_new(f, &address);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &sockets[0]));
    fixture_keep_socket(f, sockets[0]);
    eddy__sys.connect = connect_interrupted;
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_connect(f->loop, sockets[0], &address), NULL);
    assert_int_equal(error, 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_connect), 1);
    assert_true(eddy__sys_count(EDDY__SYS_getsockopt) > 0);
    eddy__sys_reset();
}

/* SOCK-7: the system forgot it, for here the interrupted call never got there: the socket is idle,
 * thus writable without end. Connecting once more finds that out, and no loop spins. */
static void test_forgotten_connect_begins_again(struct fixture *f)
{
    eddy_address address;
    eddy_socket client, listener;

    need_system_calls(f);
    listener = listener_new(f, &address);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &client));
    fixture_keep_socket(f, client);
    eddy__sys_fail(EDDY__SYS_connect, 1, EINTR);
    must(eddy_loop_run_until_complete(f->loop, eddy_loop_sock_connect(f->loop, client, &address),
                                      NULL));
    eddy__sys_reset();
    listener_accept(f, listener);
}

#if defined(__linux__)
/* FD-1: the system has no room for the registration: the call says so, and nothing has changed. */
static void test_refused_registration_changes_nothing(struct fixture *f)
{
    eddy_socket sockets[2];

    if (!fixture_backend_is(f, "epoll"))
        skip();
    need_system_calls(f);
    sock_pair(f, sockets);
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 1, ENOSPC);
    assert_int_equal(eddy_loop_add_reader(f->loop, sockets[0], on_call, "x"), EDDY_ENOSPC);
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 0);
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 1, ENOSPC);
    sock_expect_error(f, eddy_loop_sock_recv(f->loop, sockets[0], 1), EDDY_ENOSPC);
    must(eddy_loop_add_writer(f->loop, sockets[0], on_call, "write"));
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 1, ENOMEM);
    assert_int_equal(eddy_loop_add_reader(f->loop, sockets[0], on_call, "x"), EDDY_ENOMEM);
    run_until_recorded(f->loop, "write");
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 0);
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 1, ENOENT); /* less cannot fail */
    assert_int_equal(eddy_loop_remove_writer(f->loop, sockets[0]), 1);
    recorder_reset();
    eddy__sys_reset();
}
#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_recv_keeps_waiting_after_false_alarms),
        TEST(test_accept_keeps_waiting_after_false_alarms),
        TEST(test_recv_ends_with_the_error_of_a_retry),
        TEST(test_sendall_goes_on_after_an_interrupt),
        TEST(test_connect_goes_on_after_an_interrupt),
        TEST(test_forgotten_connect_begins_again),
#if defined(__linux__)
        TEST(test_refused_registration_changes_nothing),
#endif
    };

    return run_suite("sock_faults", tests);
}

#else

int main(void)
{
    return run_skipped_suite("sock_faults", "test_system_calls_cannot_fail_here");
}

#endif

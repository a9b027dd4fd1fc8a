/* SPDX-License-Identifier: MIT */
/* What the reactor and the selectors of POSIX do with system calls: how many, when one fails. */
#include "support/probe.h"
#include "support/support.h"
#include <stdio.h>

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)

#include "common/clock.h"
#include "common/thread.h"
#include "posix/sys.h"
#include <sys/wait.h>

#if defined(__linux__)

/* The table belongs to the process; every test begins and ends with the system's calls. */
static void begin(struct fixture *f)
{
    eddy__sys_reset();
    if (f->sim != NULL)
        skip(); /* the simulated selector makes no system calls */
}

static void begin_epoll(struct fixture *f)
{
    eddy__sys_reset();
    if (!fixture_backend_is(f, "epoll"))
        skip();
}

/* The calls of all selectors, of which one is in use. */
static const enum eddy__sys_number wait_calls[] = {
    EDDY__SYS_epoll_wait,
    EDDY__SYS_ppoll,
    EDDY__SYS_pselect,
#if defined(EDDY__HAVE_KQUEUE)
    EDDY__SYS_kevent,
#endif
};

static void fail_next_wait(int error)
{
    for (size_t i = 0; i < sizeof wait_calls / sizeof *wait_calls; i++)
        eddy__sys_fail(wait_calls[i], 1, error);
}

/* Waits and changes together: kqueue has one call for both. */
static unsigned long selector_calls(void)
{
    unsigned long calls = eddy__sys_count(EDDY__SYS_epoll_ctl);

    for (size_t i = 0; i < sizeof wait_calls / sizeof *wait_calls; i++)
        calls += eddy__sys_count(wait_calls[i]);
    return calls;
}

/* Have the next change fail; poll and select make no call for it. */
static void fail_next_change(struct fixture *f, int error)
{
    if (fixture_backend_is(f, "epoll"))
        eddy__sys_fail(EDDY__SYS_epoll_ctl, 1, error);
#if defined(EDDY__HAVE_KQUEUE)
    else if (fixture_backend_is(f, "kqueue"))
        eddy__sys_fail(EDDY__SYS_kevent, 1, error);
#endif
    else
        skip();
}

static const struct eddy__backend *backend_of(const struct fixture *f)
{
    return f->loop->backend;
}

static void close_pair(struct fixture *f, struct probe *pair[2])
{
    eddy__sys_reset();
    probe_close(pair[0]);
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
    recorder_reset();
}

/* Send back by one call what came in. */
static void echo(struct probe *p)
{
    struct eddy__span span = {(char[]){'x'}, 1};

    assert_int_equal(backend_of(p->f)->send_now(&p->channel, &span, 1), 1);
}

static void test_an_echo_costs_a_receive_a_send_and_a_wait(struct fixture *f)
{
    struct probe *pair[2];
    char byte;

    begin(f);
    probe_pair(f, pair);
    pair[0]->script = echo;
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    eddy__sys_reset();
    for (int i = 0; i < 10; i++) {
        assert_int_equal(send((int)pair[1]->channel.socket, "x", 1, 0), 1);
        run_iterations(f->loop, 1);
        assert_int_equal(recv((int)pair[1]->channel.socket, &byte, 1, 0), 1);
    }
    assert_int_equal(eddy__sys_count(EDDY__SYS_recv), 10);
    assert_int_equal(eddy__sys_count(EDDY__SYS_send), 10);
    assert_int_equal(selector_calls(), 10);
    close_pair(f, pair);
}

static void test_a_pause_and_resume_in_one_iteration_costs_nothing(struct fixture *f)
{
    struct probe *pair[2];

    begin(f);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    eddy__sys_reset();
    for (int i = 0; i < 5; i++) {
        backend_of(f)->receive_stop(&pair[0]->channel);
        backend_of(f)->receive_start(&pair[0]->channel);
    }
    run_iterations(f->loop, 1);
    assert_int_equal(selector_calls(), 1); /* the wait */
    close_pair(f, pair);
}

static void test_a_channel_that_never_waited_is_never_registered(struct fixture *f)
{
    struct probe *pair[2];

    begin_epoll(f);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    close_pair(f, pair);
    assert_int_equal(eddy__sys_count(EDDY__SYS_epoll_ctl), 0);
}

static void test_orders_end_with_the_error_of_a_selector_that_refuses(struct fixture *f)
{
    struct probe *pair[2];

    begin(f);
    fail_next_change(f, ENOSPC);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[0], "hello");
    run_iterations(f->loop, 1);
    assert_recorded("a.ended:EDDY_ENOSPC", "a.sent:EDDY_ENOSPC");
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[0], "hello");
    run_until_recorded(f->loop, "a.sent:5");
    close_pair(f, pair);
}

static void test_a_refused_change_ends_the_orders_that_were_watched_too(struct fixture *f)
{
    struct probe *pair[2];

    begin(f);
    if (fixture_backend_is(f, "poll") || fixture_backend_is(f, "select"))
        skip(); /* they have room for the second side as soon as they have it for the first */
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    probe_send(pair[0], "hello");
    fail_next_change(f, ENOMEM);
    run_iterations(f->loop, 1);
    assert_recorded("a.ended:EDDY_ENOMEM", "a.sent:EDDY_ENOMEM");
    close_pair(f, pair);
}

static void test_a_refused_listener_is_tried_again(struct fixture *f)
{
    eddy_address address;
    struct probe *p;

    begin(f);
    fail_next_change(f, ENOMEM);
    p = probe_open(f, "server", probe_listener(f, &address));
    backend_of(f)->accept_start(&p->channel, 4);
    probe_connect_raw(f, &address);
    run_until_recorded(f->loop, "server.accepted");
    assert_recorded("server.accept_failed:EDDY_ENOMEM", "server.accepted");
    probe_close(p);
    run_until_recorded(f->loop, "server.closed");
}

/* NET-25, NET-26 */
static void test_accept_errors_are_told_unless_the_peer_has_vanished(struct fixture *f)
{
    static const int vanished[] = {ECONNABORTED, EINTR, EPROTO, ENETDOWN};
    eddy_address address;
    struct probe *p;

    begin(f);
    p = probe_open(f, "server", probe_listener(f, &address));
    backend_of(f)->accept_start(&p->channel, 4);
    for (size_t i = 0; i < sizeof vanished / sizeof vanished[0]; i++) {
        probe_connect_raw(f, &address);
        eddy__sys_fail(EDDY__SYS_accept4, 1, vanished[i]);
        run_until_recorded(f->loop, "server.accepted");
        assert_recorded("server.accepted");
    }
    probe_connect_raw(f, &address);
    eddy__sys_fail(EDDY__SYS_accept4, 1, EMFILE);
    run_until_recorded(f->loop, "server.accepted");
    assert_recorded("server.accept_failed:EDDY_EMFILE", "server.accepted");
    probe_close(p);
    run_until_recorded(f->loop, "server.closed");
}

static int accept_count;

static int accept_vanished(int socket, struct sockaddr *peer, socklen_t *size, int flags)
{
    (void)socket, (void)peer, (void)size, (void)flags;
    accept_count++;
    errno = ECONNABORTED;
    return -1;
}

/* NET-25: peers that vanish count in the turn: however many do, others have theirs. */
static void test_vanished_peers_do_not_hold_the_loop(struct fixture *f)
{
    int (*real)(int, struct sockaddr *, socklen_t *, int) = eddy__sys.accept4;
    eddy_address address;
    struct probe *p;

    begin(f);
    p = probe_open(f, "server", probe_listener(f, &address));
    backend_of(f)->accept_start(&p->channel, 4);
    probe_connect_raw(f, &address);
    eddy__sys.accept4 = accept_vanished;
    for (int turn = 0; turn < 20; turn++) {
        accept_count = 0;
        run_iterations(f->loop, 1);
        assert_true(accept_count <= 4);
    }
    assert_true(accept_count > 0);
    eddy__sys.accept4 = real;
    run_until_recorded(f->loop, "server.accepted");
    assert_recorded("server.accepted");
    probe_close(p);
    run_until_recorded(f->loop, "server.closed");
}

static void test_errors_of_calls_end_their_orders(struct fixture *f)
{
    struct probe *pair[2];
    struct eddy__span span = {(char[]){'x'}, 1};

    begin(f);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[1], "hello");
    eddy__sys_fail(EDDY__SYS_recv, 1, ECONNRESET);
    run_until_recorded(f->loop, "a.ended:EDDY_ECONNRESET");
    eddy__sys_fail(EDDY__SYS_send, 1, EPIPE);
    probe_send(pair[0], "x");
    run_until_recorded(f->loop, "a.sent:EDDY_EPIPE");
    eddy__sys_fail(EDDY__SYS_send, 1, ENOBUFS);
    assert_int_equal(backend_of(f)->send_now(&pair[0]->channel, &span, 1), EDDY_ENOBUFS);
    eddy__sys_fail(EDDY__SYS_send, 1, EAGAIN);
    assert_int_equal(backend_of(f)->send_now(&pair[0]->channel, &span, 1), EDDY_EAGAIN);
    close_pair(f, pair);
}

/* TR-16: a report of something that is not there is no event. */
static void test_spurious_readiness_is_no_event(struct fixture *f)
{
    struct probe *pair[2];

    begin(f);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[0], "12");
    probe_send(pair[1], "34");
    eddy__sys_fail(EDDY__SYS_recv, 1, EAGAIN);
    eddy__sys_fail(EDDY__SYS_send, 1, EAGAIN);
    run_until_recorded(f->loop, "a.received:34");
    run_until_recorded(f->loop, "a.sent:2");
    assert_int_equal(recorded(NULL), 3);
    close_pair(f, pair);
}

static void test_interrupted_calls_are_made_again(struct fixture *f)
{
    struct probe *pair[2];

    begin(f);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[1], "hello");
    eddy__sys_fail(EDDY__SYS_recv, 1, EINTR);
    eddy__sys_fail(EDDY__SYS_send, 1, EINTR);
    fail_next_wait(EINTR);
    run_until_recorded(f->loop, "a.received:hello");
    assert_recorded("b.sent:5", "a.received:hello");
    close_pair(f, pair);
}

static void test_a_wait_that_fails_ends_the_run(struct fixture *f)
{
    begin(f);
    fail_next_wait(EINVAL);
    eddy_loop_stop(f->loop);
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EINVAL);
    run_iterations(f->loop, 1);
}

/* LOOP-29: measures real time. */
static void assert_never_early(struct fixture *f)
{
    for (int i = 1; i <= 5; i++) {
        eddy_time span = EDDY_MICROSECONDS(137 * i);
        eddy_time begin = eddy__clock_now();

        assert_int_equal(backend_of(f)->wait(f->loop, span), 0);
        assert_true(eddy__clock_now() - begin >= span);
        backend_of(f)->dispatch(f->loop);
    }
}

static void test_a_wait_is_never_early_by_real_time(struct fixture *f)
{
    begin(f);
    assert_never_early(f);
}

static void test_an_old_kernel_waits_in_milliseconds(struct fixture *f)
{
    static const int refusals[] = {ENOSYS, EPERM};

    begin_epoll(f);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        eddy_loop *loop = f->loop;

        must(eddy_loop_new(&(eddy_loop_options){.backend = "epoll"}, &f->loop));
        eddy__sys_reset();
        eddy__sys_fail(EDDY__SYS_epoll_wait_ns, 1, refusals[i]);
        assert_never_early(f);
        assert_int_equal(eddy__sys_count(EDDY__SYS_epoll_wait_ns), 1);
        assert_int_equal(eddy__sys_count(EDDY__SYS_epoll_wait), 5);
        must(eddy_loop_close(f->loop));
        eddy_loop_unref(f->loop);
        f->loop = loop;
    }
}

static void wake_soon(void *arg)
{
    struct fixture *f = arg;
    struct pollfd nothing = {-1, 0, 0};

    poll(&nothing, 1, 2); /* so that the wait has probably begun */
    backend_of(f)->wake(f->loop);
}

static void test_each_wake_up_ends_one_wait_and_is_never_read(struct fixture *f)
{
    begin_epoll(f);
    for (int i = 0; i < 5; i++) {
        struct eddy__thread thread;

        must(eddy__thread_start(&thread, "wake", wake_soon, f));
        assert_int_equal(backend_of(f)->wait(f->loop, EDDY_FOREVER), 0);
        backend_of(f)->dispatch(f->loop);
        eddy__thread_join(&thread);
    }
    backend_of(f)->wake(f->loop);
    backend_of(f)->wake(f->loop);
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_FOREVER), 0);
    backend_of(f)->dispatch(f->loop);
    assert_int_equal(eddy__sys_count(EDDY__SYS_write), 7);
    assert_int_equal(eddy__sys_count(EDDY__SYS_read), 0);
}

static void test_a_loop_that_cannot_be_made_leaves_nothing(struct fixture *f)
{
    static const enum eddy__sys_number calls[] = {EDDY__SYS_epoll_create1, EDDY__SYS_eventfd,
                                                  EDDY__SYS_epoll_ctl};

    begin_epoll(f);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        eddy_loop *loop = NULL;

        eddy__sys_fail(calls[i], 1, EMFILE);
        assert_int_equal(eddy_loop_new(&(eddy_loop_options){.backend = "epoll"}, &loop),
                         EDDY_EMFILE);
        assert_null(loop);
    }
}

static void test_an_event_that_was_seen_is_forgotten_by_a_close(struct fixture *f)
{
    struct probe *pair[2];

    begin(f);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[1], "hello");
    run_until_recorded(f->loop, "b.sent:5");
    recorder_reset();
    backend_of(f)->receive_stop(&pair[0]->channel);
    backend_of(f)->receive_start(&pair[0]->channel);
    assert_int_equal(backend_of(f)->wait(f->loop, 0), 0);
    probe_close(pair[0]);
    backend_of(f)->dispatch(f->loop);
    run_until_recorded(f->loop, "a.closed");
    assert_recorded("a.closed");
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
}

static void test_a_copy_of_a_socket_does_not_keep_it_registered(struct fixture *f)
{
    struct probe *pair[2];
    eddy_socket copy;

    begin(f);
    probe_pair(f, pair);
    /* No must(): the fixture cannot give back the pair. */
    assert_int_equal(backend_of(f)->sockets->duplicate(pair[0]->channel.socket, &copy), 0);
    fixture_keep_socket(f, copy);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    probe_close(pair[0]);
    run_until_recorded(f->loop, "a.closed");
    probe_send(pair[1], "hello");
    run_until_recorded(f->loop, "b.sent:5");
    eddy__sys_reset();
    /* Were it registered, its data would end this wait at once, and a freed channel be told. */
    assert_never_early(f);
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
}

/* LOOP-2: a child that closes what it inherited takes nothing away from its parent. */
static void test_a_forked_child_leaves_the_parents_selector_alone(struct fixture *f)
{
    struct probe *pair[2];
    unsigned long calls;
    int status = -1;
    pid_t child;

    begin(f);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    fflush(NULL);
    calls = selector_calls();
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        probe_close(pair[0]);
        backend_of(f)->abandon(f->loop);
        _exit(selector_calls() == calls ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    probe_send(pair[1], "hello");
    run_until_recorded(f->loop, "a.received:hello");
    close_pair(f, pair);
}

/* A peer that hangs up is told once to who still wants something, and does not make the loop spin
 * while nobody does. */
static void test_a_hang_up_does_not_wake_who_waits_for_nothing(struct fixture *f)
{
    struct probe *pair[2];

    begin(f);
    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    backend_of(f)->receive_stop(&pair[0]->channel);
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
    assert_never_early(f);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_until_recorded(f->loop, "a.ended:0");
    assert_never_early(f);
    probe_close(pair[0]);
    run_until_recorded(f->loop, "a.closed");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_an_echo_costs_a_receive_a_send_and_a_wait),
        TEST(test_a_pause_and_resume_in_one_iteration_costs_nothing),
        TEST(test_a_channel_that_never_waited_is_never_registered),
        TEST(test_orders_end_with_the_error_of_a_selector_that_refuses),
        TEST(test_a_refused_change_ends_the_orders_that_were_watched_too),
        TEST(test_a_refused_listener_is_tried_again),
        TEST(test_accept_errors_are_told_unless_the_peer_has_vanished),
        TEST(test_vanished_peers_do_not_hold_the_loop),
        TEST(test_errors_of_calls_end_their_orders),
        TEST(test_spurious_readiness_is_no_event),
        TEST(test_interrupted_calls_are_made_again),
        TEST(test_a_wait_that_fails_ends_the_run),
        TEST(test_a_wait_is_never_early_by_real_time),
        TEST(test_an_old_kernel_waits_in_milliseconds),
        TEST(test_each_wake_up_ends_one_wait_and_is_never_read),
        TEST(test_a_loop_that_cannot_be_made_leaves_nothing),
        TEST(test_an_event_that_was_seen_is_forgotten_by_a_close),
        TEST(test_a_copy_of_a_socket_does_not_keep_it_registered),
        TEST(test_a_forked_child_leaves_the_parents_selector_alone),
        TEST(test_a_hang_up_does_not_wake_who_waits_for_nothing),
    };

    return run_suite("reactor", tests);
}

#define HAVE_TESTS 1
#endif
#endif

#if !defined(HAVE_TESTS)
int main(void)
{
    puts("no tests: they need EDDY_TEST_HOOKS, and a selector of POSIX");
    return 0;
}
#endif

/* SPDX-License-Identifier: MIT */
/* System calls that fail, or do only a part: LOOP-31, TR-16, TR-17, TR-23, TR-24 below the seam. */
#include "common/error.h"
#include "support/support.h"
#include "support/sweep.h"

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "posix/sys.h"
#include <string.h>

/* Whether `call` is one that making and closing a loop on this backend uses. */
static bool loop_fails_with(struct fixture *f, enum eddy__sys_number call)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop = NULL;
    int error;

    eddy__sys_reset();
    eddy__sys_fail(call, 1, EMFILE);
    error = eddy_loop_new(&options, &loop);
    if (eddy__sys_count(call) == 0 || error == 0) {
        eddy__sys_reset();
        if (loop != NULL)
            eddy_loop_close(loop);
        eddy_loop_unref(loop);
        return false;
    }
    eddy__sys_reset();
    assert_null(loop);
    assert_int_equal(error, EDDY_EMFILE);
    assert_int_equal(eddy_error_number(), EMFILE);
    return true;
}

static int refusing_shutdown(int fd, int how)
{
    (void)fd, (void)how;
    errno = ENOBUFS;
    return -1;
}

/* The functions of a sweep stay in the table when a test resets it. */
static void test_a_reset_goes_back_to_what_is_kept(struct fixture *f)
{
    struct eddy__sys_table before = eddy__sys;

    (void)f;
    eddy__sys.shutdown = refusing_shutdown;
    eddy__sys_keep();
    eddy__sys.shutdown = before.shutdown;
    eddy__sys_reset();
    assert_true(eddy__sys.shutdown == refusing_shutdown);
    eddy__sys = before;
    eddy__sys_keep();
    eddy__sys_reset();
    assert_true(eddy__sys.shutdown == before.shutdown);
}

/* The system's shortage of memory is told like its others, not with the words of an older error. */
static void test_no_memory_for_a_loop_in_the_kernel_is_said(struct fixture *f)
{
#if defined(__linux__)
    eddy_loop *loop = NULL;
    int error;

    if (!fixture_backend_is(f, "epoll"))
        skip();
    need_working_calls();
    eddy_error(EDDY_EFAILED, "something else");
    eddy__sys_fail(EDDY__SYS_epoll_create1, 1, ENOMEM);
    error = eddy_loop_new(&(eddy_loop_options){.backend = "epoll"}, &loop);
    eddy__sys_reset();
    assert_int_equal(error, EDDY_ENOMEM);
    assert_non_null(strstr(eddy_error_text(), "epoll"));
    assert_int_equal(eddy_error_number(), allocations_failed() ? 0 : ENOMEM);
#else
    (void)f;
    skip();
#endif
}

/* Every call that making a loop consists of fails once; nothing may be left (the fixture looks). */
static void test_each_call_of_making_a_loop_may_fail(struct fixture *f)
{
    int call, failed = 0;

    need_working_calls();
    for (call = 0; call < EDDY__SYS_COUNT; call++)
        failed += loop_fails_with(f, (enum eddy__sys_number)call);
    if (f->sim == NULL)
        assert_true(failed >= (fixture_backend_is(f, "epoll") ? 3 : 1));
}

/* TR-16: EINTR and EAGAIN are nothing. */
static void test_interrupted_receive_is_tried_again(struct fixture *f)
{
    static const int errors[] = {EINTR, EAGAIN};
    struct witness w;
    struct peer peer;
    size_t i;

    if (f->sim != NULL)
        skip();
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    for (i = 0; i < 2; i++) {
        peer_send(&peer, "x");
        eddy__sys_reset();
        eddy__sys_fail(EDDY__SYS_recv, 1, errors[i]);
        run_until_recorded(f->loop, "data:x");
        assert_int_equal(recorded("data:x"), 1);
        recorder_reset();
    }
    eddy__sys_reset();
    assert_false(eddy_transport_is_closing(w.transport));
}

/* TR-17: any other error of a receive is the connection's end. */
static void test_failing_receive_ends_the_connection(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    if (f->sim != NULL)
        skip();
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    peer_send(&peer, "x");
    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_recv, 1, ETIMEDOUT);
    run_until_recorded(f->loop, "lost:EDDY_ECONNTIMEDOUT");
    eddy__sys_reset();
    assert_recorded("made", "lost:EDDY_ECONNTIMEDOUT");
}

/* TR-23: EINTR is tried again at once; EAGAIN queues. */
static void test_interrupted_send_is_tried_again(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    if (f->sim != NULL)
        skip();
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_send, 1, EINTR);
    assert_int_equal(write_text(w.transport, "one,"), 0);
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    eddy__sys_fail(EDDY__SYS_send, 1, EAGAIN);
    must(write_text(w.transport, "two,"));
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 4);
    must(write_text(w.transport, "three"));
    peer_expect(&peer, "one,two,three");
    eddy__sys_reset();
    assert_recorded("made");
}

static ssize_t send_one_byte(int fd, const void *data, size_t size, int flags)
{
    return send(fd, data, size < 1 ? size : 1, flags);
}

static ssize_t sendmsg_one_byte(int fd, const struct msghdr *message, int flags)
{
    return send(fd, message->msg_iov[0].iov_base, 1, flags);
}

/* TR-23, TR-24: one byte at a time still makes the whole, in order. */
static void test_short_sends_make_the_whole(struct fixture *f)
{
    const eddy_buffer lines[] = {{"one,", 4}, {"two,", 4}, {"three", 5}};
    struct witness w;
    struct peer peer;

    if (f->sim != NULL)
        skip();
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy__sys_reset();
    eddy__sys.send = send_one_byte;
    eddy__sys.sendmsg = sendmsg_one_byte;
    assert_int_equal(eddy_transport_writelines(w.transport, lines, 3), 0);
    if (w.transport != NULL && !eddy_transport_is_closing(w.transport)) {
        eddy_transport_write(w.transport, ".", 1);
        eddy_transport_close(w.transport);
        peer_expect(&peer, "one,two,three.");
        run_until_recorded(f->loop, "lost:0");
    }
    eddy__sys_reset();
}

static ssize_t receive_one_byte(int fd, void *data, size_t size, int flags)
{
    return recv(fd, data, size < 1 ? size : 1, flags);
}

/* TR-16: short receives lose nothing. */
static void test_short_receives_make_the_whole(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    if (f->sim != NULL)
        skip();
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy__sys_reset();
    eddy__sys.recv = receive_one_byte;
    peer_send(&peer, "abc");
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "lost:0");
    eddy__sys_reset();
    assert_recorded("made", "data:a", "data:b", "data:c", "eof", "lost:0");
}

/* The selector refuses a descriptor: the orders concerned end with its error, nothing hangs. */
static void test_refusing_selector_ends_the_connection(struct fixture *f)
{
#if defined(__linux__)
    struct witness w;
    struct peer peer;

    if (!fixture_backend_is(f, "epoll"))
        skip();
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy__sys_reset();
    eddy_transport_pause_reading(w.transport);
    run_iterations(f->loop, 2);
    eddy_transport_resume_reading(w.transport);
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 1, ENOSPC);
    run_until_recorded(f->loop, "lost:EDDY_ENOSPC");
    eddy__sys_reset();
    assert_recorded("made", "lost:EDDY_ENOSPC");
#else
    (void)f;
    skip();
#endif
}

#if defined(__linux__)
static int64_t number_when_lost;

static int note_number(struct witness *w, enum witness_event event)
{
    (void)w;
    if (event == WITNESS_LOST)
        number_when_lost = eddy_error_number();
    return 0;
}

static int on_call_fail_otherwise(void *arg)
{
    (void)arg;
    eddy__system_error(EACCES);
    return 0;
}
#endif

/* The system's number comes with its error, whatever else has failed before that is told. */
static void test_refusal_keeps_its_number(struct fixture *f)
{
#if defined(__linux__)
    struct witness w;
    struct peer peer;

    need_working_calls();
    if (!fixture_backend_is(f, "epoll"))
        skip();
    witness_init(&w, NULL);
    w.script = note_number;
    connect_peer(f, &w, &peer);
    eddy_transport_pause_reading(w.transport);
    run_iterations(f->loop, 2);
    eddy_transport_resume_reading(w.transport);
    must(eddy_loop_call_soon(f->loop, on_call_fail_otherwise, NULL, NULL));
    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_epoll_ctl, 1, ENOSPC);
    number_when_lost = 0;
    run_until_recorded(f->loop, "lost:EDDY_ENOSPC");
    eddy__sys_reset();
    assert_int_equal(number_when_lost, ENOSPC);
    assert_recorded("made", "lost:EDDY_ENOSPC");
#else
    (void)f;
    skip();
#endif
}

/* The same for a connect that failed at once, which is told in the next iteration. */
static void test_failed_connect_keeps_its_number(struct fixture *f)
{
    eddy_future *future;
    int error;

    if (f->sim != NULL)
        skip();
    need_working_calls();
    future =
        eddy_loop_create_unix_connection(f->loop, witness_factory, NULL, "/nowhere/at/all", NULL);
    eddy__system_error(EACCES);
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_ENOENT);
    assert_int_equal(eddy_error_number(), ENOENT);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_each_call_of_making_a_loop_may_fail),
        TEST(test_a_reset_goes_back_to_what_is_kept),
        TEST(test_no_memory_for_a_loop_in_the_kernel_is_said),
        TEST(test_interrupted_receive_is_tried_again),
        TEST(test_failing_receive_ends_the_connection),
        TEST(test_interrupted_send_is_tried_again),
        TEST(test_short_sends_make_the_whole),
        TEST(test_short_receives_make_the_whole),
        TEST(test_refusing_selector_ends_the_connection),
        TEST(test_refusal_keeps_its_number),
        TEST(test_failed_connect_keeps_its_number),
    };

    return run_suite("system_call", tests);
}
#else
int main(void)
{
    return run_skipped_suite("system_call",
                             "test_system_calls_are_replaced_in_posix_builds_with_hooks");
}
#endif

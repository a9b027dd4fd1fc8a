/* SPDX-License-Identifier: MIT */
/* sendfile(): what is over within the call, and where a file ends (FILE-1). */
#include "support/files.h"
#include "support/oom.h"
#include "support/support.h"
#include <string.h>
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
#include "posix/sys.h"
#endif

enum { SMALL = 40000, LARGE = 3 * 1024 * 1024 };

struct sending {
    struct fixture *f;
    struct witness w;
    struct peer peer;
    eddy_file file;
};

static void begin(struct fixture *f, struct sending *s, size_t size)
{
    memset(s, 0, sizeof *s);
    s->f = f;
    need_whole_test();
    recorder_reset(); /* of what the way before has left */
    witness_init(&s->w, NULL);
    connect_peer(f, &s->w, &s->peer);
    assert_recorded("made");
    s->file = scratch_open("file", size);
}

static void end(struct sending *s)
{
    scratch_close(s->file);
    files_restore();
    if (s->w.transport != NULL) {
        eddy_transport_abort(s->w.transport);
        run_iterations(s->f->loop, 2);
    }
}

static eddy_future *send_file(struct sending *s, int64_t offset, int64_t count)
{
    return eddy_loop_sendfile(s->f->loop, s->w.transport, s->file, offset, count, NULL);
}

#if defined(EDDY_TEST_HOOKS) && defined(__linux__)

/* FILE-1: what the socket takes is sent within the call, which asks what the file is and sets its
 * position; nothing is duplicated, nor is the selector told anything. */
static void test_a_small_file_is_sent_at_once(struct fixture *f)
{
    struct sending s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    begin(f, &s, SMALL);
    run_iterations(f->loop, 2);
    eddy__sys_reset();
    future = send_file(&s, 100, 1000);
    assert_true(eddy_future_done(future));
    assert_true(eddy_transport_is_reading(s.w.transport));
    run_iterations(f->loop, 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendfile), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_fstat), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_lseek), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_fcntl), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_epoll_ctl), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_close), 0);
    files_expect(&s.peer, 100, 1000);
    files_assert_sent(f, future, 1000);
    end(&s);
}

/* The end of a file is known without trying to send what is not there. */
static void test_the_end_of_a_file_is_not_tried(struct fixture *f)
{
    struct sending s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    begin(f, &s, SMALL);
    eddy__sys_reset();
    future = send_file(&s, 100, 0);
    assert_true(eddy_future_done(future));
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendfile), 1);
    files_expect(&s.peer, 100, SMALL - 100);
    files_assert_sent(f, future, SMALL - 100);
    end(&s);
}

#endif

static void grow_meanwhile(struct fixture *f)
{
    struct sending s;
    eddy_future *future;
    char last = 0;

    begin(f, &s, LARGE);
    future = send_file(&s, 0, 0);
    assert_false(eddy_future_done(future));
    scratch_put(s.file, LARGE, 'x');
    files_expect(&s.peer, 0, LARGE);
    assert_int_equal(peer_receive_waiting(&s.peer, &last, 1), 1);
    assert_int_equal(last, 'x');
    files_assert_sent(f, future, LARGE + 1);
    end(&s);
}

/* FILE-1: the end of a file that grows meanwhile is where it is when it is reached. */
static void test_a_file_that_grows_is_followed(struct fixture *f)
{
    files_both_ways(f, grow_meanwhile);
}

static void shrink_meanwhile(struct fixture *f)
{
    struct sending s;
    eddy_value value = {0};
    eddy_future *future;
    char buffer[4096];
    eddy_time wait_end = 0;

    begin(f, &s, LARGE);
    future = send_file(&s, 0, 0);
    files_expect(&s.peer, 0, 1000);
    scratch_resize(s.file, 1500);
    files_expect(&s.peer, 1000, 500);
    while (!eddy_future_done(future) && run_a_little(f->loop, &wait_end))
        peer_receive(&s.peer, buffer, sizeof buffer);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_true(value.integer >= 1500 && value.integer < LARGE);
    end(&s);
}

/* FILE-1: a file that shrinks meanwhile ends where it ends. */
static void test_a_file_that_shrinks_ends_earlier(struct fixture *f)
{
    files_both_ways(f, shrink_meanwhile);
}

int main(void)
{
    static const struct test tests[] = {
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
        TEST(test_a_small_file_is_sent_at_once),
        TEST(test_the_end_of_a_file_is_not_tried),
#endif
        TEST(test_a_file_that_grows_is_followed),
        TEST(test_a_file_that_shrinks_ends_earlier),
    };

    return run_suite("sendfile_end", tests);
}

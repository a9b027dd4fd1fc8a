/* SPDX-License-Identifier: MIT */
/* sendfile(): what is over within the call, and where a file ends (FILE-1). */
#include "common/transport.h"
#include "support/files.h"
#include "support/oom.h"
#include "support/support.h"
#include <string.h>
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
#include "posix/sys.h"
#endif

#if defined(EDDY_TEST_HOOKS) && defined(__linux__)

/* FILE-1: what the socket takes is sent within the call, which asks what the file is and sets its
 * position; nothing is duplicated, nor is the selector told anything. */
static void test_a_small_file_is_sent_at_once(struct fixture *f)
{
    enum { COUNT = 20000 };
    struct files s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, FILES_SMALL);
    run_iterations(f->loop, 2);
    eddy__sys_reset();
    future = files_send(&s, 100, COUNT);
    assert_true(eddy_future_done(future));
    assert_true(eddy_transport_is_reading(s.w.transport));
    run_iterations(f->loop, 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendfile), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_fstat), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_lseek), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_fcntl), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_epoll_ctl), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_close), 0);
    files_expect(&s.peer, 100, COUNT);
    files_assert_sent(f, future, COUNT);
    files_end(&s);
}

/* FILE-1: few bytes are read and sent with their head, which are the fewest calls. */
static void test_few_bytes_are_sent_by_one_call(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, 1000);
    run_iterations(f->loop, 2);
    eddy__sys_reset();
    future = files_send_behind(&s, "head", 100);
    assert_true(eddy_future_done(future));
    assert_int_equal(eddy__sys_count(EDDY__SYS_pread), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_send), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendfile), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_lseek), 1);
    peer_expect_ahead(&s.peer, "head");
    files_expect(&s.peer, 100, 900);
    files_assert_sent(f, future, 900);
    assert_int_equal(scratch_position(s.file), 1000);
    files_end(&s);
}

static ssize_t send_a_little(int socket, const void *data, size_t size, int flags)
{
    return send(socket, data, size < 100 ? size : 100, flags);
}

/* FILE-1: few bytes behind a head arrive, whatever is to be asked anew for them. */
static void expect_few_bytes(struct fixture *f, struct files *s)
{
    eddy_future *future = files_send_behind(s, "head", 0);

    eddy__sys_reset();
    peer_expect_ahead(&s->peer, "head");
    files_expect(&s->peer, 0, 1000);
    files_assert_sent(f, future, 1000);
    must(write_text(s->w.transport, "after"));
    peer_expect(&s->peer, "after");
    assert_int_equal(scratch_position(s->file), 1000);
}

static ssize_t read_a_little(int fd, void *data, size_t size, off_t offset)
{
    return pread(fd, data, size < 100 ? size : 100, offset);
}

static ssize_t read_nothing(int fd, void *data, size_t size, off_t offset)
{
    (void)fd;
    (void)data;
    (void)size;
    (void)offset;
    return 0;
}

static void test_few_bytes_are_not_lost(struct fixture *f)
{
    struct files s;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, 1000);
    eddy__sys_fail(EDDY__SYS_pread, 1, EIO);
    expect_few_bytes(f, &s);
    eddy__sys_fail(EDDY__SYS_send, 1, EAGAIN);
    expect_few_bytes(f, &s);
    eddy__sys.pread = read_a_little;
    expect_few_bytes(f, &s);
    eddy__sys.pread = read_nothing;
    expect_few_bytes(f, &s);
    files_end(&s);
}

static void send_to_broken(struct fixture *f, size_t size)
{
    struct files s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, size);
    eddy__sys_fail(EDDY__SYS_send, 1, ECONNRESET);
    future = files_send_behind(&s, "head", 0);
    assert_false(eddy_future_done(future));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECONNRESET);
    run_until_recorded(f->loop, "lost:EDDY_ECONNRESET");
    files_end(&s);
}

/* FILE-5, TR-25: the connection breaks in the call: that is the error, and comes with its end. */
static void test_the_connection_breaks_in_the_call(struct fixture *f)
{
    send_to_broken(f, 1000);
    send_to_broken(f, FILES_LARGE);
}

static int close_loop(eddy_loop *loop, const eddy_exception_context *context, void *closed)
{
    (void)context;
    *(bool *)closed = true;
    return eddy_loop_close(loop);
}

/* LOOP-17: part was sent and there is no memory for the rest; who hears of that closes the loop. */
static void test_the_loop_is_closed_in_the_call(struct fixture *f)
{
    struct files s;
    bool is_closed = false;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, 1000);
    eddy_loop_set_exception_handler(f->loop, close_loop, &is_closed);
    eddy__sys.send = send_a_little;
    for (unsigned nth = 1; nth < 20 && !is_closed; nth++) {
        eddy_future *future;

        allocations_fail(nth);
        future = files_send_behind(&s, "head", 0);
        allocations_fail(0);
        if (is_closed)
            assert_false(eddy_future_done(future));
        eddy_future_unref(future);
    }
    assert_true(is_closed);
    eddy__sys_reset();
    scratch_close(s.file);
}

/* FILE-1, TR-23: what the socket does not take of few bytes, the transport keeps. */
static void test_few_bytes_that_are_too_many_are_queued(struct fixture *f)
{
    struct files s;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, 1000);
    eddy__sys.send = send_a_little;
    files_assert_sent(f, files_send_behind(&s, "head", 0), 1000);
    must(write_text(s.w.transport, "after"));
    peer_expect_ahead(&s.peer, "head");
    files_expect(&s.peer, 0, 1000);
    peer_expect(&s.peer, "after");
    eddy__sys_reset();
    files_end(&s);
}

/* FILE-3: few bytes that the transport might have to pause for are left to the system. */
static void test_few_bytes_do_not_pause_the_protocol(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, 1000);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 999, 0));
    eddy__sys_reset();
    future = files_send(&s, 0, 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendfile), 1);
    files_expect(&s.peer, 0, 1000);
    files_assert_sent(f, future, 1000);
    files_end(&s);
}

/* The end of a file is known without trying to send what is not there. */
static void test_the_end_of_a_file_is_not_tried(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, FILES_SMALL);
    eddy__sys_reset();
    future = files_send(&s, 100, 0);
    assert_true(eddy_future_done(future));
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendfile), 1);
    files_expect(&s.peer, 100, FILES_SMALL - 100);
    files_assert_sent(f, future, FILES_SMALL - 100);
    files_end(&s);
}

#endif

static void grow_meanwhile(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    char last = 0;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    assert_false(eddy_future_done(future));
    scratch_put(s.file, FILES_LARGE, 'x');
    files_expect(&s.peer, 0, FILES_LARGE);
    assert_int_equal(peer_receive_waiting(&s.peer, &last, 1), 1);
    assert_int_equal(last, 'x');
    files_assert_sent(f, future, FILES_LARGE + 1);
    files_end(&s);
}

/* FILE-1: the end of a file that grows meanwhile is where it is when it is reached. */
static void test_a_file_that_grows_is_followed(struct fixture *f)
{
    files_both_ways(f, grow_meanwhile);
}

static void shrink_meanwhile(struct fixture *f)
{
    struct files s;
    eddy_value value = {0};
    eddy_future *future;
    char buffer[4096];
    eddy_time wait_end = 0;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    files_expect(&s.peer, 0, 1000);
    scratch_resize(s.file, 1500);
    files_expect(&s.peer, 1000, 500);
    while (!eddy_future_done(future) && run_a_little(f->loop, &wait_end))
        peer_receive(&s.peer, buffer, sizeof buffer);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_true(value.integer >= 1500 && value.integer < FILES_LARGE);
    files_end(&s);
}

/* FILE-1: a file that shrinks meanwhile ends where it ends. */
static void test_a_file_that_shrinks_ends_earlier(struct fixture *f)
{
    files_both_ways(f, shrink_meanwhile);
}

/* Receive what is there of what fill_transport() and write_more() wrote. */
static void receive_filling(struct files *s)
{
    char buffer[4096];
    int64_t received;

    while ((received = peer_receive(&s->peer, buffer, sizeof buffer)) > 0) {
        assert_true(peer_is_filling(buffer, (size_t)received, s->received));
        s->received += (size_t)received;
    }
    assert_int_equal(received, EDDY_EAGAIN);
}

/* Receive the rest of it, and nothing behind it. */
static void expect_filling(struct files *s, size_t written)
{
    char buffer[4096];

    while (s->received < written) {
        size_t rest = written - s->received;
        int64_t received =
            peer_receive_waiting(&s->peer, buffer, rest < sizeof buffer ? rest : sizeof buffer);

        assert_true(received > 0);
        assert_true(peer_is_filling(buffer, (size_t)received, s->received));
        s->received += (size_t)received;
    }
}

static size_t write_more(struct files *s, size_t written, size_t size)
{
    char data[4096];
    size_t end = written + size;

    for (; written < end; written += sizeof data) {
        peer_fill(data, sizeof data, written);
        must(eddy_transport_write(s->w.transport, data, sizeof data));
    }
    return written;
}

/* The socket has room then, whatever is queued still. */
static int send_in_resume(struct witness *w, enum witness_event event)
{
    struct files *s = w->arg;

    if (event != WITNESS_RESUME || s->future != NULL)
        return 0;
    receive_filling(s);
    s->future = files_send(s, 0, 0);
    return 0;
}

static void resume_with_a_file(struct fixture *f, size_t more, size_t limit)
{
    struct files s;
    eddy_time wait_end = 0;
    size_t written;

    files_begin(f, &s, FILES_LARGE);
    s.w.script = send_in_resume;
    s.w.arg = &s;
    must(eddy_transport_set_write_buffer_limits(s.w.transport, limit, limit));
    written = fill_transport(s.w.transport);
    written = write_more(&s, written, more);
    do
        receive_filling(&s);
    while (run_a_little(f->loop, &wait_end) && s.future == NULL);
    assert_non_null(s.future);
    expect_filling(&s, written);
    files_expect(&s.peer, 0, FILES_LARGE);
    files_assert_sent(f, s.future, FILES_LARGE);
    files_end(&s);
}

static void resume_with_output(struct fixture *f)
{
    resume_with_a_file(f, 1024 * 1024, 512 * 1024);
}

/* FILE-3: a file of a program that may write again comes behind what is queued still. */
static void test_a_file_in_resume_writing_keeps_its_place(struct fixture *f)
{
    files_both_ways(f, resume_with_output);
}

static void resume_without_output(struct fixture *f)
{
    resume_with_a_file(f, 0, 0);
}

/* FILE-3: one that is begun when the last byte has just left is begun once. */
static void test_a_file_in_the_last_resume_writing_is_begun_once(struct fixture *f)
{
    files_both_ways(f, resume_without_output);
}

static int send_another(eddy_future *future, void *arg)
{
    struct files *s = arg;

    (void)future;
    s->future = files_send(s, 0, FILES_SMALL);
    return 0;
}

/* A file in pieces, whose last one makes the transport pause, and another in its callback. */
static size_t send_two(struct fixture *f, struct files *s)
{
    eddy_future *first;
    size_t written, queued;

    if (files_are_native(f))
        skip(); /* the system would be tried first, which waits for the queue */
    files_begin(f, s, FILES_SMALL);
    must(eddy_transport_set_write_buffer_limits(s->w.transport, (size_t)1 << 30, 0));
    written = fill_transport(s->w.transport);
    queued = eddy_transport_get_write_buffer_size(s->w.transport);
    must(eddy_transport_set_write_buffer_limits(s->w.transport, queued + FILES_SMALL - 1, 0));
    first = files_send(s, 0, FILES_SMALL);
    must(eddy_future_add_done_callback(first, send_another, s));
    files_assert_sent(f, first, FILES_SMALL);
    run_iterations(f->loop, 2);
    assert_non_null(s->future);
    return written;
}

/* FILE-5: whoever is told to resume was told to pause, also if one file follows another. */
static void test_two_files_pause_as_one(struct fixture *f)
{
    struct files s;
    size_t written = send_two(f, &s);

    assert_int_equal(s.w.counts[WITNESS_PAUSE], 0);
    peer_check_filling(&s.peer, written);
    files_expect(&s.peer, 0, FILES_SMALL);
    files_expect(&s.peer, 0, FILES_SMALL);
    files_assert_sent(f, s.future, FILES_SMALL);
    run_iterations(f->loop, 2);
    assert_int_equal(s.w.counts[WITNESS_RESUME], s.w.counts[WITNESS_PAUSE]);
    files_end(&s);
}

/* FILE-5: the pause that the first one has kept to itself is told when the second one ends. */
static void test_a_pause_outlasts_the_next_file(struct fixture *f)
{
    struct files s;

    send_two(f, &s);
    assert_true(eddy_future_cancel(s.future, NULL));
    eddy_future_unref(s.future);
    run_iterations(f->loop, 2);
    assert_int_equal(s.w.counts[WITNESS_PAUSE], 1);
    recorder_reset();
    files_end(&s);
    recorder_reset();
}

/* FILE-5: what a file has kept from the protocol is over before it could be told. */
static void test_a_pause_that_is_over_is_not_told(struct fixture *f)
{
    struct files s;
    size_t written;

    files_begin(f, &s, FILES_SMALL);
    written = fill_transport(s.w.transport);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 1, 1));
    assert_int_equal(s.w.counts[WITNESS_PAUSE], 1);
    s.w.transport->owed = EDDY__OWED_PAUSE; /* as if that had been kept */
    peer_check_filling(&s.peer, written);
    run_until_true(f->loop, s.w.transport->owed == EDDY__OWED_NOTHING);
    assert_int_equal(s.w.counts[WITNESS_RESUME], 0);
    recorder_reset();
    files_end(&s);
    recorder_reset();
}

int main(void)
{
    static const struct test tests[] = {
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
        TEST(test_a_small_file_is_sent_at_once),
        TEST(test_the_end_of_a_file_is_not_tried),
        TEST(test_few_bytes_are_sent_by_one_call),
        TEST(test_few_bytes_that_are_too_many_are_queued),
        TEST(test_few_bytes_are_not_lost),
        TEST(test_the_connection_breaks_in_the_call),
        TEST(test_the_loop_is_closed_in_the_call),
        TEST(test_few_bytes_do_not_pause_the_protocol),
#endif
        TEST(test_a_file_that_grows_is_followed),
        TEST(test_a_file_that_shrinks_ends_earlier),
        TEST(test_a_file_in_resume_writing_keeps_its_place),
        TEST(test_a_file_in_the_last_resume_writing_is_begun_once),
        TEST(test_two_files_pause_as_one),
        TEST(test_a_pause_outlasts_the_next_file),
        TEST(test_a_pause_that_is_over_is_not_told),
    };

    return run_suite("sendfile_end", tests);
}

/* SPDX-License-Identifier: MIT */
/* sock_sendfile(): FILE-6..FILE-9. Each way of sending has to look the same. */
#include "common/loop.h"
#include "support/executor.h"
#include "support/files.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/support.h"
#include <string.h>
#if !defined(_WIN32)
#include "posix/sys.h"
#endif

enum { SMALL = 40000, LARGE = 3 * 1024 * 1024 };

struct sending {
    struct fixture *f;
    eddy_socket socket;
    struct peer peer;
    eddy_file file;
};

static void begin(struct fixture *f, struct sending *s, size_t size)
{
    eddy_socket sockets[2];

    need_whole_test();
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    *s = (struct sending){.f = f, .socket = sockets[0], .peer = {.f = f, .socket = sockets[1]}};
    s->file = scratch_open("file", size);
}

static void end(struct sending *s)
{
    struct peer own = {.f = s->f, .socket = s->socket};

    scratch_close(s->file);
    files_restore();
    peer_close(&own);
    if (s->peer.socket != EDDY_NO_SOCKET)
        peer_close(&s->peer);
}

static eddy_future *send_file(struct sending *s, int64_t offset, int64_t count)
{
    return eddy_loop_sock_sendfile(s->f->loop, s->socket, s->file, offset, count, NULL);
}

/* Receive whatever comes until the operation is over. */
static void receive_until_done(struct sending *s, eddy_future *future)
{
    char buffer[4096];
    eddy_time end = 0;

    while (!eddy_future_done(future) && fixture_wait_goes_on(eddy_loop_time(s->f->loop), &end)) {
        while (peer_receive(&s->peer, buffer, sizeof buffer) > 0)
            ;
        run_for(s->f->loop, EDDY_MILLISECONDS(1));
    }
    assert_true(eddy_future_done(future));
}

/* The socket is as if nothing had been sent: it takes and delivers a text. */
static void assert_usable(struct sending *s)
{
    must(eddy_loop_run_until_complete(
        s->f->loop, eddy_loop_sock_sendall(s->f->loop, s->socket, "next", 4), NULL));
    peer_expect(&s->peer, "next");
}

static void send_whole_and_part(struct fixture *f)
{
    struct sending s;
    eddy_future *future;

    begin(f, &s, LARGE);
    future = send_file(&s, 0, 0);
    files_expect(&s.peer, 0, LARGE);
    files_assert_sent(f, future, LARGE);
    assert_int_equal(scratch_position(s.file), LARGE);
    future = send_file(&s, 1000, 2000);
    files_expect(&s.peer, 1000, 2000);
    files_assert_sent(f, future, 2000);
    assert_int_equal(scratch_position(s.file), 3000);
    future = send_file(&s, LARGE - 5, 100);
    files_expect(&s.peer, LARGE - 5, 5);
    files_assert_sent(f, future, 5);
    assert_usable(&s);
    end(&s);
}

/* FILE-6, FILE-8, FILE-9: the whole, a part, one that the file's end cuts off. */
static void test_a_file_is_sent(struct fixture *f)
{
    files_both_ways(f, send_whole_and_part);
}

static void send_an_empty_file(struct fixture *f)
{
    struct sending s;

    begin(f, &s, 0);
    files_assert_sent(f, send_file(&s, 0, 0), 0);
    assert_int_equal(scratch_position(s.file), 0);
    end(&s);
}

/* FILE-6: nothing to send is a success of no bytes. */
static void test_an_empty_file_is_sent(struct fixture *f)
{
    files_both_ways(f, send_an_empty_file);
}

/* SOCK-1, FILE-6: what the system takes at once is done at once. */
static void test_a_small_file_is_done_at_once(struct fixture *f)
{
    struct sending s;
    eddy_future *future;

    begin(f, &s, 100);
    if (!files_are_native(f)) {
        print_message("skipped: a piece has to be read first\n");
        scratch_close(s.file);
        skip();
    }
    future = send_file(&s, 0, 100);
    assert_true(eddy_future_done(future));
    files_assert_sent(f, future, 100);
    files_expect(&s.peer, 0, 100);
    end(&s);
}

#if defined(EDDY_TEST_HOOKS) && defined(__linux__)

/* FILE-6: one call tells that it is a stream; nothing is duplicated, nor waited for. */
static void test_a_small_file_costs_few_calls(struct fixture *f)
{
    struct sending s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    begin(f, &s, 100);
    eddy__sys_reset();
    future = send_file(&s, 0, 100);
    assert_true(eddy_future_done(future));
    assert_int_equal(eddy__sys_count(EDDY__SYS_getsockopt), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_getsockname), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendfile), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_epoll_ctl), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_close), 0);
    files_assert_sent(f, future, 100);
    files_expect(&s.peer, 0, 100);
    end(&s);
}

#endif

/* FILE-2, FILE-6, SOCK-1: what cannot be meant is refused at once. */
static void test_bad_arguments_are_refused(struct fixture *f)
{
    eddy_sendfile_options options = {.reserved = {f}};
    eddy_sendfile_options with_head = {.head = {"head", 4}};
    struct sending s;
    eddy_future *future;
    eddy_socket datagram;
    struct witness w;
    struct peer peer;

    begin(f, &s, SMALL);
    assert_refused(send_file(&s, -1, 0), EDDY_EINVALID, "negative");
    assert_refused(send_file(&s, 0, -1), EDDY_EINVALID, "negative");
    assert_refused(eddy_loop_sock_sendfile(f->loop, s.socket, s.file, 0, 0, &options),
                   EDDY_EINVALID, "reserved");
    assert_refused(eddy_loop_sock_sendfile(f->loop, s.socket, s.file, 0, 0, &with_head),
                   EDDY_EINVALID, "only a transport");
    assert_refused(eddy_loop_sock_sendfile(f->loop, EDDY_NO_SOCKET, s.file, 0, 0, NULL),
                   EDDY_EINVALID, "descriptor");
    future = eddy_loop_sock_sendfile(f->loop, s.socket, EDDY_NO_FILE, 0, 0, NULL);
    assert_int_equal(eddy_future_exception(future), EDDY_EBADF);
    eddy_future_unref(future);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_DGRAM, EDDY_ANY_PROTOCOL, &datagram));
    fixture_keep_socket(f, datagram);
    assert_refused(eddy_loop_sock_sendfile(f->loop, datagram, s.file, 0, 0, NULL), EDDY_EINVALID,
                   "stream");
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_refused(
        eddy_loop_sock_sendfile(f->loop, transport_socket(w.transport), s.file, 0, 0, NULL),
        EDDY_EBADSTATE, "used");
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    end(&s);
}

/* SOCK-2: one operation that sends at a time. */
static void test_a_second_operation_is_refused(struct fixture *f)
{
    struct sending s;
    eddy_future *future;

    begin(f, &s, LARGE);
    if (!files_are_native(f)) {
        print_message("skipped: between pieces nobody waits for the socket\n");
        scratch_close(s.file);
        skip();
    }
    future = send_file(&s, 0, 0);
    assert_false(eddy_future_done(future));
    assert_refused(send_file(&s, 0, 0), EDDY_EBADSTATE, "already");
    assert_refused(eddy_loop_sock_sendall(f->loop, s.socket, "x", 1), EDDY_EBADSTATE, "already");
    files_expect(&s.peer, 0, LARGE);
    files_assert_sent(f, future, LARGE);
    end(&s);
}

/* FILE-7, FILE-4: without the system's help, EDDY_ENOSENDFILE if pieces are not wanted. */
static void test_pieces_can_be_forbidden(struct fixture *f)
{
    eddy_sendfile_options options = {.no_fallback = true};
    struct sending s;
    eddy_future *future;

    begin(f, &s, SMALL);
    if (files_are_native(f) && !files_refuse()) {
        print_message("skipped: the system cannot be made to refuse\n");
        scratch_close(s.file);
        skip();
    }
    future = eddy_loop_sock_sendfile(f->loop, s.socket, s.file, 0, 0, &options);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ENOSENDFILE);
    assert_int_equal(scratch_position(s.file), 0);
    files_restore();
    assert_usable(&s);
    end(&s);
}

/* FILE-7: a failure after the first byte is returned as it is, a lost connection as one. */
static void test_a_later_failure_is_returned(struct fixture *f)
{
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
    const int numbers[] = {EIO, ENOTCONN, EPIPE};
    const int codes[] = {EDDY_EIO, EDDY_ECONNRESET, EDDY_EPIPE};

    if (!files_are_native(f)) {
        print_message("skipped: files are sent in pieces here\n");
        skip();
    }
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct sending s;
        eddy_future *future;

        begin(f, &s, LARGE);
        eddy__sys_fail(EDDY__SYS_sendfile, 2, numbers[i]);
        future = send_file(&s, 0, 0);
        receive_until_done(&s, future);
        assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), codes[i]);
        assert_true(scratch_position(s.file) > 0 && scratch_position(s.file) < LARGE);
        end(&s);
    }
#else
    (void)f;
    print_message("skipped: the system cannot be made to refuse\n");
    skip();
#endif
}

/* EINTR and EAGAIN are no failures. */
static void test_interruptions_are_no_failures(struct fixture *f)
{
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
    const int numbers[] = {EINTR, EAGAIN};

    if (!files_are_native(f)) {
        print_message("skipped: files are sent in pieces here\n");
        skip();
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sending s;
        eddy_sendfile_options options = {.no_fallback = true};
        eddy_future *future;

        begin(f, &s, SMALL);
        eddy__sys_fail(EDDY__SYS_sendfile, 1, numbers[i]);
        future = eddy_loop_sock_sendfile(f->loop, s.socket, s.file, 0, 0, &options);
        files_expect(&s.peer, 0, SMALL);
        files_assert_sent(f, future, SMALL);
        end(&s);
    }
#else
    (void)f;
    print_message("skipped: there is nothing to interrupt\n");
    skip();
#endif
}

static void lose_the_peer(struct fixture *f)
{
    struct sending s;
    eddy_future *future;
    int error;

    begin(f, &s, LARGE);
    future = send_file(&s, 0, 0);
    files_expect(&s.peer, 0, 1000);
    peer_close(&s.peer);
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    assert_true(error == EDDY_EPIPE || error == EDDY_ECONNRESET);
    end(&s);
}

/* FILE-7: the peer goes in the middle; no signal ends the program. */
static void test_a_lost_peer_fails_the_call(struct fixture *f)
{
    files_both_ways(f, lose_the_peer);
}

static void cancel_it(struct fixture *f)
{
    struct sending s;
    eddy_future *future;
    int64_t sent;

    begin(f, &s, LARGE);
    future = send_file(&s, 0, 0);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    sent = scratch_position(s.file);
    files_expect(&s.peer, 0, (size_t)sent);
    assert_usable(&s);
    end(&s);
}

/* FILE-9, SOCK-3: cancelled, nothing is registered, and the position says how much was sent. */
static void test_cancelling_leaves_nothing(struct fixture *f)
{
    files_both_ways(f, cancel_it);
}

static void cancel_in_the_middle(struct fixture *f)
{
    struct sending s;
    eddy_future *future;
    struct peer own;

    begin(f, &s, LARGE);
    own = (struct peer){.f = f, .socket = s.socket};
    future = send_file(&s, 0, 0);
    files_expect(&s.peer, 0, 400000);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    assert_true(scratch_position(s.file) >= 256 * 1024);
    /* The number may be closed and used again at once. */
    peer_close(&own);
    run_iterations(f->loop, 3);
    s.socket = EDDY_NO_SOCKET;
    scratch_close(s.file);
    peer_close(&s.peer);
}

/* FILE-9, SOCK-3: the same in the middle; the socket may be closed right after it. */
static void test_cancelling_in_the_middle(struct fixture *f)
{
    files_both_ways(f, cancel_in_the_middle);
}

static void send_from_far_out(struct fixture *f)
{
    const int64_t far = INT64_C(5) * 1024 * 1024 * 1024;
    struct sending s;
    char bytes[4] = {1, 1, 1, 1};
    int64_t received = EDDY_EAGAIN;

    begin(f, &s, 0);
    scratch_put(s.file, far + 3, 'x');
    files_assert_sent(f, send_file(&s, far, 4), 4);
    assert_int_equal(scratch_position(s.file), far + 4);
    for (int turn = 0; turn < 1000 && received == EDDY_EAGAIN; turn++) {
        received = peer_receive(&s.peer, bytes, sizeof bytes);
        run_for(f->loop, EDDY_MILLISECONDS(1));
    }
    assert_int_equal(received, 4);
    assert_memory_equal(bytes, "\0\0\0x", 4);
    end(&s);
}

/* FILE-6, FILE-9: offsets beyond 4 GiB. */
static void test_offsets_beyond_4_gib(struct fixture *f)
{
    files_both_ways(f, send_from_far_out);
}

static void shrink_meanwhile(struct fixture *f)
{
    struct sending s;
    eddy_value value = {0};
    eddy_future *future;

    begin(f, &s, LARGE);
    future = send_file(&s, 0, 0);
    files_expect(&s.peer, 0, 1000);
    scratch_resize(s.file, 1500);
    receive_until_done(&s, future);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_true(value.integer >= 1500 && value.integer < LARGE);
    assert_int_equal(scratch_position(s.file), value.integer);
    end(&s);
}

/* FILE-6: a file that shrinks meanwhile ends where it ends. */
static void test_a_file_that_shrinks_ends_earlier(struct fixture *f)
{
    files_both_ways(f, shrink_meanwhile);
}

/* FILE-6: no memory, at any point, leaves nothing behind. */
static void test_no_memory_leaves_nothing(struct fixture *f)
{
    struct peer peer = {.f = f};
    eddy_socket sockets[2];
    eddy_value value = {0};
    eddy_file file;
    int error;

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    peer.socket = sockets[1];
    file = scratch_open("file", 100);
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_sock_sendfile(f->loop, sockets[0], file, 0, 0, NULL), &value);
    scratch_close(file);
    must(error);
    files_expect(&peer, 0, 100);
    assert_int_equal(value.integer, 100);
}

/* Where the keeper is asked for the next read; false if there was none. */
static bool run_kept_read(struct fixture *f, struct keeper *keeper)
{
    eddy_work *work = keeper->work;

    keeper->work = NULL;
    if (work != NULL)
        eddy_work_run(work);
    run_iterations(f->loop, 6); /* until the next one is asked for, if there is a next one */
    return work != NULL;
}

/* SOCK-2: the sending side is the file's until the last piece, also while the next one is read. */
static void test_nobody_sends_between_pieces(struct fixture *f)
{
    static struct keeper keeper; /* the loop may hold it to its end */
    struct sending s;
    eddy_future *future;
    int reads = 0;

    begin(f, &s, SMALL);
    if (f->sim != NULL || (files_are_native(f) && !files_refuse())) {
        end(&s);
        skip(); /* a simulated loop reads by itself; or the system cannot be made to refuse */
    }
    keeper_init(&keeper);
    must(eddy_loop_set_default_executor(f->loop, &keeper.executor));
    eddy_executor_unref(&keeper.executor);
    future = send_file(&s, 0, 0);
    do {
        assert_refused(eddy_loop_sock_sendall(f->loop, s.socket, "x", 1), EDDY_EBADSTATE,
                       "operation");
        assert_refused(send_file(&s, 0, 0), EDDY_EBADSTATE, "operation");
        reads++;
        assert_true(run_kept_read(f, &keeper));
    } while (!eddy_future_done(future) && reads < 10);
    assert_int_equal(reads, 2); /* the second finds the end */
    files_expect(&s.peer, 0, SMALL);
    files_assert_sent(f, future, SMALL);
    recorder_reset();
    assert_usable(&s);
    end(&s);
}

/* SOCK-2, FILE-9: a cancel gives it back, too. */
static void test_cancelling_between_pieces_frees_the_socket(struct fixture *f)
{
    static struct keeper keeper; /* the loop may hold it to its end */
    struct sending s;
    eddy_future *future;

    begin(f, &s, SMALL);
    if (f->sim != NULL || (files_are_native(f) && !files_refuse())) {
        end(&s);
        skip(); /* as above */
    }
    keeper_init(&keeper);
    must(eddy_loop_set_default_executor(f->loop, &keeper.executor));
    eddy_executor_unref(&keeper.executor);
    future = send_file(&s, 0, 0);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    assert_usable(&s);
    run_kept_read(f, &keeper);
    recorder_reset();
    end(&s);
}

#if defined(__linux__) && defined(EDDY_TEST_HOOKS)
static size_t turns[8];
static size_t turn_count;

/** The system takes whatever it is offered. */
static ssize_t sendfile_all(int out, int in, off_t *offset, size_t size)
{
    (void)out;
    (void)in;
    (void)offset;
    if (turn_count < sizeof turns / sizeof turns[0])
        turns[turn_count++] = size;
    return (ssize_t)size;
}

static int on_call_count_turns(void *arg)
{
    (void)arg;
    record("turns:%d", (int)turn_count);
    return 0;
}

/* FILE-6: four MiB a turn, however much the socket takes: others get theirs in between. */
static void test_a_greedy_reader_does_not_keep_the_loop(struct fixture *f)
{
    const int64_t size = INT64_C(9) * 1024 * 1024;
    struct sending s;
    eddy_future *future;

    if (!files_are_native(f) || f->sim != NULL)
        skip();
    begin(f, &s, SMALL);
    scratch_resize(s.file, (size_t)size);
    turn_count = 0;
    eddy__sys.sendfile = sendfile_all;
    future = send_file(&s, 0, size);
    must(eddy_loop_call_soon(f->loop, on_call_count_turns, NULL, NULL));
    files_assert_sent(f, future, size);
    eddy__sys_reset();
    assert_int_equal(turn_count, 3);
    assert_int_equal(turns[0], 4 * 1024 * 1024);
    assert_int_equal(turns[1], turns[0]);
    assert_int_equal(turns[0] + turns[1] + turns[2], (size_t)size);
    assert_recorded("turns:1");
    end(&s);
}
#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_file_is_sent),
        TEST(test_an_empty_file_is_sent),
        TEST(test_a_small_file_is_done_at_once),
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
        TEST(test_a_small_file_costs_few_calls),
#endif
        TEST(test_bad_arguments_are_refused),
        TEST(test_a_second_operation_is_refused),
        TEST(test_pieces_can_be_forbidden),
        TEST(test_a_later_failure_is_returned),
        TEST(test_interruptions_are_no_failures),
        TEST(test_a_lost_peer_fails_the_call),
        TEST(test_cancelling_leaves_nothing),
        TEST(test_cancelling_in_the_middle),
        TEST(test_offsets_beyond_4_gib),
        TEST(test_a_file_that_shrinks_ends_earlier),
        TEST(test_no_memory_leaves_nothing),
        TEST(test_nobody_sends_between_pieces),
        TEST(test_cancelling_between_pieces_frees_the_socket),
#if defined(__linux__) && defined(EDDY_TEST_HOOKS)
        TEST(test_a_greedy_reader_does_not_keep_the_loop),
#endif
    };

    return run_suite("sock_sendfile", tests);
}

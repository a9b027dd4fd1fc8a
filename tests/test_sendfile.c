/* SPDX-License-Identifier: MIT */
/* sendfile(): FILE-1..FILE-5, FILE-9, TR-23. Each way of sending has to look the same. */
#include "common/loop.h"
#include "support/files.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/support.h"
#include <string.h>

static void send_between_writes(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_LARGE);
    must(write_text(s.w.transport, "before"));
    future = files_send(&s, 0, 0);
    peer_expect_ahead(&s.peer, "before");
    files_expect(&s.peer, 0, FILES_LARGE);
    files_assert_sent(f, future, FILES_LARGE);
    must(write_text(s.w.transport, "after"));
    peer_expect(&s.peer, "after");
    assert_int_equal(scratch_position(s.file), FILES_LARGE);
    scratch_close(s.file);
    eddy_transport_close(s.w.transport);
    run_until_recorded(f->loop, "lost:0");
}

/* FILE-1, FILE-3, FILE-5, FILE-9: what was written before comes before, what after, after. */
static void test_a_file_keeps_its_place_between_writes(struct fixture *f)
{
    files_both_ways(f, send_between_writes);
}

static void send_a_part(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_SMALL);
    future = files_send(&s, 1000, 20000);
    files_expect(&s.peer, 1000, 20000);
    files_assert_sent(f, future, 20000);
    assert_int_equal(scratch_position(s.file), 21000);
    future = files_send(&s, FILES_SMALL - 10, 1000); /* it ends before */
    files_expect(&s.peer, FILES_SMALL - 10, 10);
    files_assert_sent(f, future, 10);
    assert_int_equal(scratch_position(s.file), FILES_SMALL);
    future = files_send(&s, FILES_SMALL + 10, 0);
    files_assert_sent(f, future, 0);
    assert_int_equal(scratch_position(s.file), FILES_SMALL);
    files_end(&s);
}

/* FILE-1, FILE-2, FILE-9: a part; the position is behind the last byte sent. */
static void test_a_part_of_a_file_is_sent(struct fixture *f)
{
    files_both_ways(f, send_a_part);
}

static void send_an_empty_file(struct fixture *f)
{
    struct files s;

    files_begin(f, &s, 0);
    files_assert_sent(f, files_send(&s, 0, 0), 0);
    assert_int_equal(scratch_position(s.file), 0);
    files_end(&s);
}

/* FILE-6, FILE-1: nothing to send is a success of no bytes. */
static void test_an_empty_file_is_sent(struct fixture *f)
{
    files_both_ways(f, send_an_empty_file);
}

/* FILE-2, FILE-1: arguments that cannot be meant are refused at once. */
static void test_bad_arguments_are_refused(struct fixture *f)
{
    eddy_sendfile_options options = {.reserved = {f}};
    struct files s;

    files_begin(f, &s, FILES_SMALL);
    assert_refused(files_send(&s, -1, 0), EDDY_EINVALID, "negative");
    assert_refused(files_send(&s, 0, -1), EDDY_EINVALID, "negative");
    assert_refused(files_send(&s, INT64_MAX, 1), EDDY_EINVALID, "large");
    assert_refused(eddy_loop_sendfile(f->loop, NULL, s.file, 0, 0, NULL), EDDY_EINVALID,
                   "transport");
    assert_refused(eddy_loop_sendfile(f->loop, s.w.transport, s.file, 0, 0, &options),
                   EDDY_EINVALID, "reserved");
    if (f->sim == NULL)
        assert_refused(eddy_loop_sendfile(f->loop, s.w.transport, s.peer.socket, 0, 0, NULL),
                       EDDY_EINVALID, "regular");
    {
        eddy_future *future = eddy_loop_sendfile(f->loop, s.w.transport, EDDY_NO_FILE, 0, 0, NULL);

        assert_int_equal(eddy_future_exception(future), EDDY_EBADF);
        eddy_future_unref(future);
    }
    eddy_transport_close(s.w.transport);
    assert_refused(files_send(&s, 0, 0), EDDY_EBADSTATE, "closing");
    files_end(&s);
}

/* FILE-3, after write_eof() nothing can be sent any more (TR-23). */
static void test_a_file_after_write_eof_is_refused(struct fixture *f)
{
    struct files s;

    files_begin(f, &s, FILES_SMALL);
    must(eddy_transport_write_eof(s.w.transport));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, files_send(&s, 0, 0), NULL),
                     EDDY_EBADSTATE);
    files_end(&s);
}

static void write_meanwhile(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    assert_int_equal(write_text(s.w.transport, "no"), EDDY_EBADSTATE);
    assert_int_equal(eddy_transport_write_owned(s.w.transport, "no", 2, NULL, NULL),
                     EDDY_EBADSTATE);
    assert_int_equal(eddy_transport_write_eof(s.w.transport), EDDY_EBADSTATE);
    assert_refused(files_send(&s, 0, 0), EDDY_EBADSTATE, "file is being sent");
    run_iterations(f->loop, 3);
    assert_int_equal(write_text(s.w.transport, "no"), EDDY_EBADSTATE);
    files_expect(&s.peer, 0, FILES_LARGE);
    files_assert_sent(f, future, FILES_LARGE);
    must(write_text(s.w.transport, "yes"));
    peer_expect(&s.peer, "yes");
    files_end(&s);
}

/* FILE-3, TR-23: nobody writes into the file. */
static void test_writing_meanwhile_is_refused(struct fixture *f)
{
    files_both_ways(f, write_meanwhile);
}

static void read_meanwhile(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    assert_false(eddy_transport_is_reading(s.w.transport));
    peer_send(&s.peer, "hello");
    run_iterations(f->loop, 5);
    assert_nothing_recorded();
    files_expect(&s.peer, 0, FILES_LARGE);
    files_assert_sent(f, future, FILES_LARGE);
    assert_true(eddy_transport_is_reading(s.w.transport));
    run_until_recorded(f->loop, "data:hello");
    must(eddy_transport_pause_reading(s.w.transport));
    future = files_send(&s, 0, 10);
    files_expect(&s.peer, 0, 10);
    files_assert_sent(f, future, 10);
    assert_false(eddy_transport_is_reading(s.w.transport));
    files_end(&s);
    assert_recorded("data:hello", "lost:0");
}

/* FILE-3, FILE-5: reading pauses, and goes on only if it was on. */
static void test_reading_pauses_meanwhile(struct fixture *f)
{
    files_both_ways(f, read_meanwhile);
}

static void resume_reading_meanwhile(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    must(eddy_transport_resume_reading(s.w.transport));
    peer_send(&s.peer, "hello");
    run_until_recorded(f->loop, "data:hello");
    files_expect(&s.peer, 0, FILES_LARGE);
    files_assert_sent(f, future, FILES_LARGE);
    files_end(&s);
    assert_recorded("data:hello", "lost:0");
}

/* FILE-5: who resumes reading all the same loses nothing. */
static void test_reading_may_be_resumed_meanwhile(struct fixture *f)
{
    files_both_ways(f, resume_reading_meanwhile);
}

static void send_behind_a_full_buffer(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    size_t filled;

    files_begin(f, &s, FILES_SMALL);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 0, 0));
    filled = fill_transport(s.w.transport);
    assert_recorded("pause");
    future = files_send(&s, 0, 0);
    run_iterations(f->loop, 5);
    assert_false(eddy_future_done(future));
    peer_check_filling(&s.peer, filled);
    assert_nothing_recorded();
    files_expect(&s.peer, 0, FILES_SMALL);
    files_assert_sent(f, future, FILES_SMALL);
    run_until_recorded(f->loop, "resume");
    assert_recorded("resume");
    files_end(&s);
}

/* FILE-3, FILE-5: a pause in force is respected, and its resume comes at the end. */
static void test_a_pause_in_force_is_respected(struct fixture *f)
{
    files_both_ways(f, send_behind_a_full_buffer);
}

/* FILE-5: pieces respect the marks; a pause that lasts to the end is told then. */
static void test_pieces_respect_flow_control(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    size_t most = 0;
    eddy_time wait_end = 0;
    int settled = 0;

    if (fixture_backend_is(f, "iocp"))
        skip(); /* sockets there take more than the test has */
    files_begin(f, &s, FILES_LARGE);
    if (files_are_native(f) && !files_refuse()) {
        scratch_close(s.file);
        skip(); /* the system cannot be made to refuse */
    }
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 20000, 10000));
    future = files_send(&s, 0, 0);
    while ((most <= 20000 || settled++ < 50) && run_a_little(f->loop, &wait_end)) {
        size_t size = eddy_transport_get_write_buffer_size(s.w.transport);

        most = size > most ? size : most;
    }
    assert_true(most > 20000 && most <= 20000 + 16384);
    assert_nothing_recorded();
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    run_iterations(f->loop, 1);
    assert_recorded("pause");
    files_end(&s);
}

static void lose_the_peer(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    int error;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    files_expect(&s.peer, 0, 1000);
    peer_close(&s.peer);
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    assert_true(error == EDDY_EPIPE || error == EDDY_ECONNRESET || error == EDDY_ECONNABORTED);
    assert_true(scratch_position(s.file) >= 1000);
    if (s.w.transport != NULL)
        eddy_transport_abort(s.w.transport);
    run_iterations(f->loop, 3);
    assert_int_equal(s.w.counts[WITNESS_LOST], 1);
    scratch_close(s.file);
}

/* FILE-5, FILE-7: the peer goes in the middle: the call fails, the protocol hears of it. */
static void test_a_lost_peer_fails_the_call(struct fixture *f)
{
    files_both_ways(f, lose_the_peer);
}

static void close_meanwhile(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    eddy_time wait_end = 0;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    files_expect(&s.peer, 0, 1000);
    eddy_transport_close(s.w.transport);
    assert_int_equal(write_text(s.w.transport, "dropped"), 0);
    /* The call may have failed while what was sent before is still to be received. */
    while (s.w.counts[WITNESS_LOST] == 0 && run_a_little(f->loop, &wait_end))
        peer_drain(&s.peer, FILES_LARGE);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECONNABORTED);
    run_until_recorded(f->loop, "lost:0");
    scratch_close(s.file);
}

/* FILE-5, TR-11: so does closing; writes are dropped then, as always. */
static void test_closing_meanwhile_fails_the_call(struct fixture *f)
{
    files_both_ways(f, close_meanwhile);
}

static void cancel_at_once(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    size_t filled;

    files_begin(f, &s, FILES_SMALL);
    filled = fill_transport(s.w.transport); /* or some would be sent at once */
    future = files_send(&s, 100, 0);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    peer_check_filling(&s.peer, filled);
    must(write_text(s.w.transport, "next"));
    peer_expect(&s.peer, "next");
    assert_int_equal(scratch_position(s.file), 0);
    assert_true(eddy_transport_is_reading(s.w.transport));
    future = files_send(&s, 0, 0);
    files_expect(&s.peer, 0, FILES_SMALL);
    files_assert_sent(f, future, FILES_SMALL);
    files_end(&s);
}

/* FILE-9: cancelled before the first byte, nothing is left, and the position is as it was. */
static void test_cancelling_before_the_first_byte(struct fixture *f)
{
    files_both_ways(f, cancel_at_once);
}

static void cancel_in_the_middle(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    int64_t sent;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    files_expect(&s.peer, 0, 1000);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    sent = scratch_position(s.file);
    assert_true(sent >= 1000 && sent < FILES_LARGE);
    must(write_text(s.w.transport, "next"));
    files_expect(&s.peer, 1000, (size_t)sent - 1000);
    peer_expect(&s.peer, "next");
    peer_send(&s.peer, "back");
    run_until_recorded(f->loop, "data:back");
    files_end(&s);
}

/* FILE-9: cancelled later, the stream ends where the position is. */
static void test_cancelling_in_the_middle(struct fixture *f)
{
    files_both_ways(f, cancel_in_the_middle);
}

static void send_from_far_out(struct fixture *f)
{
    const int64_t far = INT64_C(5) * 1024 * 1024 * 1024;
    struct files s;
    eddy_future *future;
    char bytes[4] = {1, 1, 1, 1};
    int64_t received = EDDY_EAGAIN;

    files_begin(f, &s, 0);
    scratch_put(s.file, far + 3, 'x');
    future = files_send(&s, far, 0);
    files_assert_sent(f, future, 4);
    assert_int_equal(scratch_position(s.file), far + 4);
    for (int turn = 0; turn < 1000 && received == EDDY_EAGAIN; turn++) {
        run_for(f->loop, EDDY_MILLISECONDS(1));
        received = peer_receive(&s.peer, bytes, sizeof bytes);
    }
    assert_int_equal(received, 4);
    assert_memory_equal(bytes, "\0\0\0x", 4);
    files_end(&s);
}

/* FILE-1, FILE-9: offsets beyond 4 GiB. */
static void test_offsets_beyond_4_gib(struct fixture *f)
{
    files_both_ways(f, send_from_far_out);
}

static void close_the_file_at_once(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    scratch_close(s.file);
    files_expect(&s.peer, 0, FILES_LARGE);
    files_assert_sent(f, future, FILES_LARGE);
    s.file = scratch_open("file", 0);
    files_end(&s);
}

/* The file is duplicated: the program may close its own. */
static void test_the_file_may_be_closed_at_once(struct fixture *f)
{
    files_both_ways(f, close_the_file_at_once);
}

static void change_protocols(struct fixture *f)
{
    struct files s;
    struct witness other;
    eddy_future *future;

    files_begin(f, &s, FILES_LARGE);
    witness_init(&other, "other");
    other.transport = s.w.transport;
    future = files_send(&s, 0, 0);
    assert_ptr_equal(eddy_transport_get_protocol(s.w.transport), &s.w.protocol);
    must(eddy_transport_set_protocol(s.w.transport, &other.protocol));
    assert_ptr_equal(eddy_transport_get_protocol(s.w.transport), &other.protocol);
    files_expect(&s.peer, 0, FILES_LARGE);
    files_assert_sent(f, future, FILES_LARGE);
    assert_ptr_equal(eddy_transport_get_protocol(s.w.transport), &other.protocol);
    peer_send(&s.peer, "hi");
    run_until_recorded(f->loop, "other.data:hi");
    scratch_close(s.file);
    eddy_transport_abort(other.transport);
    run_until_recorded(f->loop, "other.lost:0");
}

/* FILE-5, TR-10: what stands before the protocol is invisible, and it may change meanwhile. */
static void test_the_protocol_may_change_meanwhile(struct fixture *f)
{
    files_both_ways(f, change_protocols);
}

/* FILE-4: without the system's help, EDDY_ENOSENDFILE if pieces are not wanted. */
static void test_pieces_can_be_forbidden(struct fixture *f)
{
    eddy_sendfile_options options = {.no_fallback = true};
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_SMALL);
    future = eddy_loop_sendfile(f->loop, s.w.transport, s.file, 0, 0, &options);
    if (files_are_native(f)) {
        files_expect(&s.peer, 0, FILES_SMALL);
        files_assert_sent(f, future, FILES_SMALL);
        if (files_refuse())
            assert_int_equal(eddy_loop_run_until_complete(
                                 f->loop,
                                 eddy_loop_sendfile(f->loop, s.w.transport, s.file, 0, 0, &options),
                                 NULL),
                             EDDY_ENOSENDFILE);
    } else {
        assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ENOSENDFILE);
    }
    files_restore();
    must(write_text(s.w.transport, "next"));
    peer_expect(&s.peer, "next");
    files_end(&s);
}

/* LOOP-17: a loop that closes lets go of the file and of the connection. */
static void test_closing_the_loop_lets_go(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_LARGE);
    future = files_send(&s, 0, 0);
    files_expect(&s.peer, 0, 1000);
    must(eddy_loop_close(f->loop));
    assert_false(eddy_future_done(future));
    eddy_future_unref(future);
    scratch_close(s.file);
    files_restore();
}

/* LOOP-17: the same while it is sent in pieces. */
static void test_closing_the_loop_lets_go_of_pieces(struct fixture *f)
{
    if (files_are_native(f) && !files_refuse()) {
        print_message("skipped: the system cannot be made to refuse\n");
        skip();
    }
    test_closing_the_loop_lets_go(f);
}

/* FILE-1: no memory, at any point, leaves the connection as it was. */
static void test_no_memory_leaves_the_connection(struct fixture *f)
{
    struct witness w;
    struct peer peer;
    eddy_value value = {0};
    eddy_file file;
    int error;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    file = scratch_open("file", 100);
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_sendfile(f->loop, w.transport, file, 0, 0, NULL), &value);
    scratch_close(file);
    assert_true(w.transport == NULL || eddy_transport_is_reading(w.transport));
    must(error);
    files_expect(&peer, 0, 100);
    assert_int_equal(value.integer, 100);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_file_keeps_its_place_between_writes),
        TEST(test_a_part_of_a_file_is_sent),
        TEST(test_an_empty_file_is_sent),
        TEST(test_bad_arguments_are_refused),
        TEST(test_a_file_after_write_eof_is_refused),
        TEST(test_writing_meanwhile_is_refused),
        TEST(test_reading_pauses_meanwhile),
        TEST(test_reading_may_be_resumed_meanwhile),
        TEST(test_a_pause_in_force_is_respected),
        TEST(test_pieces_respect_flow_control),
        TEST(test_a_lost_peer_fails_the_call),
        TEST(test_closing_meanwhile_fails_the_call),
        TEST(test_cancelling_before_the_first_byte),
        TEST(test_cancelling_in_the_middle),
        TEST(test_offsets_beyond_4_gib),
        TEST(test_the_file_may_be_closed_at_once),
        TEST(test_the_protocol_may_change_meanwhile),
        TEST(test_pieces_can_be_forbidden),
        TEST(test_closing_the_loop_lets_go),
        TEST(test_closing_the_loop_lets_go_of_pieces),
        TEST(test_no_memory_leaves_the_connection),
    };

    return run_suite("sendfile", tests);
}

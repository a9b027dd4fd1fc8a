/* SPDX-License-Identifier: MIT */
/* sendfile(): what goes ahead of the file. */
#include "support/files.h"
#include "support/program.h"
#include "support/support.h"
#include <string.h>
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
#include "posix/sys.h"
#endif

static void send_behind_a_head(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    files_begin(f, &s, FILES_SMALL);
    must(write_text(s.w.transport, "before"));
    future = files_send_behind(&s, "head", 1000);
    peer_expect_ahead(&s.peer, "before");
    peer_expect_ahead(&s.peer, "head");
    files_expect(&s.peer, 1000, FILES_SMALL - 1000);
    files_assert_sent(f, future, FILES_SMALL - 1000);
    files_assert_sent(f, files_send_behind(&s, "alone", FILES_SMALL), 0);
    peer_expect(&s.peer, "alone");
    files_end(&s);
}

/* FILE-1, FILE-3: a head comes between what was written before and the file, and does not count;
 * also where nothing follows it. */
static void test_a_head_goes_ahead_of_the_file(struct fixture *f)
{
    files_both_ways(f, send_behind_a_head);
}

static void send_behind_a_queue(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    size_t written;

    files_begin(f, &s, FILES_LARGE);
    written = fill_transport(s.w.transport);
    future = files_send_behind(&s, "head", 0);
    peer_check_filling(&s.peer, written);
    peer_expect_ahead(&s.peer, "head");
    files_expect(&s.peer, 0, FILES_LARGE);
    files_assert_sent(f, future, FILES_LARGE);
    files_end(&s);
}

/* FILE-3: what is queued leaves first. */
static void test_a_head_waits_for_what_is_queued(struct fixture *f)
{
    files_both_ways(f, send_behind_a_queue);
}

/* FILE-2: what is refused has no head either. */
static void test_a_refused_file_writes_no_head(struct fixture *f)
{
    eddy_sendfile_options nothing = {.head = {NULL, 1}};
    struct files s;

    files_begin(f, &s, FILES_SMALL);
    assert_refused(files_send_behind(&s, "no", -1), EDDY_EINVALID, "negative");
    assert_refused(eddy_loop_sendfile(f->loop, s.w.transport, s.file, 0, 0, &nothing),
                   EDDY_EINVALID, "no data");
    must(write_text(s.w.transport, "next"));
    peer_expect(&s.peer, "next");
    must(eddy_transport_write_eof(s.w.transport));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, files_send_behind(&s, "no", 0), NULL),
                     EDDY_EBADSTATE);
    peer_expect_eof(&s.peer);
    files_end(&s);
}

static void pause_by_a_head(struct fixture *f)
{
    struct files s;
    eddy_future *future;
    size_t written, queued;

    files_begin(f, &s, FILES_LARGE);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, (size_t)1 << 30, 0));
    written = fill_transport(s.w.transport);
    queued = eddy_transport_get_write_buffer_size(s.w.transport);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, queued, 0));
    future = files_send_behind(&s, "head", 0);
    assert_true(eddy_transport_get_write_buffer_size(s.w.transport) > queued);
    assert_int_equal(s.w.counts[WITNESS_PAUSE], 0);
    peer_check_filling(&s.peer, written);
    peer_expect_ahead(&s.peer, "head");
    files_expect(&s.peer, 0, FILES_LARGE);
    assert_int_equal(s.w.counts[WITNESS_RESUME], s.w.counts[WITNESS_PAUSE]);
    files_assert_sent(f, future, FILES_LARGE);
    files_end(&s);
}

/* FILE-5: a head that makes the transport pause does not make the protocol. */
static void test_a_head_does_not_pause_the_protocol(struct fixture *f)
{
    files_both_ways(f, pause_by_a_head);
}

/* FILE-1: without memory, at any point, the connection stays. */
static void test_no_memory_leaves_the_connection(struct fixture *f)
{
    struct files s = {.f = f};
    eddy_future *future;
    size_t written;

    witness_init(&s.w, NULL);
    connect_peer(f, &s.w, &s.peer);
    written = fill_transport(s.w.transport);
    s.file = scratch_open("file", 100);
    future = files_send_behind(&s, "head", 0);
    scratch_close(s.file);
    peer_check_filling(&s.peer, written);
    if (eddy_future_done(future) && eddy_future_exception(future) != 0) {
        assert_true(s.w.transport == NULL || eddy_transport_is_reading(s.w.transport));
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    }
    peer_expect_ahead(&s.peer, "head");
    files_expect(&s.peer, 0, 100);
    files_assert_sent(f, future, 100);
}

#if defined(EDDY_TEST_HOOKS) && defined(__linux__)

static int last_flags;

static ssize_t note_flags(int socket, const void *data, size_t size, int flags)
{
    last_flags = flags;
    return send(socket, data, size, flags);
}

/* The system keeps a head for the file, but not for one that has nothing to send. */
static void test_a_head_leaves_with_its_file(struct fixture *f)
{
    struct files s;
    eddy_future *future;

    if (!files_are_native(f))
        skip();
    files_begin(f, &s, FILES_SMALL);
    eddy__sys.send = note_flags;
    future = files_send_behind(&s, "head", 0);
    assert_true(last_flags & MSG_MORE);
    assert_true(last_flags & MSG_NOSIGNAL);
    peer_expect_ahead(&s.peer, "head");
    files_expect(&s.peer, 0, FILES_SMALL);
    files_assert_sent(f, future, FILES_SMALL);
    files_assert_sent(f, files_send_behind(&s, "alone", FILES_SMALL), 0);
    assert_false(last_flags & MSG_MORE);
    peer_expect(&s.peer, "alone");
    eddy__sys_reset();
    files_end(&s);
}

#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_head_goes_ahead_of_the_file),
        TEST(test_a_head_waits_for_what_is_queued),
        TEST(test_a_refused_file_writes_no_head),
        TEST(test_a_head_does_not_pause_the_protocol),
        TEST(test_no_memory_leaves_the_connection),
#if defined(EDDY_TEST_HOOKS) && defined(__linux__)
        TEST(test_a_head_leaves_with_its_file),
#endif
    };

    return run_suite("sendfile_head", tests);
}

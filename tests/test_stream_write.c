/* SPDX-License-Identifier: MIT */
/* Writing to a stream: TR-11, TR-23, TR-24, TR-27. Its errors: test_stream_error.c. */
#include "support/support.h"
#include <stdlib.h>
#include <string.h>

/* TR-23: sent at once if it can be; the caller's memory is its own again on return. */
static void test_write_sends_at_once_and_keeps_nothing(struct fixture *f)
{
    char data[] = "hello";
    char got[16] = "";
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_write(w.transport, data, 5));
    assert_string_equal(data, "hello");
    memset(data, 'X', 5);
    if (f->sim == NULL)
        assert_int_equal(peer_receive(&peer, got, sizeof got), 5);
    else
        peer_expect(&peer, "hello");
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    if (f->sim == NULL)
        assert_string_equal(got, "hello");
    assert_recorded("made");
}

/* TR-23: what the system did not take is copied: the caller may reuse its memory at once. */
static void test_queued_data_is_a_copy(struct fixture *f)
{
    char tail[] = "tail";
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    must(eddy_transport_write(w.transport, tail, 4));
    memset(tail, 'X', 4);
    peer_check_filling(&peer, written);
    peer_expect(&peer, "tail");
    assert_recorded("made");
}

/* TR-23: an empty write is nothing, whatever the pointer. */
static void test_empty_write_touches_nothing(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    assert_int_equal(eddy_transport_write(w.transport, NULL, 0), 0);
    assert_int_equal(eddy_transport_write(w.transport, "x", 0), 0);
    assert_int_equal(eddy_transport_writelines(w.transport, NULL, 0), 0);
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    assert_recorded("made");
}

/* TR-23: nothing where something is said to be. */
static void test_write_without_data_is_invalid(struct fixture *f)
{
    const eddy_buffer holes[] = {{"a", 1}, {NULL, 1}};
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_int_equal(eddy_transport_write(w.transport, NULL, 1), EDDY_EINVALID);
    assert_int_equal(eddy_transport_writelines(w.transport, holes, 2), EDDY_EINVALID);
    assert_int_equal(eddy_transport_writelines(w.transport, NULL, 1), EDDY_EINVALID);
    must(write_text(w.transport, "only this"));
    peer_expect(&peer, "only this");
    assert_recorded("made");
}

/* TR-23: several writes, some queued, arrive in their order. */
static void test_writes_arrive_in_order(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    must(write_text(w.transport, "one,"));
    must(write_text(w.transport, "two,"));
    run_iterations(f->loop, 2);
    must(write_text(w.transport, "three"));
    peer_check_filling(&peer, written);
    peer_expect(&peer, "one,two,three");
    assert_recorded("made");
}

/* TR-24: as one write of the concatenation. */
static void test_writelines_is_one_write(struct fixture *f)
{
    const eddy_buffer lines[] = {{"one,", 4}, {"", 0}, {NULL, 0}, {"two,", 4}, {"three", 5}};
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_writelines(w.transport, lines, 5));
    peer_expect(&peer, "one,two,three");
    assert_recorded("made");
}

/* TR-24: more pieces than one system call takes, and more bytes than the system takes. */
static void test_writelines_of_more_than_one_call_takes(struct fixture *f)
{
    enum { PIECES = 1500, SIZE = 1000 };
    static char data[PIECES * SIZE];
    static eddy_buffer lines[PIECES];
    struct witness w;
    struct peer peer;
    size_t i;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    peer_fill(data, sizeof data, 0);
    for (i = 0; i < PIECES; i++)
        lines[i] = (eddy_buffer){data + i * SIZE, SIZE};
    must(eddy_transport_writelines(w.transport, lines, PIECES));
    memset(data, 0, sizeof data);
    peer_check_filling(&peer, sizeof data);
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    assert_int_equal(recorded("pause"), recorded("resume"));
}

/* TR-24: flow control is applied once, at the end. */
static void test_writelines_applies_flow_control_once(struct fixture *f)
{
    static char data[65536];
    const eddy_buffer lines[] = {{data, sizeof data}, {data, sizeof data}, {data, sizeof data}};
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    fill_transport(w.transport);
    must(eddy_transport_writelines(w.transport, lines, 3));
    assert_recorded("made", "pause");
}

/* TR-27: accepted and not yet taken by the system; falls to nothing. */
static void test_write_buffer_size_counts_what_is_queued(struct fixture *f)
{
    size_t size, written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    size = eddy_transport_get_write_buffer_size(w.transport);
    must(write_text(w.transport, "12345"));
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), size + 5);
    assert_int_equal(peer_drain(&peer, written + 5), written + 5);
    run_iterations(f->loop, 2);
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    assert_recorded("made");
}

/* TR-11: after close() data is dropped without an error; the 5th such call and later ones warn. */
static void test_write_after_close_is_dropped_and_then_warned_of(struct fixture *f)
{
    const eddy_buffer line = {"x", 1};
    struct witness w;
    struct peer peer;
    int i;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy_transport_close(w.transport);
    for (i = 0; i < 4; i++)
        assert_int_equal(eddy_transport_write(w.transport, "x", 1), 0);
    assert_int_equal(logged(EDDY_LOG_WARNING, ""), 0);
    assert_int_equal(eddy_transport_write(w.transport, "x", 1), 0);
    assert_logged(EDDY_LOG_WARNING, "write");
    assert_int_equal(eddy_transport_writelines(w.transport, &line, 1), 0);
    assert_logged(EDDY_LOG_WARNING, "write");
    peer_expect_eof(&peer);
    assert_recorded("made", "lost:0");
}

/* TR-11: uniform, also while the closing transport still sends. */
static void test_write_while_close_is_sending_is_dropped(struct fixture *f)
{
    size_t written;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    eddy_transport_close(w.transport);
    assert_int_equal(eddy_transport_write(w.transport, "dropped", 7), 0);
    peer_check_filling(&peer, written);
    peer_expect_eof(&peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

static void release_and_record(void *text)
{
    record("%s", (const char *)text);
}

/* TR-23: write_owned() that the system takes at once releases at once. */
static void test_owned_data_is_released_when_sent_at_once(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_write_owned(w.transport, "mine", 4, release_and_record, "released"));
    peer_expect(&peer, "mine");
    assert_recorded("made", "released");
}

/* Memory whose end is told to the test. */
struct owned {
    char data[32];
    bool released;
};

static void release_owned(void *owned)
{
    struct owned *memory = owned;

    assert_false(memory->released);
    memory->released = true;
    memset(memory->data, 'X', sizeof memory->data);
}

/* TR-23: queued without copying, and kept until the last byte is sent. */
static void test_owned_data_is_kept_until_it_is_sent(struct fixture *f)
{
    static struct owned owned; /* the loop may release it when the test has given up */
    size_t written;
    struct witness w;
    struct peer peer;

    owned = (struct owned){.data = "owned data"};
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    must(eddy_transport_write_owned(w.transport, owned.data, 10, release_owned, &owned));
    must(write_text(w.transport, ", then more"));
    run_iterations(f->loop, 2);
    assert_false(owned.released);
    peer_check_filling(&peer, written);
    peer_expect(&peer, "owned data, then more");
    run_iterations(f->loop, 1);
    assert_true(owned.released);
    assert_recorded("made");
}

/* TR-11, TR-5: it is released when it is dropped, too, and when it is refused. */
static void test_owned_data_is_released_when_dropped_or_refused(struct fixture *f)
{
    static struct owned queued;
    struct owned refused = {.data = "r"}, dropped = {.data = "d"}, missing = {.data = "m"};
    struct witness w;
    struct peer peer;

    queued = (struct owned){.data = "q"};
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    fill_transport(w.transport);
    must(eddy_transport_write_owned(w.transport, queued.data, 1, release_owned, &queued));
    assert_int_equal(eddy_transport_write_owned(w.transport, NULL, 1, release_owned, &missing),
                     EDDY_EINVALID);
    assert_true(missing.released);
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    assert_int_equal(
        eddy_transport_write_owned(w.transport, refused.data, 1, release_owned, &refused),
        EDDY_EBADSTATE);
    assert_true(refused.released);
    assert_false(queued.released);
    eddy_transport_abort(w.transport);
    assert_int_equal(
        eddy_transport_write_owned(w.transport, dropped.data, 1, release_owned, &dropped), 0);
    assert_true(dropped.released);
    run_until(f->loop, &queued.released);
    assert_recorded("made", "lost:0");
}

/* The same memory, of which the program hears by what it does next. */
static void release_and_abort(void *transport)
{
    eddy_transport_abort(transport);
}

static void release_and_reset_limits(void *transport)
{
    must(eddy_transport_set_write_buffer_limits(transport, EDDY_DEFAULT_LIMIT, EDDY_DEFAULT_LIMIT));
}

/* TR-5: whoever gets memory back may abort, though more than that memory was sent. */
static void test_release_may_abort_what_is_half_sent(struct fixture *f)
{
    static char much[4 * 1024 * 1024];
    struct witness w;
    struct peer peer;
    size_t written;

    if (fixture_backend_is(f, "iocp"))
        skip(); /* what was submitted is sent whole */
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    must(eddy_transport_set_write_buffer_limits(w.transport, 2 * sizeof much, 0));
    written = fill_transport(w.transport);
    must(eddy_transport_write_owned(w.transport, "x", 1, release_and_abort, w.transport));
    must(eddy_transport_write(w.transport, much, sizeof much));
    peer_check_filling(&peer, written);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

/* TR-28: or set the marks, with nothing left to send. */
static void test_release_may_set_the_marks(struct fixture *f)
{
    struct witness w;
    struct peer peer;
    size_t written;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    written = fill_transport(w.transport);
    must(eddy_transport_write_owned(w.transport, "x", 1, release_and_reset_limits, w.transport));
    peer_check_filling(&peer, written);
    peer_expect(&peer, "x");
    run_iterations(f->loop, 1);
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    fill_transport(w.transport);
    must(eddy_transport_write_owned(w.transport, "x", 1, release_and_reset_limits, w.transport));
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_write_sends_at_once_and_keeps_nothing),
        TEST(test_queued_data_is_a_copy),
        TEST(test_empty_write_touches_nothing),
        TEST(test_write_without_data_is_invalid),
        TEST(test_writes_arrive_in_order),
        TEST(test_writelines_is_one_write),
        TEST(test_writelines_of_more_than_one_call_takes),
        TEST(test_writelines_applies_flow_control_once),
        TEST(test_write_buffer_size_counts_what_is_queued),
        TEST(test_write_after_close_is_dropped_and_then_warned_of),
        TEST(test_write_while_close_is_sending_is_dropped),
        TEST(test_owned_data_is_released_when_sent_at_once),
        TEST(test_owned_data_is_kept_until_it_is_sent),
        TEST(test_owned_data_is_released_when_dropped_or_refused),
        TEST(test_release_may_abort_what_is_half_sent),
        TEST(test_release_may_set_the_marks),
    };

    return run_suite("stream_write", tests);
}

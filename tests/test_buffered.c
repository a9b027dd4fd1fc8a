/* SPDX-License-Identifier: MIT */
/* Buffered protocols: TR-45..TR-48, and their part of TR-39. */
#include "common/stream.h"
#include "common/stream_parts.h"
#include "support/support.h"
#include "support/sweep.h"
#include <string.h>

/* TR-39, TR-45, TR-46: asked for memory before each read, told how much of it is filled. */
static void test_buffered_protocol_gets_data_in_its_own_memory(struct fixture *f)
{
    char buffer[64];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    connect_peer(f, &w, &peer);
    peer_send(&peer, "hello");
    run_until_recorded(f->loop, "updated:5");
    assert_memory_equal(buffer, "hello", 5);
    assert_true(w.counts[WITNESS_GET_BUFFER] >= 1);
    assert_true(w.size_hint == -1 || w.size_hint >= 5);
    peer_send(&peer, "again!");
    run_until_recorded(f->loop, "updated:6");
    assert_memory_equal(buffer, "again!", 6);
    assert_true(w.counts[WITNESS_GET_BUFFER] >= 2);
    assert_recorded("made", "updated:5", "updated:6");
}

/* TR-46: the end of the stream is eof_received(), never an update of 0 bytes. */
static void test_buffered_protocol_hears_of_eof(struct fixture *f)
{
    char buffer[64];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    connect_peer(f, &w, &peer);
    peer_send(&peer, "bye");
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "updated:3", "eof", "lost:0");
}

/* TR-19 for buffered protocols: answered with 1. */
static void test_buffered_protocol_may_keep_the_connection_after_eof(struct fixture *f)
{
    char buffer[64];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    w.results[WITNESS_EOF] = 1;
    connect_peer(f, &w, &peer);
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "eof");
    must(write_text(w.transport, "still"));
    peer_expect(&peer, "still");
    assert_recorded("made", "eof");
}

/* TR-45..TR-47: 9 KiB through buffers of 1, 2, 100, exactly 9 KiB, and more. */
static void test_any_size_of_buffer_gets_everything(struct fixture *f)
{
    enum { SIZE = 9 * 1024 };
    static char data[SIZE], buffer[SIZE + 1];
    size_t size = (size_t)sweep_fewer(SIZE), i, at;
    size_t sizes[] = {1, 2, 100, size, size + 1};

    for (at = 0; at < SIZE; at++)
        data[at] = (char)('a' + at % 26);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct witness w;
        struct peer peer;

        witness_init_buffered(&w, NULL, buffer, sizes[i]);
        w.quiet = true;
        connect_peer(f, &w, &peer);
        peer_send_bytes(&peer, data, size);
        peer_shutdown(&peer);
        run_until_recorded(f->loop, "lost:0");
        assert_int_equal(w.received, size);
        assert_memory_equal(w.text, data, size < sizeof w.text ? size : sizeof w.text - 1);
        assert_true(w.counts[WITNESS_UPDATED] >= size / sizes[i]);
        assert_recorded("made", "eof", "lost:0");
        peer_close(&peer);
    }
}

/* TR-45, TR-26: no room is fatal. */
static void test_empty_buffer_is_fatal(struct fixture *f)
{
    char buffer[1];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, 0);
    connect_peer(f, &w, &peer);
    peer_send(&peer, "x");
    run_until_recorded(f->loop, "lost:EDDY_EINVALID");
    assert_ptr_equal(assert_reported("get_buffer", EDDY_EINVALID)->protocol, &w.protocol);
    assert_recorded("made", "lost:EDDY_EINVALID");
}

/* TR-45, TR-26: a failing get_buffer(), and a failing buffer_updated(). */
static void test_failing_buffer_callbacks_are_fatal(struct fixture *f)
{
    char buffer[8];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    w.results[WITNESS_GET_BUFFER] = EDDY_EUSER - 1;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "x");
    run_until_recorded(f->loop, "lost:EDDY_E?");
    assert_int_equal(w.error, EDDY_EUSER - 1);
    assert_reported("get_buffer", EDDY_EUSER - 1);
    assert_recorded("made", "lost:EDDY_E?");
    peer_close(&peer);

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    w.results[WITNESS_UPDATED] = EDDY_EUSER - 2;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "x");
    run_until_recorded(f->loop, "lost:EDDY_E?");
    assert_int_equal(w.error, EDDY_EUSER - 2);
    assert_reported("buffer_updated", EDDY_EUSER - 2);
    assert_recorded("made", "updated:1", "lost:EDDY_E?");
}

/* What to do when asked for a buffer. */
static int end_in_get_buffer(struct witness *w, enum witness_event event)
{
    void (*end)(eddy_transport * transport) = *(void (**)(eddy_transport *))w->arg;

    if (event == WITNESS_GET_BUFFER)
        end(w->transport);
    return 0;
}

/* TR-45, table of section 8: get_buffer() that closes or aborts gets no data any more. */
static void test_end_in_get_buffer_reads_nothing(struct fixture *f)
{
    static void (*const ends[])(eddy_transport *) = {eddy_transport_close, eddy_transport_abort};
    size_t i;

    for (i = 0; i < 2; i++) {
        char buffer[8];
        void (*end)(eddy_transport *) = ends[i];
        struct witness w;
        struct peer peer;

        witness_init_buffered(&w, NULL, buffer, sizeof buffer);
        w.script = end_in_get_buffer;
        w.arg = &end;
        connect_peer(f, &w, &peer);
        peer_send(&peer, "x");
        run_until_recorded(f->loop, "lost:0");
        assert_recorded("made", "lost:0");
        peer_close(&peer);
    }
}

static int pause_in_get_buffer(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_GET_BUFFER)
        eddy_transport_pause_reading(w->transport);
    return 0;
}

/* Section 8 (c): pausing in get_buffer() takes effect after the read in progress. */
static void test_pause_in_get_buffer_still_delivers_this_read(struct fixture *f)
{
    char buffer[8];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    w.script = pause_in_get_buffer;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "one");
    run_until_recorded(f->loop, "updated:3");
    peer_send(&peer, "two");
    run_iterations(f->loop, 5);
    assert_recorded("made", "updated:3");
    assert_false(eddy_transport_is_reading(w.transport));
}

static int write_in_get_buffer(struct witness *w, enum witness_event event)
{
    return event == WITNESS_GET_BUFFER && w->counts[WITNESS_GET_BUFFER] == 1
               ? write_text(w->transport, "from get_buffer")
               : 0;
}

/* Table of section 8: get_buffer() may write. */
static void test_get_buffer_may_write(struct fixture *f)
{
    char buffer[8];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    w.script = write_in_get_buffer;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "x");
    run_until_recorded(f->loop, "updated:1");
    peer_expect(&peer, "from get_buffer");
    assert_recorded("made", "updated:1");
}

static int switch_after_update(struct witness *w, enum witness_event event)
{
    struct witness *next = w->arg;

    if (event != WITNESS_UPDATED)
        return 0;
    next->transport = w->transport;
    return eddy_transport_set_protocol(w->transport, &next->protocol);
}

/* TR-10: a buffered protocol is swapped for a plain one between two reads. */
static void test_buffered_protocol_is_swapped_for_a_plain_one(struct fixture *f)
{
    char buffer[8];
    struct witness buffered, plain;
    struct peer peer;

    witness_init_buffered(&buffered, "buffered", buffer, sizeof buffer);
    witness_init(&plain, "plain");
    buffered.script = switch_after_update;
    buffered.arg = &plain;
    connect_peer(f, &buffered, &peer);
    peer_send(&peer, "one");
    run_until_recorded(f->loop, "buffered.updated:3");
    peer_send(&peer, "two");
    run_until_recorded(f->loop, "plain.data:two");
    assert_recorded("buffered.made", "buffered.updated:3", "plain.data:two");
}

static int close_on_second_update(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_UPDATED && w->counts[WITNESS_UPDATED] == 2)
        eddy_transport_close(w->transport);
    return 0;
}

/* Hand data to the transport as a backend does that received into memory of its own. */
static void feed(struct witness *w, const char *data)
{
    struct eddy__stream *stream = stream_of(w->transport);

    stream->channel.events->on_received(&stream->channel, data, strlen(data));
}

/* TR-47: data that is here already is fed piecewise, with the rest as the hint. */
static void test_data_from_inside_is_fed_piecewise(struct fixture *f)
{
    char buffer[4];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    connect_peer(f, &w, &peer);
    feed(&w, "0123456789");
    assert_recorded("made", "updated:4", "updated:4", "updated:2");
    assert_string_equal(w.text, "0123456789");
    assert_int_equal(w.size_hint, 2);
}

/* TR-47, TR-4: and no further once the protocol has closed. */
static void test_feeding_ends_with_the_transport(struct fixture *f)
{
    char buffer[4];
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    w.script = close_on_second_update;
    connect_peer(f, &w, &peer);
    feed(&w, "0123456789");
    run_iterations(f->loop, 2);
    assert_recorded("made", "updated:4", "updated:4", "lost:0");
}

/* TR-48: after connection_lost() the memory is the protocol's own: nobody writes to it. */
static void test_buffer_is_free_after_connection_lost(struct fixture *f)
{
    char buffer[16] = "untouched";
    struct witness w;
    struct peer peer;

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    connect_peer(f, &w, &peer);
    run_iterations(f->loop, 2);
    eddy_transport_abort(w.transport);
    peer_send(&peer, "too late");
    run_until_recorded(f->loop, "lost:0");
    run_iterations(f->loop, 3);
    assert_string_equal(buffer, "untouched");
    assert_recorded("made", "lost:0");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_buffered_protocol_gets_data_in_its_own_memory),
        TEST(test_buffered_protocol_hears_of_eof),
        TEST(test_buffered_protocol_may_keep_the_connection_after_eof),
        TEST(test_any_size_of_buffer_gets_everything),
        TEST(test_empty_buffer_is_fatal),
        TEST(test_failing_buffer_callbacks_are_fatal),
        TEST(test_end_in_get_buffer_reads_nothing),
        TEST(test_pause_in_get_buffer_still_delivers_this_read),
        TEST(test_get_buffer_may_write),
        TEST(test_buffered_protocol_is_swapped_for_a_plain_one),
        TEST(test_data_from_inside_is_fed_piecewise),
        TEST(test_feeding_ends_with_the_transport),
        TEST(test_buffer_is_free_after_connection_lost),
    };

    return run_suite("buffered", tests);
}

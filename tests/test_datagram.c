/* SPDX-License-Identifier: MIT */
/* Datagram transports: TR-33..TR-38, TR-3..TR-11 as far as they are theirs. */
#include "common/loop.h"
#include "support/datagram.h"
#include "support/support.h"
#include "support/sweep.h"
#include <string.h>

/* TR-33, TR-35: there with the sender's address, and back to it. */
static void test_datagrams_travel_both_ways(struct fixture *f)
{
    struct witness s, c;
    eddy_address client;

    open_endpoint_pair(f, &s, &c);
    client = endpoint_address(c.transport);
    must(send_datagram(c.transport, "ping", NULL));
    run_until_recorded(f->loop, "s.datagram:ping");
    assert_true(eddy_address_equal(&s.from, &client));
    must(send_datagram(s.transport, "pong", &s.from));
    run_until_recorded(f->loop, "c.datagram:pong");
    assert_recorded("s.datagram:ping", "c.datagram:pong");
}

/* TR-33, TR-35: an empty datagram is one. */
static void test_empty_datagram_is_sent_and_delivered(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    must(eddy_transport_sendto(c.transport, NULL, 0, NULL));
    must(send_datagram(c.transport, "next", NULL));
    run_until_recorded(f->loop, "s.datagram:next");
    assert_recorded("s.datagram:", "s.datagram:next");
}

/* TR-33: with a remote address, only none or that one. */
static void test_another_address_is_refused_on_a_connected_endpoint(struct fixture *f)
{
    struct witness s, c;
    eddy_address address, other;

    open_endpoint_pair(f, &s, &c);
    address = endpoint_address(s.transport);
    must(eddy_address_parse("127.0.0.1", 9, &other));
    assert_int_equal(send_datagram(c.transport, "no", &other), EDDY_EINVALID);
    assert_non_null(strstr(eddy_error_text(), "127.0.0.1:"));
    must(send_datagram(c.transport, "yes", &address));
    run_until_recorded(f->loop, "s.datagram:yes");
    assert_recorded("s.datagram:yes");
}

/* TR-33: without one, an address is needed; and there has to be data. */
static void test_missing_address_or_data_is_refused(struct fixture *f)
{
    struct witness s;
    eddy_address address;

    witness_init(&s, NULL);
    bind_endpoint(f, &s, &address);
    assert_int_equal(send_datagram(s.transport, "where", NULL), EDDY_EINVALID);
    assert_int_equal(eddy_transport_sendto(s.transport, NULL, 1, &address), EDDY_EINVALID);
    assert_int_equal(eddy_transport_sendto_many(s.transport, NULL, 1), EDDY_EINVALID);
    assert_recorded("made");
}

/* TR-1: what a datagram transport has not, and what only it has. */
static void test_other_kinds_of_calls_are_not_supported(struct fixture *f)
{
    struct witness s, stream;
    struct peer peer;
    eddy_address address;

    witness_init(&s, NULL);
    bind_endpoint(f, &s, &address);
    assert_int_equal(eddy_transport_write(s.transport, "x", 1), EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_transport_write_eof(s.transport), EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_transport_pause_reading(s.transport), EDDY_ENOTSUPPORTED);
    assert_false(eddy_transport_can_write_eof(s.transport));
    witness_init(&stream, NULL);
    connect_peer(f, &stream, &peer);
    assert_int_equal(send_datagram(stream.transport, "x", &address), EDDY_ENOTSUPPORTED);
    assert_recorded("made", "made");
}

/* TR-33: many in one call, whole and in order; the first bad one ends it. */
static void test_many_datagrams_in_one_call(struct fixture *f)
{
    const eddy_outgoing_datagram list[] = {{"1", 1, NULL}, {"22", 2, NULL}, {"", 0, NULL}};
    eddy_outgoing_datagram bad[] = {{"4", 1, NULL}, {NULL, 4, NULL}};
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    assert_int_equal(eddy_transport_sendto_many(c.transport, list, 3), 3);
    assert_int_equal(eddy_transport_sendto_many(c.transport, bad, 2), 1);
    assert_int_equal(eddy_transport_sendto_many(c.transport, bad + 1, 1), EDDY_EINVALID);
    assert_int_equal(eddy_transport_sendto_many(c.transport, list, 0), 0);
    run_until_recorded(f->loop, "s.datagram:4");
    assert_recorded("s.datagram:1", "s.datagram:22", "s.datagram:", "s.datagram:4");
}

/* TR-33, TR-36: queued whole and in order; payload and eight bytes each, given back exactly. */
static void test_queue_counts_payload_and_overhead(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    hold_sending(f);
    must(send_datagram(c.transport, "one", NULL));
    assert_int_equal(eddy_transport_get_write_buffer_size(c.transport), 3 + 8);
    must(send_datagram(c.transport, "", NULL));
    must(send_datagram(c.transport, "three", NULL));
    assert_int_equal(eddy_transport_get_write_buffer_size(c.transport), 8 + 3 * 8);
    run_iterations(f->loop, 3);
    assert_int_equal(eddy_transport_get_write_buffer_size(c.transport), 8 + 3 * 8);
    release_sending(f);
    run_until_recorded(f->loop, "s.datagram:three");
    assert_int_equal(eddy_transport_get_write_buffer_size(c.transport), 0);
    assert_recorded("s.datagram:one", "s.datagram:", "s.datagram:three");
}

/* A system that calls a socket writable and then takes nothing is asked again now and then. */
static void test_untrue_readiness_does_not_spin(struct fixture *f)
{
    struct witness s, c;
    struct spy *spy;
    size_t allocated, spans;

    open_endpoint_pair(f, &s, &c);
    hold_sending(f);
    must(send_datagram(c.transport, "x", NULL));
    run_for(f->loop, EDDY_MILLISECONDS(1)); /* allocates what a run does the first time */
    allocated = allocations_made();
    spy = spy_begin(f->loop);
    run_iterations(f->loop, 3);
    for (spans = 0; spans < 100 && spy->waits < 3 + 5; spans++)
        run_for(f->loop, EDDY_MILLISECONDS(100));
    assert_in_range(spy->waits, 3 + 5, 3 + spans * 50);
    /* Asking again needs no memory; each run may, where tasks are threads. */
    assert_in_range(allocations_made() - allocated, 0, 3 + spans);
    spy_end();
    release_sending(f);
    run_until_recorded(f->loop, "s.datagram:x");
    assert_recorded("s.datagram:x");
}

/* TR-33: the program's memory is its own again at once. */
static void test_queued_data_is_copied(struct fixture *f)
{
    struct witness s, c;
    char text[] = "before";

    open_endpoint_pair(f, &s, &c);
    hold_sending(f);
    must(eddy_transport_sendto(c.transport, text, 6, NULL));
    memcpy(text, "after!", 6);
    release_sending(f);
    run_until_recorded(f->loop, "s.datagram:before");
    assert_recorded("s.datagram:before");
}

/* TR-36, TR-28..TR-31: marks as on streams, the overhead counted. */
static void test_flow_control_pauses_and_resumes(struct fixture *f)
{
    struct witness s, c;
    size_t low, high;

    open_endpoint_pair(f, &s, &c);
    eddy_transport_get_write_buffer_limits(c.transport, &low, &high);
    assert_int_equal(low, 16 * 1024);
    assert_int_equal(high, 64 * 1024);
    must(eddy_transport_set_write_buffer_limits(c.transport, 24, 8));
    hold_sending(f);
    must(send_datagram(c.transport, "1234", NULL));
    must(send_datagram(c.transport, "1234", NULL));
    assert_nothing_recorded();
    must(send_datagram(c.transport, "x", NULL));
    assert_recorded("c.pause");
    release_sending(f);
    run_until_recorded(f->loop, "s.datagram:x");
    assert_recorded("c.resume", "s.datagram:1234", "s.datagram:1234", "s.datagram:x");
    assert_int_equal(eddy_transport_set_write_buffer_limits(c.transport, 1, 2), EDDY_EINVALID);
}

/* TR-34: at once: error_received() from inside, the datagram is gone, the transport goes on. */
static void test_error_of_an_immediate_send(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    fail_sending(f, EDDY_ENETUNREACH, 1);
    must(send_datagram(c.transport, "gone", NULL));
    assert_recorded("c.error:EDDY_ENETUNREACH");
    must(send_datagram(c.transport, "there", NULL));
    run_until_recorded(f->loop, "s.datagram:there");
    assert_recorded("s.datagram:there");
}

/* TR-34: from the queue: the failing one is gone, the rest follows, the size is right. */
static void test_error_of_a_queued_send(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    hold_sending(f);
    must(send_datagram(c.transport, "gone", NULL));
    must(send_datagram(c.transport, "there", NULL));
    fail_sending(f, EDDY_ENETUNREACH, 1);
    release_sending(f);
    run_until_recorded(f->loop, "s.datagram:there");
    assert_recorded("c.error:EDDY_ENETUNREACH", "s.datagram:there");
    assert_int_equal(eddy_transport_get_write_buffer_size(c.transport), 0);
}

/* TR-34, TR-38: a failing receive never ends the reading. */
static void test_error_of_a_receive(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    fail_receiving(f, EDDY_ECONNRESET);
    must(send_datagram(c.transport, "after it", NULL));
    run_until_recorded(f->loop, "s.datagram:after it");
    assert_recorded("s.error:EDDY_ECONNRESET", "s.datagram:after it");
}

/* TR-34: a socket that is none any more is the end. */
static void test_invalid_descriptor_is_fatal(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    fail_receiving(f, EDDY_EBADF);
    must(send_datagram(c.transport, "x", NULL));
    run_until_recorded(f->loop, "s.lost:EDDY_EBADF");
    assert_recorded("s.lost:EDDY_EBADF");
}

/* TR-34: what the network answers about a datagram that reached nobody. */
static void test_refused_datagram_is_told_and_the_transport_goes_on(struct fixture *f)
{
    struct witness s, c;
    eddy_address address;

    if (fixture_backend_is(f, "iocp"))
        skip(); /* wine never hears of it */
    open_endpoint_pair(f, &s, &c);
    address = endpoint_address(s.transport);
    close_endpoint(f, &s);
    must(send_datagram(c.transport, "anybody?", NULL));
    run_until_recorded(f->loop, "c.error:EDDY_ECONNREFUSED");
    assert_false(eddy_transport_is_closing(c.transport));
    recorder_reset();
    {
        const eddy_datagram_options options = {
            .local_host = "127.0.0.1",
            .local_port = eddy_address_port(&address),
        };

        witness_init(&s, "s");
        open_endpoint(f, &s, &options);
    }
    must(send_datagram(c.transport, "again", NULL));
    run_until_recorded(f->loop, "s.datagram:again");
    assert_recorded("s.made", "s.datagram:again");
}

/* TR-34: too large for the network. */
static void test_datagram_too_large_is_an_error(struct fixture *f)
{
    static char large[70000];
    struct witness s, c;
    int turn;

    open_endpoint_pair(f, &s, &c);
    must(eddy_transport_sendto(c.transport, large, sizeof large, NULL));
    run_until_recorded(f->loop, "c.error:EDDY_EMSGSIZE");
    must(eddy_transport_sendto(c.transport, large, 60000, NULL));
    s.quiet = true;
    for (turn = 0; turn < 1000 && s.received == 0; turn++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(s.received, 60000);
    assert_recorded("c.error:EDDY_EMSGSIZE");
}

/* TR-35: failing callbacks are reported, and that is all. */
static void test_failing_callbacks_are_only_reported(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    s.results[WITNESS_DATAGRAM] = EDDY_EFAILED;
    must(send_datagram(c.transport, "1", NULL));
    must(send_datagram(c.transport, "2", NULL));
    run_until_recorded(f->loop, "s.datagram:2");
    assert_reported("datagram_received", EDDY_EFAILED);
    assert_reported("datagram_received", EDDY_EFAILED);
    c.results[WITNESS_ERROR] = EDDY_EFAILED;
    fail_sending(f, EDDY_ENOBUFS, 1);
    must(send_datagram(c.transport, "3", NULL));
    assert_reported("error_received", EDDY_EFAILED);
    assert_false(eddy_transport_is_closing(s.transport));
}

/* TR-37: close() sends what is queued, then the end; nothing is received from then on. */
static void test_close_sends_the_queue_first(struct fixture *f)
{
    struct witness s, c;
    eddy_address client;

    open_endpoint_pair(f, &s, &c);
    client = endpoint_address(c.transport);
    hold_sending(f);
    must(send_datagram(c.transport, "1", NULL));
    must(send_datagram(c.transport, "2", NULL));
    eddy_transport_close(c.transport);
    eddy_transport_close(c.transport);
    assert_true(eddy_transport_is_closing(c.transport));
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
    release_sending(f);
    must(send_datagram(s.transport, "too late", &client));
    run_until_recorded(f->loop, "s.datagram:2");
    run_until_recorded(f->loop, "c.lost:0");
    assert_int_equal(recorded("s.datagram:1"), 1);
    assert_int_equal(recorded("c.datagram:too late"), 0);
}

/* TR-5, TR-37: abort() drops the queue, after close() too; once. */
static void test_abort_drops_the_queue(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    hold_sending(f);
    must(send_datagram(c.transport, "1", NULL));
    eddy_transport_close(c.transport);
    eddy_transport_abort(c.transport);
    eddy_transport_abort(c.transport);
    assert_int_equal(eddy_transport_get_write_buffer_size(c.transport), 0);
    assert_nothing_recorded();
    run_iterations(f->loop, 2);
    release_sending(f);
    run_iterations(f->loop, 3);
    assert_recorded("c.lost:0");
}

/* TR-4: with nothing queued the end comes in the next iteration, not inside close(). */
static void test_close_without_output_ends_in_the_next_iteration(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    eddy_transport_close(c.transport);
    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("c.lost:0");
}

/* TR-8, TR-11, TR-37: afterwards all is harmless; what is sent is dropped, later with a warning. */
static void test_sending_after_the_end_is_dropped(struct fixture *f)
{
    struct witness s, c;
    eddy_transport *transport;
    eddy_address address;
    eddy_value value;
    int i;

    open_endpoint_pair(f, &s, &c);
    address = endpoint_address(s.transport);
    transport = eddy_transport_ref(c.transport);
    close_endpoint(f, &c);
    for (i = 0; i < 4; i++)
        assert_int_equal(send_datagram(transport, "x", NULL), 0);
    assert_int_equal(logged(EDDY_LOG_WARNING, "write to a transport"), 0);
    assert_int_equal(send_datagram(transport, "x", &address), 0);
    assert_logged(EDDY_LOG_WARNING, "write to a transport");
    eddy_transport_close(transport);
    eddy_transport_abort(transport);
    assert_null(eddy_transport_get_protocol(transport));
    assert_int_equal(eddy_transport_get_write_buffer_size(transport), 0);
    assert_true(eddy_transport_get_extra_info(transport, "peername", &value));
    assert_true(eddy_address_equal(value.address, &address));
    assert_true(eddy_transport_get_extra_info(transport, "socket", &value));
    assert_int_equal(eddy_socket_view_fileno(value.socket_view), EDDY_NO_SOCKET);
    eddy_transport_unref(transport);
    run_iterations(f->loop, 3);
    assert_recorded("c.lost:0");
}

/* TR-9: names of a connected and of an unconnected endpoint. */
static void test_extra_info(struct fixture *f)
{
    struct witness s, c;
    eddy_address server;
    eddy_value value = {.integer = 5};

    open_endpoint_pair(f, &s, &c);
    server = endpoint_address(s.transport);
    assert_false(eddy_transport_get_extra_info(s.transport, "peername", &value));
    assert_int_equal(value.integer, 5);
    assert_true(eddy_transport_get_extra_info(c.transport, "peername", &value));
    assert_true(eddy_address_equal(value.address, &server));
    assert_true(eddy_transport_get_extra_info(c.transport, "socket", &value));
    assert_int_equal(eddy_socket_view_type(value.socket_view), EDDY_DGRAM);
}

static int close_at_first(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATAGRAM)
        eddy_transport_close(w->transport);
    return 0;
}

/* TR-4: closed within a batch: no further datagram of it comes. */
static void test_close_in_datagram_received_stops_the_batch(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    s.script = close_at_first;
    must(send_datagram(c.transport, "1", NULL));
    must(send_datagram(c.transport, "2", NULL));
    must(send_datagram(c.transport, "3", NULL));
    run_until_recorded(f->loop, "s.lost:0");
    assert_recorded("s.datagram:1", "s.lost:0");
}

static int abort_at_error(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_ERROR)
        eddy_transport_abort(w->transport);
    return 0;
}

/* TR-34, TR-44: the transport may be ended from inside sendto(). */
static void test_abort_in_error_received(struct fixture *f)
{
    const eddy_outgoing_datagram list[] = {{"1", 1, NULL}, {"2", 1, NULL}, {"3", 1, NULL}};
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    c.script = abort_at_error;
    fail_sending(f, EDDY_ENOBUFS, 3);
    assert_int_equal(eddy_transport_sendto_many(c.transport, list, 3), 3);
    assert_recorded("c.error:EDDY_ENOBUFS");
    run_iterations(f->loop, 2);
    assert_recorded("c.lost:0");
}

static int answer(struct witness *w, enum witness_event event)
{
    return event == WITNESS_DATAGRAM ? send_datagram(w->transport, "echo", &w->from) : 0;
}

/* TR-35: a thousand in flight, each its own callback, in order; echoed while they come. */
static void test_a_thousand_datagrams_in_flight(struct fixture *f)
{
    struct witness s, c;
    eddy_value value;
    int i, count = sweep_fewer(1000);

    open_endpoint_pair(f, &s, &c);
    assert_true(eddy_transport_get_extra_info(s.transport, "socket", &value));
    eddy_socket_view_set_option(value.socket_view, EDDY_SOCKET_RECEIVE_BUFFER, 1 << 20);
    assert_true(eddy_transport_get_extra_info(c.transport, "socket", &value));
    eddy_socket_view_set_option(value.socket_view, EDDY_SOCKET_RECEIVE_BUFFER, 1 << 20);
    s.quiet = c.quiet = true;
    s.script = answer;
    for (i = 0; i < count; i++) {
        must(send_datagram(c.transport, "0123", NULL));
        if (i % 100 == 99)
            run_iterations(f->loop, 3); /* so that no default buffer overflows */
    }
    for (i = 0; i < 1000 && c.counts[WITNESS_DATAGRAM] < (size_t)count; i++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(s.counts[WITNESS_DATAGRAM], count);
    assert_int_equal(s.received, count * 4);
    assert_int_equal(c.counts[WITNESS_DATAGRAM], count);
}

/* LOOP-17: a loop that closes over an endpoint lets go of it silently, queue and all. */
static void test_closing_loop_lets_go(struct fixture *f)
{
    struct witness s, c;

    open_endpoint_pair(f, &s, &c);
    hold_sending(f);
    must(send_datagram(c.transport, "x", NULL));
    must(eddy_loop_close(f->loop));
    assert_nothing_recorded();
}

/* TR-10: the next callback goes to the new protocol. */
static void test_protocol_may_change(struct fixture *f)
{
    struct witness s, c, other;

    open_endpoint_pair(f, &s, &c);
    witness_init(&other, "other");
    must(eddy_transport_set_protocol(s.transport, &other.protocol));
    must(send_datagram(c.transport, "x", NULL));
    run_until_recorded(f->loop, "other.datagram:x");
    assert_recorded("other.datagram:x");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_datagrams_travel_both_ways),
        TEST(test_empty_datagram_is_sent_and_delivered),
        TEST(test_another_address_is_refused_on_a_connected_endpoint),
        TEST(test_missing_address_or_data_is_refused),
        TEST(test_other_kinds_of_calls_are_not_supported),
        TEST(test_many_datagrams_in_one_call),
        TEST(test_queue_counts_payload_and_overhead),
        TEST(test_untrue_readiness_does_not_spin),
        TEST(test_queued_data_is_copied),
        TEST(test_flow_control_pauses_and_resumes),
        TEST(test_error_of_an_immediate_send),
        TEST(test_error_of_a_queued_send),
        TEST(test_error_of_a_receive),
        TEST(test_invalid_descriptor_is_fatal),
        TEST(test_refused_datagram_is_told_and_the_transport_goes_on),
        TEST(test_datagram_too_large_is_an_error),
        TEST(test_failing_callbacks_are_only_reported),
        TEST(test_close_sends_the_queue_first),
        TEST(test_abort_drops_the_queue),
        TEST(test_close_without_output_ends_in_the_next_iteration),
        TEST(test_sending_after_the_end_is_dropped),
        TEST(test_extra_info),
        TEST(test_close_in_datagram_received_stops_the_batch),
        TEST(test_abort_in_error_received),
        TEST(test_a_thousand_datagrams_in_flight),
        TEST(test_closing_loop_lets_go),
        TEST(test_protocol_may_change),
    };

    return run_suite("datagram", tests);
}

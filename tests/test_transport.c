/* SPDX-License-Identifier: MIT */
/* What every stream transport is and knows: TR-1..TR-3, TR-8..TR-10, TR-12, TR-39..TR-44, TR-52. */
#include "support/support.h"
#include <string.h>

/* What the future of a creating call is awaited with: it records that it is done. */
static int on_created(eddy_future *future, void *arg)
{
    (void)arg;
    record(eddy_future_exception(future) == 0 ? "created" : "not created");
    return 0;
}

/* TR-2, TR-39: connection_made() first, then reading, then the creating call completes. */
static void test_connection_made_comes_before_the_creating_call_completes(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_connection_options options = {.sock = &sockets[0]};
    eddy_future *future;
    struct witness w;
    struct peer peer = {.f = f};

    witness_init(&w, NULL);
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    peer.socket = sockets[1];
    peer_send(&peer, "early");
    future = eddy_loop_create_connection(f->loop, witness_factory, &w, NULL, 0, &options);
    if (eddy_future_done(future)) {
        eddy_future_unref(future);
        eddy_socket_close(sockets[0]);
        give_up_if(true);
    }
    if (eddy_future_add_done_callback(future, on_created, NULL) != 0) {
        eddy_future_unref(future);
        give_up_if(true);
    }
    assert_nothing_recorded();
    run_until_recorded(f->loop, "created");
    run_until_recorded(f->loop, "data:early");
    assert_recorded("made", "created", "data:early");
    eddy_future_unref(future);
}

/* TR-2: a creation that nobody waits for. */
static void test_creation_without_anyone_waiting(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_connection_options options = {.sock = &sockets[0]};
    eddy_future *future;
    struct witness w;
    int error;

    witness_init(&w, NULL);
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    future = eddy_loop_create_connection(f->loop, witness_factory, &w, NULL, 0, &options);
    error = eddy_future_done(future) ? eddy_future_exception(future) : 0;
    eddy_future_unref(future);
    if (error != 0)
        eddy_socket_close(sockets[0]);
    must(error);
    run_iterations(f->loop, 5);
    /* Nobody took the result: its disposer has closed the connection, or it lives on. */
    assert_true(recorded("made") <= 1);
    if (recorded("made") == 1 && w.transport != NULL)
        eddy_transport_abort(w.transport);
    run_iterations(f->loop, 2);
    assert_int_equal(recorded("made"), recorded("lost:0"));
}

/* TR-1: what a stream offers, and whose it is. */
static void test_stream_offers_everything_of_its_kind(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_ptr_equal(eddy_transport_get_loop(w.transport), f->loop);
    assert_ptr_equal(eddy_transport_get_protocol(w.transport), &w.protocol);
    assert_true(eddy_transport_can_write_eof(w.transport));
    assert_true(eddy_transport_is_reading(w.transport));
    assert_false(eddy_transport_is_closing(w.transport));
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    assert_recorded("made");
}

/* TR-1: exactly one protocol, always. */
static void test_set_protocol_needs_a_protocol(struct fixture *f)
{
    eddy_protocol without = {.callbacks = NULL};
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_int_equal(eddy_transport_set_protocol(w.transport, NULL), EDDY_EINVALID);
    assert_int_equal(eddy_transport_set_protocol(w.transport, &without), EDDY_EINVALID);
    assert_ptr_equal(eddy_transport_get_protocol(w.transport), &w.protocol);
    assert_recorded("made");
}

/* TR-10: takes effect for the next callback and calls nothing. */
static void test_set_protocol_takes_effect_for_the_next_callback(struct fixture *f)
{
    struct witness first, second;
    struct peer peer;

    witness_init(&first, "first");
    witness_init(&second, "second");
    connect_peer(f, &first, &peer);
    must(eddy_transport_set_protocol(first.transport, &second.protocol));
    assert_ptr_equal(eddy_transport_get_protocol(first.transport), &second.protocol);
    assert_recorded("first.made");
    peer_send(&peer, "hi");
    run_until_recorded(f->loop, "second.data:hi");
    peer_close(&peer);
    run_until_recorded(f->loop, "second.lost:0");
    assert_recorded("second.data:hi", "second.eof", "second.lost:0");
}

static int switch_on_data(struct witness *w, enum witness_event event)
{
    struct witness *next = w->arg;

    if (event != WITNESS_DATA)
        return 0;
    next->transport = w->transport;
    return eddy_transport_set_protocol(w->transport, &next->protocol);
}

/* TR-10: a plain protocol is swapped for a buffered one between two reads. */
static void test_plain_protocol_is_swapped_for_a_buffered_one(struct fixture *f)
{
    struct witness plain, buffered;
    struct peer peer;
    char buffer[16];

    witness_init(&plain, "plain");
    witness_init_buffered(&buffered, "buffered", buffer, sizeof buffer);
    plain.script = switch_on_data;
    plain.arg = &buffered;
    connect_peer(f, &plain, &peer);
    peer_send(&peer, "one");
    run_until_recorded(f->loop, "plain.data:one");
    peer_send(&peer, "two");
    run_until_recorded(f->loop, "buffered.updated:3");
    assert_string_equal(buffered.text, "two");
    eddy_transport_close(buffered.transport);
    run_until_recorded(f->loop, "buffered.lost:0");
    assert_recorded("plain.made", "plain.data:one", "buffered.updated:3", "buffered.lost:0");
}

/* TR-10: the protocol is gone after connection_lost(). */
static void test_lost_transport_has_no_protocol(struct fixture *f)
{
    eddy_transport *transport;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    transport = eddy_transport_ref(w.transport);
    eddy_transport_abort(transport);
    assert_ptr_equal(eddy_transport_get_protocol(transport), &w.protocol);
    run_iterations(f->loop, 2);
    assert_null(eddy_transport_get_protocol(transport));
    eddy_transport_unref(transport);
    assert_recorded("made", "lost:0");
}

/* TR-8: after connection_lost() every method is harmless. */
static void test_lost_transport_is_inert(struct fixture *f)
{
    const eddy_buffer line = {"x", 1};
    eddy_transport *transport;
    eddy_value value = {0};
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    transport = eddy_transport_ref(w.transport);
    eddy_transport_close(transport);
    run_until_recorded(f->loop, "lost:0");
    eddy_transport_close(transport);
    eddy_transport_abort(transport);
    assert_int_equal(eddy_transport_pause_reading(transport), 0);
    assert_int_equal(eddy_transport_resume_reading(transport), 0);
    assert_int_equal(eddy_transport_write_eof(transport), 0);
    assert_int_equal(eddy_transport_write(transport, "x", 1), 0);
    assert_int_equal(eddy_transport_writelines(transport, &line, 1), 0);
    assert_int_equal(eddy_transport_set_protocol(transport, &w.protocol), 0);
    assert_null(eddy_transport_get_protocol(transport));
    assert_true(eddy_transport_is_closing(transport));
    assert_false(eddy_transport_is_reading(transport));
    assert_int_equal(eddy_transport_get_write_buffer_size(transport), 0);
    assert_int_equal(eddy_transport_set_write_buffer_limits(transport, 10, 5), 0);
    assert_true(eddy_transport_get_extra_info(transport, "socket", &value));
    assert_true(eddy_socket_view_fileno(value.socket_view) == EDDY_NO_SOCKET);
    run_iterations(f->loop, 3);
    eddy_transport_unref(transport);
    assert_recorded("made", "lost:0");
}

/* TR-9: the addresses, and the socket with its own; what is unknown leaves the default alone. */
static void test_extra_info_knows_addresses_and_socket(struct fixture *f)
{
    eddy_value sockname, peername, socket, other = {.integer = 42};
    eddy_address mine, theirs;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_tcp_peer(f, &w, &peer);
    must(eddy_socket_local_address(peer.socket, &theirs));
    must(eddy_socket_peer_address(peer.socket, &mine));
    assert_true(eddy_transport_get_extra_info(w.transport, "sockname", &sockname));
    assert_true(eddy_transport_get_extra_info(w.transport, "peername", &peername));
    assert_true(eddy_transport_get_extra_info(w.transport, "socket", &socket));
    assert_true(eddy_address_equal(sockname.address, &mine));
    assert_true(eddy_address_equal(peername.address, &theirs));
    assert_int_equal(eddy_socket_view_family(socket.socket_view), EDDY_INET);
    assert_int_equal(eddy_socket_view_type(socket.socket_view), EDDY_STREAM);
    assert_true(eddy_socket_view_fileno(socket.socket_view) != EDDY_NO_SOCKET);
    assert_int_equal(eddy_socket_view_settimeout(socket.socket_view, EDDY_SECONDS(1)),
                     EDDY_EINVALID);
    assert_false(eddy_transport_get_extra_info(w.transport, "shoe size", &other));
    assert_false(eddy_transport_get_extra_info(w.transport, "peercert", &other));
    assert_int_equal(other.integer, 42);
    assert_recorded("made");
}

/* TR-9, TR-8: the stored values answer still, when the connection is long over. */
static void test_extra_info_answers_after_the_end(struct fixture *f)
{
    eddy_value before, after;
    eddy_transport *transport;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_tcp_peer(f, &w, &peer);
    transport = eddy_transport_ref(w.transport);
    assert_true(eddy_transport_get_extra_info(transport, "peername", &before));
    eddy_transport_abort(transport);
    run_until_recorded(f->loop, "lost:0");
    assert_true(eddy_transport_get_extra_info(transport, "peername", &after));
    assert_true(eddy_address_equal(before.address, after.address));
    eddy_transport_unref(transport);
    assert_recorded("made", "lost:0");
}

static void check_sockname(const eddy_transport *transport, const eddy_address *expected)
{
    eddy_value value;

    assert_true(eddy_transport_get_extra_info(transport, "sockname", &value));
    assert_true(eddy_address_equal(value.address, expected));
}

/** Connect `w` to a peer that says how the connection's own end is called. */
static void connect_named_peer(struct fixture *f, struct witness *w, struct peer *peer,
                               eddy_address *mine)
{
    witness_init(w, NULL);
    connect_tcp_peer(f, w, peer);
    must(eddy_socket_peer_address(peer->socket, mine));
}

/* TR-8, TR-9: also if nobody asked while it was open, and after a reset. */
static void test_sockname_can_be_asked_first_after_the_end(struct fixture *f)
{
    eddy_transport *transport;
    eddy_address mine;
    struct witness w;
    struct peer peer;

    connect_named_peer(f, &w, &peer, &mine);
    transport = eddy_transport_ref(w.transport);
    peer_reset(&peer);
    run_until_recorded(f->loop, "lost:EDDY_ECONNRESET");
    if (!allocations_failed())
        check_sockname(transport, &mine);
    eddy_transport_unref(transport);
    assert_recorded("made", "lost:EDDY_ECONNRESET");
}

/* The same of one that was open when its loop was closed, whose peer's name is lent. */
static void test_sockname_can_be_asked_first_after_the_loop(struct fixture *f)
{
    eddy_transport *transport;
    eddy_address mine;
    eddy_value value;
    struct witness w;
    struct peer peer;

    connect_named_peer(f, &w, &peer, &mine);
    must(eddy_transport_get_extra_info(w.transport, "peername", &value) ? 0 : EDDY_ENOMEM);
    transport = eddy_transport_ref(w.transport);
    must(eddy_loop_close(f->loop));
    check_sockname(transport, &mine);
    eddy_transport_unref(transport);
    assert_recorded("made");
}

static int ask_for_sockname(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_LOST)
        check_sockname(w->transport, w->arg);
    return 0;
}

/* TR-7, TR-9: connection_lost() may ask, holding nothing. */
static void test_sockname_can_be_asked_first_in_connection_lost(struct fixture *f)
{
    eddy_address mine;
    struct witness w;
    struct peer peer;

    connect_named_peer(f, &w, &peer, &mine);
    if (allocations_failed())
        return;
    w.script = ask_for_sockname;
    w.arg = &mine;
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

static int look_at_descriptor(struct witness *w, enum witness_event event)
{
    eddy_value value = {0};

    if (event == WITNESS_LOST) {
        assert_true(eddy_transport_get_extra_info(w->transport, "socket", &value));
        record(eddy_socket_view_fileno(value.socket_view) != EDDY_NO_SOCKET ? "open" : "closed");
    }
    return 0;
}

/* TR-7: connection_lost() is called while the descriptor is still open. */
static void test_descriptor_is_open_in_connection_lost(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = look_at_descriptor;
    connect_peer(f, &w, &peer);
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "open");
    assert_recorded("made", "lost:0", "open");
    peer_expect_eof(&peer);
}

/* TR-12, LOOP-17: closing the loop closes the descriptor, calls nothing; debug mode complains. */
static void test_transport_left_open_is_reported_when_the_loop_closes(struct fixture *f)
{
    char byte;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy_loop_set_debug(f->loop, true);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_logged(EDDY_LOG_WARNING, "transport");
    assert_recorded("made");
    assert_int_equal(peer_receive(&peer, &byte, 1), 0);
}

/* TR-12: without debug mode nobody complains; a reference taken before is inert, not dangling. */
static void test_reference_outlives_a_closed_loop(struct fixture *f)
{
    eddy_transport *transport;
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    transport = eddy_transport_ref(w.transport);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_true(eddy_transport_is_closing(transport));
    assert_ptr_equal(eddy_transport_get_loop(transport), f->loop);
    eddy_transport_close(transport);
    eddy_transport_abort(transport);
    assert_int_equal(eddy_transport_write(transport, "x", 1), 0);
    eddy_transport_unref(transport);
    assert_recorded("made");
}

/* TR-40: a protocol that leaves everything out; the default answer to EOF is "close". */
static void test_protocol_without_callbacks_does_nothing(struct fixture *f)
{
    static const eddy_protocol_callbacks nothing = {.connection_made = NULL};
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    w.protocol.callbacks = &nothing;
    must(eddy_transport_set_write_buffer_limits(w.transport, 0, 0));
    peer_send(&peer, "nobody listens");
    fill_transport(w.transport);
    run_iterations(f->loop, 3);
    assert_false(eddy_transport_is_closing(w.transport));
    peer_shutdown(&peer);
    peer_drain(&peer, SIZE_MAX);
    assert_recorded("made");
}

static int never_nested;

static int check_nesting(struct witness *w, enum witness_event event)
{
    assert_int_equal(never_nested, 0);
    assert_ptr_equal(eddy_get_running_loop(), w->arg);
    never_nested = 1;
    if (event == WITNESS_DATA) {
        eddy_transport_pause_reading(w->transport);
        eddy_transport_resume_reading(w->transport);
        eddy_transport_write(w->transport, "echo", 4);
    }
    if (event == WITNESS_EOF)
        eddy_transport_close(w->transport);
    never_nested = 0;
    return 0;
}

/* TR-39, TR-43, TR-44: the order; always out of the loop, never one inside another. */
static void test_callbacks_come_in_order_and_never_nest(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    never_nested = 0;
    witness_init(&w, NULL);
    w.script = check_nesting;
    w.arg = f->loop;
    connect_peer(f, &w, &peer);
    peer_send(&peer, "a");
    run_until_recorded(f->loop, "data:a");
    peer_send(&peer, "b");
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "data:a", "data:b", "eof", "lost:0");
    peer_expect(&peer, "echoecho");
}

static eddy_protocol *refusing_factory(void *arg)
{
    record("asked");
    if (arg != NULL)
        eddy_error(EDDY_EUSER - 1, "%s", (char *)arg);
    return NULL;
}

/* TR-52: a factory that makes nothing costs its connection, and gives the reason. */
static void test_factory_that_refuses_fails_the_creating_call(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_connection_options options = {.sock = &sockets[0]};
    struct peer peer = {.f = f};
    int error;

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    peer.socket = sockets[1];
    error = eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, refusing_factory, "no table free", NULL, 0, &options),
        NULL);
    if (error == EDDY_ENOMEM && recorded(NULL) == 0)
        eddy_socket_close(sockets[0]);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_EUSER - 1);
    assert_string_equal(eddy_error_text(), "no table free");
    assert_recorded("asked");
    peer_expect_eof(&peer);
}

/* TR-41, TR-52: a failing connection_made() ends the connection; connection_lost() follows. */
static void test_failing_connection_made_ends_the_connection(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_connection_options options = {.sock = &sockets[0]};
    struct witness w;
    struct peer peer = {.f = f};
    int error;

    witness_init(&w, NULL);
    w.results[WITNESS_MADE] = EDDY_EUSER - 2;
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    peer.socket = sockets[1];
    peer_send(&peer, "never read");
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_connection(f->loop, witness_factory, &w, NULL, 0, &options),
        NULL);
    if (error == EDDY_ENOMEM && recorded(NULL) == 0)
        eddy_socket_close(sockets[0]);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_EUSER - 2);
    run_iterations(f->loop, 2);
    assert_int_equal(recorded("made"), 1);
    assert_int_equal(recorded("lost:EDDY_E?"), 1);
    assert_int_equal(recorded(NULL), 2);
    assert_int_equal(w.error, EDDY_EUSER - 2);
    assert_ptr_equal(assert_reported("connection_made", EDDY_EUSER - 2)->protocol, &w.protocol);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_connection_made_comes_before_the_creating_call_completes),
        TEST(test_creation_without_anyone_waiting),
        TEST(test_stream_offers_everything_of_its_kind),
        TEST(test_set_protocol_needs_a_protocol),
        TEST(test_set_protocol_takes_effect_for_the_next_callback),
        TEST(test_plain_protocol_is_swapped_for_a_buffered_one),
        TEST(test_lost_transport_has_no_protocol),
        TEST(test_lost_transport_is_inert),
        TEST(test_extra_info_knows_addresses_and_socket),
        TEST(test_extra_info_answers_after_the_end),
        TEST(test_sockname_can_be_asked_first_after_the_end),
        TEST(test_sockname_can_be_asked_first_after_the_loop),
        TEST(test_sockname_can_be_asked_first_in_connection_lost),
        TEST(test_descriptor_is_open_in_connection_lost),
        TEST(test_transport_left_open_is_reported_when_the_loop_closes),
        TEST(test_reference_outlives_a_closed_loop),
        TEST(test_protocol_without_callbacks_does_nothing),
        TEST(test_callbacks_come_in_order_and_never_nest),
        TEST(test_factory_that_refuses_fails_the_creating_call),
        TEST(test_failing_connection_made_ends_the_connection),
    };

    return run_suite("transport", tests);
}

/* SPDX-License-Identifier: MIT */
/*
 * What only the completion port can do wrong. The contract that it shares with the other backends
 * is in test_backend.c.
 */
#include "support/support.h"

#if defined(_WIN32)
#include "common/error.h"
#include "support/probe.h"
#include "win32/iocp.h"
#include <stdlib.h>
#include <string.h>

static const struct eddy__backend *backend_of(const struct fixture *f)
{
    return f->loop->backend;
}

static const struct eddy__socket_ops *sockets_of(const struct fixture *f)
{
    return f->loop->backend->sockets;
}

static void close_both(struct fixture *f, struct probe *a, struct probe *b)
{
    probe_close(a);
    probe_close(b);
    run_until_recorded(f->loop, "b.closed");
    run_until_recorded(f->loop, "a.closed");
}

/* SOCK-3: the next operation on a socket of the program opens a channel over it again. */
static void test_a_socket_that_was_given_back_can_return(struct fixture *f)
{
    eddy_socket sockets[2];
    struct probe *a, *b;

    must(sockets_of(f)->pair(f->loop, EDDY_STREAM, sockets));
    b = probe_open(f, "b", sockets[1]);
    for (int i = 0; i < 3; i++) {
        a = probe_open(f, "a", sockets[0]);
        backend_of(f)->receive_start(&a->channel);
        run_iterations(f->loop, 1);
        if (i > 0)
            probe_send(b, "x");
        if (i > 0)
            run_until_recorded(f->loop, "a.received:x");
        backend_of(f)->channel_close(&a->channel, false);
        run_until_recorded(f->loop, "a.closed");
        recorder_reset();
    }
    a = probe_open(f, "a", sockets[0]);
    close_both(f, a, b);
}

/* While it is in use: later the tie to the first loop can be undone, by some systems. */
static void test_a_socket_of_another_loop_is_refused(struct fixture *f)
{
    struct probe *a;
    struct probe *spare;
    eddy_socket sockets[2];
    eddy_loop *other = NULL;

    must(eddy_loop_new(&(eddy_loop_options){.backend = "iocp"}, &other));
    must(sockets_of(f)->pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    spare = eddy__alloc_zeroed(offsetof(struct probe, channel) + backend_of(f)->channel_size);
    assert_non_null(spare);
    a = probe_open(f, "a", sockets[0]);
    spare->channel.events = a->channel.events;
    spare->channel.loop = other;
    spare->channel.socket = sockets[0];
    assert_int_equal(backend_of(f)->channel_open(&spare->channel), EDDY_EBUSY);
    assert_non_null(strstr(eddy_error_text(), "completion port"));
    backend_of(f)->channel_close(&a->channel, false);
    run_until_recorded(f->loop, "a.closed");
    eddy__free(spare);
    must(eddy_loop_close(other));
    eddy_loop_unref(other);
}

/* A close has to end a waiting receive and still deliver what was sent before. */
static void test_a_close_under_a_waiting_receive_is_no_reset(struct fixture *f)
{
    struct eddy__span span = {(char[]){'b', 'y', 'e'}, 3};
    struct probe *pair[2];

    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    assert_int_equal(backend_of(f)->send_now(&pair[0]->channel, &span, 1), 3);
    probe_close(pair[0]);
    run_until_recorded(f->loop, "a.closed");
    backend_of(f)->receive_start(&pair[1]->channel);
    run_until_recorded(f->loop, "b.ended:0");
    assert_recorded("a.closed", "b.received:bye", "b.ended:0");
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
}

#if defined(EDDY_TEST_HOOKS)
static BOOL WINAPI slow_cancel(HANDLE file, OVERLAPPED *overlapped)
{
    (void)file, (void)overlapped;
    return TRUE; /* it has been marked, and goes on for now */
}

/* TR-4: an object closes the socket itself. That must not reset the connection either while the
 * receive is still under way. */
static void test_a_socket_given_back_under_a_receive_is_shut_down(struct fixture *f)
{
    struct probe *pair[2];
    eddy_socket socket;

    probe_pair(f, pair);
    socket = pair[0]->channel.socket;
    backend_of(f)->receive_start(&pair[0]->channel);
    backend_of(f)->receive_start(&pair[1]->channel);
    run_iterations(f->loop, 1);
    eddy__sys_reset();
    eddy__sys.CancelIoEx = slow_cancel;
    backend_of(f)->channel_close(&pair[0]->channel, false);
    assert_int_equal(eddy__sys_count(EDDY__SYS_shutdown), 1);
    eddy__sys_reset();
    backend_of(f)->sockets->close(socket);
    run_until_recorded(f->loop, "b.ended:0");
    run_until_recorded(f->loop, "a.closed");
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
}
#endif

static void test_a_reset_ends_a_waiting_receive_with_its_error(struct fixture *f)
{
    eddy_socket sockets[2];
    struct probe *a;

    must(sockets_of(f)->pair(f->loop, EDDY_STREAM, sockets));
    a = probe_open(f, "a", sockets[0]);
    backend_of(f)->receive_start(&a->channel);
    run_iterations(f->loop, 1);
    platform_socket_reset(sockets[1]);
    run_until_recorded(f->loop, "a.ended:EDDY_ECONNRESET");
    probe_close(a);
    run_until_recorded(f->loop, "a.closed");
}

/* Wine lets this one look like the end of the stream. */
static void test_a_reset_before_the_receive_is_its_error(struct fixture *f)
{
    eddy_socket sockets[2];
    struct probe *a;

    must(sockets_of(f)->pair(f->loop, EDDY_STREAM, sockets));
    a = probe_open(f, "a", sockets[0]);
    platform_socket_reset(sockets[1]);
    run_for(f->loop, EDDY_MILLISECONDS(10));
    backend_of(f)->receive_start(&a->channel);
    run_until_recorded(f->loop, "a.ended:EDDY_ECONNRESET");
    probe_close(a);
    run_until_recorded(f->loop, "a.closed");
}

/* The memory of a send that is under way is the backend's until on_closed. */
static void test_a_send_under_way_ends_with_the_close(struct fixture *f)
{
    enum { SIZE = 16 * 1024 * 1024 };
    struct probe *pair[2];
    char *memory = test_malloc(SIZE);

    memset(memory, 'x', SIZE);
    probe_pair(f, pair);
    pair[0]->spans[0] = (struct eddy__span){memory, SIZE};
    pair[0]->span_count = 1;
    backend_of(f)->send_start(&pair[0]->channel);
    run_iterations(f->loop, 2);
    probe_close(pair[0]);
    run_until_recorded(f->loop, "a.closed");
    test_free(memory);
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
}

/* NET-29, SRV-3: accepts are outstanding; a close ends them at once. */
static void test_a_closed_listener_refuses(struct fixture *f)
{
    eddy_address address;
    eddy_socket socket;
    struct probe *server = probe_open(f, "server", probe_listener(f, &address));
    struct probe *client;

    backend_of(f)->accept_start(&server->channel, 64);
    run_iterations(f->loop, 1);
    probe_close(server);
    must(sockets_of(f)->open(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &socket));
    client = probe_open(f, "client", socket);
    backend_of(f)->connect_start(&client->channel, &address);
    run_until_recorded(f->loop, "client.connected:EDDY_ECONNREFUSED");
    probe_close(client);
    run_until_recorded(f->loop, "client.closed");
    assert_int_equal(recorded("server.closed"), 1);
}

/* NET-27: one that comes and vanishes must not stop the listener. */
static void test_a_peer_that_vanished_does_not_stop_accepting(struct fixture *f)
{
    eddy_address address;
    struct probe *server = probe_open(f, "server", probe_listener(f, &address));

    for (int i = 0; i < 12; i++) {
        eddy_socket socket = probe_connect_raw(f, &address);

        run_for(f->loop, EDDY_MILLISECONDS(1));
        fixture_drop_socket(f, socket);
        platform_socket_reset(socket);
    }
    backend_of(f)->accept_start(&server->channel, 64);
    run_for(f->loop, EDDY_MILLISECONDS(20));
    recorder_reset();
    probe_connect_raw(f, &address);
    run_until_recorded(f->loop, "server.accepted");
    assert_recorded("server.accepted");
    probe_close(server);
    run_until_recorded(f->loop, "server.closed");
}

/* TR-15: what was accepted while stopped is kept for the next start. */
static void test_what_is_accepted_while_stopped_is_kept(struct fixture *f)
{
    eddy_address address;
    struct probe *server = probe_open(f, "server", probe_listener(f, &address));

    backend_of(f)->accept_start(&server->channel, 64);
    run_iterations(f->loop, 1);
    backend_of(f)->accept_stop(&server->channel);
    for (int i = 0; i < 12; i++)
        probe_connect_raw(f, &address);
    run_for(f->loop, EDDY_MILLISECONDS(20));
    assert_nothing_recorded();
    backend_of(f)->accept_start(&server->channel, 64);
    for (int i = 0; i < 1000 && recorded("server.accepted") < 12; i++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(recorded("server.accepted"), 12);
    probe_close(server);
    run_until_recorded(f->loop, "server.closed");
}

/* One wait takes out so many packets; what is beyond comes with the next. */
static void test_more_packets_than_a_batch_arrive(struct fixture *f)
{
    enum { COUNT = EDDY__IOCP_BATCH + 20 };
    static struct probe *readers[COUNT];
    static eddy_socket writers[COUNT];
    eddy_socket sockets[2];

    for (int i = 0; i < COUNT; i++) {
        must(sockets_of(f)->pair(f->loop, EDDY_STREAM, sockets));
        readers[i] = probe_open(f, "r", sockets[0]);
        writers[i] = sockets[1];
        backend_of(f)->receive_start(&readers[i]->channel);
    }
    run_iterations(f->loop, 1);
    for (int i = 0; i < COUNT; i++) {
        struct eddy__span span = {(char[]){'x'}, 1};

        assert_int_equal(sockets_of(f)->send(writers[i], &span, 1), 1);
    }
    for (int i = 0; i < 1000 && recorded("r.received:x") < COUNT; i++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(recorded("r.received:x"), COUNT);
    for (int i = 0; i < COUNT; i++) {
        probe_close(readers[i]);
        sockets_of(f)->close(writers[i]);
    }
    for (int i = 0; i < 1000 && recorded("r.closed") < COUNT; i++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(recorded("r.closed"), COUNT);
}

/* NET-21: only who asks for it shares a port. */
static void test_a_port_in_use_is_refused(struct fixture *f)
{
    eddy_address address;
    eddy_socket first;
    eddy_socket second;
    int error;

    must(eddy_address_parse("127.0.0.1", 0, &address));
    must(sockets_of(f)->open(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &first));
    fixture_keep_socket(f, first);
    must(sockets_of(f)->set_option(first, EDDY__REUSE_ADDRESS, 0));
    must(sockets_of(f)->bind(first, &address));
    must(sockets_of(f)->listen(first, 1));
    must(sockets_of(f)->local_address(first, &address));
    must(sockets_of(f)->open(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &second));
    fixture_keep_socket(f, second);
    error = sockets_of(f)->bind(second, &address);
    assert_true(error == EDDY_EADDRINUSE || error == EDDY_EACCES);
}

static void test_a_datagram_pair_is_connected(struct fixture *f)
{
    struct eddy__span span = {(char[]){'h', 'i'}, 2};
    eddy_socket sockets[2];
    char buffer[8];
    int64_t received = EDDY_EAGAIN;

    must(sockets_of(f)->pair(f->loop, EDDY_DGRAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    assert_int_equal(sockets_of(f)->receive(sockets[1], buffer, sizeof buffer), EDDY_EAGAIN);
    assert_int_equal(sockets_of(f)->send(sockets[0], &span, 1), 2);
    for (int i = 0; i < 1000 && received == EDDY_EAGAIN; i++) {
        received = sockets_of(f)->receive(sockets[1], buffer, sizeof buffer);
        run_for(f->loop, EDDY_MILLISECONDS(1));
    }
    assert_int_equal(received, 2);
    assert_memory_equal(buffer, "hi", 2);
}

static void test_what_a_socket_is(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener;
    int family = -1;
    int type = -1;
    int protocol = -1;

    listener = probe_listener(f, &address);
    fixture_keep_socket(f, listener);
    must(sockets_of(f)->identify(listener, &family, &type, &protocol));
    assert_int_equal(family, EDDY_INET);
    assert_int_equal(type, EDDY_STREAM);
    assert_int_equal(protocol, EDDY_TCP);
    assert_int_equal(sockets_of(f)->is_listening(listener), 1);
    assert_int_equal(sockets_of(f)->identify(0x7654321, &family, &type, &protocol), EDDY_EBADF);
}

/* Sockets end with the library's handle: a child that is started must not keep them open. */
static void assert_not_inheritable(eddy_socket socket)
{
    DWORD flags = HANDLE_FLAG_INHERIT;

    assert_true(GetHandleInformation((HANDLE)socket, &flags));
    assert_int_equal(flags & HANDLE_FLAG_INHERIT, 0);
}

static void test_sockets_are_not_inheritable(struct fixture *f)
{
    eddy_address address;
    eddy_address peer;
    eddy_socket listener;
    eddy_socket accepted = EDDY_NO_SOCKET;
    eddy_socket copy;

    listener = probe_listener(f, &address);
    fixture_keep_socket(f, listener);
    assert_not_inheritable(listener);
    probe_connect_raw(f, &address);
    for (int i = 0; i < 1000 && accepted == EDDY_NO_SOCKET; i++) {
        int error = sockets_of(f)->accept(listener, &accepted, &peer);

        assert_true(error == 0 || error == EDDY_EAGAIN);
        run_for(f->loop, EDDY_MILLISECONDS(1));
    }
    fixture_keep_socket(f, accepted);
    assert_not_inheritable(accepted);
    must(sockets_of(f)->duplicate(accepted, &copy));
    fixture_keep_socket(f, copy);
    assert_not_inheritable(copy);
}

/* LOOP-29. The backend is asked directly: the loop would hide a wait that ended early. */
static void test_a_wait_is_never_too_short(struct fixture *f)
{
    static const eddy_time spans[] = {1, 1000, EDDY_MICROSECONDS(300), EDDY_MICROSECONDS(1500),
                                      EDDY_MILLISECONDS(17)};

    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        eddy_time start = eddy_loop_time(f->loop);

        assert_int_equal(backend_of(f)->wait(f->loop, spans[i]), 0);
        assert_true(eddy_loop_time(f->loop) - start >= spans[i]);
        backend_of(f)->dispatch(f->loop);
    }
}

/* LOOP-30: many wakes are one packet, and none is lost. */
static void test_a_wake_ends_the_next_wait(struct fixture *f)
{
    eddy_time start = eddy_loop_time(f->loop);

    for (int i = 0; i < 1000; i++)
        backend_of(f)->wake(f->loop);
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_SECONDS(20)), 0);
    backend_of(f)->dispatch(f->loop);
    backend_of(f)->wake(f->loop);
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_SECONDS(20)), 0);
    backend_of(f)->dispatch(f->loop);
    assert_true(eddy_loop_time(f->loop) - start < EDDY_SECONDS(10));
    start = eddy_loop_time(f->loop);
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_MILLISECONDS(5)), 0);
    assert_true(eddy_loop_time(f->loop) - start >= EDDY_MILLISECONDS(5));
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_socket_that_was_given_back_can_return),
        TEST(test_a_socket_of_another_loop_is_refused),
        TEST(test_a_close_under_a_waiting_receive_is_no_reset),
#if defined(EDDY_TEST_HOOKS)
        TEST(test_a_socket_given_back_under_a_receive_is_shut_down),
#endif
        TEST(test_a_reset_ends_a_waiting_receive_with_its_error),
        TEST(test_a_reset_before_the_receive_is_its_error),
        TEST(test_a_send_under_way_ends_with_the_close),
        TEST(test_a_closed_listener_refuses),
        TEST(test_a_peer_that_vanished_does_not_stop_accepting),
        TEST(test_what_is_accepted_while_stopped_is_kept),
        TEST(test_more_packets_than_a_batch_arrive),
        TEST(test_a_port_in_use_is_refused),
        TEST(test_a_datagram_pair_is_connected),
        TEST(test_what_a_socket_is),
        TEST(test_sockets_are_not_inheritable),
        TEST(test_a_wait_is_never_too_short),
        TEST(test_a_wake_ends_the_next_wait),
    };

    const char *backend = getenv("EDDY_TEST_BACKEND");

    if (backend != NULL && strcmp(backend, "iocp") != 0) {
        print_message("skipped: the backend under test is another one\n");
        return 0;
    }
    return run_suite("iocp", tests);
}
#else

int main(void)
{
    print_message("skipped: this system has no completion ports\n");
    return 0;
}
#endif

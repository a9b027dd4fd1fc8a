/* SPDX-License-Identifier: MIT */
/* System calls of the completion port's backend that fail, one by one. Needs EDDY_TEST_HOOKS. */
#include "support/support.h"

#if defined(_WIN32) && defined(EDDY_TEST_HOOKS)
#include "common/error.h"
#include "support/probe.h"
#include "win32/iocp.h"
#include <stdlib.h>
#include <string.h>

static const struct eddy__backend *backend_of(const struct fixture *f)
{
    return f->loop->backend;
}

static struct probe *open_server(struct fixture *f, eddy_address *address)
{
    eddy__sys_reset();
    return probe_open(f, "server", probe_listener(f, address));
}

static void close_server(struct fixture *f, struct probe *server)
{
    probe_close(server);
    run_until_recorded(f->loop, "server.closed");
    eddy__sys_reset();
}

static void close_pair(struct fixture *f, struct probe *pair[2])
{
    eddy__sys_reset();
    probe_close(pair[0]);
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
}

/* NET-27: told by the call itself, as Windows does when it is early to notice. */
static void test_a_vanished_peer_is_not_reported(struct fixture *f)
{
    eddy_address address;
    struct probe *server = open_server(f, &address);

    eddy__sys_fail(EDDY__SYS_eddy__accept_ex, 1, WSAECONNRESET);
    backend_of(f)->accept_start(&server->channel, 1);
    run_iterations(f->loop, 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_eddy__accept_ex), 1);
    probe_connect_raw(f, &address);
    run_until_recorded(f->loop, "server.accepted");
    assert_recorded("server.accepted");
    close_server(f, server);
}

/* The same a little later: the connection was taken, but is gone when it is looked at. */
static void test_a_peer_that_vanishes_while_adopted_is_not_reported(struct fixture *f)
{
    eddy_address address;
    struct probe *server = open_server(f, &address);

    backend_of(f)->accept_start(&server->channel, 1);
    run_iterations(f->loop, 1);
    eddy__sys_fail(EDDY__SYS_setsockopt, 1, WSAENOTCONN);
    probe_connect_raw(f, &address);
    run_for(f->loop, EDDY_MILLISECONDS(20));
    assert_nothing_recorded();
    probe_connect_raw(f, &address);
    run_until_recorded(f->loop, "server.accepted");
    assert_recorded("server.accepted");
    close_server(f, server);
}

static void stop_accepting(struct probe *server)
{
    backend_of(server->f)->accept_stop(&server->channel);
}

/* NET-26: one report, and after the stop that follows nothing more until the next start. */
static void accept_fails(struct fixture *f, enum eddy__sys_number call, int number,
                         const char *report)
{
    eddy_address address;
    struct probe *server = open_server(f, &address);

    server->script = stop_accepting;
    eddy__sys_fail(call, 1, number);
    backend_of(f)->accept_start(&server->channel, 64);
    run_for(f->loop, EDDY_MILLISECONDS(10));
    assert_recorded(report);
    eddy__sys_reset();
    backend_of(f)->accept_start(&server->channel, 64);
    probe_connect_raw(f, &address);
    run_until_recorded(f->loop, "server.accepted");
    close_server(f, server);
}

static void test_no_more_sockets_is_reported(struct fixture *f)
{
    accept_fails(f, EDDY__SYS_WSASocketW, WSAEMFILE, "server.accept_failed:EDDY_EMFILE");
}

static void test_a_refused_accept_is_reported(struct fixture *f)
{
    accept_fails(f, EDDY__SYS_eddy__accept_ex, WSAENOBUFS, "server.accept_failed:EDDY_ENOBUFS");
}

static void test_a_socket_that_stays_blocking_is_reported(struct fixture *f)
{
    accept_fails(f, EDDY__SYS_ioctlsocket, WSAENOBUFS, "server.accept_failed:EDDY_ENOBUFS");
}

static void test_a_listener_that_cannot_be_identified_is_reported(struct fixture *f)
{
    accept_fails(f, EDDY__SYS_getsockopt, WSAENOBUFS, "server.accept_failed:EDDY_ENOBUFS");
}

static SOCKET WSAAPI no_socket(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info,
                               GROUP group, DWORD flags)
{
    (void)family, (void)type, (void)protocol, (void)info, (void)group, (void)flags;
    WSASetLastError(WSAEMFILE);
    return INVALID_SOCKET;
}

/* NET-26: all accepts that are outstanding fail for one reason. Once that is over, what the others
 * met back then is no news. */
static void test_a_shortage_that_is_over_is_not_reported_again(struct fixture *f)
{
    eddy_address address;
    struct probe *server = open_server(f, &address);

    server->script = stop_accepting;
    eddy__sys.WSASocketW = no_socket;
    backend_of(f)->accept_start(&server->channel, 64);
    run_for(f->loop, EDDY_MILLISECONDS(10));
    assert_recorded("server.accept_failed:EDDY_EMFILE");
    eddy__sys_reset();
    backend_of(f)->accept_start(&server->channel, 64);
    probe_connect_raw(f, &address);
    run_until_recorded(f->loop, "server.accepted");
    assert_recorded("server.accepted");
    close_server(f, server);
}

static void test_accepting_without_memory_is_reported(struct fixture *f)
{
    eddy_address address;
    struct probe *server = open_server(f, &address);

    allocations_fail(1);
    backend_of(f)->accept_start(&server->channel, 64);
    assert_true(allocations_failed());
    assert_nothing_recorded();
    probe_connect_raw(f, &address);
    /* The order stands: without a stop it is tried again. */
    run_until_recorded(f->loop, "server.accepted");
    assert_recorded("server.accept_failed:EDDY_ENOMEM", "server.accepted");
    close_server(f, server);
}

static void connect_fails(struct fixture *f, enum eddy__sys_number call, int number,
                          const char *report)
{
    eddy_address address;
    eddy_socket socket;
    struct probe *server = open_server(f, &address);
    struct probe *client;

    must(backend_of(f)->sockets->open(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &socket));
    client = probe_open(f, "client", socket);
    eddy__sys_fail(call, 1, number);
    backend_of(f)->connect_start(&client->channel, &address);
    assert_nothing_recorded();
    run_until_recorded(f->loop, report);
    assert_recorded(report);
    probe_close(client);
    run_until_recorded(f->loop, "client.closed");
    close_server(f, server);
}

static void test_a_connect_that_cannot_bind_fails(struct fixture *f)
{
    connect_fails(f, EDDY__SYS_bind, WSAENOBUFS, "client.connected:EDDY_ENOBUFS");
}

static void test_a_connect_that_is_refused_at_once_fails(struct fixture *f)
{
    connect_fails(f, EDDY__SYS_eddy__connect_ex, WSAEADDRNOTAVAIL,
                  "client.connected:EDDY_EADDRNOTAVAIL");
}

static void test_a_connect_that_is_not_adopted_fails(struct fixture *f)
{
    connect_fails(f, EDDY__SYS_setsockopt, WSAENOTCONN, "client.connected:EDDY_ENOTCONN");
}

/* The error of the waiting receive, which a later call need not repeat. */
static void test_a_receive_that_cannot_wait_ends_the_order(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    eddy__sys_fail(EDDY__SYS_WSARecv, 1, WSAECONNRESET);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_until_recorded(f->loop, "a.ended:EDDY_ECONNRESET");
    assert_recorded("a.ended:EDDY_ECONNRESET");
    close_pair(f, pair);
}

static void test_a_receive_that_fails_ends_the_order(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    eddy__sys_fail(EDDY__SYS_WSARecv, 2, WSAENOBUFS);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[1], "x");
    run_until_recorded(f->loop, "a.ended:EDDY_ENOBUFS");
    close_pair(f, pair);
}

/* "Would block" after a report of data: somebody else took it, or it was none. */
static void test_a_receive_without_data_waits_again(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    eddy__sys_fail(EDDY__SYS_WSARecv, 2, WSAEWOULDBLOCK);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[1], "x");
    run_until_recorded(f->loop, "a.received:x");
    close_pair(f, pair);
}

static void test_a_send_that_fails_says_so(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    eddy__sys_fail(EDDY__SYS_WSASend, 1, WSAECONNABORTED);
    probe_send(pair[0], "x");
    run_until_recorded(f->loop, "a.sent:EDDY_ECONNABORTED");
    eddy__sys_fail(EDDY__SYS_WSASend, 1, WSAEWOULDBLOCK);
    probe_send(pair[0], "x");
    run_until_recorded(f->loop, "a.sent:0");
    close_pair(f, pair);
}

struct reading {
    eddy_socket sockets[2];
};

static int on_readable(void *arg)
{
    struct reading *reading = arg;
    char byte;
    int64_t received = eddy_socket_receive(reading->sockets[0], &byte, 1);

    record("readable:%s", received < 0 ? eddy_err_name((int)received) : "1");
    return 0;
}

/* FD-5: a poll that the system has no memory for is an event, and made again later. */
static void test_a_poll_that_fails_is_made_again(struct fixture *f)
{
    struct reading reading;

    eddy__sys_reset();
    must(eddy_socket_pair(f->loop, EDDY_STREAM, reading.sockets));
    fixture_keep_socket(f, reading.sockets[0]);
    fixture_keep_socket(f, reading.sockets[1]);
    must(eddy_loop_add_reader(f->loop, reading.sockets[0], on_readable, &reading));
    assert_int_equal(eddy_socket_send(reading.sockets[1], "x", 1), 1);
    run_until_recorded(f->loop, "readable:1");
    eddy__sys_fail(EDDY__SYS_DeviceIoControl, 1, ERROR_NOT_ENOUGH_MEMORY);
    run_for(f->loop, EDDY_MILLISECONDS(20));
    assert_recorded("readable:1", "readable:EDDY_EAGAIN");
    assert_int_equal(eddy_socket_send(reading.sockets[1], "y", 1), 1);
    run_until_recorded(f->loop, "readable:1");
    eddy__sys_reset();
    assert_recorded("readable:1");
    eddy_loop_remove_reader(f->loop, reading.sockets[0]);
}

static void test_a_port_that_cannot_be_made_fails_the_loop(struct fixture *f)
{
    eddy_loop *loop = NULL;

    (void)f;
    eddy__sys_fail(EDDY__SYS_CreateIoCompletionPort, 1, ERROR_NO_SYSTEM_RESOURCES);
    assert_int_equal(eddy_loop_new(&(eddy_loop_options){.backend = "iocp"}, &loop), EDDY_ENOBUFS);
    assert_null(loop);
    eddy__sys_reset();
}

/* Layered providers: every packet comes, also that of what was done at once. */
static void test_packets_that_cannot_be_skipped_are_counted(struct fixture *f)
{
    eddy_socket sockets[2];
    struct probe *a, *b;

    must(backend_of(f)->sockets->pair(f->loop, EDDY_STREAM, sockets));
    eddy__sys_fail(EDDY__SYS_SetFileCompletionNotificationModes, 1, ERROR_INVALID_FUNCTION);
    a = probe_open(f, "a", sockets[0]);
    eddy__sys_fail(EDDY__SYS_SetFileCompletionNotificationModes, 1, ERROR_INVALID_FUNCTION);
    b = probe_open(f, "b", sockets[1]);
    for (int i = 0; i < 3; i++) {
        probe_send(a, "x");
        run_until_recorded(f->loop, "a.sent:1");
        backend_of(f)->receive_start(&b->channel);
        run_until_recorded(f->loop, "b.received:x");
        recorder_reset();
    }
    close_pair(f, (struct probe *[2]){a, b});
}

static void test_a_port_that_fails_ends_the_run(struct fixture *f)
{
    eddy__sys_fail(EDDY__SYS_GetQueuedCompletionStatusEx, 1, ERROR_INVALID_HANDLE);
    assert_int_equal(backend_of(f)->wait(f->loop, 0), EDDY_EBADF);
    eddy__sys_reset();
    assert_int_equal(backend_of(f)->wait(f->loop, 0), 0);
    backend_of(f)->dispatch(f->loop);
}

/* LOOP-29: the system's ticks are coarse in both directions. */
static void test_a_wait_that_ends_early_goes_on(struct fixture *f)
{
    eddy_time start = eddy_loop_time(f->loop);

    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_GetQueuedCompletionStatusEx, 1, WAIT_TIMEOUT);
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_MILLISECONDS(3)), 0);
    assert_true(eddy_loop_time(f->loop) - start >= EDDY_MILLISECONDS(3));
    assert_true(eddy__sys_count(EDDY__SYS_GetQueuedCompletionStatusEx) >= 2);
    eddy__sys_reset();
}

static void test_a_wake_that_was_not_posted_can_be_repeated(struct fixture *f)
{
    eddy__sys_fail(EDDY__SYS_PostQueuedCompletionStatus, 1, ERROR_NO_SYSTEM_RESOURCES);
    backend_of(f)->wake(f->loop);
    backend_of(f)->wake(f->loop);
    backend_of(f)->wake(f->loop);
    assert_int_equal(eddy__sys_count(EDDY__SYS_PostQueuedCompletionStatus), 2);
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_SECONDS(20)), 0);
    backend_of(f)->dispatch(f->loop);
    eddy__sys_reset();
}

/* Each call of each kind fails once: the pair is made whole or not at all. */
static void test_a_pair_leaves_nothing_behind(struct fixture *f)
{
    DWORD before = 0;
    DWORD after = 0;
    eddy_socket sockets[2];

    for (int type = EDDY_STREAM; type <= EDDY_DGRAM; type++) {
        must(backend_of(f)->sockets->pair(f->loop, type, sockets));
        backend_of(f)->sockets->close(sockets[0]);
        backend_of(f)->sockets->close(sockets[1]);
        assert_true(GetProcessHandleCount(GetCurrentProcess(), &before));
        for (int call = 0; call < EDDY__SYS_COUNT; call++) {
            for (unsigned nth = 1; nth < 4; nth++) {
                eddy__sys_reset();
                if (call == EDDY__SYS_closesocket)
                    continue; /* it never fails, by contract */
                eddy__sys_fail((enum eddy__sys_number)call, nth, WSAENOBUFS);
                if (backend_of(f)->sockets->pair(f->loop, type, sockets) < 0)
                    continue;
                backend_of(f)->sockets->close(sockets[0]);
                backend_of(f)->sockets->close(sockets[1]);
            }
        }
        eddy__sys_reset();
        assert_true(GetProcessHandleCount(GetCurrentProcess(), &after));
        assert_int_equal(before, after);
    }
}

/*
 * A stand-in for the wait completion packets of ntdll, which Wine lacks: a thread of the system
 * waits for the timer and posts.
 */
static struct {
    HANDLE port;
    ULONG_PTR key;
    HANDLE wait;
    int associated;
    int posted;
} stand_in;

static VOID CALLBACK stand_in_post(void *arg, BOOLEAN timed_out)
{
    (void)arg;
    (void)timed_out;
    stand_in.posted++;
    PostQueuedCompletionStatus(stand_in.port, 0, stand_in.key, NULL);
}

static eddy__ntstatus stand_in_create(HANDLE *packet)
{
    *packet = CreateEventW(NULL, FALSE, FALSE, NULL);
    return 0;
}

static eddy__ntstatus stand_in_associate(HANDLE packet, HANDLE port, HANDLE target, ULONG_PTR key)
{
    (void)packet;
    assert_null(stand_in.wait);
    stand_in.port = port;
    stand_in.key = key;
    stand_in.associated++;
    assert_true(RegisterWaitForSingleObject(&stand_in.wait, target, stand_in_post, NULL, INFINITE,
                                            WT_EXECUTEONLYONCE));
    return 0;
}

static eddy__ntstatus stand_in_cancel(HANDLE packet)
{
    (void)packet;
    UnregisterWaitEx(stand_in.wait, INVALID_HANDLE_VALUE);
    stand_in.wait = NULL;
    return 0;
}

/* A loop that finds the stand-in; to be closed before the reset. */
static eddy_loop *open_precise_loop(void)
{
    eddy_loop *loop = NULL;

    memset(&stand_in, 0, sizeof stand_in);
    eddy__sys_reset();
    eddy__sys.eddy__packet_create = stand_in_create;
    eddy__sys.eddy__packet_associate = stand_in_associate;
    eddy__sys.eddy__packet_cancel = stand_in_cancel;
    must(eddy_loop_new(&(eddy_loop_options){.backend = "iocp"}, &loop));
    return loop;
}

static void close_precise_loop(eddy_loop *loop)
{
    must(eddy_loop_close(loop));
    eddy_loop_unref(loop);
    eddy__sys_reset();
    assert_null(stand_in.wait);
}

/* Without the timer's packet the wait would take its half second: the coarse part is replaced by
 * the longest there is. */
static BOOL wait_without_limit(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG count, ULONG *removed,
                               DWORD limit, BOOL alertable)
{
    (void)limit;
    return GetQueuedCompletionStatusEx(port, entries, count, removed, 10000, alertable);
}

static void test_a_precise_timer_ends_the_wait(struct fixture *f)
{
    eddy_loop *loop = open_precise_loop();
    eddy_time start = eddy_loop_time(loop);
    eddy_time end;

    (void)f;
    eddy__sys.GetQueuedCompletionStatusEx = wait_without_limit;
    assert_int_equal(loop->backend->wait(loop, EDDY_MICROSECONDS(1500)), 0);
    end = eddy_loop_time(loop);
    assert_true(end - start >= EDDY_MICROSECONDS(1500));
    assert_true(end - start < EDDY_SECONDS(5));
    assert_true(stand_in.associated >= 1 && stand_in.posted >= 1);
    loop->backend->dispatch(loop);
    close_precise_loop(loop);
}

static void test_a_precise_timer_leaves_long_waits_alone(struct fixture *f)
{
    eddy_loop *loop = open_precise_loop();
    eddy_time start = eddy_loop_time(loop);

    (void)f;
    assert_int_equal(loop->backend->wait(loop, EDDY_MILLISECONDS(60)), 0);
    /* Whether its end was left to the timer depends on when the system woke us. */
    assert_true(eddy_loop_time(loop) - start >= EDDY_MILLISECONDS(60));
    stand_in.associated = 0;
    loop->backend->wake(loop);
    assert_int_equal(loop->backend->wait(loop, EDDY_SECONDS(60)), 0);
    assert_int_equal(stand_in.associated, 0);
    loop->backend->dispatch(loop);
    close_precise_loop(loop);
}

/* A packet that comes after its wait is none of the next wait's business. */
static void test_a_late_packet_of_the_timer_is_ignored(struct fixture *f)
{
    eddy_loop *loop = open_precise_loop();
    struct eddy__iocp *iocp = loop->backend_state;
    eddy_time start = eddy_loop_time(loop);

    (void)f;
    assert_true(PostQueuedCompletionStatus(iocp->port, 0, EDDY__IOCP_KEY_TIMER, NULL));
    assert_int_equal(loop->backend->wait(loop, EDDY_MILLISECONDS(3)), 0);
    assert_true(eddy_loop_time(loop) - start >= EDDY_MILLISECONDS(3));
    loop->backend->dispatch(loop);
    close_precise_loop(loop);
}

static void test_a_timer_that_cannot_be_set_costs_only_precision(struct fixture *f)
{
    static const enum eddy__sys_number calls[] = {
        EDDY__SYS_eddy__packet_create, EDDY__SYS_CreateWaitableTimerExW, EDDY__SYS_SetWaitableTimer,
        EDDY__SYS_eddy__packet_associate};

    (void)f;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        eddy_loop *loop = open_precise_loop();
        eddy_time start;

        /* The first two are made when a loop is, the others when it waits. */
        if (i < 2) {
            close_precise_loop(loop);
            eddy__sys.eddy__packet_create = stand_in_create;
            eddy__sys_fail(calls[i], 1, ERROR_NO_SYSTEM_RESOURCES);
            must(eddy_loop_new(&(eddy_loop_options){.backend = "iocp"}, &loop));
        } else {
            eddy__sys_fail(calls[i], 1, ERROR_NO_SYSTEM_RESOURCES);
        }
        start = eddy_loop_time(loop);
        assert_int_equal(loop->backend->wait(loop, EDDY_MILLISECONDS(2)), 0);
        assert_true(eddy_loop_time(loop) - start >= EDDY_MILLISECONDS(2));
        loop->backend->dispatch(loop);
        close_precise_loop(loop);
    }
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_precise_timer_ends_the_wait),
        TEST(test_a_precise_timer_leaves_long_waits_alone),
        TEST(test_a_late_packet_of_the_timer_is_ignored),
        TEST(test_a_timer_that_cannot_be_set_costs_only_precision),
        TEST(test_a_vanished_peer_is_not_reported),
        TEST(test_a_peer_that_vanishes_while_adopted_is_not_reported),
        TEST(test_no_more_sockets_is_reported),
        TEST(test_a_refused_accept_is_reported),
        TEST(test_a_socket_that_stays_blocking_is_reported),
        TEST(test_a_listener_that_cannot_be_identified_is_reported),
        TEST(test_a_shortage_that_is_over_is_not_reported_again),
        TEST(test_accepting_without_memory_is_reported),
        TEST(test_a_connect_that_cannot_bind_fails),
        TEST(test_a_connect_that_is_refused_at_once_fails),
        TEST(test_a_connect_that_is_not_adopted_fails),
        TEST(test_a_receive_that_cannot_wait_ends_the_order),
        TEST(test_a_receive_that_fails_ends_the_order),
        TEST(test_a_receive_without_data_waits_again),
        TEST(test_a_send_that_fails_says_so),
        TEST(test_a_poll_that_fails_is_made_again),
        TEST(test_a_port_that_cannot_be_made_fails_the_loop),
        TEST(test_packets_that_cannot_be_skipped_are_counted),
        TEST(test_a_port_that_fails_ends_the_run),
        TEST(test_a_wait_that_ends_early_goes_on),
        TEST(test_a_wake_that_was_not_posted_can_be_repeated),
        TEST(test_a_pair_leaves_nothing_behind),
    };
    const char *backend = getenv("EDDY_TEST_BACKEND");

    if (backend != NULL && strcmp(backend, "iocp") != 0) {
        print_message("skipped: the backend under test is another one\n");
        return 0;
    }
    return run_suite("iocp_faults", tests);
}
#else

int main(void)
{
    print_message("skipped: needs Windows and a build with EDDY_TEST_HOOKS\n");
    return 0;
}
#endif

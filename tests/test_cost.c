/* SPDX-License-Identifier: MIT */
/* What the hot paths cost, in allocations and system calls: the budget of docs/ARCHITECTURE.md. */
#include "common/loop.h"
#include "support/listener.h"
#include "support/sock.h"
#include "support/support.h"
#include "support/sweep.h"
#include <string.h>

enum { WARM = 200, ROUNDS = 1000 };

/* Reschedules itself until it has run `left` more times. */
struct chain {
    eddy_loop *loop;
    int left;
};

static int on_call_chain(void *arg)
{
    struct chain *chain = arg;

    if (--chain->left > 0)
        return eddy_loop_call_soon(chain->loop, on_call_chain, chain, NULL);
    eddy_loop_stop(chain->loop);
    return 0;
}

static void run_chain(struct fixture *f, int length)
{
    struct chain chain = {.loop = f->loop, .left = length};

    must(eddy_loop_call_soon(f->loop, on_call_chain, &chain, NULL));
    must(eddy_loop_run_forever(f->loop));
}

/* Where each coroutine is a thread, beginning a run allocates: there the counts are others. */
static bool runs_are_cheap(void)
{
#if defined(EDDY_COROUTINE_THREAD)
    return false;
#else
    return true;
#endif
}

static void need_cheap_runs(void)
{
    if (runs_are_cheap())
        return;
    print_message("skipped: with a thread for each coroutine a run allocates\n");
    skip();
}

static void test_call_soon_allocates_nothing_once_warm(struct fixture *f)
{
    size_t before;

    need_cheap_runs();

    run_chain(f, WARM);
    before = allocations_made();
    run_chain(f, ROUNDS);
    assert_int_equal(allocations_made() - before, 0);
}

static int on_call_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* Start a number of timers, cancel every other one, let the rest come due. */
static void use_timers(struct fixture *f)
{
    eddy_handle handle;
    int i;

    for (i = 0; i < WARM; i++) {
        must(eddy_loop_call_later(f->loop, -i, on_call_nothing, NULL, &handle));
        if (i % 2 == 0)
            eddy_handle_cancel(handle);
    }
    run_iterations(f->loop, 1);
    assert_int_equal(f->loop->timers.count, 0);
}

static void test_timers_allocate_nothing_once_warm(struct fixture *f)
{
    size_t before;
    int i;

    need_cheap_runs();
    use_timers(f);
    before = allocations_made();
    for (i = 0; i < 10; i++)
        use_timers(f);
    assert_int_equal(allocations_made() - before, 0);
}

static void use_futures(struct fixture *f)
{
    eddy_future *future;
    int i;

    for (i = 0; i < 10; i++) {
        future = eddy_loop_create_future(f->loop);
        assert_int_equal(eddy_future_set_result(future, (eddy_value){.integer = i}), 0);
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    }
}

static void test_futures_allocate_nothing_once_warm(struct fixture *f)
{
    size_t before;

    need_cheap_runs();
    use_futures(f);
    before = allocations_made();
    use_futures(f);
    assert_int_equal(allocations_made() - before, 0);
}

enum { WAITING = 64, WAITING_BYTES_MAX = 192 };

static int wait_for_ever(void *arg, eddy_value *result)
{
    (void)result;
    return eddy_await(eddy_future_ref(arg), NULL);
}

/* TASK-1: beside its stack, of which it has touched a page, a task that waits holds 200 bytes with
 * what the allocator adds. All of the library's memory is counted. */
static void test_waiting_task_is_small(struct fixture *f)
{
    eddy_future *never;
    size_t before, waiting;

    need_whole_test();
    never = eddy_loop_create_future(f->loop);
    must(eddy_loop_spawn(f->loop, wait_for_ever, never)); /* makes what all need */
    run_iterations(f->loop, 2);
    before = allocations_live_bytes();
    for (int i = 0; i < WAITING; i++)
        must(eddy_loop_spawn(f->loop, wait_for_ever, never));
    run_iterations(f->loop, 2);
    waiting = (allocations_live_bytes() - before) / WAITING;
#if defined(EDDY_COROUTINE_FIBER) || defined(EDDY_COROUTINE_THREAD)
    assert_true(waiting > 0); /* what lies on a stack elsewhere is in the library's memory */
#else
    assert_in_range(waiting, 1, WAITING_BYTES_MAX);
#endif
    must(eddy_future_set_result(never, (eddy_value){0}));
    run_iterations(f->loop, 2);
    eddy_future_unref(never);
}

static int echo(struct witness *w, enum witness_event event)
{
    return event == WITNESS_DATA ? eddy_transport_write(w->transport, w->arg, 64) : 0;
}

/* An idle connection holds no buffer; all that it does hold of the library's memory is bounded
 * here, in bytes. Overlapped operations take more of them than readiness. */
#if defined(_WIN32)
enum { IDLE_BYTES_MAX = 1024 };
#else
enum { IDLE_BYTES_MAX = 200 };
#endif
enum { IDLE = 64 };

/* All connections have this protocol, which hears of nothing and takes no memory. */
static eddy_protocol *silent_factory(void *arg)
{
    static const eddy_protocol_callbacks callbacks = {.connection_made = NULL};
    static eddy_protocol silent;

    ++*(size_t *)arg;
    eddy_protocol_init(&silent, &callbacks);
    return &silent;
}

static eddy_server *silent_server(struct fixture *f, const char *host, size_t *accepted)
{
    eddy_value value;

    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_server(f->loop, silent_factory, accepted, host, 0, NULL),
        &value));
    return value.server;
}

/* Connect one more client, and run until the server has it. */
static eddy_socket idle_client(struct fixture *f, eddy_server *server, const size_t *accepted)
{
    size_t before = *accepted;
    eddy_address address;
    eddy_socket client;
    int error;

    must(eddy_socket_view_getsockname(eddy_server_socket(server, 0), &address));
    must(eddy_socket_new(f->loop, eddy_address_family(&address), EDDY_STREAM, EDDY_TCP, &client));
    error = eddy_socket_connect(client, &address);
    assert_true(error == 0 || error == EDDY_EINPROGRESS);
    for (int i = 0; *accepted == before && i < 1000; i++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(*accepted, before + 1);
    return client;
}

/* What a connection costs on the average, with its share of what is made for all. */
static void check_idle_connections(struct fixture *f, const char *host, size_t limit)
{
    int idle = sweep_fewer(IDLE); /* too few for the average to say much */
    size_t accepted = 0;
    eddy_server *server;
    eddy_socket clients[IDLE + 1];
    size_t before;

    need_whole_test();
    server = silent_server(f, host, &accepted);
    clients[idle] = idle_client(f, server, &accepted); /* makes what all need */
    before = allocations_live_bytes();
    for (int i = 0; i < idle; i++)
        clients[i] = idle_client(f, server, &accepted);
    if (!sweep_is_on())
        assert_in_range((allocations_live_bytes() - before) / IDLE, 1, limit);
    eddy_server_close(server);
    eddy_server_abort_clients(server);
    run_iterations(f->loop, 3);
    for (int i = 0; i <= idle; i++)
        eddy_socket_close(clients[i]);
    eddy_server_unref(server);
}

static void test_idle_connection_is_small(struct fixture *f)
{
    if (f->sim != NULL)
        skip(); /* a simulated connection has its buffers in the library's memory */
    check_idle_connections(f, "127.0.0.1", IDLE_BYTES_MAX);
}

static void test_idle_connection_of_ipv6_is_small(struct fixture *f)
{
    eddy_address address;
    eddy_socket probe;

    if (f->sim != NULL)
        skip(); /* as above */
    must(eddy_address_parse("::1", 0, &address));
    if (eddy_socket_new(f->loop, EDDY_INET6, EDDY_STREAM, EDDY_TCP, &probe) != 0)
        skip(); /* no IPv6 here */
    if (eddy_socket_bind(probe, &address) != 0) {
        eddy_socket_close(probe);
        skip(); /* the same */
    }
    eddy_socket_close(probe);
    /* poll() has a table of its own: 16 bytes a descriptor, and half as many to grow into. */
    check_idle_connections(f, "::1", IDLE_BYTES_MAX + (fixture_backend_is(f, "poll") ? 24 : 0));
}

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "posix/sys.h"

static unsigned long waits_counted(void)
{
    unsigned long waits = eddy__sys_count(EDDY__SYS_poll) + eddy__sys_count(EDDY__SYS_pselect);

#if defined(EDDY__HAVE_PPOLL)
    waits += eddy__sys_count(EDDY__SYS_ppoll);
#endif
#if defined(EDDY__HAVE_KQUEUE)
    waits += eddy__sys_count(EDDY__SYS_kevent); /* its changes too: none where waits are counted */
#endif
#if defined(__linux__)
    waits += eddy__sys_count(EDDY__SYS_epoll_wait) + eddy__sys_count(EDDY__SYS_epoll_wait_ns);
#endif
    return waits;
}

/* System calls that are neither waits nor looks at the clock. */
static unsigned long calls_counted(void)
{
    return eddy__sys_count_all() - waits_counted() - eddy__sys_count(EDDY__SYS_clock_gettime);
}

/* Callbacks that keep each other busy share a wait among 64. */
static void test_callbacks_cost_no_system_call_each(struct fixture *f)
{
    run_chain(f, WARM);
    eddy__sys_reset();
    run_chain(f, 64);
    assert_int_equal(calls_counted(), 0);
    assert_true(waits_counted() <= 16); /* 1, unless the machine was slow: 100 us are the limit */
}

/* A 64-byte echo: one receive, one send, one wait; no allocation, nothing told to the selector. */
static void test_echo_costs_one_receive_and_one_send(struct fixture *f)
{
    enum { MESSAGES = 100 };
    static char message[64];
    char answer[64];
    size_t before;
    struct witness w;
    struct peer peer;
    int i;

    need_cheap_runs();
    if (f->sim != NULL)
        skip();
    witness_init(&w, NULL);
    w.quiet = true;
    w.script = echo;
    w.arg = message;
    connect_tcp_peer(f, &w, &peer);
    run_iterations(f->loop, 3);
    before = allocations_made();
    eddy__sys_reset();
    for (i = 0; i < MESSAGES; i++) {
        /* Past the table: the peer's calls are not the library's. */
        assert_int_equal(send((int)peer.socket, message, sizeof message, 0), sizeof message);
        run_iterations(f->loop, 1);
        assert_int_equal(recv((int)peer.socket, answer, sizeof answer, 0), sizeof answer);
    }
    assert_int_equal(w.received, MESSAGES * sizeof message);
    assert_int_equal(eddy__sys_count(EDDY__SYS_recv), MESSAGES);
    assert_int_equal(eddy__sys_count(EDDY__SYS_send), MESSAGES);
    assert_int_equal(calls_counted(), 2 * MESSAGES);
    assert_int_equal(waits_counted(), MESSAGES);
    assert_int_equal(allocations_made() - before, 0);
    assert_recorded("made");
}

/* A connection costs its accept and one piece of memory: its own address is asked for when somebody
 * wants it, no delay comes with it, and most turns do not ask whether there is another one (NET-17,
 * NET-25). */
static void test_accepting_asks_for_nothing_else(struct fixture *f)
{
    enum { CLIENTS = 30 };
    eddy_socket clients[CLIENTS + 1];
    size_t accepted = 0;
    eddy_server *server;
    size_t before;

    need_whole_test();
    if (f->sim != NULL || !eddy__system_sockets.local_address_lasts)
        skip();
    server = silent_server(f, "127.0.0.1", &accepted);
    clients[CLIENTS] = idle_client(f, server, &accepted); /* tells what all get */
    before = allocations_made();
    eddy__sys_reset();
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = idle_client(f, server, &accepted);
    if (fixture_backend_is(f, "epoll") && !sweep_is_on() && runs_are_cheap())
        assert_in_range(allocations_made() - before, CLIENTS, CLIENTS + 3); /* a table grows, too */
#if defined(EDDY__HAVE_ACCEPT4)
    assert_true(eddy__sys_count(EDDY__SYS_accept4) <= CLIENTS + CLIENTS / 3);
#endif
    assert_int_equal(eddy__sys_count(EDDY__SYS_getsockname), CLIENTS); /* of idle_client() */
    assert_int_equal(eddy__sys_count(EDDY__SYS_setsockopt), 0);
    eddy_server_close(server);
    eddy_server_abort_clients(server);
    run_iterations(f->loop, 3);
    for (int i = 0; i <= CLIENTS; i++)
        eddy_socket_close(clients[i]);
    eddy_server_unref(server);
}

/* One that is made asks for its peer's address alone, and has room for it. */
static void test_connecting_asks_for_no_own_address(struct fixture *f)
{
    eddy_address address;
    struct witness w;
    eddy_transport *transport;
    eddy_value value;

    need_whole_test();
    if (f->sim != NULL || !eddy__system_sockets.local_address_lasts)
        skip();
    listener_new(f, &address);
    witness_init(&w, NULL);
    eddy__sys_reset();
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, witness_factory, &w, "127.0.0.1",
                                    eddy_address_port(&address), NULL),
        &value));
    transport = value.transport;
    assert_int_equal(eddy__sys_count(EDDY__SYS_getpeername), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_getsockname), 0);
    assert_true(eddy_transport_get_extra_info(transport, "sockname", &value));
    assert_int_equal(eddy__sys_count(EDDY__SYS_getsockname), 1);
    eddy_transport_abort(transport);
    eddy_transport_unref(transport);
    run_until_recorded(f->loop, "lost:0");
}

/* The same by futures on a socket of the program's own, whatever it is for them to wait. */
struct sock_echo {
    struct fixture *f;
    eddy_socket socket;
    char buffer[256];
    size_t received;
};

static int on_sock_echo_received(eddy_future *future, void *arg);

static int on_sock_echo_sent(eddy_future *future, void *arg)
{
    struct sock_echo *e = arg;

    assert_int_equal(eddy_future_exception(future), 0);
    future = eddy_loop_sock_recv_into(e->f->loop, e->socket, e->buffer, sizeof e->buffer);
    must(eddy_future_add_done_callback(future, on_sock_echo_received, e));
    eddy_future_unref(future);
    return 0;
}

static int on_sock_echo_received(eddy_future *future, void *arg)
{
    struct sock_echo *e = arg;
    eddy_value value;

    must(eddy_future_result(future, &value));
    e->received += value.size;
    if (value.size == 0)
        return 0;
    future = eddy_loop_sock_sendall(e->f->loop, e->socket, e->buffer, value.size);
    must(eddy_future_add_done_callback(future, on_sock_echo_sent, e));
    eddy_future_unref(future);
    return 0;
}

static void sock_echo_run(struct sock_echo *e, eddy_socket peer, int messages)
{
    static const char message[64] = "message";
    char answer[64];

    for (int i = 0; i < messages; i++) {
        assert_int_equal(send((int)peer, message, sizeof message, 0), sizeof message);
        run_iterations(e->f->loop, 4);
        assert_int_equal(recv((int)peer, answer, sizeof answer, 0), sizeof answer);
    }
}

static void test_sock_echo_costs_one_receive_and_one_send(struct fixture *f)
{
    enum { MESSAGES = 100 };
    struct sock_echo e = {.f = f};
    eddy_socket sockets[2];
    eddy_future *sent;
    size_t before;
    int error;

    need_cheap_runs();
    if (f->sim != NULL || fixture_backend_is(f, "kqueue"))
        skip(); /* kqueue registers each time */
    sock_pair(f, sockets);
    e.socket = sockets[0];
    sent = eddy_loop_sock_sendall(f->loop, e.socket, "", 0);
    error = eddy_future_add_done_callback(sent, on_sock_echo_sent, &e);
    eddy_future_unref(sent);
    must(error);
    run_iterations(f->loop, 1);
    sock_echo_run(&e, sockets[1], 5);
    before = allocations_made();
    eddy__sys_reset();
    sock_echo_run(&e, sockets[1], MESSAGES);
    assert_int_equal(e.received, (MESSAGES + 5) * 64);
    assert_int_equal(eddy__sys_count(EDDY__SYS_recv), MESSAGES);
    assert_int_equal(eddy__sys_count(EDDY__SYS_send), MESSAGES);
    assert_int_equal(calls_counted(), 2 * MESSAGES);
    assert_int_equal(allocations_made() - before, 0);
    sock_close(f, sockets[1]);
    run_iterations(f->loop, 4);
}

/* Any number of posts within one iteration share one wake-up. It costs the loop nothing more, but
 * for a read where the selector knows no edges. */
static void test_posts_share_a_wake_up(struct fixture *f)
{
    unsigned long reads = fixture_backend_is(f, "epoll") ? 0 : 1;
    int i;

    if (f->sim != NULL || fixture_backend_is(f, "kqueue"))
        skip(); /* test_selector.c has kqueue's, which writes to no descriptor */
    eddy__sys_reset();
    for (i = 0; i < 100; i++)
        must(eddy_loop_call_soon_threadsafe(f->loop, on_call_nothing, NULL, NULL));
    assert_int_equal(eddy__sys_count(EDDY__SYS_write), 1);
    run_iterations(f->loop, 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_read), reads);
    assert_int_equal(calls_counted(), 1 + reads);
    assert_int_equal(waits_counted(), 1);
    run_iterations(f->loop, 1); /* finds nothing more: from now on it would sleep */
    must(eddy_loop_call_soon_threadsafe(f->loop, on_call_nothing, NULL, NULL));
    assert_int_equal(eddy__sys_count(EDDY__SYS_write), 2);
}

/* Pausing and resuming within an iteration tells the selector nothing. */
static void test_pause_and_resume_cost_nothing(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    run_iterations(f->loop, 3);
    eddy__sys_reset();
    eddy_transport_pause_reading(w.transport);
    eddy_transport_resume_reading(w.transport);
    run_iterations(f->loop, 1);
    assert_int_equal(calls_counted(), 0);
    assert_recorded("made");
}

/* Gathered pieces leave in one call. */
static void test_writelines_is_one_system_call(struct fixture *f)
{
    const eddy_buffer lines[] = {{"one,", 4}, {"two,", 4}, {"three", 5}};
    struct witness w;
    struct peer peer;

    if (f->sim != NULL)
        skip();
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    run_iterations(f->loop, 3);
    eddy__sys_reset();
    must(eddy_transport_writelines(w.transport, lines, 3));
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendmsg), 1);
    assert_int_equal(calls_counted(), 1);
    peer_expect(&peer, "one,two,three");
    assert_recorded("made");
}
#else
#define SKIPPED(name)                                                                              \
    static void name(struct fixture *f)                                                            \
    {                                                                                              \
        (void)f;                                                                                   \
        (void)echo;                                                                                \
        skip(); /* system calls are counted in POSIX builds with EDDY_TEST_HOOKS */                \
    }
SKIPPED(test_callbacks_cost_no_system_call_each)
SKIPPED(test_echo_costs_one_receive_and_one_send)
SKIPPED(test_accepting_asks_for_nothing_else)
SKIPPED(test_connecting_asks_for_no_own_address)
SKIPPED(test_sock_echo_costs_one_receive_and_one_send)
SKIPPED(test_posts_share_a_wake_up)
SKIPPED(test_pause_and_resume_cost_nothing)
SKIPPED(test_writelines_is_one_system_call)
#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_call_soon_allocates_nothing_once_warm),
        TEST(test_timers_allocate_nothing_once_warm),
        TEST(test_futures_allocate_nothing_once_warm),
        TEST(test_waiting_task_is_small),
        TEST(test_idle_connection_is_small),
        TEST(test_idle_connection_of_ipv6_is_small),
        TEST(test_callbacks_cost_no_system_call_each),
        TEST(test_echo_costs_one_receive_and_one_send),
        TEST(test_accepting_asks_for_nothing_else),
        TEST(test_connecting_asks_for_no_own_address),
        TEST(test_sock_echo_costs_one_receive_and_one_send),
        TEST(test_posts_share_a_wake_up),
        TEST(test_pause_and_resume_cost_nothing),
        TEST(test_writelines_is_one_system_call),
    };

    return run_suite("cost", tests);
}

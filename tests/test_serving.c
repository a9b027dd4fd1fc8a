/* SPDX-License-Identifier: MIT */
/* Servers at work and at their end: SRV-1..SRV-9. */
#include "common/loop.h"
#include "support/listener.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/support.h"
#include <string.h>

/* SRV-1: views of the sockets until close, then none. */
static void test_sockets_of_a_server(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_socket_view *view;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    assert_int_equal(eddy_server_socket_count(server), 1);
    assert_null(eddy_server_socket(server, 1));
    view = eddy_server_socket(server, 0);
    assert_int_equal(eddy_socket_view_family(view), EDDY_INET);
    assert_int_equal(eddy_socket_view_type(view), EDDY_STREAM);
    assert_int_equal(eddy_socket_view_settimeout(view, EDDY_SECONDS(1)), EDDY_EINVALID);
    eddy_server_close(server);
    assert_int_equal(eddy_server_socket_count(server), 0);
    assert_null(eddy_server_socket(server, 0));
    release_server(server);
}

/* SRV-3: close is idempotent, refuses new clients, and leaves the old ones alone. */
static void test_close_leaves_connections_alone(struct fixture *f)
{
    struct program program = {.count = 0};
    struct peer peer = {.f = f};
    eddy_server *server;
    eddy_address address;
    int error;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    server_address(server, 0, &address);
    peer.socket = connect_client(f, server);
    run_until_count(f, "made", 1);
    eddy_server_close(server);
    eddy_server_close(server);
    error = eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, program_factory, &program, "127.0.0.1",
                                    eddy_address_port(&address), NULL),
        NULL);
    assert_int_equal(error, EDDY_ECONNREFUSED);
    peer_send(&peer, "still here");
    run_until_recorded(f->loop, "data:still here");
    peer_close(&peer);
    run_until_recorded(f->loop, "lost:0");
    release_server(server);
}

/* SRV-5: it serves until closed, waits for the connections, and succeeds. */
static void test_serve_forever_ends_with_close(struct fixture *f)
{
    eddy_server_options options = {.defer_serving = true};
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_future *forever;

    must(make_server(f, &program, "127.0.0.1", &options, &server));
    forever = keep_future(f, eddy_server_serve_forever(server));
    watch(forever, "forever");
    assert_true(eddy_server_is_serving(server));
    assert_refused(eddy_server_serve_forever(server), EDDY_EBADSTATE, "under way");
    connect_client(f, server);
    run_until_count(f, "made", 1);
    eddy_server_close(server);
    run_iterations(f->loop, 3);
    assert_recorded("made");
    eddy_transport_close(program.clients[0].transport);
    run_until_recorded(f->loop, "forever:done");
    assert_recorded("lost:0", "forever:done");
    must(eddy_future_result(forever, NULL));
    assert_refused(eddy_server_serve_forever(server), EDDY_EBADSTATE, "closed");
    release_server(server);
}

/* SRV-5: cancelled, it closes the server and its clients, waits for them, and is cancelled. */
static void test_serve_forever_cancelled_ends_idle_clients(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_future *forever;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    forever = keep_future(f, eddy_server_serve_forever(server));
    watch(forever, "forever");
    connect_client(f, server);
    run_until_count(f, "made", 1);
    assert_true(eddy_future_cancel(forever, "enough"));
    assert_false(eddy_future_done(forever));
    assert_false(eddy_server_is_serving(server));
    run_until_recorded(f->loop, "forever:cancelled");
    assert_recorded("made", "lost:0", "forever:cancelled");
    assert_int_equal(eddy_future_exception(forever), EDDY_ECANCELED);
    assert_string_equal(eddy_error_text(), "enough");
    release_server(server);
}

static eddy_future *forever_of_script;

static int cancel_forever(struct witness *w, enum witness_event event)
{
    (void)w;
    if (event == WITNESS_MADE)
        eddy_future_cancel(forever_of_script, NULL);
    return 0;
}

/* SRV-5: a handler may cancel it, while its own client is still connected. */
static void test_serve_forever_cancelled_by_a_client(struct fixture *f)
{
    struct program program = {.script = cancel_forever};
    eddy_server *server;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    forever_of_script = keep_future(f, eddy_server_serve_forever(server));
    release_server(server);
    watch(forever_of_script, "forever");
    {
        eddy_address address;

        server_address(server, 0, &address);
        connect_client(f, server);
    }
    run_until_recorded(f->loop, "forever:cancelled");
    assert_recorded("made", "lost:0", "forever:cancelled");
}

/* SRV-5: a peer that never reads holds it up; a second cancel no longer waits. */
static void test_serve_forever_cancelled_twice(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_future *forever;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    forever = keep_future(f, eddy_server_serve_forever(server));
    connect_client(f, server);
    run_until_count(f, "made", 1);
    fill_transport(program.clients[0].transport);
    eddy_future_cancel(forever, NULL);
    run_iterations(f->loop, 3);
    assert_false(eddy_future_done(forever));
    eddy_future_cancel(forever, NULL);
    assert_true(eddy_future_cancelled(forever));
    eddy_server_abort_clients(server);
    run_until_recorded(f->loop, "lost:0");
    release_server(server);
}

/* SRV-6, SRV-7: any number of waiters, before and after close; done when the last one is lost. */
static void test_wait_closed_waits_for_connections(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_future *waits[3];

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    connect_client(f, server);
    run_until_count(f, "made", 1);
    waits[0] = keep_future(f, eddy_server_wait_closed(server));
    waits[1] = keep_future(f, eddy_server_wait_closed(server));
    watch(waits[0], "first");
    run_iterations(f->loop, 2);
    eddy_server_close(server);
    waits[2] = keep_future(f, eddy_server_wait_closed(server));
    watch(waits[2], "third");
    assert_true(eddy_future_cancel(waits[1], NULL));
    run_iterations(f->loop, 2);
    assert_recorded("made");
    eddy_transport_close(program.clients[0].transport);
    run_until_recorded(f->loop, "third:done");
    assert_recorded("lost:0", "first:done", "third:done");
    waits[0] = keep_future(f, eddy_server_wait_closed(server));
    assert_true(eddy_future_done(waits[0]));
    release_server(server);
}

/* SRV-6: without connections close() is the end. */
static void test_wait_closed_without_connections(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_future *wait;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    wait = keep_future(f, eddy_server_wait_closed(server));
    run_iterations(f->loop, 2);
    assert_false(eddy_future_done(wait));
    eddy_server_close(server);
    assert_true(eddy_future_done(wait));
    must(eddy_loop_run_until_complete(f->loop, eddy_future_ref(wait), NULL));
    release_server(server);
}

/* SRV-8: close() flushes and ends idle clients. */
static void test_close_clients(struct fixture *f)
{
    struct program program = {.count = 0};
    struct peer peer = {.f = f};
    eddy_server *server;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    peer.socket = connect_client(f, server);
    connect_client(f, server);
    run_until_count(f, "made", 2);
    must(eddy_transport_write(program.clients[0].transport, "bye", 3));
    must(eddy_transport_write(program.clients[1].transport, "bye", 3));
    eddy_server_close(server);
    eddy_server_close_clients(server);
    assert_true(eddy_transport_is_closing(program.clients[0].transport));
    must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(server), NULL));
    assert_recorded("made", "made", "lost:0", "lost:0");
    peer_expect(&peer, "bye");
    release_server(server);
}

/* SRV-8: abort() does not wait for a peer that never reads. */
static void test_abort_clients(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    connect_client(f, server);
    run_until_count(f, "made", 1);
    fill_transport(program.clients[0].transport);
    eddy_server_close(server);
    eddy_server_close_clients(server);
    run_iterations(f->loop, 3);
    assert_int_equal(recorded("lost:0"), 0);
    eddy_server_abort_clients(server);
    must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(server), NULL));
    assert_int_equal(recorded("lost:0"), 1);
    release_server(server);
}

/* SRV-9: close and wait_closed, what leaving a scope does, leave nothing behind. */
static void test_close_and_wait_is_the_end(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    connect_client(f, server);
    run_until_count(f, "made", 1);
    eddy_server_close(server);
    eddy_server_close_clients(server);
    must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(server), NULL));
    release_server(server);
    run_iterations(f->loop, 1);
    assert_true(eddy__list_is_empty(&f->loop->live));
}

/* A server that nobody closed goes with its loop, and so do its waiters and connections. */
static void test_loop_closes_over_a_server(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_future *forever;
    eddy_future *wait;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    forever = keep_future(f, eddy_server_serve_forever(server));
    wait = keep_future(f, eddy_server_wait_closed(server));
    connect_client(f, server);
    run_until_count(f, "made", 1);
    eddy_loop_set_debug(f->loop, true);
    while (f->socket_count > 0)
        eddy_socket_close(f->sockets[--f->socket_count]);
    must(eddy_loop_close(f->loop));
    assert_logged(EDDY_LOG_WARNING, "server");
    assert_logged(EDDY_LOG_WARNING, "transport");
    assert_false(eddy_server_is_serving(server));
    assert_int_equal(eddy_server_socket_count(server), 0);
    assert_false(eddy_future_done(forever));
    assert_false(eddy_future_done(wait));
    release_server(server);
    assert_recorded("made");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_sockets_of_a_server),
        TEST(test_close_leaves_connections_alone),
        TEST(test_serve_forever_ends_with_close),
        TEST(test_serve_forever_cancelled_ends_idle_clients),
        TEST(test_serve_forever_cancelled_by_a_client),
        TEST(test_serve_forever_cancelled_twice),
        TEST(test_wait_closed_waits_for_connections),
        TEST(test_wait_closed_without_connections),
        TEST(test_close_clients),
        TEST(test_abort_clients),
        TEST(test_close_and_wait_is_the_end),
        TEST(test_loop_closes_over_a_server),
    };

    return run_suite("serving", tests);
}

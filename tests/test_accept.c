/* SPDX-License-Identifier: MIT */
/* Accepting connections: NET-25..NET-29, NET-17. */
#include "common/loop.h"
#include "common/server.h"
#include "support/listener.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/support.h"
#include <string.h>
#if !defined(_WIN32)
#include <sys/socket.h>
#endif

/* NET-25: many at once are all accepted, in pieces of a turn. */
static void test_many_clients_at_once(struct fixture *f)
{
    eddy_server_options options = {.backlog = 2};
    struct program program = {.count = 0};
    eddy_server *server;

    must(make_server(f, &program, "127.0.0.1", &options, &server));
    for (int i = 0; i < 3; i++)
        connect_client(f, server);
    run_until_count(f, "made", 3);
    eddy_server_close(server);
    eddy_server_close_clients(server);
    run_until_count(f, "lost:0", 3);
    release_server(server);
}

/* Between the loop and its backend: the backend's own accept_start(). */
static const struct eddy__backend *real;

/* NET-25: at most backlog + 1 a turn, and never more than 64. */
static int seen_turn_max;

static void note_accept_start(struct eddy__channel *channel, int turn_max)
{
    seen_turn_max = turn_max;
    real->accept_start(channel, turn_max);
}

static void test_accepts_of_a_turn_are_bounded(struct fixture *f)
{
    static const int backlogs[][2] = {{1, 2}, {62, 63}, {63, 64}, {1000, 64}};
    struct program program = {.count = 0};
    eddy_server *server;
    struct spy *spy;

    spy = spy_begin(f->loop);
    real = spy->real;
    spy->backend.accept_start = note_accept_start;
    for (size_t i = 0; i < 4; i++) {
        eddy_server_options options = {.backlog = backlogs[i][0]};

        must(make_server(f, &program, "127.0.0.1", &options, &server));
        assert_int_equal(seen_turn_max, backlogs[i][1]);
        eddy_server_close(server);
        release_server(server);
    }
}

static struct eddy__channel *seen_listener;
static int accept_starts;
static int accept_stops;

static void keep_accept_start(struct eddy__channel *channel, int turn_max)
{
    (void)turn_max;
    seen_listener = channel;
    accept_starts++;
}

static void keep_accept_stop(struct eddy__channel *channel)
{
    (void)channel;
    accept_stops++;
}

/* A server whose accepts the test plays by hand. */
static void make_played_server(struct fixture *f, struct program *program, eddy_server **server)
{
    struct spy *spy = spy_begin(f->loop);

    spy->backend.accept_start = keep_accept_start;
    spy->backend.accept_stop = keep_accept_stop;
    accept_starts = accept_stops = 0;
    must(make_server(f, program, "127.0.0.1", NULL, server));
    assert_int_equal(accept_starts, 1);
}

/* NET-26: out of descriptors: reported once, no accepting for a second, then again. */
static void test_shortage_backs_off_for_a_second(struct fixture *f)
{
    static const int errors[] = {EDDY_EMFILE, EDDY_ENFILE, EDDY_ENOBUFS, EDDY_ENOMEM};
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_time start;

    make_played_server(f, &program, &server);
    start = eddy_loop_time(f->loop);
    seen_listener->events->on_accept_failed(seen_listener, EDDY_EMFILE);
    assert_true(assert_reported("out of resources", EDDY_EMFILE)->has_socket);
    assert_int_equal(accept_stops, 1);
    assert_int_equal(f->loop->timers.count, 1);
    while (accept_starts < 2 && eddy_loop_time(f->loop) < start + EDDY_SECONDS(10))
        run_for(f->loop, EDDY_MILLISECONDS(50));
    assert_true(eddy_loop_time(f->loop) - start >= EDDY_SECONDS(1));
    assert_int_equal(accept_starts, 2);
    for (size_t i = 1; i < 4; i++) {
        seen_listener->events->on_accept_failed(seen_listener, errors[i]);
        assert_reported("out of resources", errors[i]);
        assert_int_equal(f->loop->timers.count, 1);
        eddy_server_close(server);
        release_server(server);
        spy_end();
        make_played_server(f, &program, &server);
    }
    assert_int_equal(reported(), 4);
    eddy_server_close(server);
    release_server(server);
}

/* NET-26: a retry that is still pending when the server closes does nothing. */
static void test_close_ends_a_pending_retry(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;

    make_played_server(f, &program, &server);
    seen_listener->events->on_accept_failed(seen_listener, EDDY_EMFILE);
    assert_reported("out of resources", EDDY_EMFILE);
    eddy_server_close(server);
    assert_int_equal(f->loop->timers.count, 0);
    release_server(server);
    run_iterations(f->loop, 2);
    assert_int_equal(accept_starts, 1);
}

/* NET-26: a connection that ends meanwhile, and so makes room for another one, does not cut the
 * second short. */
static void test_the_end_of_a_connection_does_not_end_the_back_off(struct fixture *f)
{
    struct program program = {.count = 0};
    struct eddy_transport transport = {.loop = f->loop};
    eddy_server *server;

    make_played_server(f, &program, &server);
    eddy__server_attach(server, &transport);
    seen_listener->events->on_accept_failed(seen_listener, EDDY_EMFILE);
    assert_reported("out of resources", EDDY_EMFILE);
    eddy__server_detach(&transport);
    assert_int_equal(accept_starts, 1);
    assert_int_equal(f->loop->timers.count, 1);
    eddy_server_close(server);
    release_server(server);
}

static int close_server_handler(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    eddy_server_close(arg);
    return reports_handler(loop, context, NULL);
}

/* NET-26: the handler of the report may close the server. */
static void test_server_closed_by_the_report(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;

    make_played_server(f, &program, &server);
    eddy_loop_set_exception_handler(f->loop, close_server_handler, server);
    seen_listener->events->on_accept_failed(seen_listener, EDDY_EMFILE);
    eddy_loop_set_exception_handler(f->loop, reports_handler, NULL);
    assert_reported("out of resources", EDDY_EMFILE);
    assert_int_equal(f->loop->timers.count, 0);
    release_server(server);
}

/* NET-27: any other failure is reported, and the listener goes on. */
static void test_other_accept_errors_are_reported(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;

    make_played_server(f, &program, &server);
    seen_listener->events->on_accept_failed(seen_listener, EDDY_EPERM);
    assert_true(assert_reported("accepting a connection", EDDY_EPERM)->has_socket);
    assert_int_equal(accept_stops, 0);
    assert_int_equal(f->loop->timers.count, 0);
    eddy_server_close(server);
    release_server(server);
}

/* NET-27: what says that there is no listening socket any more is said once, and is the end. */
static void test_a_listener_that_is_gone_is_reported_once(struct fixture *f)
{
    static const int errors[] = {EDDY_EBADF, EDDY_ENOTSOCK, EDDY_EINVAL};
    struct program program = {.count = 0};
    struct eddy_transport transport = {.loop = f->loop};
    eddy_server *server;

    for (size_t i = 0; i < 3; i++) {
        make_played_server(f, &program, &server);
        seen_listener->events->on_accept_failed(seen_listener, errors[i]);
        assert_true(assert_reported("accepts no more", errors[i])->has_socket);
        assert_int_equal(accept_stops, 1);
        assert_int_equal(f->loop->timers.count, 0);
        eddy__server_attach(server, &transport);
        eddy__server_detach(&transport);
        assert_int_equal(accept_starts, 1);
        eddy_server_close(server);
        release_server(server);
        spy_end();
    }
    assert_int_equal(reported(), 3);
}

#if !defined(_WIN32)
/* NET-27: the same from a system, which would tell it in each turn. */
static void test_a_listener_that_is_shut_down_is_reported_once(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;

    if (f->sim != NULL)
        skip(); /* it has no such socket */
    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    shutdown((int)eddy_socket_view_fileno(eddy_server_socket(server, 0)), SHUT_RDWR);
    run_for(f->loop, EDDY_MILLISECONDS(20));
    assert_true(reported() <= 1); /* not every system lets a listener be shut down */
    if (reported() == 1)
        assert_reported("accepts no more", EDDY_EINVAL);
    eddy_server_close(server);
    release_server(server);
}
#endif

/* NET-26 on the simulated network, from the system's side. */
static void test_accept_failures_lose_no_client(struct fixture *f)
{
    eddy_sim_options faults = {.accept_failure = 1};
    eddy_sim_options none = {.seed = 1};
    struct program program = {.count = 0};
    eddy_server *server;

    if (f->sim == NULL)
        skip(); /* a real system is not short of descriptors on demand */
    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    must(eddy_sim_set_options(f->sim, &faults));
    connect_client(f, server);
    run_for(f->loop, EDDY_MILLISECONDS(500));
    assert_reported("out of resources", EDDY_EMFILE);
    assert_nothing_recorded();
    must(eddy_sim_set_options(f->sim, &none));
    run_for(f->loop, EDDY_SECONDS(1));
    assert_recorded("made");
    eddy_server_close(server);
    eddy_server_abort_clients(server);
    run_until_recorded(f->loop, "lost:0");
    release_server(server);
}

/* NET-28: a connection that cannot be set up costs nobody else anything. */
static void test_failed_set_up_costs_one_connection(struct fixture *f)
{
    struct program program = {.refuse = true};
    eddy_server *server;
    eddy_socket client;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    client = connect_client(f, server);
    run_until_count(f, "refused", 1);
    assert_true(listener_await_end(f, client));
    assert_int_equal(reported(), 0);
    program.refuse = false;
    connect_client(f, server);
    run_until_count(f, "made", 1);
    eddy_server_close(server);
    eddy_server_close_clients(server);
    must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(server), NULL));
    release_server(server);
}

/* NET-28: debug mode reports it. */
static void test_failed_set_up_is_reported_in_debug_mode(struct fixture *f)
{
    struct program program = {.refuse = true};
    const struct report *report;
    eddy_server *server;

    eddy_loop_set_debug(f->loop, true);
    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    connect_client(f, server);
    run_until_count(f, "refused", 1);
    run_iterations(f->loop, 1);
    report = assert_reported("could not be set up", EDDY_EUSER);
    assert_string_equal(report->text, "full house");
    assert_non_null(report->transport);
    program.refuse = false;
    program.made_result = EDDY_EUSER - 1;
    connect_client(f, server);
    run_until_recorded(f->loop, "lost:EDDY_E?");
    assert_reported("connection_made", EDDY_EUSER - 1);
    assert_non_null(assert_reported("could not be set up", EDDY_EUSER - 1)->protocol);
    eddy_server_close(server);
    must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(server), NULL));
    release_server(server);
}

/* NET-17: accepted connections have no delay either. */
static void test_accepted_connections_have_no_delay(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_value value;
    int set = 0;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    for (size_t i = 0; i < 3; i++) {
        connect_client(f, server);
        run_until_count(f, "made", i + 1);
        assert_true(eddy_transport_get_extra_info(program.clients[i].transport, "socket", &value));
        must(eddy_socket_view_get_option(value.socket_view, EDDY_SOCKET_NO_DELAY, &set));
        assert_true(set != 0);
    }
    eddy_server_close(server);
    eddy_server_close_clients(server);
    run_until_count(f, "lost:0", 3);
    release_server(server);
}

/* NET-17: nor do those have one that came before a passed socket was the server's. */
static void test_waiting_connections_have_no_delay(struct fixture *f)
{
    eddy_address address;
    eddy_socket socket = listener_new(f, &address);
    eddy_server_options options = {.sock = &socket};
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_socket client;
    eddy_value value;
    int set = 0;
    int error;

    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &client));
    fixture_keep_socket(f, client);
    error = eddy_socket_connect(client, &address);
    must(error == EDDY_EINPROGRESS ? 0 : error);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    must(make_server(f, &program, NULL, &options, &server));
    fixture_drop_socket(f, socket);
    run_until_count(f, "made", 1);
    for (size_t i = 0; i < 2; i++) {
        assert_true(eddy_transport_get_extra_info(program.clients[i].transport, "socket", &value));
        must(eddy_socket_view_get_option(value.socket_view, EDDY_SOCKET_NO_DELAY, &set));
        assert_true(set != 0);
        if (i == 0) {
            connect_client(f, server);
            run_until_count(f, "made", 2);
        }
    }
    eddy_server_close(server);
    eddy_server_close_clients(server);
    run_until_count(f, "lost:0", 2);
    release_server(server);
}

/* NET-29: accepts that are under way when the server closes are cancelled; nothing is left. */
static void test_close_with_clients_on_their_way(struct fixture *f)
{
    for (int iterations = 0; iterations < 4; iterations++) {
        struct program program = {.count = 0};
        eddy_server *server;
        eddy_socket client;

        must(make_server(f, &program, "127.0.0.1", NULL, &server));
        client = connect_client(f, server);
        run_iterations(f->loop, iterations);
        eddy_server_close(server);
        eddy_server_abort_clients(server);
        release_server(server);
        assert_true(listener_await_end(f, client) || program.count == 0);
        fixture_drop_socket(f, client);
        eddy_socket_close(client);
        run_for(f->loop, EDDY_MILLISECONDS(2));
        assert_int_equal(recorded("made"), recorded("lost:0"));
    }
}

/* Only so many connections at a time; the next one waits in the queue. */
static void test_connections_max(struct fixture *f)
{
    eddy_server_options options = {.connections_max = 2};
    struct program program = {.count = 0};
    eddy_server *server;

    must(make_server(f, &program, "127.0.0.1", &options, &server));
    for (int i = 0; i < 4; i++)
        connect_client(f, server);
    run_until_count(f, "made", 2);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_int_equal(recorded("made"), 2);
    eddy_transport_abort(program.clients[0].transport);
    run_until_count(f, "made", 3);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_int_equal(recorded("made"), 3);
    eddy_server_close(server);
    eddy_server_abort_clients(server);
    must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(server), NULL));
    release_server(server);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_many_clients_at_once),
        TEST(test_accepts_of_a_turn_are_bounded),
        TEST(test_shortage_backs_off_for_a_second),
        TEST(test_close_ends_a_pending_retry),
        TEST(test_the_end_of_a_connection_does_not_end_the_back_off),
        TEST(test_server_closed_by_the_report),
        TEST(test_other_accept_errors_are_reported),
        TEST(test_a_listener_that_is_gone_is_reported_once),
#if !defined(_WIN32)
        TEST(test_a_listener_that_is_shut_down_is_reported_once),
#endif
        TEST(test_accept_failures_lose_no_client),
        TEST(test_failed_set_up_costs_one_connection),
        TEST(test_failed_set_up_is_reported_in_debug_mode),
        TEST(test_accepted_connections_have_no_delay),
        TEST(test_waiting_connections_have_no_delay),
        TEST(test_close_with_clients_on_their_way),
        TEST(test_connections_max),
    };

    return run_suite("accept", tests);
}

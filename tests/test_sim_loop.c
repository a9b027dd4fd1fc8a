/* SPDX-License-Identifier: MIT */
/* Programs on a simulated loop: what <eddy/testing.h> promises to whoever tests with it. */
/* CMocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <eddy/eddy.h>
#include "support/allocations.h"
#include "support/sim_net.h"
#include <stdio.h>
#include <string.h>

/** What happened when, one line an event. */
static struct {
    char text[8192];
    size_t size;
} trace;

static void trace_reset(void)
{
    trace.text[0] = '\0';
    trace.size = 0;
}

static void trace_add(eddy_loop *loop, const char *what, long long number)
{
    int size = snprintf(trace.text + trace.size, sizeof trace.text - trace.size, "%lld %s %lld\n",
                        (long long)eddy_loop_time(loop), what, number);

    assert_in_range(size, 1, sizeof trace.text - trace.size - 1);
    trace.size += (size_t)size;
}

static void ignore_log(eddy_log_level level, const char *text, void *arg)
{
    (void)level;
    (void)text;
    (void)arg;
}

static int run_task(eddy_sim *sim, eddy_function function, void *arg)
{
    eddy_loop *loop = eddy_sim_loop(sim);

    return eddy_loop_run_until_complete(loop, eddy_loop_create_task(loop, function, arg, NULL),
                                        NULL);
}

/** A side of a connection; the server's sends back what it gets. */
struct side {
    eddy_protocol protocol;
    eddy_transport *transport;
    bool echoes;
    size_t received;
    int lost; /**< 1 while the connection lives, then the error */
};

static int side_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct side *side = (struct side *)protocol;

    side->transport = transport;
    trace_add(eddy_transport_get_loop(transport), side->echoes ? "accepted" : "connected", 0);
    return 0;
}

static int side_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    struct side *side = (struct side *)protocol;

    side->received += size;
    trace_add(eddy_transport_get_loop(side->transport), side->echoes ? "request" : "answer",
              (long long)size);
    return side->echoes ? eddy_transport_write(side->transport, data, size) : 0;
}

static int side_connection_lost(eddy_protocol *protocol, int error)
{
    struct side *side = (struct side *)protocol;

    trace_add(eddy_transport_get_loop(side->transport),
              side->echoes ? "server lost" : "client lost", error);
    side->transport = NULL;
    side->lost = error;
    return 0;
}

static const eddy_protocol_callbacks side_callbacks = {
    .connection_made = side_connection_made,
    .data_received = side_data_received,
    .connection_lost = side_connection_lost,
};

static eddy_protocol *side_give(void *arg)
{
    return arg;
}

/** A server, a client, and what they do with each other. */
struct talk {
    struct side server_side;
    struct side client_side;
    eddy_server *server;
    int connect_error;
    const eddy_sim_options *later; /**< options from the moment of connection on, or NULL */
    eddy_sim *sim;
};

static void talk_init(struct talk *talk, eddy_sim *sim)
{
    memset(talk, 0, sizeof *talk);
    talk->sim = sim;
    eddy_protocol_init(&talk->server_side.protocol, &side_callbacks);
    eddy_protocol_init(&talk->client_side.protocol, &side_callbacks);
    talk->server_side.echoes = true;
    talk->server_side.lost = talk->client_side.lost = 1;
}

static int talk_open(struct talk *talk)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_value value;
    int error = eddy_await(eddy_loop_create_server(loop, side_give, &talk->server_side, "localhost",
                                                   SERVER_PORT, NULL),
                           &value);

    if (error)
        return error;
    talk->server = value.server;
    error = eddy_await(eddy_loop_create_connection(loop, side_give, &talk->client_side, "localhost",
                                                   SERVER_PORT, NULL),
                       &value);
    talk->connect_error = error;
    if (error == 0)
        eddy_transport_unref(value.transport);
    if (talk->later != NULL)
        eddy_sim_set_options(talk->sim, talk->later);
    return 0;
}

static int talk_close(struct talk *talk)
{
    int error;

    if (talk->client_side.transport != NULL)
        eddy_transport_close(talk->client_side.transport);
    eddy_server_close(talk->server);
    error = eddy_await(eddy_server_wait_closed(talk->server), NULL);
    eddy_server_unref(talk->server);
    return error ? error : eddy_await(eddy_sleep(EDDY_SECONDS(10)), NULL);
}

/** Send ten requests of 100 bytes, one every 7 ms, and wait a second for the answers. */
static int talk_main(void *arg, eddy_value *result)
{
    struct talk *talk = arg;
    char request[100] = "request";
    int error = talk_open(talk);

    (void)result;
    for (int i = 0; error == 0 && i < 10; i++) {
        if (talk->client_side.transport != NULL)
            eddy_transport_write(talk->client_side.transport, request, sizeof request);
        error = eddy_await(eddy_sleep(EDDY_MILLISECONDS(7)), NULL);
    }
    if (error == 0)
        error = eddy_await(eddy_sleep(EDDY_SECONDS(1)), NULL);
    return error ? error : talk_close(talk);
}

static void talk_once(eddy_sim_options options, struct talk *talk)
{
    eddy_sim *sim = sim_of(options);

    trace_reset();
    talk_init(talk, sim);
    assert_int_equal(run_task(sim, talk_main, talk), 0);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_a_talk_has_its_latency_on_the_virtual_clock(void **state)
{
    struct talk talk;

    (void)state;
    talk_once((eddy_sim_options){.latency = EDDY_MILLISECONDS(20)}, &talk);
    assert_int_equal(talk.client_side.received, 1000);
    assert_non_null(strstr(trace.text, "20000000 accepted 0\n40000000 connected 0\n"));
    assert_non_null(strstr(trace.text, "60000000 request 100\n"));
    assert_non_null(strstr(trace.text, "80000000 answer 100\n"));
    assert_int_equal(talk.client_side.lost, 0);
    assert_int_equal(talk.server_side.lost, 0);
}

static void test_equal_seeds_give_equal_talks_and_others_do_not(void **state)
{
    eddy_sim_options options = {.seed = 7,
                                .latency = EDDY_MILLISECONDS(1),
                                .jitter = EDDY_MILLISECONDS(9),
                                .partial_reads = 0.5,
                                .partial_writes = 0.5};
    char first[sizeof trace.text];
    struct talk talk;

    (void)state;
    talk_once(options, &talk);
    memcpy(first, trace.text, sizeof first);
    talk_once(options, &talk);
    assert_string_equal(trace.text, first);
    assert_int_equal(talk.client_side.received, 1000);
    options.seed = 8;
    talk_once(options, &talk);
    assert_string_not_equal(trace.text, first);
    assert_int_equal(talk.client_side.received, 1000);
}

static void test_a_reset_in_the_middle_ends_both_sides(void **state)
{
    const eddy_sim_options later = {.seed = 1, .reset = 0.2};
    eddy_sim *sim = perfect_sim();
    struct talk talk;

    (void)state;
    trace_reset();
    talk_init(&talk, sim);
    talk.later = &later;
    assert_int_equal(run_task(sim, talk_main, &talk), 0);
    assert_int_equal(talk.client_side.lost, EDDY_ECONNRESET);
    assert_int_equal(talk.server_side.lost, EDDY_ECONNRESET);
    assert_true(talk.client_side.received < 1000);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_a_refused_connect_reaches_the_program(void **state)
{
    struct talk talk;

    (void)state;
    talk_once((eddy_sim_options){.refuse = 1}, &talk);
    assert_int_equal(talk.connect_error, EDDY_ECONNREFUSED);
}

/** NET-26: the server reports it and tries again a second later; the connection has waited. */
static void test_a_failed_accept_is_repeated(void **state)
{
    const eddy_sim_options later = {0};
    eddy_sim *sim = sim_of((eddy_sim_options){.accept_failure = 1});
    struct talk talk;

    (void)state;
    eddy_set_log_handler(ignore_log, NULL);
    trace_reset();
    talk_init(&talk, sim);
    talk.later = &later;
    assert_int_equal(run_task(sim, talk_main, &talk), 0);
    assert_non_null(strstr(trace.text, "1000000000 accepted 0\n"));
    assert_int_equal(talk.client_side.received, 1000);
    assert_int_equal(eddy_sim_free(sim), 0);
    eddy_set_log_handler(NULL, NULL);
}

static void test_many_seeds_leave_nothing_behind(void **state)
{
    int broken = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct talk talk;

        talk_once((eddy_sim_options){.seed = seed,
                                     .latency = EDDY_MILLISECONDS(1),
                                     .jitter = EDDY_MILLISECONDS(20),
                                     .partial_reads = 0.7,
                                     .partial_writes = 0.7,
                                     .reset = 0.01,
                                     .send_buffer = 16,
                                     .receive_buffer = 1 + (size_t)seed % 50},
                  &talk);
        assert_true(talk.client_side.lost <= 0 && talk.server_side.lost <= 0);
        if (talk.client_side.lost == 0)
            assert_int_equal(talk.client_side.received, 1000);
        else
            broken++;
    }
    assert_in_range(broken, 1, 99);
}

static int sleep_main(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_await(eddy_sleep(EDDY_SECONDS(30)), NULL);
}

static void test_thirty_virtual_seconds_pass(void **state)
{
    eddy_sim *sim = perfect_sim();

    (void)state;
    assert_int_equal(run_task(sim, sleep_main, NULL), 0);
    assert_int_equal(now(sim), EDDY_SECONDS(30));
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_waiting_for_nobody_is_a_deadlock(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_loop *loop = eddy_sim_loop(sim);

    (void)state;
    assert_int_equal(eddy_loop_run_until_complete(loop, eddy_loop_create_future(loop), NULL),
                     EDDY_EDEADLOCK);
    assert_int_equal(eddy_loop_run_forever(loop), EDDY_EDEADLOCK);
    assert_non_null(strstr(eddy_error_text(), "nothing can end this wait"));
    assert_int_equal(eddy_sim_free(sim), 0);
}

static int wait_main(void *arg, eddy_value *result)
{
    (void)result;
    return eddy_await(eddy_future_ref(arg), NULL);
}

static void test_tasks_and_futures_left_behind_are_leaks(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_loop *loop = eddy_sim_loop(sim);
    eddy_future *never = eddy_loop_create_future(loop);

    (void)state;
    eddy_set_log_handler(ignore_log, NULL);
    assert_int_equal(run_task(sim, wait_main, never), EDDY_EDEADLOCK);
    assert_true(eddy_sim_free(sim) >= 2);
    assert_non_null(strstr(eddy_error_text(), "1 unfinished task"));
    assert_non_null(strstr(eddy_error_text(), "to the loop"));
    eddy_future_unref(never);
    eddy_set_log_handler(NULL, NULL);
}

static int note_work(void *arg, eddy_value *result)
{
    (void)result;
    trace_add(eddy_get_running_loop(), "work", *(const int *)arg);
    return 0;
}

static int executor_main(void *arg, eddy_value *result)
{
    static const int numbers[] = {1, 2, 3};
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *works[3];
    int error = 0;

    (void)arg;
    (void)result;
    for (int i = 0; i < 3; i++)
        works[i] =
            eddy_loop_run_in_executor(loop, NULL, note_work, (void *)(uintptr_t)&numbers[i], NULL);
    for (int i = 2; i >= 0; i--)
        error = error ? error : eddy_await(works[i], NULL);
    return error;
}

static void test_executor_work_runs_in_the_order_of_submission(void **state)
{
    eddy_sim *sim = perfect_sim();

    (void)state;
    trace_reset();
    assert_int_equal(run_task(sim, executor_main, NULL), 0);
    assert_string_equal(trace.text, "0 work 1\n0 work 2\n0 work 3\n");
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_names_come_from_the_table(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_loop *loop = eddy_sim_loop(sim);
    eddy_address address = address_of("192.0.2.1", 0);
    eddy_value value;

    (void)state;
    assert_int_equal(eddy_sim_add_host(sim, "mail.test", &address), 0);
    assert_int_equal(eddy_loop_run_until_complete(
                         loop, eddy_loop_getaddrinfo(loop, "mail.test", "25", NULL), &value),
                     0);
    address = eddy_address_list_get(value.addresses, 0)->address;
    assert_int_equal(eddy_address_port(&address), 25);
    eddy_address_list_free(value.addresses);
    assert_int_equal(eddy_loop_run_until_complete(
                         loop, eddy_loop_getaddrinfo(loop, "other.test", "25", NULL), &value),
                     EDDY_EAI_NONAME);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_the_clock_of_a_closed_loop_still_shows_its_time(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_loop *loop = eddy_loop_ref(eddy_sim_loop(sim));

    (void)state;
    assert_int_equal(run_task(sim, sleep_main, NULL), 0);
    assert_int_equal(eddy_sim_free(sim), 1);
    assert_string_equal(eddy_error_text(), "left in the simulation: 1 reference to the loop");
    assert_int_equal(eddy_loop_time(loop), EDDY_SECONDS(30));
    eddy_loop_unref(loop);
}

static void test_a_backend_by_name_is_a_private_simulation(void **state)
{
    eddy_loop *loop;
    eddy_socket socket;

    (void)state;
    assert_int_equal(eddy_loop_new(&(eddy_loop_options){.backend = "sim"}, &loop), 0);
    assert_string_equal(eddy_loop_get_backend(loop), "sim");
    assert_int_equal(eddy_loop_time(loop), 0);
    assert_int_equal(eddy_socket_new(loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &socket), 0);
    assert_true(eddy__sim_is_socket(socket));
    assert_int_equal(eddy_loop_close(loop), 0);
    assert_int_equal(eddy_socket_listen(socket, 1), EDDY_EBADF);
    eddy_socket_close(socket);
    assert_int_equal(eddy_socket_new(loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &socket),
                     EDDY_EBADSTATE);
    eddy_loop_unref(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(test_a_talk_has_its_latency_on_the_virtual_clock),
        SIM_TEST(test_equal_seeds_give_equal_talks_and_others_do_not),
        SIM_TEST(test_a_reset_in_the_middle_ends_both_sides),
        SIM_TEST(test_a_refused_connect_reaches_the_program),
        SIM_TEST(test_a_failed_accept_is_repeated),
        SIM_TEST(test_many_seeds_leave_nothing_behind),
        SIM_TEST(test_thirty_virtual_seconds_pass),
        SIM_TEST(test_waiting_for_nobody_is_a_deadlock),
        SIM_TEST(test_tasks_and_futures_left_behind_are_leaks),
        SIM_TEST(test_executor_work_runs_in_the_order_of_submission),
        SIM_TEST(test_names_come_from_the_table),
        SIM_TEST(test_the_clock_of_a_closed_loop_still_shows_its_time),
        SIM_TEST(test_a_backend_by_name_is_a_private_simulation),
    };

    allocations_install();
    return cmocka_run_group_tests_name("sim_loop", tests, NULL, NULL);
}

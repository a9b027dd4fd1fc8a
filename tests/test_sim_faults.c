/* SPDX-License-Identifier: MIT */
/* The clock of a simulation, its faults, and what it says about leaks. */
/* CMocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/allocations.h"
#include "support/sim_net.h"
#include <stdio.h>
#include <string.h>

static void test_latency_is_seen_on_the_virtual_clock(void **state)
{
    eddy_time latency = EDDY_MILLISECONDS(20);
    eddy_sim *sim = sim_of((eddy_sim_options){.latency = latency});
    eddy_socket listener = listen_at(sim, "127.0.0.1", 5);
    eddy_socket client = connect_to(sim, "127.0.0.1");
    eddy_socket server;

    (void)state;
    assert_int_equal(now(sim), 0);
    assert_int_equal(wait_for(sim, EDDY_FOREVER), 0);
    assert_int_equal(now(sim), latency);
    server = accept_from(listener);
    assert_int_equal(net->connect_result(client), EDDY_EINPROGRESS);
    assert_int_equal(wait_for(sim, EDDY_FOREVER), 0);
    assert_int_equal(now(sim), 2 * latency);
    assert_int_equal(net->connect_result(client), 0);
    send_text(client, "hi");
    assert_int_equal(receive_any(server), EDDY_EAGAIN);
    assert_int_equal(wait_for(sim, latency / 2), 0);
    assert_int_equal(receive_any(server), EDDY_EAGAIN);
    assert_int_equal(wait_for(sim, EDDY_FOREVER), 0);
    assert_int_equal(now(sim), 3 * latency);
    assert_receives(server, "hi");
    net->close(client);
    net->close(server);
    net->close(listener);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_jitter_never_reorders_bytes(void **state)
{
    struct link link = link_of(
        (eddy_sim_options){.seed = 3, .latency = EDDY_MILLISECONDS(1), .jitter = EDDY_SECONDS(1)});
    char got[27] = "";
    size_t size = 0;

    (void)state;
    for (char c = 'a'; c <= 'z'; c++)
        assert_int_equal(send_text(link.a, (char[]){c, '\0'}), 1);
    net->shutdown_send(link.a);
    while (wait_for(link.sim, EDDY_SECONDS(2)) == 0) {
        int64_t received = net->receive(link.b, got + size, sizeof got - size);

        if (received == 0)
            break;
        size += received > 0 ? (size_t)received : 0;
    }
    assert_string_equal(got, "abcdefghijklmnopqrstuvwxyz");
    link_end(link);
}

/** Send and receive for a while, and write down what happened when. */
static void trace(uint64_t seed, char *text, size_t room)
{
    struct link link = link_of((eddy_sim_options){.seed = seed,
                                                  .latency = EDDY_MILLISECONDS(1),
                                                  .jitter = EDDY_MILLISECONDS(5),
                                                  .partial_reads = 0.5,
                                                  .partial_writes = 0.5});
    size_t used = 0;

    for (int i = 0; i < 20; i++) {
        int sent = (int)send_text(link.a, "sixteen bytes...");
        int received;

        wait_for(link.sim, EDDY_MILLISECONDS(3));
        received = (int)receive_any(link.b);
        used += (size_t)snprintf(text + used, room - used, "%d/%d@%lld ", sent, received,
                                 (long long)now(link.sim));
    }
    link_end(link);
}

static void test_the_same_seed_gives_the_same_trace(void **state)
{
    char first[2000];
    char again[2000];
    char other[2000];

    (void)state;
    trace(7, first, sizeof first);
    trace(7, again, sizeof again);
    trace(8, other, sizeof other);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

static void test_partial_transfers_are_never_empty_and_lose_nothing(void **state)
{
    struct link link =
        link_of((eddy_sim_options){.seed = 1, .partial_reads = 1, .partial_writes = 1});
    size_t sent = 0;
    size_t received = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        int64_t count = send_text(link.a, "0123456789");

        assert_in_range(count, 1, 9);
        sent += (size_t)count;
        count = receive_any(link.b);
        assert_true(count >= 1);
        received += (size_t)count;
    }
    while (received < sent)
        received += (size_t)receive_any(link.b);
    assert_int_equal(receive_any(link.b), EDDY_EAGAIN);
    assert_int_equal(received, sent);
    link_end(link);
}

static void test_reset_fault_breaks_both_sides(void **state)
{
    struct link link = link_of((eddy_sim_options){.reset = 1});

    (void)state;
    assert_int_equal(send_text(link.a, "x"), EDDY_ECONNRESET);
    assert_int_equal(send_text(link.a, "x"), EDDY_EPIPE);
    assert_int_equal(receive_any(link.b), EDDY_ECONNRESET);
    link_end(link);
}

static void test_refuse_fault_refuses_although_somebody_listens(void **state)
{
    eddy_sim *sim = sim_of((eddy_sim_options){.refuse = 1});
    eddy_socket listener = listen_at(sim, "127.0.0.1", 5);
    eddy_socket client = connect_to(sim, "127.0.0.1");
    eddy_address address = address_of("127.0.0.1", SERVER_PORT);

    (void)state;
    assert_int_equal(net->connect_result(client), EDDY_ECONNREFUSED);
    assert_int_equal(eddy_sim_set_options(sim, NULL), 0);
    assert_int_equal(net->connect(client, &address), EDDY_EINPROGRESS);
    assert_int_equal(net->connect_result(client), 0);
    net->close(client);
    net->close(listener);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_accept_fault_keeps_the_connection_waiting(void **state)
{
    eddy_sim *sim = sim_of((eddy_sim_options){.accept_failure = 1});
    eddy_socket listener = listen_at(sim, "127.0.0.1", 5);
    eddy_socket client = connect_to(sim, "127.0.0.1");
    eddy_socket accepted;
    eddy_address peer;

    (void)state;
    assert_int_equal(net->accept(listener, &accepted, &peer), EDDY_EMFILE);
    eddy_sim_set_options(sim, NULL);
    net->close(accept_from(listener));
    net->close(client);
    net->close(listener);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_reset_all_leaves_what_has_arrived_readable(void **state)
{
    struct link link = link_of((eddy_sim_options){0});

    (void)state;
    send_text(link.a, "arrived");
    assert_int_equal(eddy_sim_reset_all(link.sim), 1);
    assert_receives(link.b, "arrived");
    assert_int_equal(receive_any(link.b), EDDY_ECONNRESET);
    assert_int_equal(send_text(link.a, "x"), EDDY_ECONNRESET);
    assert_int_equal(eddy_sim_reset_all(link.sim), 0);
    link_end(link);
}

static void test_a_cut_network_delivers_when_it_is_mended(void **state)
{
    struct link link = link_of((eddy_sim_options){0});

    (void)state;
    eddy_sim_partition(link.sim, true);
    assert_int_equal(send_text(link.a, "late"), 4);
    assert_int_equal(wait_for(link.sim, EDDY_SECONDS(9)), 0);
    assert_int_equal(receive_any(link.b), EDDY_EAGAIN);
    assert_int_equal(wait_for(link.sim, EDDY_FOREVER), EDDY_EDEADLOCK);
    eddy_sim_partition(link.sim, false);
    assert_int_equal(wait_for(link.sim, 0), 0);
    assert_receives(link.b, "late");
    assert_int_equal(now(link.sim), EDDY_SECONDS(9));
    link_end(link);
}

static void test_a_wait_that_nothing_can_end_is_a_deadlock(void **state)
{
    eddy_sim *sim = perfect_sim();

    (void)state;
    assert_int_equal(wait_for(sim, EDDY_FOREVER), EDDY_EDEADLOCK);
    assert_non_null(strstr(eddy_error_text(), "nothing can end this wait"));
    assert_int_equal(wait_for(sim, EDDY_SECONDS(30)), 0);
    assert_int_equal(now(sim), EDDY_SECONDS(30));
    eddy_sim_advance(sim, EDDY_SECONDS(1));
    eddy_sim_advance(sim, -1);
    assert_int_equal(now(sim), EDDY_SECONDS(31));
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_spinning_makes_time_pass_in_the_end(void **state)
{
    eddy_sim *sim = perfect_sim();

    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_int_equal(wait_for(sim, 0), 0);
    assert_int_equal(now(sim), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(wait_for(sim, 0), 0);
    assert_int_equal(now(sim), EDDY_MILLISECONDS(1));
    assert_int_equal(wait_for(sim, EDDY_SECONDS(1)), 0);
    assert_int_equal(wait_for(sim, 0), 0);
    assert_int_equal(now(sim), EDDY_MILLISECONDS(1001));
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_a_wake_up_ends_the_next_wait(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_loop *loop = eddy_sim_loop(sim);

    (void)state;
    loop->backend->wake(loop);
    assert_int_equal(wait_for(sim, EDDY_FOREVER), 0);
    assert_int_equal(wait_for(sim, EDDY_FOREVER), EDDY_EDEADLOCK);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void wake_loop(void *arg)
{
    eddy_loop *loop = arg;

    loop->backend->wake(loop);
}

static void test_the_clock_stands_still_while_other_threads_work(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_loop *loop = eddy_sim_loop(sim);
    struct eddy__thread thread;

    (void)state;
    loop->foreign_work = 1;
    assert_int_equal(eddy__thread_start(&thread, "waker", wake_loop, loop), 0);
    assert_int_equal(wait_for(sim, EDDY_SECONDS(5)), 0);
    assert_int_equal(now(sim), 0);
    loop->foreign_work = 0;
    eddy__thread_join(&thread);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_sockets_left_open_are_counted_and_named(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket listener = listen_at(sim, "127.0.0.1", 5);
    eddy_socket client = connect_to(sim, "127.0.0.1");

    (void)state;
    assert_int_equal(eddy_sim_free(sim), 2);
    assert_non_null(strstr(eddy_error_text(), "listening socket at 127.0.0.1:7000"));
    assert_non_null(strstr(eddy_error_text(), "socket from 127.0.0.1:49152 to 127.0.0.1:7000"));
    assert_true(eddy__sim_is_socket(client));
    assert_int_equal(receive_any(client), EDDY_EBADF);
    net->close(client);
    net->close(listener);
}

static void test_options_without_sense_are_refused(void **state)
{
    int anything;

    (void)state;
    assert_null(eddy_sim_new(&(eddy_sim_options){.latency = -1}));
    assert_null(eddy_sim_new(&(eddy_sim_options){.reset = 1.5}));
    assert_non_null(strstr(eddy_error_text(), "probability"));
    assert_null(eddy_sim_new(&(eddy_sim_options){.reserved = {&anything}}));
}

static void test_out_of_memory_leaves_nothing_behind(void **state)
{
    eddy_sim *sim = NULL;
    size_t nth = 0;

    (void)state;
    do {
        allocations_fail(++nth);
        sim = eddy_sim_new(NULL);
        assert_true(sim != NULL || allocations_live() == 0);
    } while (sim == NULL);
    allocations_fail(0);
    assert_true(nth > 3);
    assert_int_equal(eddy_sim_free(sim), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(test_latency_is_seen_on_the_virtual_clock),
        SIM_TEST(test_jitter_never_reorders_bytes),
        SIM_TEST(test_the_same_seed_gives_the_same_trace),
        SIM_TEST(test_partial_transfers_are_never_empty_and_lose_nothing),
        SIM_TEST(test_reset_fault_breaks_both_sides),
        SIM_TEST(test_refuse_fault_refuses_although_somebody_listens),
        SIM_TEST(test_accept_fault_keeps_the_connection_waiting),
        SIM_TEST(test_reset_all_leaves_what_has_arrived_readable),
        SIM_TEST(test_a_cut_network_delivers_when_it_is_mended),
        SIM_TEST(test_a_wait_that_nothing_can_end_is_a_deadlock),
        SIM_TEST(test_spinning_makes_time_pass_in_the_end),
        SIM_TEST(test_a_wake_up_ends_the_next_wait),
        SIM_TEST(test_the_clock_stands_still_while_other_threads_work),
        SIM_TEST(test_sockets_left_open_are_counted_and_named),
        SIM_TEST(test_options_without_sense_are_refused),
        SIM_TEST(test_out_of_memory_leaves_nothing_behind),
    };

    allocations_install();
    return cmocka_run_group_tests_name("sim_faults", tests, NULL, NULL);
}

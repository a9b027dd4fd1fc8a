/* SPDX-License-Identifier: MIT */
/* The sockets of the simulated network, from below. */
/* CMocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/allocations.h"
#include "support/sim_net.h"
#include <string.h>

static void test_bytes_sent_on_one_side_arrive_on_the_other(void **state)
{
    struct link link = link_of((eddy_sim_options){0});

    (void)state;
    assert_int_equal(receive_any(link.b), EDDY_EAGAIN);
    assert_int_equal(send_text(link.a, "hello"), 5);
    assert_int_equal(send_text(link.a, " you"), 4);
    assert_receives(link.b, "hello you");
    link_end(link);
}

static void test_spans_are_sent_in_one_piece(void **state)
{
    struct link link = link_of((eddy_sim_options){0});
    char first[] = "ab";
    char last[] = "cd";
    const struct eddy__span spans[] = {{first, 2}, {NULL, 0}, {last, 2}};

    (void)state;
    assert_int_equal(net->send(link.a, spans, 3), 4);
    assert_receives(link.b, "abcd");
    link_end(link);
}

static void test_connect_is_accepted_with_the_names_of_both_sides(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket listener = listen_at(sim, "127.0.0.1", 5);
    eddy_socket client = connect_to(sim, "127.0.0.1");
    eddy_socket server = accept_from(listener);
    eddy_address a;
    eddy_address b;

    (void)state;
    assert_int_equal(net->connect_result(client), 0);
    assert_int_equal(net->local_address(client, &a), 0);
    assert_int_equal(net->peer_address(server, &b), 0);
    assert_true(eddy_address_equal(&a, &b));
    assert_int_equal(net->peer_address(client, &a), 0);
    assert_int_equal(net->local_address(server, &b), 0);
    assert_true(eddy_address_equal(&a, &b));
    assert_int_equal(eddy_address_port(&b), SERVER_PORT);
    net->close(client);
    net->close(server);
    net->close(listener);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_nobody_listening_refuses(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket client = connect_to(sim, "127.0.0.1");

    (void)state;
    assert_int_equal(net->connect_result(client), EDDY_ECONNREFUSED);
    assert_int_equal(receive_any(client), EDDY_ENOTCONN);
    net->close(client);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_unknown_hosts_are_unreachable_until_they_are_added(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_address address = address_of("192.0.2.1", SERVER_PORT);
    eddy_socket client = connect_to(sim, "192.0.2.1");

    (void)state;
    assert_int_equal(net->connect_result(client), EDDY_EHOSTUNREACH);
    assert_int_equal(net->bind(client, &address), EDDY_EADDRNOTAVAIL);
    assert_int_equal(eddy_sim_add_host(sim, "mail.test", &address), 0);
    assert_int_equal(net->bind(client, &address), 0);
    net->close(client);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_bind_refuses_a_taken_port(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket listener = listen_at(sim, "0.0.0.0", 5);
    eddy_socket other = socket_of(sim, EDDY_INET);
    eddy_address address = address_of("127.0.0.1", SERVER_PORT);

    (void)state;
    assert_int_equal(net->set_option(other, EDDY__REUSE_ADDRESS, 1), 0);
    assert_int_equal(net->bind(other, &address), EDDY_EADDRINUSE);
    net->close(listener);
    assert_int_equal(net->bind(other, &address), 0);
    net->close(other);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_both_families_share_a_port_only_with_ipv6_only(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket listener = listen_at(sim, "0.0.0.0", 5);
    eddy_socket other = socket_of(sim, EDDY_INET6);
    eddy_address address = address_of("::", SERVER_PORT);

    (void)state;
    assert_int_equal(net->bind(other, &address), EDDY_EADDRINUSE);
    assert_int_equal(net->set_option(other, EDDY__IPV6_ONLY, 1), 0);
    assert_int_equal(net->bind(other, &address), 0);
    assert_int_equal(net->listen(other, 5), 0);
    net->close(listener);
    net->close(other);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_a_dual_stack_listener_shows_ipv4_peers_as_mapped(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket listener = listen_at(sim, "::", 5);
    eddy_socket client = connect_to(sim, "127.0.0.1");
    eddy_socket server = EDDY_NO_SOCKET;
    eddy_address peer;
    char host[EDDY_ADDRESS_TEXT_MAX];

    (void)state;
    assert_int_equal(net->accept(listener, &server, &peer), 0);
    assert_int_equal(eddy_address_host(&peer, host, sizeof host), 0);
    assert_string_equal(host, "::ffff:127.0.0.1");
    net->close(client);
    net->close(server);
    net->close(listener);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_reuse_port_spreads_connections_over_listeners(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_address address = address_of("127.0.0.1", SERVER_PORT);
    eddy_socket listeners[2];
    eddy_socket clients[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        listeners[i] = socket_of(sim, EDDY_INET);
        assert_int_equal(net->set_option(listeners[i], EDDY__REUSE_PORT, 1), 0);
        assert_int_equal(net->bind(listeners[i], &address), 0);
        assert_int_equal(net->listen(listeners[i], 5), 0);
    }
    for (int i = 0; i < 2; i++)
        clients[i] = connect_to(sim, "127.0.0.1");
    for (int i = 0; i < 2; i++) {
        net->close(accept_from(listeners[i]));
        net->close(listeners[i]);
        net->close(clients[i]);
    }
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_a_full_queue_makes_connects_wait_and_then_time_out(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket listener = listen_at(sim, "127.0.0.1", 0);
    eddy_socket first = connect_to(sim, "127.0.0.1");
    eddy_socket second = connect_to(sim, "127.0.0.1");

    (void)state;
    assert_int_equal(net->connect_result(first), 0);
    assert_int_equal(net->connect_result(second), EDDY_EINPROGRESS);
    while (net->connect_result(second) == EDDY_EINPROGRESS && wait_for(sim, EDDY_FOREVER) == 0)
        assert_true(now(sim) <= EDDY_SECONDS(5));
    assert_int_equal(now(sim), EDDY_SECONDS(5));
    assert_int_equal(receive_any(second), EDDY_ENOTCONN);
    net->close(first);
    net->close(second);
    net->close(listener);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_shutdown_ends_one_direction_only(void **state)
{
    struct link link = link_of((eddy_sim_options){0});

    (void)state;
    assert_int_equal(send_text(link.a, "last"), 4);
    assert_int_equal(net->shutdown_send(link.a), 0);
    assert_int_equal(send_text(link.a, "more"), EDDY_EPIPE);
    assert_receives(link.b, "last");
    assert_int_equal(receive_any(link.b), 0);
    assert_int_equal(send_text(link.b, "answer"), 6);
    assert_receives(link.a, "answer");
    link_end(link);
}

static void test_close_after_reading_everything_ends_the_stream(void **state)
{
    struct link link = link_of((eddy_sim_options){0});

    (void)state;
    send_text(link.a, "bye");
    net->close(link.a);
    assert_receives(link.b, "bye");
    assert_int_equal(receive_any(link.b), 0);
    assert_int_equal(send_text(link.b, "nobody hears this"), 17);
    assert_int_equal(send_text(link.b, "nor this"), EDDY_EPIPE);
    link_end(link);
}

static void test_close_with_unread_bytes_resets_the_peer(void **state)
{
    struct link link = link_of((eddy_sim_options){0});

    (void)state;
    send_text(link.a, "unread");
    net->close(link.b);
    assert_int_equal(receive_any(link.a), EDDY_ECONNRESET);
    assert_int_equal(receive_any(link.a), 0);
    assert_int_equal(send_text(link.a, "x"), EDDY_EPIPE);
    link_end(link);
}

static void test_closing_a_listener_resets_who_waits_there(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket listener = listen_at(sim, "127.0.0.1", 5);
    eddy_socket client = connect_to(sim, "127.0.0.1");

    (void)state;
    assert_int_equal(net->connect_result(client), 0);
    net->close(listener);
    assert_int_equal(receive_any(client), EDDY_ECONNRESET);
    net->close(client);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_buffers_bound_what_a_connection_holds(void **state)
{
    struct link link = link_of((eddy_sim_options){.send_buffer = 3, .receive_buffer = 5});

    (void)state;
    assert_int_equal(send_text(link.a, "0123456789"), 8);
    assert_int_equal(send_text(link.a, "89"), EDDY_EAGAIN);
    assert_receives(link.b, "01234567");
    assert_int_equal(send_text(link.a, "89"), 2);
    assert_receives(link.b, "89");
    link_end(link);
}

static void test_a_closed_number_names_nothing_even_if_its_place_is_reused(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_socket first = socket_of(sim, EDDY_INET);
    eddy_socket second;
    int family, type, protocol;

    (void)state;
    net->close(first);
    second = socket_of(sim, EDDY_INET);
    assert_int_not_equal(first, second);
    assert_int_equal(net->identify(first, &family, &type, &protocol), EDDY_EBADF);
    assert_int_equal(net->identify(second, &family, &type, &protocol), 0);
    net->close(first);
    assert_int_equal(net->set_nonblocking(second), 0);
    net->close(second);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_a_duplicate_keeps_the_connection_open(void **state)
{
    struct link link = link_of((eddy_sim_options){0});
    eddy_socket copy;

    (void)state;
    assert_int_equal(net->duplicate(link.a, &copy), 0);
    net->close(link.a);
    assert_int_equal(receive_any(link.b), EDDY_EAGAIN);
    assert_int_equal(send_text(copy, "still here"), 10);
    assert_receives(link.b, "still here");
    net->close(copy);
    assert_int_equal(receive_any(link.b), 0);
    link_end(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(test_bytes_sent_on_one_side_arrive_on_the_other),
        SIM_TEST(test_spans_are_sent_in_one_piece),
        SIM_TEST(test_connect_is_accepted_with_the_names_of_both_sides),
        SIM_TEST(test_nobody_listening_refuses),
        SIM_TEST(test_unknown_hosts_are_unreachable_until_they_are_added),
        SIM_TEST(test_bind_refuses_a_taken_port),
        SIM_TEST(test_both_families_share_a_port_only_with_ipv6_only),
        SIM_TEST(test_a_dual_stack_listener_shows_ipv4_peers_as_mapped),
        SIM_TEST(test_reuse_port_spreads_connections_over_listeners),
        SIM_TEST(test_a_full_queue_makes_connects_wait_and_then_time_out),
        SIM_TEST(test_shutdown_ends_one_direction_only),
        SIM_TEST(test_close_after_reading_everything_ends_the_stream),
        SIM_TEST(test_close_with_unread_bytes_resets_the_peer),
        SIM_TEST(test_closing_a_listener_resets_who_waits_there),
        SIM_TEST(test_buffers_bound_what_a_connection_holds),
        SIM_TEST(test_a_closed_number_names_nothing_even_if_its_place_is_reused),
        SIM_TEST(test_a_duplicate_keeps_the_connection_open),
    };

    allocations_install();
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}

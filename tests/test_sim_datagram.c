/* SPDX-License-Identifier: MIT */
/* Datagrams of the simulated network: late, lost, out of order, and too many. */
#include "support/sim_net.h"
#include "support/support.h"
#include <string.h>

static eddy_socket datagram_socket(eddy_sim *sim)
{
    eddy_address address = address_of("127.0.0.1", 0);
    eddy_socket socket;

    assert_int_equal(net->open(eddy_sim_loop(sim), EDDY_INET, EDDY_DGRAM, 0, &socket), 0);
    assert_int_equal(net->bind(socket, &address), 0);
    return socket;
}

/* A simulation with two sockets; `a` is connected to `b`. */
static struct link datagram_link(eddy_sim_options options)
{
    struct link link = {.sim = sim_of(options)};
    eddy_address address;

    link.a = datagram_socket(link.sim);
    link.b = datagram_socket(link.sim);
    assert_int_equal(net->local_address(link.b, &address), 0);
    assert_int_equal(net->connect(link.a, &address), 0);
    return link;
}

static int64_t send_number(eddy_socket socket, int number)
{
    const struct eddy__outgoing outgoing = {&number, sizeof number, NULL};

    return net->send_datagrams(socket, &outgoing, 1);
}

/* The number that has arrived, or the error. */
static int64_t receive_number(eddy_socket socket)
{
    int number = -1;
    struct eddy__incoming incoming = {.data = &number, .room = sizeof number};
    int64_t received = net->receive_datagrams(socket, &incoming, 1);

    assert_true(received < 0 || incoming.size == sizeof number);
    return received < 0 ? received : number;
}

static void let_all_arrive(eddy_sim *sim)
{
    eddy_sim_advance(sim, EDDY_SECONDS(1));
    eddy_sim_loop(sim)->backend->wait(eddy_sim_loop(sim), 0);
}

static void test_datagrams_take_their_time(void **state)
{
    struct link link = datagram_link((eddy_sim_options){.latency = EDDY_MILLISECONDS(20)});

    (void)state;
    assert_int_equal(send_number(link.a, 1), 1);
    assert_int_equal(receive_number(link.b), EDDY_EAGAIN);
    eddy_sim_advance(link.sim, EDDY_MILLISECONDS(19));
    wait_for(link.sim, 0);
    assert_int_equal(receive_number(link.b), EDDY_EAGAIN);
    eddy_sim_advance(link.sim, EDDY_MILLISECONDS(1));
    wait_for(link.sim, 0);
    assert_int_equal(receive_number(link.b), 1);
    link_end(link);
}

/* How many of a thousand arrive with this seed. */
static int count_survivors(uint64_t seed, double loss)
{
    struct link link = datagram_link((eddy_sim_options){.seed = seed, .loss = loss});
    int count = 0;
    int i;

    for (i = 0; i < 1000; i++) {
        assert_int_equal(send_number(link.a, i), 1);
        count += receive_number(link.b) == i;
    }
    link_end(link);
    return count;
}

static void test_loss_follows_from_the_seed(void **state)
{
    int count = count_survivors(7, 0.25);

    (void)state;
    assert_in_range(count, 650, 850);
    assert_int_equal(count_survivors(7, 0.25), count);
    assert_int_equal(count_survivors(7, 0), 1000);
    assert_int_equal(count_survivors(7, 1), 0);
}

static void test_loss_is_a_probability(void **state)
{
    (void)state;
    assert_null(eddy_sim_new(&(eddy_sim_options){.loss = 1.5}));
}

static void test_jitter_changes_the_order_and_loses_nothing(void **state)
{
    struct link link = datagram_link((eddy_sim_options){
        .seed = 3, .latency = EDDY_MILLISECONDS(1), .jitter = EDDY_MILLISECONDS(50)});
    int seen = 0, late = 0, last = -1;
    int64_t number;
    int i;

    (void)state;
    for (i = 0; i < 20; i++)
        assert_int_equal(send_number(link.a, i), 1);
    let_all_arrive(link.sim);
    while ((number = receive_number(link.b)) >= 0) {
        late += number < last;
        last = (int)number;
        seen |= 1 << number;
    }
    assert_int_equal(seen, (1 << 20) - 1);
    assert_true(late > 0);
    link_end(link);
}

static void test_full_receiver_loses_datagrams(void **state)
{
    struct link link = datagram_link((eddy_sim_options){.receive_buffer = 24});

    (void)state;
    assert_int_equal(send_number(link.a, 1), 1);
    assert_int_equal(send_number(link.a, 2), 1);
    assert_int_equal(send_number(link.a, 3), 1);
    assert_int_equal(receive_number(link.b), 1);
    assert_int_equal(receive_number(link.b), 2);
    assert_int_equal(receive_number(link.b), EDDY_EAGAIN);
    link_end(link);
}

static void test_full_sender_has_to_wait(void **state)
{
    struct link link =
        datagram_link((eddy_sim_options){.latency = EDDY_MILLISECONDS(1), .send_buffer = 24});

    (void)state;
    assert_int_equal(send_number(link.a, 1), 1);
    assert_int_equal(send_number(link.a, 2), 1);
    assert_int_equal(send_number(link.a, 3), EDDY_EAGAIN);
    let_all_arrive(link.sim);
    assert_int_equal(send_number(link.a, 3), 1);
    link_end(link);
}

/* What no buffer counts, no buffer bounds. */
static void test_empty_datagrams_take_room(void **state)
{
    struct link link = datagram_link((eddy_sim_options){.receive_buffer = 24, .send_buffer = 24});
    const struct eddy__outgoing empty = {"", 0, NULL};
    char byte;
    struct eddy__incoming incoming = {.data = &byte, .room = 1};
    int sent = 0, received = 0;

    (void)state;
    eddy_sim_partition(link.sim, true);
    while (sent < 100 && net->send_datagrams(link.a, &empty, 1) == 1)
        sent++;
    assert_int_equal(sent, 3);
    eddy_sim_partition(link.sim, false);
    let_all_arrive(link.sim);
    assert_int_equal(net->send_datagrams(link.a, &empty, 1), 1);
    let_all_arrive(link.sim);
    while (received < 100 && net->receive_datagrams(link.b, &incoming, 1) == 1)
        received++;
    assert_int_equal(received, 3);
    link_end(link);
}

/* A sender whose buffer has a little room takes the largest, as it says that it is writable. */
static void test_readiness_and_refusal_agree(void **state)
{
    static char large[60000];
    struct link link =
        datagram_link((eddy_sim_options){.latency = EDDY_MILLISECONDS(1), .send_buffer = 50000});
    const struct eddy__outgoing outgoing = {large, sizeof large, NULL};
    const struct eddy__sim_socket *sender = eddy__sim_lookup(link.a);

    (void)state;
    assert_int_equal(send_number(link.a, 1), 1);
    assert_true(eddy__sim_datagram_events(sender) & EDDY__WRITABLE);
    assert_int_equal(net->send_datagrams(link.a, &outgoing, 1), 1);
    assert_false(eddy__sim_datagram_events(sender) & EDDY__WRITABLE);
    assert_int_equal(send_number(link.a, 2), EDDY_EAGAIN);
    let_all_arrive(link.sim);
    assert_int_equal(send_number(link.a, 2), 1);
    link_end(link);
}

/* Setting a buffer changes at once what a watched socket is ready for. */
static void test_shrinking_a_buffer_changes_readiness(void **state)
{
    struct link link = datagram_link((eddy_sim_options){.latency = EDDY_MILLISECONDS(1)});
    struct eddy__sim_socket *sender = eddy__sim_lookup(link.a);

    (void)state;
    sender->interest = EDDY__WRITABLE;
    assert_int_equal(send_number(link.a, 1), 1);
    assert_int_equal(sender->events, EDDY__WRITABLE);
    assert_int_equal(net->set_option(link.a, EDDY__SEND_BUFFER, 1), 0);
    assert_int_equal(sender->events, 0);
    assert_int_equal(send_number(link.a, 2), EDDY_EAGAIN);
    let_all_arrive(link.sim);
    assert_int_equal(sender->events, EDDY__WRITABLE);
    sender->interest = 0;
    eddy__sim_update(sender);
    link_end(link);
}

static void test_partition_holds_datagrams_back(void **state)
{
    struct link link = datagram_link((eddy_sim_options){0});

    (void)state;
    eddy_sim_partition(link.sim, true);
    assert_int_equal(send_number(link.a, 1), 1);
    let_all_arrive(link.sim);
    assert_int_equal(receive_number(link.b), EDDY_EAGAIN);
    eddy_sim_partition(link.sim, false);
    let_all_arrive(link.sim);
    assert_int_equal(receive_number(link.b), 1);
    link_end(link);
}

/* What is on its way when its sender, or everything, closes. */
static void test_closing_with_datagrams_on_their_way(void **state)
{
    struct link link = datagram_link((eddy_sim_options){.latency = EDDY_MILLISECONDS(1)});

    (void)state;
    assert_int_equal(send_number(link.a, 1), 1);
    net->close(link.a);
    let_all_arrive(link.sim);
    assert_int_equal(receive_number(link.b), 1);
    link.a = datagram_socket(link.sim);
    link_end(link);
}

static void test_unreachable_and_unusable_addresses(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_address nobody = address_of("192.0.2.1", 9);
    eddy_address portless = address_of("127.0.0.1", 0);
    eddy_address other = address_of("::1", 9);
    struct eddy__outgoing outgoing = {"x", 1, &nobody};
    eddy_socket socket = datagram_socket(sim);

    (void)state;
    assert_int_equal(net->send_datagrams(socket, &outgoing, 1), EDDY_EHOSTUNREACH);
    outgoing.to = &portless;
    assert_int_equal(net->send_datagrams(socket, &outgoing, 1), EDDY_EINVAL);
    outgoing.to = &other;
    assert_int_equal(net->send_datagrams(socket, &outgoing, 1), EDDY_EAFNOSUPPORT);
    outgoing.to = NULL;
    assert_int_equal(net->send_datagrams(socket, &outgoing, 1), EDDY_EDESTADDRREQ);
    net->close(socket);
    assert_int_equal(eddy_sim_free(sim), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(test_datagrams_take_their_time),
        SIM_TEST(test_loss_follows_from_the_seed),
        SIM_TEST(test_loss_is_a_probability),
        SIM_TEST(test_jitter_changes_the_order_and_loses_nothing),
        SIM_TEST(test_full_receiver_loses_datagrams),
        SIM_TEST(test_full_sender_has_to_wait),
        SIM_TEST(test_empty_datagrams_take_room),
        SIM_TEST(test_readiness_and_refusal_agree),
        SIM_TEST(test_shrinking_a_buffer_changes_readiness),
        SIM_TEST(test_partition_holds_datagrams_back),
        SIM_TEST(test_closing_with_datagrams_on_their_way),
        SIM_TEST(test_unreachable_and_unusable_addresses),
    };

    allocations_install();
    return cmocka_run_group_tests_name("sim_datagram", tests, NULL, NULL);
}

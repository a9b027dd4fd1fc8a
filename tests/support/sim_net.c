/* SPDX-License-Identifier: MIT */
/* CMocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/allocations.h"
#include "support/sim_net.h"
#include <string.h>

const struct eddy__socket_ops *const net = &eddy__sim_sockets;

int sim_test_setup(void **state)
{
    (void)state;
    allocations_reset();
    return 0;
}

int sim_test_teardown(void **state)
{
    (void)state;
    if (allocations_live() == 0)
        return 0;
    allocations_print_live();
    return -1;
}

eddy_sim *sim_of(eddy_sim_options options)
{
    eddy_sim *sim = eddy_sim_new(&options);

    assert_non_null(sim);
    return sim;
}

eddy_sim *perfect_sim(void)
{
    return sim_of((eddy_sim_options){0});
}

/** Let the loop's wait move the clock on, at most by `limit`. */
int wait_for(eddy_sim *sim, eddy_time limit)
{
    eddy_loop *loop = eddy_sim_loop(sim);

    return loop->backend->wait(loop, limit);
}

eddy_time now(eddy_sim *sim)
{
    return eddy_loop_time(eddy_sim_loop(sim));
}

eddy_address address_of(const char *host, int port)
{
    eddy_address address;

    assert_int_equal(eddy_address_parse(host, port, &address), 0);
    return address;
}

eddy_socket socket_of(eddy_sim *sim, eddy_family family)
{
    eddy_socket socket;

    assert_int_equal(net->open(eddy_sim_loop(sim), (int)family, EDDY_STREAM, EDDY_TCP, &socket), 0);
    return socket;
}

eddy_socket listen_at(eddy_sim *sim, const char *host, int backlog)
{
    eddy_address address = address_of(host, SERVER_PORT);
    eddy_socket listener = socket_of(sim, eddy_address_family(&address));

    assert_int_equal(net->bind(listener, &address), 0);
    assert_int_equal(net->listen(listener, backlog), 0);
    return listener;
}

eddy_socket connect_to(eddy_sim *sim, const char *host)
{
    eddy_address address = address_of(host, SERVER_PORT);
    eddy_socket client = socket_of(sim, eddy_address_family(&address));

    assert_int_equal(net->connect(client, &address), EDDY_EINPROGRESS);
    return client;
}

eddy_socket accept_from(eddy_socket listener)
{
    eddy_address peer;
    eddy_socket accepted;

    assert_int_equal(net->accept(listener, &accepted, &peer), 0);
    return accepted;
}

int64_t send_text(eddy_socket socket, const char *text)
{
    struct eddy__span span = {(void *)(uintptr_t)text, strlen(text)};

    return net->send(socket, &span, 1);
}

struct link link_of(eddy_sim_options options)
{
    struct link link = {.sim = sim_of(options)};
    eddy_socket sockets[2];

    assert_int_equal(net->pair(eddy_sim_loop(link.sim), EDDY_STREAM, sockets), 0);
    link.a = sockets[0];
    link.b = sockets[1];
    return link;
}

void link_end(struct link link)
{
    net->close(link.a);
    net->close(link.b);
    assert_int_equal(eddy_sim_free(link.sim), 0);
}

void assert_receives(eddy_socket socket, const char *text)
{
    char buffer[64] = "";

    assert_int_equal(net->receive(socket, buffer, sizeof buffer - 1), strlen(text));
    assert_string_equal(buffer, text);
}

int64_t receive_any(eddy_socket socket)
{
    char buffer[4096];

    return net->receive(socket, buffer, sizeof buffer);
}

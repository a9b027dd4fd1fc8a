/* SPDX-License-Identifier: MIT */
/** The simulated network driven by hand: simulations, sockets, and what is sent between them. */
#ifndef TESTS_SUPPORT_SIM_NET_H
#define TESTS_SUPPORT_SIM_NET_H

#include "sim/network.h"

#define SERVER_PORT 7000

/** Two connected sockets of a simulation. */
struct link {
    eddy_sim *sim;
    eddy_socket a;
    eddy_socket b;
};

/** The simulated network's socket calls. */
extern const struct eddy__socket_ops *const net;

/** A CMocka test that fails if the library still has memory afterwards. */
#define SIM_TEST(name) cmocka_unit_test_setup_teardown(name, sim_test_setup, sim_test_teardown)

int sim_test_setup(void **state);
int sim_test_teardown(void **state);

/** Make a simulation; fails the test if there is none. */
eddy_sim *sim_of(eddy_sim_options options);
eddy_sim *perfect_sim(void);

/** Let the loop's wait move the clock on, at most by `limit`; what the wait returned. */
int wait_for(eddy_sim *sim, eddy_time limit);
eddy_time now(eddy_sim *sim);

eddy_address address_of(const char *host, int port);
eddy_socket socket_of(eddy_sim *sim, eddy_family family);

/** A listener at SERVER_PORT of `host`; a client under way to it; the next that it accepts. */
eddy_socket listen_at(eddy_sim *sim, const char *host, int backlog);
eddy_socket connect_to(eddy_sim *sim, const char *host);
eddy_socket accept_from(eddy_socket listener);

/** Send a text, or receive something: what the socket call returned. */
int64_t send_text(eddy_socket socket, const char *text);
int64_t receive_any(eddy_socket socket);

/** Fail unless one receive gives exactly `text`. */
void assert_receives(eddy_socket socket, const char *text);

/** Make a simulation with two connected sockets; close them and expect that nothing is left. */
struct link link_of(eddy_sim_options options);
void link_end(struct link link);

#endif

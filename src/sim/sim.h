/* SPDX-License-Identifier: MIT */
/**
 * The simulation, as the rest of the library sees it.
 *
 * A loop with `loop->sim` set is simulated. It got there by eddy_sim_new(), or because the backend
 * "sim" was asked for by option or environment: then its simulation is a private one with default
 * options, which ends with the loop.
 */
#ifndef EDDY_SIM_SIM_H
#define EDDY_SIM_SIM_H

#include "common/backend.h"
#include "common/resolver.h"
#include <eddy/testing.h>

/** The simulated network's sockets; they find their simulation by the number alone. */
extern const struct eddy__socket_ops eddy__sim_sockets;

/** The backend "sim": the reactor over the simulated network, with the virtual clock. */
extern const struct eddy__backend eddy__sim_backend;

/** True for numbers in the range of simulated sockets, open or not. No lock; any thread. */
bool eddy__sim_is_socket(eddy_socket socket);

/**
 * Give `loop` a private simulation with default options and set loop->sim. For the backend's
 * open(). EDDY_ENOMEM, or EDDY_EMFILE when the process has as many simulations as it can number.
 */
int eddy__sim_attach(struct eddy_loop *loop);

/**
 * The memory of `loop` is about to be freed: let go of its simulation, which keeps the clock for
 * eddy_loop_time() until then. Nothing happens if there is none. Cannot fail.
 */
void eddy__sim_detach(struct eddy_loop *loop);

/** As eddy__resolver_addresses(), but from the simulation's host table and at once. */
int eddy__sim_resolve(struct eddy_sim *sim, const struct eddy__resolver_query *query,
                      eddy_address_list **list);

/** As eddy__resolver_name(), but from the simulation's host table and at once. */
int eddy__sim_name(struct eddy_sim *sim, const eddy_address *address, unsigned flags,
                   eddy_name_info **info);

#endif

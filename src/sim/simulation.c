/* SPDX-License-Identifier: MIT */
/*
 * A simulation from its birth to its end.
 *
 * Every simulation begins as the private one of a loop. eddy_sim_new() makes such a loop and takes
 * its simulation over. The struct lives as long as the loop's memory, for eddy_loop_time() asks it;
 * the network in it ends earlier: with eddy_sim_free(), or when a private loop is closed.
 */
#include "sim/network.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

/** How many milliseconds threads get to let go of a loop before that counts as a leak. */
#define SETTLING_NAPS 100

static const struct eddy_sim_options perfect_network;

static bool options_are_probabilities(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(values[i] >= 0 && values[i] <= 1))
            return false;
    }
    return true;
}

static int options_check(const eddy_sim_options *options)
{
    const double probabilities[] = {options->partial_reads, options->partial_writes, options->reset,
                                    options->refuse,        options->accept_failure, options->loss};

    if (options->latency < 0 || options->jitter < 0)
        return eddy_error(EDDY_EINVALID, "latency and jitter of a simulation are at least 0");
    if (!options_are_probabilities(probabilities, sizeof probabilities / sizeof *probabilities))
        return eddy_error(EDDY_EINVALID, "a probability of a simulation is outside 0..1");
    if (options->send_buffer > INT_MAX || options->receive_buffer > INT_MAX)
        return eddy_error(EDDY_EINVALID, "a buffer of a simulation is too large");
    for (size_t i = 0; i < sizeof options->reserved / sizeof *options->reserved; i++) {
        if (options->reserved[i] != NULL)
            return eddy_error(EDDY_EINVALID, "reserved fields of eddy_sim_options must be zero");
    }
    return 0;
}

static void simulation_init_lists(struct eddy_sim *sim)
{
    eddy__list_init(&sim->events);
    eddy__list_init(&sim->ready);
    eddy__list_init(&sim->sockets);
    eddy__list_init(&sim->bound);
    eddy__list_init(&sim->connections);
    eddy__list_init(&sim->datagrams);
    eddy__list_init(&sim->hosts);
}

int eddy__sim_attach(struct eddy_loop *loop)
{
    struct eddy_sim *sim = eddy__alloc_zeroed(sizeof *sim);
    int error = EDDY_ENOMEM;

    if (sim == NULL)
        return error;
    sim->loop = loop;
    sim->is_private = true;
    sim->is_open = true;
    sim->references = 1;
    simulation_init_lists(sim);
    atomic_init(&sim->woken, false);
    error = eddy__mutex_init(&sim->mutex);
    if (error)
        goto free_sim;
    error = eddy__condition_init(&sim->condition);
    if (error)
        goto fini_mutex;
    error = eddy__sim_hosts_init(sim);
    if (error)
        goto fini_hosts;
    error = eddy__sim_register(sim);
    if (error)
        goto fini_hosts;
    loop->sim = sim;
    return 0;

fini_hosts:
    eddy__sim_hosts_fini(sim);
    eddy__condition_fini(&sim->condition);
fini_mutex:
    eddy__mutex_fini(&sim->mutex);
free_sim:
    eddy__free(sim);
    return error;
}

void eddy__sim_close_network(struct eddy_sim *sim)
{
    if (!sim->is_open)
        return;
    sim->is_open = false;
    eddy__sim_unregister(sim);
    while (!eddy__list_is_empty(&sim->sockets))
        eddy__sim_socket_free(EDDY__OWNER(sim->sockets.next, struct eddy__sim_socket, node));
    while (!eddy__list_is_empty(&sim->connections)) {
        eddy__sim_connection_free(
            EDDY__OWNER(sim->connections.next, struct eddy__sim_connection, node));
    }
    eddy__sim_datagrams_fini(sim);
    eddy__sim_hosts_fini(sim);
    eddy__condition_fini(&sim->condition);
    eddy__mutex_fini(&sim->mutex);
    eddy__free(sim->slots);
    sim->slots = NULL;
    sim->slot_count = sim->slot_capacity = sim->free_slot = 0;
}

static void simulation_unref(struct eddy_sim *sim)
{
    if (--sim->references > 0)
        return;
    eddy__sim_close_network(sim);
    eddy__free(sim);
}

void eddy__sim_detach(struct eddy_loop *loop)
{
    struct eddy_sim *sim = loop->sim;

    loop->sim = NULL;
    if (sim != NULL)
        simulation_unref(sim);
}

eddy_sim *eddy_sim_new(const eddy_sim_options *options)
{
    const eddy_loop_options loop_options = {.backend = "sim"};
    eddy_loop *loop;
    struct eddy_sim *sim;

    if (options == NULL)
        options = &perfect_network;
    if (options_check(options) || eddy_loop_new(&loop_options, &loop))
        return NULL;
    sim = loop->sim;
    sim->is_private = false;
    sim->references++;
    sim->options = *options;
    sim->random.state = options->seed;
    return sim;
}

eddy_loop *eddy_sim_loop(eddy_sim *sim)
{
    return sim->loop;
}

int eddy_sim_set_options(eddy_sim *sim, const eddy_sim_options *options)
{
    int error;

    if (options == NULL)
        options = &perfect_network;
    error = options_check(options);
    if (error)
        return error;
    sim->options = *options;
    if (options->seed != 0)
        sim->random.state = options->seed;
    return 0;
}

void eddy_sim_advance(eddy_sim *sim, eddy_time span)
{
    if (span > 0)
        sim->now = eddy__time_add(sim->now, span);
}

void eddy_sim_partition(eddy_sim *sim, bool cut)
{
    sim->cut = cut;
}

int eddy_sim_reset_all(eddy_sim *sim)
{
    int count = 0;
    struct eddy__list *node;

    for (node = sim->connections.next; node != &sim->connections; node = node->next) {
        struct eddy__sim_connection *connection =
            EDDY__OWNER(node, struct eddy__sim_connection, node);

        if (!connection->answered || connection->ends[0].broken || connection->ends[1].broken)
            continue;
        eddy__sim_end_break(&connection->ends[0], EDDY_ECONNRESET);
        count++;
    }
    return count;
}

/** A growing text that is cut off at its end. */
struct leak_text {
    char bytes[256];
    size_t size;
};

static void leak_text_add(struct leak_text *text, const char *format, const char *a, const char *b)
{
    size_t room = sizeof text->bytes - text->size;
    int size;

    size = snprintf(text->bytes + text->size, room, text->size == 0 ? "%s" : ", %s", "");
    if (size < 0 || (size_t)size >= room)
        return;
    text->size += (size_t)size;
    room -= (size_t)size;
    size = snprintf(text->bytes + text->size, room, format, a, b);
    if (size > 0)
        text->size += (size_t)size < room ? (size_t)size : room - 1;
}

/** Say which socket it is: what it listens at, or what it connects with what. */
static void leak_describe_socket(struct leak_text *text, const struct eddy__sim_socket *socket)
{
    char local[EDDY_ADDRESS_TEXT_MAX] = "";
    char peer[EDDY_ADDRESS_TEXT_MAX] = "";

    if (socket->end != NULL) {
        const struct eddy__sim_end *ends = socket->end->connection->ends;

        eddy_address_format(&socket->end->address, local, sizeof local);
        eddy_address_format(&ends[socket->end == &ends[0]].address, peer, sizeof peer);
        leak_text_add(text, "socket from %s to %s", local, peer);
    } else if (socket->has_local) {
        eddy_address_format(&socket->local, local, sizeof local);
        leak_text_add(text, "%s at %s", socket->listening ? "listening socket" : "socket", local);
    } else {
        leak_text_add(text, "%s%s", "unused socket", "");
    }
}

static size_t leak_count_sockets(struct leak_text *text, struct eddy_sim *sim)
{
    size_t count = 0;
    const struct eddy__list *node;

    for (node = sim->sockets.next; node != &sim->sockets; node = node->next) {
        leak_describe_socket(text, EDDY__OWNER(node, struct eddy__sim_socket, node));
        count++;
    }
    return count;
}

/** Add how many there are of something countable; returns it. */
static size_t leak_count(struct leak_text *text, size_t count, const char *what)
{
    char number[24];

    snprintf(number, sizeof number, "%zu", count);
    if (count > 0)
        leak_text_add(text, count == 1 ? "%s %s" : "%s %ss", number, what);
    return count;
}

static size_t leak_list_length(const struct eddy__list *list)
{
    size_t length = 0;

    for (const struct eddy__list *node = list->next; node != list; node = node->next)
        length++;
    return length;
}

/**
 * References to the loop besides the simulation's own. Threads that are just ending work for the
 * loop hold some, so before these count as forgotten they get a moment of real time to go.
 */
static size_t leak_count_references(struct eddy_sim *sim)
{
    atomic_uint *references = &sim->loop->references;

    eddy__mutex_lock(&sim->mutex);
    for (int naps = 0; atomic_load(references) > 1 && naps < SETTLING_NAPS; naps++)
        eddy__condition_wait_for(&sim->condition, &sim->mutex, EDDY_MILLISECONDS(1));
    eddy__mutex_unlock(&sim->mutex);
    return atomic_load(references) - 1;
}

int eddy_sim_free(eddy_sim *sim)
{
    struct leak_text text = {.size = 0};
    eddy_loop *loop;
    size_t count;

    if (sim == NULL)
        return 0;
    loop = sim->loop;
    if (eddy_loop_is_running(loop))
        return eddy_error(EDDY_EBADSTATE, "the simulation's loop is running");
    count = leak_count_sockets(&text, sim);
    if (!eddy_loop_is_closed(loop)) {
        count += leak_count(&text, leak_list_length(&loop->tasks), "unfinished task");
        eddy_loop_close(loop);
    }
    count += leak_count(&text, leak_count_references(sim), "reference to the loop");
    eddy__sim_close_network(sim);
    sim->loop = NULL;
    simulation_unref(sim);
    eddy_loop_unref(loop);
    if (count > 0)
        eddy_error(EDDY_EFAILED, "left in the simulation: %s", text.bytes);
    return count > INT_MAX ? INT_MAX : (int)count;
}

/* SPDX-License-Identifier: MIT */
/*
 * Numbers of simulated sockets: 0x40000000, then 8 bits of simulation, 6 of generation and 16 of
 * slot. A number says alone where its socket is, and one that was closed names nothing for a
 * while: generations count on, and places in the table are given out round and round.
 */
#include "sim/network.h"

enum {
    NUMBER_BASE = 0x40000000,
    SLOT_BITS = 16,
    GENERATION_BITS = 6,
    SIMULATIONS_MAX = 256,
    SLOTS_MAX = 1 << SLOT_BITS
};

/* Both under eddy__global_lock(). */
static struct eddy_sim *simulations[SIMULATIONS_MAX];
static unsigned next_simulation;

bool eddy__sim_is_socket(eddy_socket socket)
{
    return socket >= NUMBER_BASE && socket - NUMBER_BASE <= 0x3fffffff;
}

int eddy__sim_register(struct eddy_sim *sim)
{
    int result = EDDY_EMFILE;

    eddy__global_lock();
    for (unsigned i = 0; i < SIMULATIONS_MAX; i++) {
        unsigned index = (next_simulation + i) % SIMULATIONS_MAX;

        if (simulations[index] != NULL)
            continue;
        simulations[index] = sim;
        sim->index = index;
        next_simulation = index + 1;
        result = 0;
        break;
    }
    eddy__global_unlock();
    return result == 0 ? 0 : eddy_error(result, "too many simulations in this process");
}

void eddy__sim_unregister(struct eddy_sim *sim)
{
    eddy__global_lock();
    simulations[sim->index] = NULL;
    eddy__global_unlock();
}

static struct eddy__sim_slot *number_slot(eddy_socket number, struct eddy_sim **sim)
{
    uint32_t bits = (uint32_t)(number - NUMBER_BASE);
    uint32_t index = bits & (SLOTS_MAX - 1);
    struct eddy__sim_slot *slot;

    if (!eddy__sim_is_socket(number))
        return NULL;
    eddy__global_lock();
    *sim = simulations[bits >> (SLOT_BITS + GENERATION_BITS)];
    eddy__global_unlock();
    if (*sim == NULL || index >= (*sim)->slot_count)
        return NULL;
    slot = &(*sim)->slots[index];
    if (slot->socket == NULL ||
        slot->generation != ((bits >> SLOT_BITS) & ((1u << GENERATION_BITS) - 1)))
        return NULL;
    return slot;
}

struct eddy__sim_socket *eddy__sim_lookup(eddy_socket number)
{
    struct eddy_sim *sim;
    struct eddy__sim_slot *slot = number_slot(number, &sim);

    return slot == NULL ? NULL : slot->socket;
}

/** Make room for one more slot, unless one is free. */
static int number_reserve(struct eddy_sim *sim)
{
    uint32_t capacity = sim->slot_capacity == 0 ? 16 : sim->slot_capacity * 2;
    struct eddy__sim_slot *slots;

    if (sim->free_slot != 0 || sim->slot_count < sim->slot_capacity)
        return 0;
    if (sim->slot_capacity == SLOTS_MAX)
        return eddy_error(EDDY_EMFILE, "too many sockets in this simulation");
    slots = eddy__realloc(sim->slots, capacity * sizeof *slots);
    if (slots == NULL)
        return EDDY_ENOMEM;
    sim->slots = slots;
    sim->slot_capacity = capacity;
    return 0;
}

int eddy__sim_number_new(struct eddy__sim_socket *socket, eddy_socket *number)
{
    struct eddy_sim *sim = socket->sim;
    int error = number_reserve(sim);
    struct eddy__sim_slot *slot;
    uint32_t index;

    if (error)
        return error;
    if (sim->free_slot != 0) {
        index = sim->free_slot - 1;
        slot = &sim->slots[index];
        sim->free_slot = slot->next_free;
    } else {
        index = sim->slot_count++;
        slot = &sim->slots[index];
        slot->generation = 0;
    }
    slot->socket = socket;
    socket->references++;
    *number = (eddy_socket)(NUMBER_BASE + ((uint32_t)sim->index << (SLOT_BITS + GENERATION_BITS)) +
                            (slot->generation << SLOT_BITS) + index);
    return 0;
}

struct eddy__sim_socket *eddy__sim_number_free(eddy_socket number)
{
    struct eddy_sim *sim;
    struct eddy__sim_slot *slot = number_slot(number, &sim);
    struct eddy__sim_socket *socket;

    if (slot == NULL)
        return NULL;
    socket = slot->socket;
    slot->socket = NULL;
    slot->generation = (slot->generation + 1) & ((1u << GENERATION_BITS) - 1);
    slot->next_free = sim->free_slot;
    sim->free_slot = (uint32_t)(slot - sim->slots) + 1;
    return socket;
}

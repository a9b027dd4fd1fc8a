/* SPDX-License-Identifier: MIT */
/**
 * Slots: where timers and watchers' callbacks live, and what the by-value handles refer to.
 *
 * A slot serves one callback after the other; each gets a new generation, by which a handle knows
 * whether the slot is still its own. Slots have numbers, and live in chunks; the free one with the
 * lowest number is taken first. So a crowd of them lies in memory in the order in which it came,
 * what is left of one gathers in the first chunks, and chunks that are empty are given back: a
 * handle asks for its chunk by number, and does not touch what is gone.
 */
#ifndef EDDY_COMMON_SLOT_H
#define EDDY_COMMON_SLOT_H

#include "common/timer.h"
#include <eddy/handle.h>

#define EDDY__SLOT_GENERATION_MASK (((uint64_t)1 << 62) - 1)

/** In this order cancelling touches one cache line, or the one behind it too. */
struct eddy__slot {
    struct eddy__timer timer; /**< its index is the slot's number */
    uint64_t generation : 62;
    uint64_t state : 2; /**< enum eddy_handle_state */
    eddy_context *context;
    eddy_callback callback;
    void *arg;
    void *created_at; /**< debug mode: return address of the scheduling call */
};

struct eddy__slot_chunk;

struct eddy__slots {
    struct eddy__slot_chunk **chunks; /**< by number; NULL: none, or given back */
    struct eddy__slot_chunk *first;   /**< the first with a free slot, or NULL */
    uint64_t *open;                   /**< a bit for each chunk that has free slots */
    uint32_t count;                   /**< room in `chunks`, a multiple of 64 */
    uint32_t idle;                    /**< chunks of which no slot is in use */
    uint64_t generation;
};

void eddy__slots_init(struct eddy__slots *slots);

/** Free all chunks; what is scheduled has been dropped before. */
void eddy__slots_fini(struct eddy__slots *slots);

/** A free slot of a new generation in state SCHEDULED; NULL if out of memory. */
struct eddy__slot *eddy__slot_take(struct eddy__slots *slots);

/** Give it back, out of all lists; it may be gone then. Cannot fail. */
void eddy__slot_give(struct eddy__slots *slots, struct eddy__slot *slot);

/**
 * Take a slot for a callback that is called again and again, in the context that is current now.
 * EDDY_EINVALID, EDDY_EBADSTATE as eddy_loop_call_soon(); EDDY_ENOMEM. In handle.c.
 */
int eddy__slot_hold(struct eddy_loop *loop, eddy_callback callback, void *arg, void *caller,
                    struct eddy__slot **held);

/** Call the callback of a slot that stays taken: see eddy__slot_hold(). */
void eddy__slot_call(struct eddy_loop *loop, struct eddy__slot *slot);

/** Cancel the callback of a slot, scheduled or held: release its context, give the slot back. */
void eddy__slot_drop(struct eddy_loop *loop, struct eddy__slot *slot);

/** The slot if `ready` belongs to one, else NULL. */
struct eddy__slot *eddy__slot_of_ready(struct eddy__ready *ready);

/** The handle that refers to what `slot` serves now. */
eddy_handle eddy__slot_handle(struct eddy_loop *loop, const struct eddy__slot *slot);

/** The slot of a handle as long as it serves what the handle was made for; else NULL. */
struct eddy__slot *eddy__slot_of_handle(eddy_handle handle);

#endif

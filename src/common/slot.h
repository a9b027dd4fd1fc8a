/* SPDX-License-Identifier: MIT */
/**
 * Slots: where scheduled callbacks live, and what the by-value handles refer to.
 *
 * A slot serves one callback after the other; each gets a new generation, by which a handle knows
 * whether the slot is still its own. Slots live in chunks that stay until the loop's memory goes,
 * so a handle may look at its slot at any time, and scheduling allocates only while the number
 * of callbacks in flight is at a new high.
 */
#ifndef EDDY_COMMON_SLOT_H
#define EDDY_COMMON_SLOT_H

#include "common/timer.h"
#include <eddy/handle.h>

#define EDDY__SLOT_GENERATION_MASK (((uint64_t)1 << 62) - 1)

struct eddy__slot {
    struct eddy__timer timer;
    eddy_callback callback;
    void *arg;
    eddy_context *context;
    uint64_t generation : 62;
    uint64_t state : 2; /**< enum eddy_handle_state */
    void *created_at;   /**< debug mode: return address of the scheduling call */
};

struct eddy__slot_chunk;

struct eddy__slots {
    struct eddy__slot_chunk *chunks;
    struct eddy__list *free; /**< last given, first taken, so that its memory is warm */
    uint32_t count;
    uint64_t generation;
};

void eddy__slots_init(struct eddy__slots *slots);

/** Free all chunks; what is scheduled has been dropped before. */
void eddy__slots_fini(struct eddy__slots *slots);

/** Make more slots. */
int eddy__slots_grow(struct eddy__slots *slots);

/** A free slot of a new generation in state SCHEDULED; NULL if out of memory. */
static inline struct eddy__slot *eddy__slot_take(struct eddy__slots *slots)
{
    struct eddy__slot *slot;

    if (slots->free == NULL && eddy__slots_grow(slots) != 0)
        return NULL;
    slot = EDDY__OWNER(slots->free, struct eddy__slot, timer.ready.node);
    slots->free = slots->free->next;
    slot->timer.ready.node.next = NULL; /* in no list any more */
    slot->generation = ++slots->generation & EDDY__SLOT_GENERATION_MASK;
    slot->state = EDDY_HANDLE_SCHEDULED;
    return slot;
}

/** Give it back, out of all lists; generation and state can be asked until it is taken again. */
static inline void eddy__slot_give(struct eddy__slots *slots, struct eddy__slot *slot)
{
    slot->timer.ready.node.next = slots->free;
    slots->free = &slot->timer.ready.node;
}

/** Run the callback of a slot out of the ready queue. */
void eddy__slot_run(struct eddy_loop *loop, struct eddy__slot *slot);

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

#endif

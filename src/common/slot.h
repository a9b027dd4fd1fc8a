/* SPDX-License-Identifier: MIT */
/**
 * Slots: where the callbacks of timers and watchers live, and what by-value handles refer to.
 *
 * A slot serves one callback after the other; each gets a new generation, by which a handle, or
 * what a timer left behind in the wheel, knows whether the slot is still its own. Slots have
 * numbers, and live in chunks; the free one with the lowest number is taken first, but for one that
 * is kept at hand, so that setting a timer anew is no work for what says which are free. So a crowd
 * of them lies in memory in the order in which it came, what is left of one gathers in the first
 * chunks, and the others can be given back: a handle asks for its chunk by number, and does not
 * touch what is gone.
 *
 * What is known of a slot lies apart by how often it is needed. Its mark says all that cancelling
 * has to know, and eight marks share a cache line: with a million timers nothing else is as dear as
 * the lines that are touched.
 */
#ifndef EDDY_COMMON_SLOT_H
#define EDDY_COMMON_SLOT_H

#include "common/bits.h"
#include <eddy/handle.h>

/** Slots of a chunk: their marks are a page, and a million timers need two thousand chunks. */
enum { EDDY__SLOT_CHUNK = 512 };

/** Numbers have so many bits, so that a wheel's entry has room for most of a mark beside one. */
enum { EDDY__SLOT_NUMBER_BITS = 28 };

/** Parts of a mark: enum eddy_handle_state, what else there is, and above that the generation. */
enum { EDDY__MARK_STATE = 3, EDDY__MARK_HAS_CONTEXT = 4, EDDY__MARK_HAS_PLACE = 8 };
enum { EDDY__MARK_GENERATION_SHIFT = 4 };

struct eddy__slot_call {
    eddy_callback callback; /**< NULL: `arg` is a struct eddy__timer of the library */
    void *arg;
};

struct eddy__slot_chunk {
    uint64_t marks[EDDY__SLOT_CHUNK];
    struct eddy__slot_call calls[EDDY__SLOT_CHUNK];
    /* Valid if the mark says that there is one. */
    eddy_context *contexts[EDDY__SLOT_CHUNK]; /**< a reference */
    void *places[EDDY__SLOT_CHUNK];           /**< debug mode: where it was scheduled */
};

/** All zero is none. Slot numbers count from 1; 0 refers to nothing. */
struct eddy__slots {
    struct eddy__slot_chunk **chunks; /**< by number; NULL: not made yet, or given back */
    uint64_t *free;                   /**< a bit for each slot, whether or not there is a chunk */
    uint64_t *open;                   /**< a bit for each word of `free` that is not 0 */
    uint64_t *top;                    /**< a bit for each word of `open` that is not 0 */
    uint32_t limit;                   /**< no number is as high */
    uint32_t first;                   /**< the first word of `free` that is not 0 */
    uint32_t spare;                   /**< one that is free, and no bit says so; or 0 */
    uint32_t made;                    /**< chunks that there are */
    uint32_t taken;                   /**< slots in use */
    uint32_t taken_few;               /**< with fewer, chunks may be given back */
    uint64_t generation;
};

/** Free all chunks; what is scheduled has been dropped before. */
void eddy__slots_fini(struct eddy__slots *slots);

/** Have a chunk where the first free slot is. EDDY_ENOMEM, or 0. */
int eddy__slots_grow(struct eddy__slots *slots);

/** Note that the first word has no free slot left: another one is the first. */
void eddy__slots_shut_first(struct eddy__slots *slots);

/** Give back chunks of which no slot is in use. Cannot fail. */
void eddy__slots_relax(struct eddy__slots *slots);

/** True if so few slots are in use that this could be worth while. */
static inline bool eddy__slots_are_few(const struct eddy__slots *slots)
{
    return slots->taken < slots->taken_few;
}

static inline struct eddy__slot_chunk *eddy__slot_chunk(const struct eddy__slots *slots,
                                                        uint32_t slot)
{
    return slots->chunks[slot / EDDY__SLOT_CHUNK];
}

/** Of a slot that is taken. */
static inline uint64_t *eddy__slot_mark(const struct eddy__slots *slots, uint32_t slot)
{
    return &eddy__slot_chunk(slots, slot)->marks[slot % EDDY__SLOT_CHUNK];
}

static inline struct eddy__slot_call *eddy__slot_call(const struct eddy__slots *slots,
                                                      uint32_t slot)
{
    return &eddy__slot_chunk(slots, slot)->calls[slot % EDDY__SLOT_CHUNK];
}

/** Have a slot that is taken begin a new generation; returns its mark. */
static inline uint64_t eddy__slot_begin(struct eddy__slots *slots, uint32_t slot, unsigned flags)
{
    uint64_t mark = ++slots->generation << EDDY__MARK_GENERATION_SHIFT | flags;

    *eddy__slot_mark(slots, slot) = mark;
    return mark;
}

static inline eddy_handle_state eddy__slot_state(const struct eddy__slots *slots, uint32_t slot)
{
    return (eddy_handle_state)(*eddy__slot_mark(slots, slot) & EDDY__MARK_STATE);
}

static inline void eddy__slot_set_state(struct eddy__slots *slots, uint32_t slot,
                                        eddy_handle_state state)
{
    uint64_t *mark = eddy__slot_mark(slots, slot);

    *mark = (*mark & ~(uint64_t)EDDY__MARK_STATE) | (uint64_t)state;
}

/** A free slot, in which something has to begin now; 0 if out of memory. */
static inline uint32_t eddy__slot_take(struct eddy__slots *slots)
{
    uint32_t word = slots->first;
    uint32_t slot = slots->spare;

    slots->taken++;
    if (slot != 0) {
        slots->spare = 0;
        return slot;
    }
    if (word == slots->limit / 64 || slots->chunks[word * 64 / EDDY__SLOT_CHUNK] == NULL) {
        if (eddy__slots_grow(slots) != 0) {
            slots->taken--;
            return 0;
        }
        word = slots->first;
    }
    slot = word * 64 + eddy__bit_lowest(slots->free[word]);
    slots->free[word] &= slots->free[word] - 1;
    if (slots->free[word] == 0)
        eddy__slots_shut_first(slots);
    return slot;
}

/** Note that a word of `free` is not 0 any more. */
static inline void eddy__slots_open(struct eddy__slots *slots, uint32_t word)
{
    slots->open[word / 64] |= (uint64_t)1 << word % 64;
    slots->top[word / 64 / 64] |= (uint64_t)1 << word / 64 % 64;
    if (word < slots->first)
        slots->first = word;
}

/** Note that a slot is free. */
static inline void eddy__slot_set_free(struct eddy__slots *slots, uint32_t slot)
{
    uint64_t *free = &slots->free[slot / 64];

    if (*free == 0)
        eddy__slots_open(slots, slot / 64);
    *free |= (uint64_t)1 << slot % 64;
}

/** Give a slot back; its mark stays as long as no other is served. Cannot fail. */
static inline void eddy__slot_give(struct eddy__slots *slots, uint32_t slot)
{
    slots->taken--;
    if (slots->spare == 0)
        slots->spare = slot;
    else
        eddy__slot_set_free(slots, slot);
}

/** True if what left an entry with this `ref` is still scheduled (entry.h). */
static inline bool eddy__slots_have(const struct eddy__slots *slots, uint64_t ref)
{
    uint32_t slot = ref & (((uint32_t)1 << EDDY__SLOT_NUMBER_BITS) - 1);
    const struct eddy__slot_chunk *chunk = eddy__slot_chunk(slots, slot);

    return chunk != NULL &&
           (chunk->marks[slot % EDDY__SLOT_CHUNK] << EDDY__SLOT_NUMBER_BITS | slot) == ref;
}

/** The mark of a handle's slot as long as it serves what the handle was made for; else NULL. */
static inline uint64_t *eddy__slots_find(const struct eddy__slots *slots, const eddy_handle *handle)
{
    uintptr_t slot = (uintptr_t)handle->slot;
    struct eddy__slot_chunk *chunk;
    uint64_t *mark;

    if (slot >= slots->limit)
        return NULL;
    chunk = slots->chunks[slot / EDDY__SLOT_CHUNK];
    if (chunk == NULL)
        return NULL;
    mark = &chunk->marks[slot % EDDY__SLOT_CHUNK];
    return *mark >> EDDY__MARK_GENERATION_SHIFT == handle->generation ? mark : NULL;
}

/** The number of that slot, or 0. */
static inline uint32_t eddy__slot_of_handle(const struct eddy__slots *slots,
                                            const eddy_handle *handle)
{
    /* The mark of number 0 has a generation that no handle has. */
    return eddy__slots_find(slots, handle) != NULL ? (uint32_t)(uintptr_t)handle->slot : 0;
}

#endif

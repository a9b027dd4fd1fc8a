/* SPDX-License-Identifier: MIT */
#include "common/slot.h"
#include "common/bits.h"
#include "common/context.h"
#include "common/error.h"
#include "common/loop.h"
#include <string.h>

enum { SLOT_WORD = 64, SLOT_WORDS = 8, SLOT_CHUNK = SLOT_WORD * SLOT_WORDS };

struct eddy__slot_chunk {
    uint64_t free[SLOT_WORDS]; /**< a bit for each slot */
    uint32_t words;            /**< a bit for each word of `free` that is not 0 */
    uint32_t used;
    uint32_t number;
    struct eddy__slot slots[SLOT_CHUNK];
};

void eddy__slots_init(struct eddy__slots *slots)
{
    *slots = (struct eddy__slots){0};
}

void eddy__slots_fini(struct eddy__slots *slots)
{
    for (uint32_t i = 0; i < slots->count; i++)
        eddy__free(slots->chunks[i]);
    eddy__free(slots->chunks);
    eddy__free(slots->open);
    eddy__slots_init(slots);
}

/** The `run` of a slot's ready node: by it the loop knows a slot when it sees one. */
static void slot_ready(struct eddy__ready *ready)
{
    struct eddy_loop *loop = eddy__thread_state()->running;
    struct eddy__slot *slot = EDDY__OWNER(ready, struct eddy__slot, timer.ready);
    eddy_context *context = slot->context;

    slot->state = EDDY_HANDLE_DONE;
    eddy__slot_call(loop, slot);
    slot->context = NULL;
    eddy__slot_give(&loop->slots, slot);
    eddy__context_unref(context); /* last, as it may call the program */
}

/** Room for twice as many chunks. What was got stays, also if the other half fails. */
static int slots_widen(struct eddy__slots *slots)
{
    uint32_t count = slots->count == 0 ? SLOT_WORD : slots->count * 2;
    struct eddy__slot_chunk **chunks;
    uint64_t *open;

    if (count > UINT32_MAX / SLOT_CHUNK)
        return EDDY_ENOMEM;
    chunks = eddy__realloc(slots->chunks, count * sizeof *chunks);
    if (chunks == NULL)
        return EDDY_ENOMEM;
    slots->chunks = chunks;
    open = eddy__realloc(slots->open, count / SLOT_WORD * sizeof *open);
    if (open == NULL)
        return EDDY_ENOMEM;
    slots->open = open;
    memset(chunks + slots->count, 0, (count - slots->count) * sizeof *chunks);
    memset(open + slots->count / SLOT_WORD, 0, (count - slots->count) / SLOT_WORD * sizeof *open);
    slots->count = count;
    return 0;
}

/** Note that a chunk has free slots. */
static void slots_open(struct eddy__slots *slots, struct eddy__slot_chunk *chunk)
{
    slots->open[chunk->number / SLOT_WORD] |= (uint64_t)1 << chunk->number % SLOT_WORD;
    if (slots->first == NULL || chunk->number < slots->first->number)
        slots->first = chunk;
}

/** Note that it has none, or is going: another one is the first. Linear in chunks / 64. */
static void slots_shut(struct eddy__slots *slots, struct eddy__slot_chunk *chunk)
{
    uint32_t word = chunk->number / SLOT_WORD;

    slots->open[word] &= ~((uint64_t)1 << chunk->number % SLOT_WORD);
    if (slots->first != chunk)
        return;
    /* There was none before it. */
    while (word < slots->count / SLOT_WORD && slots->open[word] == 0)
        word++;
    slots->first = word == slots->count / SLOT_WORD
                       ? NULL
                       : slots->chunks[word * SLOT_WORD + eddy__bit_lowest(slots->open[word])];
}

/** Make a chunk where there is none. */
static int slots_grow(struct eddy__slots *slots)
{
    struct eddy__slot_chunk *chunk;
    uint32_t number = 0;

    while (number < slots->count && slots->chunks[number] != NULL)
        number++;
    if (number == slots->count && slots_widen(slots) != 0)
        return EDDY_ENOMEM;
    chunk = eddy__alloc_zeroed(sizeof *chunk);
    if (chunk == NULL)
        return EDDY_ENOMEM;
    for (uint32_t i = 0; i < SLOT_WORDS; i++)
        chunk->free[i] = UINT64_MAX;
    chunk->words = (1u << SLOT_WORDS) - 1;
    for (uint32_t i = 0; i < SLOT_CHUNK; i++) {
        chunk->slots[i].timer.ready.run = slot_ready;
        chunk->slots[i].timer.index = number * SLOT_CHUNK + i;
    }
    slots->chunks[number] = chunk;
    chunk->number = number;
    slots->idle++;
    slots_open(slots, chunk);
    return 0;
}

struct eddy__slot *eddy__slot_take(struct eddy__slots *slots)
{
    struct eddy__slot_chunk *chunk;
    struct eddy__slot *slot;
    uint32_t word, bit;

    if (slots->first == NULL && slots_grow(slots) != 0)
        return NULL;
    chunk = slots->first;
    word = eddy__bit_lowest(chunk->words);
    bit = eddy__bit_lowest(chunk->free[word]);
    chunk->free[word] &= chunk->free[word] - 1;
    if (chunk->free[word] == 0)
        chunk->words &= ~(1u << word);
    if (chunk->used++ == 0)
        slots->idle--;
    if (chunk->used == SLOT_CHUNK)
        slots_shut(slots, chunk);
    slot = &chunk->slots[word * SLOT_WORD + bit];
    slot->generation = ++slots->generation & EDDY__SLOT_GENERATION_MASK;
    slot->state = EDDY_HANDLE_SCHEDULED;
    return slot;
}

void eddy__slot_give(struct eddy__slots *slots, struct eddy__slot *slot)
{
    struct eddy__slot_chunk *chunk = slots->chunks[slot->timer.index / SLOT_CHUNK];
    uint32_t word = slot->timer.index % SLOT_CHUNK / SLOT_WORD;

    chunk->free[word] |= (uint64_t)1 << slot->timer.index % SLOT_WORD;
    chunk->words |= 1u << word;
    if (chunk->used-- == SLOT_CHUNK || chunk->number < slots->first->number)
        slots_open(slots, chunk);
    /* One idle chunk stays, so that a timer that comes and goes allocates nothing. */
    if (chunk->used > 0 || slots->idle++ == 0)
        return;
    slots->idle--;
    slots_shut(slots, chunk);
    slots->chunks[chunk->number] = NULL;
    eddy__free(chunk);
}

struct eddy__slot *eddy__slot_of_ready(struct eddy__ready *ready)
{
    return ready->run == slot_ready ? EDDY__OWNER(ready, struct eddy__slot, timer.ready) : NULL;
}

eddy_handle eddy__slot_handle(struct eddy_loop *loop, const struct eddy__slot *slot)
{
    /* The number, counted from 1: a handle of all zeros refers to nothing. */
    return (eddy_handle){.loop = loop,
                         .slot = (void *)((uintptr_t)slot->timer.index + 1),
                         .generation = slot->generation};
}

struct eddy__slot *eddy__slot_of_handle(eddy_handle handle)
{
    uintptr_t index = (uintptr_t)handle.slot - 1;
    struct eddy__slot_chunk *chunk;

    if (handle.slot == NULL || index / SLOT_CHUNK >= handle.loop->slots.count)
        return NULL;
    chunk = handle.loop->slots.chunks[index / SLOT_CHUNK];
    if (chunk == NULL || chunk->slots[index % SLOT_CHUNK].generation != handle.generation)
        return NULL;
    return &chunk->slots[index % SLOT_CHUNK];
}

/** Report a callback that failed (LOOP-42). */
static void slot_report(struct eddy_loop *loop, struct eddy__slot *slot, int error)
{
    eddy_handle handle = eddy__slot_handle(loop, slot);

    eddy_loop_call_exception_handler(loop, &(eddy_exception_context){
                                               .message = "callback failed",
                                               .exception = error,
                                               .handle = &handle,
                                           });
}

void eddy__slot_call(struct eddy_loop *loop, struct eddy__slot *slot)
{
    struct eddy__thread_state *state = loop->state;
    eddy_context *outer = eddy__context_enter(state, slot->context);
    int error;

    loop->current = slot;
    error = eddy__loop_call(loop, slot->callback, slot->arg);
    if (error < 0)
        slot_report(loop, slot, error);
    eddy__context_leave(state, outer);
    loop->current = NULL;
}

void eddy__slot_drop(struct eddy_loop *loop, struct eddy__slot *slot)
{
    eddy_context *context = slot->context;

    eddy__timer_stop(&loop->timers, &slot->timer);
    slot->context = NULL;
    slot->state = EDDY_HANDLE_CANCELLED;
    eddy__slot_give(&loop->slots, slot);
    eddy__context_unref(context); /* last, as it may call the program */
}

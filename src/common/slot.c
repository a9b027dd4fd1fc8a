/* SPDX-License-Identifier: MIT */
#include "common/slot.h"
#include "common/memory.h"
#include <eddy/error.h>
#include <string.h>

/** Bits of a word; slots whose bits in `open`, and in `top`, share one. */
enum { SLOT_WORD = 64, SLOT_OPEN = 64 * 64, SLOT_TOP = 64 * 64 * 64 };

/** Words of `free` that are of one chunk. */
enum { SLOT_CHUNK_WORDS = EDDY__SLOT_CHUNK / SLOT_WORD };

void eddy__slots_fini(struct eddy__slots *slots)
{
    for (uint32_t i = 0; i < slots->limit / EDDY__SLOT_CHUNK; i++)
        eddy__free(slots->chunks[i]);
    eddy__free(slots->chunks);
    eddy__free(slots->free);
    eddy__free(slots->open);
    eddy__free(slots->top);
    *slots = (struct eddy__slots){0};
}

/** Have an array of words be longer, with all bits set in the new ones. */
static int slots_widen_words(uint64_t **words, uint32_t old_count, uint32_t count)
{
    uint64_t *wider = eddy__realloc(*words, count * sizeof *wider);

    if (wider == NULL)
        return EDDY_ENOMEM;
    *words = wider;
    memset(wider + old_count, 0xff, (count - old_count) * sizeof *wider);
    return 0;
}

/** Words of `top` for so many slots. Bits of what lies behind the last slot are never looked at. */
static uint32_t slot_top_words(uint32_t limit)
{
    return (limit + SLOT_TOP - 1) / SLOT_TOP;
}

/** Twice as many numbers. What was got stays, also if the rest fails. */
static int slots_widen(struct eddy__slots *slots)
{
    const uint32_t old = slots->limit;
    const uint32_t limit = old == 0 ? SLOT_OPEN : old * 2;
    struct eddy__slot_chunk **chunks;

    if (limit > (uint32_t)1 << EDDY__SLOT_NUMBER_BITS)
        return EDDY_ENOMEM;
    chunks = eddy__realloc(slots->chunks, limit / EDDY__SLOT_CHUNK * sizeof *chunks);
    if (chunks == NULL)
        return EDDY_ENOMEM;
    slots->chunks = chunks;
    if (slots_widen_words(&slots->free, old / SLOT_WORD, limit / SLOT_WORD) != 0 ||
        slots_widen_words(&slots->open, old / SLOT_OPEN, limit / SLOT_OPEN) != 0 ||
        slots_widen_words(&slots->top, slot_top_words(old), slot_top_words(limit)) != 0)
        return EDDY_ENOMEM;
    for (uint32_t i = old / EDDY__SLOT_CHUNK; i < limit / EDDY__SLOT_CHUNK; i++)
        chunks[i] = NULL;
    for (uint32_t i = old / SLOT_OPEN; i < limit / SLOT_OPEN; i++)
        slots->top[i / SLOT_WORD] |= (uint64_t)1 << i % SLOT_WORD;
    if (old == 0)
        slots->free[0] &= ~(uint64_t)1; /* number 0 refers to nothing */
    slots->limit = limit;
    return 0;
}

void eddy__slots_shut_first(struct eddy__slots *slots)
{
    const uint32_t count = slot_top_words(slots->limit);
    uint32_t open = slots->first / SLOT_WORD;
    uint32_t top = open / SLOT_WORD;

    slots->open[open] &= ~((uint64_t)1 << slots->first % SLOT_WORD);
    if (slots->open[open] == 0)
        slots->top[top] &= ~((uint64_t)1 << open % SLOT_WORD);
    /* There was none before it. Linear in slots / 262,144. */
    while (top < count && slots->top[top] == 0)
        top++;
    slots->first = slots->limit / SLOT_WORD;
    if (top == count)
        return;
    open = top * SLOT_WORD + eddy__bit_lowest(slots->top[top]);
    if (open < slots->limit / SLOT_OPEN)
        slots->first = open * SLOT_WORD + eddy__bit_lowest(slots->open[open]);
}

int eddy__slots_grow(struct eddy__slots *slots)
{
    struct eddy__slot_chunk *chunk;

    if (slots->first == slots->limit / SLOT_WORD && slots_widen(slots) != 0)
        return EDDY_ENOMEM;
    chunk = eddy__alloc(sizeof *chunk);
    if (chunk == NULL)
        return EDDY_ENOMEM;
    memset(chunk->marks, 0, sizeof chunk->marks);
    chunk->marks[0] = UINT64_MAX;
    slots->chunks[slots->first / SLOT_CHUNK_WORDS] = chunk;
    slots->made++;
    slots->taken_few = (slots->made - 1) * (EDDY__SLOT_CHUNK / 4);
    return 0;
}

static bool slot_chunk_is_idle(const struct eddy__slots *slots, uint32_t number)
{
    const uint64_t *words = &slots->free[number * SLOT_CHUNK_WORDS];

    for (uint32_t i = 0; i < SLOT_CHUNK_WORDS; i++)
        if (words[i] != UINT64_MAX)
            return false;
    return true;
}

void eddy__slots_relax(struct eddy__slots *slots)
{
    const uint32_t kept = 1 + slots->taken / EDDY__SLOT_CHUNK;

    if (slots->spare != 0)
        eddy__slot_set_free(slots, slots->spare);
    slots->spare = 0;
    /* Those with the highest numbers, which are taken last. */
    for (uint32_t i = slots->limit / EDDY__SLOT_CHUNK; i-- > 1 && slots->made > kept;) {
        if (slots->chunks[i] == NULL || !slot_chunk_is_idle(slots, i))
            continue;
        eddy__free(slots->chunks[i]);
        slots->chunks[i] = NULL;
        slots->made--;
    }
    /* If few could be given back, not before there is far less in use. */
    slots->taken_few /= 2;
    if (slots->taken_few > (slots->made - 1) * (EDDY__SLOT_CHUNK / 4))
        slots->taken_few = (slots->made - 1) * (EDDY__SLOT_CHUNK / 4);
    if (slots->taken_few > slots->taken)
        slots->taken_few = slots->taken;
}

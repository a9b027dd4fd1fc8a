/* SPDX-License-Identifier: MIT */
#include "common/slot.h"
#include "common/context.h"
#include "common/error.h"
#include "common/loop.h"

/** Slots in the first chunk; each further chunk doubles the number, up to the maximum. */
enum { SLOT_CHUNK_FIRST = 64, SLOT_CHUNK_MAX = 4096 };

struct eddy__slot_chunk {
    struct eddy__slot_chunk *next;
    struct eddy__slot slots[];
};

void eddy__slots_init(struct eddy__slots *slots)
{
    *slots = (struct eddy__slots){0};
}

void eddy__slots_fini(struct eddy__slots *slots)
{
    while (slots->chunks != NULL) {
        struct eddy__slot_chunk *chunk = slots->chunks;

        slots->chunks = chunk->next;
        eddy__free(chunk);
    }
    eddy__slots_init(slots);
}

/** The `run` of a slot's ready node: by it the loop knows a slot when it sees one. */
static void slot_ready(struct eddy__ready *ready)
{
    eddy__slot_run(eddy_get_running_loop(), eddy__slot_of_ready(ready));
}

int eddy__slots_grow(struct eddy__slots *slots)
{
    uint32_t count = slots->count < SLOT_CHUNK_FIRST ? SLOT_CHUNK_FIRST : slots->count;
    struct eddy__slot_chunk *chunk;

    if (count > SLOT_CHUNK_MAX)
        count = SLOT_CHUNK_MAX;
    chunk = eddy__alloc_zeroed(sizeof *chunk + count * sizeof chunk->slots[0]);
    if (chunk == NULL)
        return EDDY_ENOMEM;
    chunk->next = slots->chunks;
    slots->chunks = chunk;
    /* The first one lies on top, so that slots are used in the order of their memory. */
    for (uint32_t i = count; i-- > 0;) {
        chunk->slots[i].timer.ready.run = slot_ready;
        eddy__slot_give(slots, &chunk->slots[i]);
    }
    slots->count += count;
    return 0;
}

struct eddy__slot *eddy__slot_of_ready(struct eddy__ready *ready)
{
    return ready->run == slot_ready ? EDDY__OWNER(ready, struct eddy__slot, timer.ready) : NULL;
}

eddy_handle eddy__slot_handle(struct eddy_loop *loop, const struct eddy__slot *slot)
{
    return (eddy_handle){.loop = loop, .slot = (void *)slot, .generation = slot->generation};
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

void eddy__slot_run(struct eddy_loop *loop, struct eddy__slot *slot)
{
    slot->state = EDDY_HANDLE_DONE;
    eddy__slot_call(loop, slot);
    eddy__context_unref(slot->context);
    slot->context = NULL;
    eddy__slot_give(&loop->slots, slot);
}

void eddy__slot_drop(struct eddy_loop *loop, struct eddy__slot *slot)
{
    eddy__timer_stop(&loop->timers, &slot->timer);
    eddy__context_unref(slot->context);
    slot->context = NULL;
    slot->callback = NULL;
    slot->arg = NULL;
    slot->state = EDDY_HANDLE_CANCELLED;
    eddy__slot_give(&loop->slots, slot);
}

/* SPDX-License-Identifier: MIT */
#include "common/inbox.h"
#include <eddy/error.h>

/** What stands in `top` once the inbox is closed; its address matters, not its content. */
static struct eddy__post inbox_closed;

int eddy__inbox_push(struct eddy__inbox *inbox, struct eddy__post *post)
{
    struct eddy__post *top = atomic_load_explicit(&inbox->top, memory_order_relaxed);

    post->after = atomic_load_explicit(&inbox->ring.tail, memory_order_acquire);
    do {
        if (top == &inbox_closed)
            return EDDY_EBADSTATE;
        post->next = top;
    } while (!atomic_compare_exchange_weak(&inbox->top, &top, post));
    return eddy__inbox_must_wake(inbox);
}

bool eddy__inbox_is_closed(struct eddy__inbox *inbox)
{
    return atomic_load(&inbox->top) == &inbox_closed;
}

/** Turn a stack around, so that the oldest post comes first. */
static struct eddy__post *inbox_reverse(struct eddy__post *post)
{
    struct eddy__post *reversed = NULL;

    while (post != NULL) {
        struct eddy__post *next = post->next;

        post->next = reversed;
        reversed = post;
        post = next;
    }
    return reversed;
}

/** Move the posts from the stack to those that are held. */
static void inbox_hold(struct eddy__inbox *inbox)
{
    struct eddy__post *post;

    if (atomic_load_explicit(&inbox->top, memory_order_relaxed) == NULL)
        return;
    post = inbox_reverse(atomic_exchange(&inbox->top, NULL));
    while (post != NULL) {
        struct eddy__post *next = post->next;

        eddy__list_append(&inbox->held, &post->ready.node);
        post = next;
    }
}

static struct eddy__post *inbox_first_held(const struct eddy__inbox *inbox)
{
    return EDDY__OWNER(inbox->held.next, struct eddy__post, ready.node);
}

void eddy__inbox_take(struct eddy__inbox *inbox, struct eddy__agenda *agenda, bool with_places)
{
    uint64_t end = atomic_load(&inbox->ring.tail);

    /* Only the loop's thread closes the inbox, so the mark cannot appear later. */
    if (eddy__inbox_is_closed(inbox))
        return;
    inbox_hold(inbox);
    while (!eddy__list_is_empty(&inbox->held)) {
        struct eddy__post *post = inbox_first_held(inbox);

        if (!eddy__post_ring_take(&inbox->ring, post->after, agenda, with_places))
            return;
        eddy__list_remove(&post->ready.node);
        eddy__agenda_append(agenda, &post->ready);
    }
    if (eddy__post_ring_take(&inbox->ring, end, agenda, with_places))
        eddy__post_ring_grow(&inbox->ring);
}

void eddy__inbox_close(struct eddy__inbox *inbox)
{
    struct eddy__post *post;

    if (eddy__inbox_is_closed(inbox))
        return;
    inbox_hold(inbox);
    post = inbox_reverse(atomic_exchange(&inbox->top, &inbox_closed));
    while (!eddy__list_is_empty(&inbox->held)) {
        struct eddy__post *first = inbox_first_held(inbox);

        eddy__list_remove(&first->ready.node);
        first->drop(first);
    }
    while (post != NULL) {
        struct eddy__post *next = post->next;

        post->drop(post);
        post = next;
    }
    eddy__post_ring_close(&inbox->ring);
}

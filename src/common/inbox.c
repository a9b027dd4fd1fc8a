/* SPDX-License-Identifier: MIT */
#include "common/inbox.h"
#include <eddy/error.h>

/** What stands in `top` once the inbox is closed; its address matters, not its content. */
static struct eddy__post inbox_closed;

int eddy__inbox_push(struct eddy__inbox *inbox, struct eddy__post *post)
{
    struct eddy__post *top = atomic_load_explicit(&inbox->top, memory_order_relaxed);

    do {
        if (top == &inbox_closed)
            return EDDY_EBADSTATE;
        post->next = top;
    } while (!atomic_compare_exchange_weak(&inbox->top, &top, post));
    /* If it is pending now, the loop takes later: that it is looked at first spares an exchange. */
    if (atomic_load(&inbox->wake_pending))
        return 0;
    return atomic_exchange(&inbox->wake_pending, true) ? 0 : 1;
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

void eddy__inbox_take(struct eddy__inbox *inbox, struct eddy__list *queue)
{
    struct eddy__post *post = atomic_load_explicit(&inbox->top, memory_order_relaxed);

    if (post == NULL || post == &inbox_closed)
        return;
    /* Only the loop's thread closes the inbox, so the mark cannot appear in between. */
    post = inbox_reverse(atomic_exchange(&inbox->top, NULL));
    while (post != NULL) {
        struct eddy__post *next = post->next;

        eddy__list_append(queue, &post->ready.node);
        post = next;
    }
}

void eddy__inbox_close(struct eddy__inbox *inbox)
{
    struct eddy__post *post = atomic_exchange(&inbox->top, &inbox_closed);

    if (post == &inbox_closed)
        return;
    post = inbox_reverse(post);
    while (post != NULL) {
        struct eddy__post *next = post->next;

        post->drop(post);
        post = next;
    }
}

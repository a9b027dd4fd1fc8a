/* SPDX-License-Identifier: MIT */
/** Intrusive doubly linked lists: the object owns its node from birth, so linking cannot fail. */
#ifndef EDDY_COMMON_LIST_H
#define EDDY_COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>

/** A node, or a list's head; a node outside any list has `next` NULL. */
struct eddy__list {
    struct eddy__list *next;
    struct eddy__list *previous;
};

/** The struct of `type` whose `member` is at `node`. */
#define EDDY__OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void eddy__list_init(struct eddy__list *list)
{
    list->next = list->previous = list;
}

static inline bool eddy__list_is_empty(const struct eddy__list *list)
{
    return list->next == list;
}

/** True while `node` is in some list. */
static inline bool eddy__list_is_linked(const struct eddy__list *node)
{
    return node->next != NULL;
}

static inline void eddy__list_append(struct eddy__list *list, struct eddy__list *node)
{
    node->next = list;
    node->previous = list->previous;
    list->previous->next = node;
    list->previous = node;
}

/** Take `node` out of its list; nothing happens if it is in none. */
static inline void eddy__list_remove(struct eddy__list *node)
{
    if (node->next == NULL)
        return;
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->next = NULL;
}

/** Take the first node out, or return NULL. */
static inline struct eddy__list *eddy__list_shift(struct eddy__list *list)
{
    struct eddy__list *node = list->next;

    if (node == list)
        return NULL;
    list->next = node->next;
    list->next->previous = list;
    node->next = NULL;
    return node;
}

/** Move all of `from` behind the end of `list`; `from` is empty afterwards. */
static inline void eddy__list_splice(struct eddy__list *list, struct eddy__list *from)
{
    if (eddy__list_is_empty(from))
        return;
    from->next->previous = list->previous;
    list->previous->next = from->next;
    from->previous->next = list;
    list->previous = from->previous;
    eddy__list_init(from);
}

#endif

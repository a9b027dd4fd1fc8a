/* SPDX-License-Identifier: MIT */
#include "common/claim.h"
#include "common/memory.h"

static unsigned claims_bits(const struct eddy__claims *claims)
{
    return claims->chains != NULL ? claims->bits : EDDY__CLAIM_BITS_FIRST;
}

/** Descriptors are small numbers, others have parts that never change: spread what differs. */
static size_t claims_hash(eddy_socket socket, unsigned bits)
{
    return (size_t)(((uint64_t)socket * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - bits));
}

static struct eddy__channel **claims_chain(const struct eddy__claims *claims, eddy_socket socket)
{
    struct eddy__channel *const *chains = claims->chains != NULL ? claims->chains : claims->first;

    /* The table is constant here, what its chains hold is the caller's business. */
    return (struct eddy__channel **)(uintptr_t)&chains[claims_hash(socket, claims_bits(claims))];
}

void eddy__claims_fini(struct eddy__claims *claims)
{
    eddy__free(claims->chains);
    *claims = (struct eddy__claims){0};
}

static void claims_link(struct eddy__claims *claims, struct eddy__channel *channel)
{
    struct eddy__channel **chain = claims_chain(claims, channel->socket);

    channel->next = *chain;
    *chain = channel;
}

/** Move a chain over to the table as it is now, keeping the order of equal numbers. */
static void claims_move(struct eddy__claims *claims, struct eddy__channel *chain)
{
    struct eddy__channel *reversed = NULL;
    struct eddy__channel *channel;

    while ((channel = chain) != NULL) {
        chain = channel->next;
        channel->next = reversed;
        reversed = channel;
    }
    while ((channel = reversed) != NULL) {
        reversed = channel->next;
        claims_link(claims, channel);
    }
}

/** Double the table, if there is memory. */
static void claims_grow(struct eddy__claims *claims)
{
    unsigned bits = claims_bits(claims) + 1;
    size_t old_size = (size_t)1 << (bits - 1);
    struct eddy__channel **old = claims->chains != NULL ? claims->chains : claims->first;
    struct eddy__channel **chains = eddy__alloc_zeroed(((size_t)1 << bits) * sizeof(void *));

    if (chains == NULL)
        return;
    claims->chains = chains;
    claims->bits = bits;
    for (size_t i = 0; i < old_size; i++)
        claims_move(claims, old[i]);
    if (old != claims->first)
        eddy__free(old);
}

void eddy__claims_add(struct eddy__claims *claims, struct eddy__channel *channel)
{
    /* Two to a chain: that is some 6 bytes a channel, and half the steps of one more. */
    if (claims->count >= (size_t)2 << claims_bits(claims))
        claims_grow(claims);
    claims_link(claims, channel);
    claims->count++;
}

void eddy__claims_remove(struct eddy__claims *claims, struct eddy__channel *channel)
{
    struct eddy__channel **link = claims_chain(claims, channel->socket);

    while (*link != NULL && *link != channel)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    *link = channel->next;
    channel->next = NULL;
    claims->count--;
}

struct eddy__channel *eddy__claims_find(const struct eddy__claims *claims, eddy_socket socket)
{
    struct eddy__channel *channel = *claims_chain(claims, socket);

    while (channel != NULL && channel->socket != socket)
        channel = channel->next;
    return channel;
}

void eddy__claims_abandon(struct eddy__claims *claims)
{
    struct eddy__channel **chains = claims->chains != NULL ? claims->chains : claims->first;
    size_t size = (size_t)1 << claims_bits(claims);

    for (size_t i = 0; i < size; i++) {
        struct eddy__channel *channel = chains[i];

        /* One that goes may take others of the chain with it: begin anew. */
        while (channel != NULL) {
            void (*abandon)(struct eddy__channel *) = channel->events->abandon;

            if (abandon == NULL) {
                channel = channel->next;
                continue;
            }
            abandon(channel); /* which may free it */
            channel = chains[i];
        }
    }
}

struct eddy__channel *eddy__claims_find_kind(const struct eddy__claims *claims,
                                             const struct eddy__channel_events *events)
{
    struct eddy__channel *const *chains = claims->chains != NULL ? claims->chains : claims->first;
    size_t size = (size_t)1 << claims_bits(claims);

    for (size_t i = 0; i < size; i++)
        for (struct eddy__channel *channel = chains[i]; channel != NULL; channel = channel->next)
            if (channel->events == events)
                return channel;
    return NULL;
}

int eddy__claims_visit(const struct eddy__claims *claims,
                       int (*visit)(struct eddy__channel *channel, void *arg), void *arg)
{
    struct eddy__channel *const *chains = claims->chains != NULL ? claims->chains : claims->first;
    size_t size = (size_t)1 << claims_bits(claims);
    int result = 0;

    for (size_t i = 0; i < size; i++)
        for (struct eddy__channel *channel = chains[i]; channel != NULL && result == 0;
             channel = channel->next)
            result = visit(channel, arg);
    return result;
}

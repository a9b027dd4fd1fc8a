/* SPDX-License-Identifier: MIT */
/*
 * Channels that watch descriptors of the program: orders that take effect at once. By edges, the
 * registration may outlive the descriptor, and reports of it the channel, so that they come by
 * number.
 */
#include "common/loop.h"
#include "common/reactor.h"
#include <assert.h>

static struct eddy__reactor_channel *watching_channel(struct eddy__channel *channel)
{
    return EDDY__OWNER(channel, struct eddy__reactor_channel, channel);
}

static int watching_change(struct eddy__reactor_channel *channel, unsigned events)
{
    const struct eddy__reactor *reactor = channel->channel.loop->backend_state;
    int result;

    if (events == 0 && channel->interest == 0)
        return 0;
    result = reactor->selector->watch(channel, events);
    if (result < 0)
        return result;
    /* What it saw before is still true if nothing but another look has been taken. */
    if (result == 0 && events & channel->interest & EDDY__EDGE)
        events |= channel->interest & EDDY__ENDED;
    channel->interest = (unsigned char)events;
    return result;
}

int eddy__reactor_watch(struct eddy__channel *base, unsigned events)
{
    struct eddy__reactor_channel *channel = watching_channel(base);
    unsigned before;
    bool more;
    int result;

    assert(base->events->on_ready != NULL);
    before = eddy__reactor_set_watch(channel, events);
    more = (events & ~before) != 0; /* EDGE always is */
    /* A forked child shares the parent's selector and must not change anything in it. */
    result = eddy__loop_is_foreign(base->loop) ? EDDY_EBADSTATE : watching_change(channel, events);
    /* Less could only be refused because the program closed the descriptor: then there is nothing
     * to report either. */
    if (result < 0 && more)
        eddy__reactor_set_watch(channel, before);
    return result < 0 && !more ? 0 : result;
}

void eddy__reactor_edge(struct eddy__reactor *reactor, eddy_socket socket, unsigned events)
{
    struct eddy__channel *base = eddy__claims_find(&reactor->loop->claims, socket);
    struct eddy__reactor_channel *channel = base != NULL ? watching_channel(base) : NULL;

    if (channel == NULL || !(channel->interest & EDDY__EDGE))
        return;
    channel->interest |= events & EDDY__ENDED;
    eddy__reactor_event(channel, events);
}

bool eddy__reactor_level(struct eddy__reactor *reactor, eddy_socket socket, uint32_t mark,
                         unsigned events)
{
    struct eddy__channel *base = eddy__claims_find(&reactor->loop->claims, socket);
    struct eddy__reactor_channel *channel = base != NULL ? watching_channel(base) : NULL;

    if (channel == NULL || base->events->on_ready == NULL || channel->slot != mark)
        return false;
    eddy__reactor_event(channel, events);
    return true;
}

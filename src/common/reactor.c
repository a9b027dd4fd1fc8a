/* SPDX-License-Identifier: MIT */
/*
 * Orders over readiness.
 *
 * A channel has two sides, each with one order at a time, and one ready node for both: what is
 * pending says whose turn it is. What the selector should watch follows from the two orders alone
 * (eddy__reactor_wanted); a channel for which it watches something else is in the list `changed`
 * until the next wait, by the same node: if its turn is still to come, that ends with a look at the
 * orders. When an order is stopped, its side is not pending any more, so that an event that was
 * already on its way does not arrive; selectors are level-triggered, so nothing is lost by that.
 *
 * A selector can refuse a channel: no memory, a file that cannot be polled. The orders are then
 * REFUSED until their events have told it. What it could never take (a descriptor beyond the range
 * of select()) does not become a channel in the first place.
 *
 * Closing takes effect at once: the selector forgets the channel before its socket is closed, as
 * another process may hold a copy that would keep the registration alive (which by edges harms
 * nothing, and mostly is not so: then it is left to go with the socket). Only on_closed waits for
 * the loop, so that nobody frees a channel under a function that still works with it. For that the
 * reactor has a node of its own, as that of a closed channel is the owner's.
 */
#include "common/reactor.h"
#include "common/loop.h"
#include "common/rare.h"
#include "common/reactor_datagram.h"
#include "common/reactor_receive.h"
#include "common/thread.h"
#include "common/watcher.h"
#include <assert.h>

/* An order that waits for the socket has the bit of its side (eddy__reactor_wanted). */
#define ORDER(number, side) ((number) << 2 | (side))

enum reactor_in {
    IN_IDLE = ORDER(0, 0),
    IN_RECEIVE = ORDER(1, EDDY__READABLE),
    IN_DATAGRAMS = ORDER(2, EDDY__READABLE),
    IN_RECEIVE_REFUSED = ORDER(3, 0),
    IN_ACCEPT = ORDER(4, EDDY__READABLE),
    IN_ACCEPT_REFUSED = ORDER(5, 0),
    IN_WATCH = ORDER(6, EDDY__READABLE),
    IN_CLOSED = ORDER(7, 0)
};

enum reactor_out {
    OUT_IDLE = ORDER(0, 0),
    OUT_SEND = ORDER(1, EDDY__WRITABLE),
    OUT_DATAGRAMS = ORDER(2, EDDY__WRITABLE),
    OUT_FILE = ORDER(3, EDDY__WRITABLE),
    OUT_SEND_REFUSED = ORDER(4, 0),
    OUT_CONNECT = ORDER(5, EDDY__WRITABLE),
    OUT_CONNECT_DECIDED = ORDER(6, 0), /* `outcome` says how */
    OUT_WATCH = ORDER(7, EDDY__WRITABLE)
};

static struct eddy__reactor_channel *reactor_channel(struct eddy__channel *channel)
{
    return EDDY__OWNER(channel, struct eddy__reactor_channel, channel);
}

static struct eddy__reactor *reactor_of(const struct eddy__reactor_channel *channel)
{
    return channel->channel.loop->backend_state;
}

static const struct eddy__socket_ops *reactor_sockets(const struct eddy__reactor_channel *channel)
{
    return eddy__channel_ops(&channel->channel);
}

/* What a release function closes while this runs waits for the next turn. */
static void reactor_run_closed(struct eddy__ready *ready)
{
    struct eddy__reactor *reactor = EDDY__OWNER(ready, struct eddy__reactor, closed);
    struct eddy__reactor_channel *channel = reactor->closing;

    reactor->closing = NULL;
    reactor->closing_end = &reactor->closing;
    while (channel != NULL) {
        struct eddy__reactor_channel *next = channel->next_closing;

        channel->channel.events->on_closed(&channel->channel);
        channel = next;
    }
}

int eddy__reactor_open(struct eddy_loop *loop)
{
    const struct eddy__selector *selector = loop->backend->selector;
    struct eddy__reactor *reactor = eddy__alloc_zeroed(sizeof *reactor);
    int error;

    if (reactor == NULL)
        return EDDY_ENOMEM;
    reactor->loop = loop;
    reactor->selector = selector;
    eddy__list_init(&reactor->changed);
    reactor->closing_end = &reactor->closing;
    reactor->closed.run = reactor_run_closed;
    error = selector->open(reactor);
    if (error < 0) {
        eddy__free(reactor);
        return error;
    }
    loop->backend_state = reactor;
    return 0;
}

void eddy__reactor_close(struct eddy_loop *loop)
{
    struct eddy__reactor *reactor = loop->backend_state;

    eddy__loop_dequeue(&reactor->closed);
    while (reactor->closing != NULL)
        reactor_run_closed(&reactor->closed);
    /* A forked child leaves its channels as they are. */
    assert(eddy__list_is_empty(&reactor->changed) || loop->fork_count != eddy__fork_count());
    reactor->selector->close(reactor);
    eddy__reactor_free_batch(reactor);
    eddy__free(reactor);
    loop->backend_state = NULL;
}

void eddy__reactor_wake(struct eddy_loop *loop)
{
    struct eddy__reactor *reactor = loop->backend_state;

    reactor->selector->wake(reactor);
}

/* To be called after each change of an order. */
static void reactor_update(struct eddy__reactor_channel *channel)
{
    struct eddy__list *node = &channel->channel.ready.node;

    if (channel->pending != 0 || channel->in == IN_CLOSED)
        return;
    if (eddy__reactor_wanted(channel) == (channel->interest & (EDDY__READABLE | EDDY__WRITABLE)))
        eddy__list_remove(node);
    else if (!eddy__list_is_linked(node))
        eddy__list_append(&reactor_of(channel)->changed, node);
}

void eddy__reactor_pend(struct eddy__reactor_channel *channel, unsigned sides)
{
    struct eddy__ready *ready = &channel->channel.ready;

    if (sides == 0)
        return;
    if (channel->pending == 0)
        eddy__list_remove(&ready->node); /* of `changed` */
    channel->pending |= (unsigned char)sides;
    eddy__loop_enqueue(channel->channel.loop, ready);
}

/* One side's turn will not come. */
static void reactor_unpend(struct eddy__reactor_channel *channel, unsigned side)
{
    if ((channel->pending & side) == 0)
        return;
    channel->pending &= (unsigned char)~side;
    if (channel->pending == 0)
        eddy__loop_dequeue(&channel->channel.ready);
}

/* The selector has refused the channel: whoever waits hears `error` from the ready queue. */
static void reactor_refuse(struct eddy__reactor_channel *channel, int error)
{
    unsigned refused = 0;

    channel->outcome = eddy__late_error_keep(error);
    if (channel->in == IN_RECEIVE || channel->in == IN_DATAGRAMS || channel->in == IN_ACCEPT) {
        channel->in = channel->in == IN_ACCEPT ? IN_ACCEPT_REFUSED : IN_RECEIVE_REFUSED;
        refused |= EDDY__READABLE;
    }
    if (channel->out == OUT_SEND || channel->out == OUT_DATAGRAMS || channel->out == OUT_FILE ||
        channel->out == OUT_CONNECT) {
        channel->out = channel->out == OUT_CONNECT ? OUT_CONNECT_DECIDED : OUT_SEND_REFUSED;
        refused |= EDDY__WRITABLE;
    }
    eddy__reactor_pend(channel, refused);
}

static void reactor_unwatch(struct eddy__reactor_channel *channel)
{
    if (channel->interest == 0)
        return;
    reactor_of(channel)->selector->watch(channel, 0);
    channel->interest = 0;
}

/* Tell the selector what has changed since the last wait. */
EDDY__RARE static void reactor_flush(struct eddy__reactor *reactor)
{
    struct eddy__list *node;

    while ((node = eddy__list_shift(&reactor->changed)) != NULL) {
        struct eddy__reactor_channel *channel =
            EDDY__OWNER(node, struct eddy__reactor_channel, channel.ready.node);
        unsigned wanted = eddy__reactor_wanted(channel);
        int error = wanted != 0 ? reactor->selector->watch(channel, wanted) : 0;

        if (error >= 0 && wanted != 0) {
            channel->interest = (unsigned char)wanted;
            continue;
        }
        reactor_unwatch(channel);
        if (error < 0)
            reactor_refuse(channel, error);
    }
}

int eddy__reactor_wait(struct eddy_loop *loop, eddy_time timeout)
{
    struct eddy__reactor *reactor = loop->backend_state;

    if (!eddy__list_is_empty(&reactor->changed))
        reactor_flush(reactor);
    if (!eddy__agenda_is_empty(&loop->agenda))
        timeout = 0; /* something was refused, and somebody has to hear of it */
    return reactor->selector->wait(reactor, timeout);
}

void eddy__reactor_dispatch(struct eddy_loop *loop)
{
    struct eddy__reactor *reactor = loop->backend_state;

    reactor->selector->report(reactor);
}

void eddy__reactor_end_receive(struct eddy__reactor_channel *channel, int error)
{
    channel->in = IN_IDLE;
    reactor_update(channel);
    channel->channel.events->on_receive_ended(&channel->channel, error);
}

bool eddy__reactor_accepts(const struct eddy__reactor_channel *channel)
{
    return channel->in == IN_ACCEPT;
}

bool eddy__reactor_is_closed(const struct eddy__reactor_channel *channel)
{
    return channel->in == IN_CLOSED;
}

bool eddy__reactor_takes_datagrams(const struct eddy__reactor_channel *channel)
{
    return channel->in == IN_DATAGRAMS;
}

static void reactor_run_readable(struct eddy__reactor_channel *channel)
{
    switch ((enum reactor_in)channel->in) {
    case IN_RECEIVE:
        eddy__reactor_receive(channel);
        break;
    case IN_DATAGRAMS:
        eddy__reactor_receive_datagrams(channel);
        break;
    case IN_RECEIVE_REFUSED:
        eddy__reactor_end_receive(channel, eddy__late_error_tell(channel->outcome));
        break;
    case IN_ACCEPT:
        eddy__reactor_accept(channel);
        break;
    case IN_ACCEPT_REFUSED:
        /* The order stands: the next wait tries again, unless the object stops it now. */
        channel->in = IN_ACCEPT;
        reactor_update(channel);
        channel->channel.events->on_accept_failed(&channel->channel,
                                                  eddy__late_error_tell(channel->outcome));
        break;
    case IN_WATCH:
        channel->channel.events->on_ready(&channel->channel,
                                          EDDY__READABLE | (channel->interest & EDDY__ENDED));
        break;
    case IN_CLOSED:
    case IN_IDLE:
        assert(channel->in != IN_IDLE && channel->in != IN_CLOSED);
    }
}

static void reactor_end_send(struct eddy__reactor_channel *channel, int64_t result)
{
    channel->out = OUT_IDLE;
    reactor_update(channel);
    channel->channel.events->on_sent(&channel->channel, result);
}

static void reactor_send(struct eddy__reactor_channel *channel)
{
    struct eddy__channel *base = &channel->channel;
    struct eddy__span spans[EDDY__SPANS_MAX];
    size_t count = base->events->get_spans(base, spans, EDDY__SPANS_MAX);
    int64_t sent;

    assert(count > 0 && count <= EDDY__SPANS_MAX);
    sent = reactor_sockets(channel)->send(base->socket, spans, count);
    if (sent != EDDY_EAGAIN)
        reactor_end_send(channel, sent);
}

/* Readiness may be untrue here: Linux calls a Unix socket without a peer writable while the
 * receiver of the next datagram is full. Waiting for it would be turning in circles. */
static void reactor_send_datagrams(struct eddy__reactor_channel *channel)
{
    int64_t sent = eddy__reactor_send_queued(channel);

    reactor_end_send(channel, sent == EDDY_EAGAIN ? 0 : sent);
}

static void reactor_send_file(struct eddy__reactor_channel *channel)
{
    struct eddy__channel *base = &channel->channel;
    const struct eddy__file_range *range = base->events->get_file(base);
    int64_t sent = eddy__file_send(range, reactor_sockets(channel), base->socket);

    if (sent != EDDY_EAGAIN)
        reactor_end_send(channel, sent);
}

static void reactor_end_connect(struct eddy__reactor_channel *channel, int error)
{
    channel->out = OUT_IDLE;
    reactor_update(channel);
    channel->channel.events->on_connected(&channel->channel, error);
}

static void reactor_run_writable(struct eddy__reactor_channel *channel)
{
    switch ((enum reactor_out)channel->out) {
    case OUT_SEND:
        reactor_send(channel);
        break;
    case OUT_DATAGRAMS:
        reactor_send_datagrams(channel);
        break;
    case OUT_FILE:
        reactor_send_file(channel);
        break;
    case OUT_SEND_REFUSED:
        reactor_end_send(channel, eddy__late_error_tell(channel->outcome));
        break;
    case OUT_CONNECT:
        reactor_end_connect(channel,
                            reactor_sockets(channel)->connect_result(channel->channel.socket));
        break;
    case OUT_CONNECT_DECIDED:
        reactor_end_connect(channel, eddy__late_error_tell(channel->outcome));
        break;
    case OUT_WATCH:
        channel->channel.events->on_ready(&channel->channel, EDDY__WRITABLE);
        break;
    case OUT_IDLE:
        assert(channel->out != OUT_IDLE);
    }
}

/* The turn of a channel: its receiving side goes first (LOOP-27), and after an exit request the
 * other one has to wait for the next run (LOOP-42). */
EDDY__RARE static void reactor_run_any(struct eddy__reactor_channel *channel)
{
    if (channel->pending & EDDY__READABLE) {
        channel->pending &= (unsigned char)~EDDY__READABLE;
        reactor_run_readable(channel);
        if (channel->channel.loop->exit_requested && channel->pending != 0) {
            eddy__loop_enqueue(channel->channel.loop, &channel->channel.ready);
            return;
        }
    }
    if (channel->pending & EDDY__WRITABLE) {
        channel->pending &= (unsigned char)~EDDY__WRITABLE;
        reactor_run_writable(channel);
    }
    reactor_update(channel);
}

/* Nearly always a turn is to receive bytes, and the selector watches for just that: then there is
 * nothing to look at afterwards, as nothing is pending and whoever changes an order updates it. */
static void reactor_run(struct eddy__ready *ready)
{
    struct eddy__reactor_channel *channel =
        EDDY__OWNER(ready, struct eddy__reactor_channel, channel.ready);

    if (channel->pending == EDDY__READABLE && channel->interest == EDDY__READABLE &&
        channel->in == IN_RECEIVE && channel->out == OUT_IDLE) {
        channel->pending = 0;
        eddy__reactor_receive(channel);
    } else {
        reactor_run_any(channel);
    }
}

int eddy__reactor_channel_open(struct eddy__channel *base)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);
    const struct eddy__selector *selector = reactor_of(channel)->selector;
    int error = selector->check != NULL ? selector->check(base->socket) : 0;

    if (error < 0)
        return error;
    eddy__watcher_forget(base->loop, base->socket);
    base->ready.run = reactor_run;
    return base->events->on_datagram != NULL ? eddy__reactor_prepare_datagrams(channel) : 0;
}

/* By edges, a registration that outlives the descriptor harms nothing; mostly it goes with it. */
static bool reactor_may_stay(const struct eddy__reactor_channel *channel, bool close_socket)
{
    return close_socket && (channel->interest & EDDY__EDGE) != 0;
}

void eddy__reactor_channel_close(struct eddy__channel *base, bool close_socket)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);
    struct eddy__reactor *reactor = reactor_of(channel);

    if (channel->in == IN_CLOSED)
        return;
    channel->in = IN_CLOSED;
    channel->out = OUT_IDLE;
    channel->pending = 0;
    eddy__list_remove(&base->ready.node);
    /* A forked child shares the parent's selector and must not take anything out of it. */
    if (base->loop->fork_count == eddy__fork_count() && !reactor_may_stay(channel, close_socket))
        reactor_unwatch(channel);
    channel->interest = 0;
    if (close_socket) {
        reactor_sockets(channel)->close(base->socket);
        base->socket = EDDY_NO_SOCKET;
    }
    channel->next_closing = NULL;
    *reactor->closing_end = channel;
    reactor->closing_end = &channel->next_closing;
    eddy__loop_enqueue(base->loop, &reactor->closed);
}

void eddy__reactor_receive_start(struct eddy__channel *base)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);

    if (channel->in != IN_IDLE)
        return;
    channel->in = IN_RECEIVE;
    reactor_update(channel);
}

void eddy__reactor_receive_datagrams_start(struct eddy__channel *base, size_t size_max)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);

    if (channel->in != IN_IDLE)
        return;
    channel->datagram_max = (uint32_t)size_max;
    channel->in = IN_DATAGRAMS;
    reactor_update(channel);
}

void eddy__reactor_stop(struct eddy__channel *base)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);

    if (channel->in == IN_CLOSED)
        return;
    channel->in = IN_IDLE;
    reactor_unpend(channel, EDDY__READABLE);
    reactor_update(channel);
}

int64_t eddy__reactor_send_now(struct eddy__channel *base, const struct eddy__span *spans,
                               size_t count)
{
    const struct eddy__reactor_channel *channel = reactor_channel(base);

    assert(channel->out == OUT_IDLE && channel->in != IN_CLOSED);
    assert(count > 0 && count <= EDDY__SPANS_MAX);
    return reactor_sockets(channel)->send(base->socket, spans, count);
}

int64_t eddy__reactor_send_file_now(struct eddy__channel *base,
                                    const struct eddy__file_range *range)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);

    assert(channel->out == OUT_IDLE && channel->in != IN_CLOSED);
    return eddy__file_send(range, reactor_sockets(channel), base->socket);
}

int64_t eddy__reactor_send_datagrams_now(struct eddy__channel *base,
                                         const struct eddy__outgoing *list, size_t count)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);
    int64_t sent;

    assert(channel->out == OUT_IDLE && channel->in != IN_CLOSED && count > 0);
    if (count > EDDY__DATAGRAMS_MAX)
        count = EDDY__DATAGRAMS_MAX;
    sent = reactor_sockets(channel)->send_datagrams(base->socket, list, count);
    return sent == EDDY_EAGAIN ? 0 : sent;
}

/* Both kinds of sending differ only in what is asked for when the time has come. */
static void reactor_order_send(struct eddy__reactor_channel *channel, enum reactor_out order)
{
    if (channel->in == IN_CLOSED)
        return;
    assert(channel->out == OUT_IDLE);
    channel->out = (unsigned char)order;
    reactor_update(channel);
}

void eddy__reactor_send_start(struct eddy__channel *base)
{
    reactor_order_send(reactor_channel(base), OUT_SEND);
}

void eddy__reactor_send_file_start(struct eddy__channel *base)
{
    reactor_order_send(reactor_channel(base), OUT_FILE);
}

void eddy__reactor_send_file_stop(struct eddy__channel *base)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);

    if (channel->in == IN_CLOSED)
        return;
    channel->out = OUT_IDLE;
    reactor_unpend(channel, EDDY__WRITABLE);
    reactor_update(channel);
}

void eddy__reactor_send_datagrams_start(struct eddy__channel *base)
{
    reactor_order_send(reactor_channel(base), OUT_DATAGRAMS);
}

void eddy__reactor_accept_start(struct eddy__channel *base, int turn_max)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);

    if (channel->in != IN_IDLE)
        return;
    assert(turn_max > 0 && turn_max <= UINT8_MAX);
    channel->accepts = (struct eddy__accept_turn){.max = (uint8_t)turn_max, .limit = 1};
    channel->in = IN_ACCEPT;
    reactor_update(channel);
}

void eddy__reactor_connect_start(struct eddy__channel *base, const eddy_address *address)
{
    struct eddy__reactor_channel *channel = reactor_channel(base);
    int error;

    if (channel->in == IN_CLOSED)
        return;
    assert(channel->out == OUT_IDLE);
    error = reactor_sockets(channel)->connect(base->socket, address);
    if (error == EDDY_EINPROGRESS) {
        channel->out = OUT_CONNECT;
        reactor_update(channel);
        return;
    }
    channel->outcome = eddy__late_error_keep(error);
    channel->out = OUT_CONNECT_DECIDED;
    eddy__reactor_pend(channel, EDDY__WRITABLE);
}

unsigned eddy__reactor_set_watch(struct eddy__reactor_channel *channel, unsigned events)
{
    unsigned before = eddy__reactor_wanted(channel);

    assert(channel->in != IN_CLOSED);
    channel->in = events & EDDY__READABLE ? IN_WATCH : IN_IDLE;
    channel->out = events & EDDY__WRITABLE ? OUT_WATCH : OUT_IDLE;
    if (channel->in == IN_IDLE)
        reactor_unpend(channel, EDDY__READABLE);
    if (channel->out == OUT_IDLE)
        reactor_unpend(channel, EDDY__WRITABLE);
    return before;
}

/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a connection. `end` is always the one at which a call is made or something arrives;
 * what is sent from an end flies in its peer's queue.
 */
#include "sim/network.h"
#include <string.h>

/** Segments have at least this room, so that the spare one fits the next small send. */
#define SEGMENT_SIZE_MIN ((size_t)512)

/** Spare segments larger than this are not kept. */
#define SEGMENT_SIZE_KEPT ((size_t)16 * 1024)

static struct eddy__sim_end *end_peer(struct eddy__sim_end *end)
{
    return &end->connection->ends[end == &end->connection->ends[0]];
}

static void end_drop(struct eddy__list *segments, size_t *bytes)
{
    struct eddy__list *node;

    while ((node = eddy__list_shift(segments)) != NULL)
        eddy__free(EDDY__OWNER(node, struct eddy__sim_segment, node));
    *bytes = 0;
}

static eddy_time end_next_arrival(const struct eddy__sim_end *end)
{
    eddy_time next = end->rst_arrival < end->fin_arrival ? end->rst_arrival : end->fin_arrival;

    if (!eddy__list_is_empty(&end->flying)) {
        eddy_time data = EDDY__OWNER(end->flying.next, struct eddy__sim_segment, node)->arrival;

        next = data < next ? data : next;
    }
    return next;
}

static void end_on_rst(struct eddy__sim_end *end)
{
    end_drop(&end->flying, &end->flying_bytes);
    end->rst_arrival = end->fin_arrival = EDDY_FOREVER;
    end->broken = true;
    if (!end->closed)
        end->error = end->fin_received ? EDDY_EPIPE : EDDY_ECONNRESET;
}

static void end_on_data(struct eddy__sim_end *end, eddy_time now)
{
    bool refused = false;

    while (!eddy__list_is_empty(&end->flying)) {
        struct eddy__sim_segment *segment =
            EDDY__OWNER(end->flying.next, struct eddy__sim_segment, node);

        if (segment->arrival > now)
            break;
        eddy__list_remove(&segment->node);
        end->flying_bytes -= segment->end - segment->start;
        if (end->closed) {
            eddy__free(segment);
            refused = true;
        } else {
            end->arrived_bytes += segment->end - segment->start;
            eddy__list_append(&end->arrived, &segment->node);
        }
    }
    if (refused)
        eddy__sim_end_send_rst(end);
}

/** Everything that is due at this end arrives. */
static void end_on_arrival(struct eddy__sim_event *event)
{
    struct eddy__sim_end *end = EDDY__OWNER(event, struct eddy__sim_end, arrival);
    struct eddy_sim *sim = end->connection->sim;

    end_on_data(end, sim->now);
    if (end->fin_arrival <= sim->now) {
        end->fin_arrival = EDDY_FOREVER;
        end->fin_received = true;
    }
    if (end->rst_arrival <= sim->now)
        end_on_rst(end);
    if (end_next_arrival(end) != EDDY_FOREVER)
        eddy__sim_event_start(&sim->events, &end->arrival, end_next_arrival(end));
    eddy__sim_update(end->socket);
}

void eddy__sim_end_init(struct eddy__sim_end *end, struct eddy__sim_connection *connection)
{
    end->connection = connection;
    end->arrival.run = end_on_arrival;
    end->fin_arrival = end->rst_arrival = EDDY_FOREVER;
    end->send_buffer = end->receive_buffer = EDDY__SIM_BUFFER_SIZE;
    eddy__list_init(&end->flying);
    eddy__list_init(&end->arrived);
}

void eddy__sim_end_fini(struct eddy__sim_end *end)
{
    eddy__sim_event_stop(&end->arrival);
    end_drop(&end->flying, &end->flying_bytes);
    end_drop(&end->arrived, &end->arrived_bytes);
    eddy__free(end->spare);
    end->spare = NULL;
}

static size_t end_room(struct eddy__sim_end *end)
{
    const struct eddy__sim_end *peer = end_peer(end);
    size_t capacity = end->send_buffer + peer->receive_buffer;
    size_t held = peer->flying_bytes + peer->arrived_bytes;

    return held >= capacity ? 0 : capacity - held;
}

unsigned eddy__sim_end_events(struct eddy__sim_end *end)
{
    unsigned events = 0;

    if (end->broken || end->error)
        return EDDY__READABLE | EDDY__WRITABLE;
    if (end->arrived_bytes > 0 || end->fin_received || end->receive_closed)
        events |= EDDY__READABLE;
    if (end->fin_sent || end_room(end) > 0)
        events |= EDDY__WRITABLE;
    return events;
}

/** When the next thing sent to `end` arrives; nothing overtakes what was sent before. */
static eddy_time end_schedule(struct eddy__sim_end *end)
{
    struct eddy_sim *sim = end->connection->sim;
    eddy_time when = eddy__time_add(sim->now, eddy__sim_delay(sim));

    if (when < end->last_arrival)
        when = end->last_arrival;
    end->last_arrival = when;
    return when;
}

/** Something was put on the way to `end`, to arrive at `when`. */
static void end_announce(struct eddy__sim_end *end, eddy_time when)
{
    if (!eddy__list_is_linked(&end->arrival.node))
        eddy__sim_happen(end->connection->sim, &end->arrival, when);
}

void eddy__sim_end_shutdown(struct eddy__sim_end *end)
{
    struct eddy__sim_end *peer = end_peer(end);

    if (end->fin_sent || end->broken)
        return;
    end->fin_sent = true;
    if (peer->broken || peer->rst_arrival != EDDY_FOREVER)
        return; /* nothing follows a reset */
    peer->fin_arrival = end_schedule(peer);
    end_announce(peer, peer->fin_arrival);
    eddy__sim_update(end->socket);
}

void eddy__sim_end_send_rst(struct eddy__sim_end *end)
{
    struct eddy__sim_end *peer = end_peer(end);

    if (peer->broken || peer->rst_arrival != EDDY_FOREVER)
        return;
    peer->rst_arrival = end_schedule(peer);
    end_announce(peer, peer->rst_arrival);
}

void eddy__sim_end_break(struct eddy__sim_end *end, int error)
{
    struct eddy__sim_end *peer = end_peer(end);

    for (int i = 0; i < 2; i++) {
        struct eddy__sim_end *each = i == 0 ? end : peer;

        eddy__sim_event_stop(&each->arrival);
        end_on_rst(each);
        if (!each->closed)
            each->error = error;
        eddy__sim_update(each->socket);
    }
}

/** Roll the die for a connection that breaks in this transfer. */
static bool end_is_hit(struct eddy__sim_end *end)
{
    struct eddy_sim *sim = end->connection->sim;

    if (!eddy__random_chance(&sim->random, sim->options.reset))
        return false;
    eddy__sim_end_send_rst(end);
    eddy__sim_event_stop(&end->arrival);
    end_drop(&end->arrived, &end->arrived_bytes);
    end_on_rst(end);
    end->error = 0;
    eddy__sim_update(end->socket);
    return true;
}

/** Make a transfer of `size` bytes shorter with `probability`, but not empty. */
static size_t end_shorten(struct eddy__sim_end *end, size_t size, double probability)
{
    struct eddy__random *random = &end->connection->sim->random;

    if (size <= 1 || !eddy__random_chance(random, probability))
        return size;
    return 1 + (size_t)eddy__random_below(random, size - 1);
}

/** Report a pending error once; 0 if there is none. */
static int end_take_error(struct eddy__sim_end *end)
{
    int error = end->error;

    end->error = 0;
    if (error)
        eddy__sim_update(end->socket);
    return error;
}

/** A segment was received: keep it for the peer's next send, or free it. */
static void end_recycle(struct eddy__sim_end *end, struct eddy__sim_segment *segment)
{
    if (end->spare == NULL && segment->capacity <= SEGMENT_SIZE_KEPT)
        end->spare = segment;
    else
        eddy__free(segment);
}

/** Move `size` bytes that have arrived into `buffer`. */
static void end_take_bytes(struct eddy__sim_end *end, unsigned char *buffer, size_t size)
{
    end->arrived_bytes -= size;
    while (size > 0) {
        struct eddy__sim_segment *segment =
            EDDY__OWNER(end->arrived.next, struct eddy__sim_segment, node);
        size_t piece = segment->end - segment->start;

        piece = piece < size ? piece : size;
        memcpy(buffer, segment->bytes + segment->start, piece);
        buffer += piece;
        size -= piece;
        segment->start += piece;
        if (segment->start == segment->end) {
            eddy__list_remove(&segment->node);
            end_recycle(end, segment);
        }
    }
}

int64_t eddy__sim_end_receive(struct eddy__sim_end *end, void *buffer, size_t size)
{
    struct eddy_sim *sim = end->connection->sim;

    if (end->arrived_bytes == 0 || end->receive_closed) {
        if (end->fin_received || end->receive_closed)
            return 0;
        if (end->error)
            return end_take_error(end);
        return end->broken ? 0 : EDDY_EAGAIN;
    }
    if (!end->broken && end_is_hit(end))
        return EDDY_ECONNRESET;
    size = size < end->arrived_bytes ? size : end->arrived_bytes;
    size = end_shorten(end, size, sim->options.partial_reads);
    end_take_bytes(end, buffer, size);
    eddy__sim_update(end->socket);
    eddy__sim_update(end_peer(end)->socket);
    return (int64_t)size;
}

/** A segment with room for `size` bytes; NULL if out of memory. */
static struct eddy__sim_segment *end_segment_new(struct eddy__sim_end *end, size_t size)
{
    struct eddy__sim_segment *segment = end->spare;

    if (segment != NULL && segment->capacity >= size) {
        end->spare = NULL;
    } else {
        size_t capacity = size < SEGMENT_SIZE_MIN ? SEGMENT_SIZE_MIN : size;

        segment = eddy__alloc(sizeof *segment + capacity);
        if (segment == NULL)
            return NULL;
        segment->capacity = capacity;
    }
    segment->node.next = segment->node.previous = NULL;
    segment->start = segment->end = 0;
    return segment;
}

/** Copy the first `size` bytes of the spans. */
static void end_gather(struct eddy__sim_segment *segment, const struct eddy__span *spans,
                       size_t size)
{
    for (; segment->end < size; spans++) {
        size_t piece = size - segment->end;

        piece = piece < spans->size ? piece : spans->size;
        if (piece > 0)
            memcpy(segment->bytes + segment->end, spans->data, piece);
        segment->end += piece;
    }
}

/** How much of the spans can be sent now. */
static size_t end_sendable(struct eddy__sim_end *end, const struct eddy__span *spans, size_t count)
{
    size_t room = end_room(end);
    size_t size = 0;

    for (size_t i = 0; i < count && size < room; i++)
        size += spans[i].size < room - size ? spans[i].size : room - size;
    return end_shorten(end, size, end->connection->sim->options.partial_writes);
}

int64_t eddy__sim_end_send(struct eddy__sim_end *end, const struct eddy__span *spans, size_t count)
{
    struct eddy__sim_end *peer = end_peer(end);
    struct eddy__sim_segment *segment;
    size_t size;

    if (end->error)
        return end_take_error(end);
    if (end->fin_sent || end->broken)
        return EDDY_EPIPE;
    if (end_room(end) == 0)
        return EDDY_EAGAIN;
    if (end_is_hit(end))
        return EDDY_ECONNRESET;
    size = end_sendable(end, spans, count);
    if (size == 0)
        return 0;
    segment = end_segment_new(peer, size);
    if (segment == NULL)
        return EDDY_ENOMEM;
    end_gather(segment, spans, size);
    segment->arrival = end_schedule(peer);
    peer->flying_bytes += size;
    eddy__list_append(&peer->flying, &segment->node);
    end_announce(peer, segment->arrival);
    eddy__sim_update(end->socket);
    return (int64_t)size;
}

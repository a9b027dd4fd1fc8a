/* SPDX-License-Identifier: MIT */
/**
 * The sending side of a datagram transport (TR-33, TR-34, TR-36, TR-37).
 *
 * A datagram is sent at once, if nothing waits before it. What is sent while datagrams are
 * delivered that came together is gathered and leaves behind the last of them, by one call for as
 * many as there are: a server that answers each by itself makes as few calls as one that gathers
 * by itself. What the system does not take is copied into a queue, in which each has an allocation
 * of its own.
 */
#include "common/datagram_parts.h"
#include <string.h>

/** What a queued datagram counts beside its bytes (TR-36). */
enum { PARCEL_OVERHEAD = 8 };

/** A queued datagram, in one allocation. It does not move, so that the system may read it. */
struct datagrams_parcel {
    struct datagrams_parcel *next;
    size_t size;
    eddy_address to; /* length 0: where the socket is connected to */
    unsigned char bytes[];
};

static const struct eddy__backend *datagrams_backend(const struct eddy__datagrams *endpoint)
{
    return endpoint->transport.loop->backend;
}

/** Take the first one out and give its memory back. */
static void datagrams_shift(struct eddy__datagrams *endpoint)
{
    struct datagrams_parcel *parcel = endpoint->first;

    endpoint->first = parcel->next;
    if (endpoint->first == NULL)
        endpoint->last = NULL;
    endpoint->queued -= parcel->size + PARCEL_OVERHEAD;
    eddy__free(parcel);
}

void eddy__datagrams_clear_output(struct eddy__datagrams *endpoint)
{
    while (endpoint->first != NULL)
        datagrams_shift(endpoint);
}

size_t eddy__datagrams_waiting(const struct eddy__datagrams *endpoint)
{
    const struct eddy__datagram_room *room = endpoint->transport.loop->datagram_room;
    size_t gathered = endpoint->gathers ? room->size + room->count * PARCEL_OVERHEAD : 0;

    return endpoint->queued + gathered;
}

void eddy__datagrams_drop_output(struct eddy__datagrams *endpoint)
{
    if (endpoint->gathers)
        endpoint->transport.loop->datagram_room->count = 0;
    endpoint->gathers = false;
    if (!endpoint->sending)
        eddy__datagrams_clear_output(endpoint);
}

/** Put a datagram behind the others. */
static int datagrams_queue(struct eddy__datagrams *endpoint, const struct eddy__outgoing *outgoing)
{
    struct datagrams_parcel *parcel;

    if (outgoing->size > SIZE_MAX / 2)
        return eddy_error(EDDY_ENOMEM, "no memory holds as much as the datagram claims to");
    parcel = eddy__alloc(sizeof *parcel + outgoing->size);
    if (parcel == NULL)
        return EDDY_ENOMEM;
    parcel->next = NULL;
    parcel->size = outgoing->size;
    parcel->to = outgoing->to != NULL ? *outgoing->to : (eddy_address){0};
    if (parcel->size > 0)
        memcpy(parcel->bytes, outgoing->data, parcel->size);
    if (endpoint->last != NULL)
        endpoint->last->next = parcel;
    else
        endpoint->first = parcel;
    endpoint->last = parcel;
    endpoint->queued += parcel->size + PARCEL_OVERHEAD;
    return 0;
}

/** Have the backend send what is queued, and tell the protocol if that is much (TR-29). */
static void datagrams_queued(struct eddy__datagrams *endpoint)
{
    if (!endpoint->sending) {
        endpoint->sending = true;
        datagrams_backend(endpoint)->send_datagrams_start(&endpoint->channel);
    }
    eddy__flow_grown(&endpoint->flow, &endpoint->transport, endpoint->queued);
}

size_t eddy__datagrams_get_datagrams(struct eddy__channel *channel, struct eddy__outgoing *list,
                                     size_t max)
{
    struct eddy__datagrams *endpoint = datagrams_of_channel(channel);
    size_t count = 0;

    for (struct datagrams_parcel *parcel = endpoint->first; parcel != NULL && count < max;
         parcel = parcel->next)
        list[count++] = (struct eddy__outgoing){
            .data = parcel->bytes,
            .size = parcel->size,
            .to = parcel->to.length != 0 ? &parcel->to : NULL,
        };
    return count;
}

/** Why a datagram was not sent, in words, and to the protocol. */
static void datagrams_not_sent(struct eddy__datagrams *endpoint, int error)
{
    eddy_error(error, "cannot send a datagram: %s", eddy_strerror(error));
    eddy__datagrams_tell_error(endpoint, error);
}

/** Put those behind the others that the system has not taken; the first error, or 0. */
static int datagrams_queue_rest(struct eddy__datagrams *endpoint, const struct eddy__outgoing *list,
                                size_t count)
{
    int first_error = 0;

    for (size_t i = 0; i < count; i++) {
        int error = datagrams_queue(endpoint, &list[i]);

        if (first_error == 0)
            first_error = error;
    }
    return first_error;
}

/** What is not sent by one call that says so is queued: only then may callbacks send more. */
static void datagrams_flush(struct eddy__datagrams *endpoint)
{
    struct eddy__datagram_room *room = endpoint->transport.loop->datagram_room;
    const struct eddy__backend *backend = datagrams_backend(endpoint);
    size_t count = room->count;
    size_t done = 0;
    int64_t sent = 1;
    int lost;

    while (done < count && sent > 0) {
        sent = backend->send_datagrams_now(&endpoint->channel, room->list + done, count - done);
        done += sent > 0 ? (size_t)sent : sent < 0;
    }
    room->count = room->size = 0;
    lost = datagrams_queue_rest(endpoint, room->list + done, count - done);
    if (endpoint->queued > 0)
        datagrams_queued(endpoint);
    if (sent < 0 && endpoint->life < DATAGRAMS_LOSING)
        datagrams_not_sent(endpoint, (int)sent);
    if (lost && endpoint->life < DATAGRAMS_LOSING)
        datagrams_not_sent(endpoint, lost);
}

void eddy__datagrams_on_begin(struct eddy__channel *channel)
{
    struct eddy__datagram_room *room = channel->loop->datagram_room;

    datagrams_of_channel(channel)->gathers = true;
    room->count = room->size = 0;
}

void eddy__datagrams_on_end(struct eddy__channel *channel)
{
    struct eddy__datagrams *endpoint = datagrams_of_channel(channel);

    endpoint->gathers = false;
    /* In the child of a fork they are the parent's to send. */
    if (eddy__loop_is_foreign(channel->loop))
        return;
    datagrams_flush(endpoint);
    if (endpoint->life == DATAGRAMS_DRAINING && endpoint->queued == 0)
        eddy__datagrams_drained(endpoint);
}

/** Gather a datagram, behind the others; false if it has to go another way. */
static bool datagrams_gather(struct eddy__datagrams *endpoint,
                             const struct eddy__outgoing *outgoing)
{
    struct eddy__datagram_room *room = endpoint->transport.loop->datagram_room;
    struct eddy__outgoing *place;

    if (!endpoint->gathers || endpoint->queued > 0 || outgoing->size > sizeof room->bytes)
        return false;
    place = &room->list[room->count];
    *place = (struct eddy__outgoing){.data = room->bytes + room->size, .size = outgoing->size};
    if (outgoing->to != NULL) {
        room->to[room->count] = *outgoing->to;
        place->to = &room->to[room->count];
    }
    if (outgoing->size > 0)
        memcpy(room->bytes + room->size, outgoing->data, outgoing->size);
    room->count++;
    room->size += outgoing->size;
    return true;
}

/** If one more datagram of that size cannot be gathered, send what was. */
static void datagrams_make_room(struct eddy__datagrams *endpoint, size_t size)
{
    struct eddy__datagram_room *room = endpoint->transport.loop->datagram_room;

    if (!endpoint->gathers ||
        (room->count < DATAGRAM_ROOM_COUNT && size <= sizeof room->bytes - room->size))
        return;
    /* What callbacks send meanwhile goes by itself: gathered, it might fill the room again. */
    endpoint->gathers = false;
    datagrams_flush(endpoint);
    endpoint->gathers = endpoint->life < DATAGRAMS_LOSING;
}

/** It is as if the system still had them, until the timer asks it again. */
static void datagrams_pause(struct eddy__datagrams *endpoint)
{
    struct eddy_loop *loop = endpoint->transport.loop;

    eddy__timer_start(&loop->timers, &endpoint->retry,
                      eddy__time_add(eddy__loop_now(loop), EDDY__FULL_RETRY));
}

void eddy__datagrams_run_retry(struct eddy__ready *ready)
{
    struct eddy__datagrams *endpoint = EDDY__OWNER(ready, struct eddy__datagrams, retry.ready);

    datagrams_backend(endpoint)->send_datagrams_start(&endpoint->channel);
}

void eddy__datagrams_on_sent(struct eddy__channel *channel, int64_t result)
{
    struct eddy__datagrams *endpoint = datagrams_of_channel(channel);

    if (result == 0) {
        datagrams_pause(endpoint);
        return;
    }
    endpoint->sending = false; /* never comes after the channel was closed */
    for (int64_t gone = result < 0 ? 1 : result; gone > 0; gone--)
        datagrams_shift(endpoint);
    if (result < 0)
        datagrams_not_sent(endpoint, (int)result);
    if (endpoint->life < DATAGRAMS_LOSING)
        eddy__flow_shrunk(&endpoint->flow, &endpoint->transport, endpoint->queued);
    /* The protocol may have sent more, which then is under way already, or ended it all. */
    if (endpoint->life >= DATAGRAMS_LOSING || endpoint->sending)
        return;
    if (endpoint->queued > 0)
        datagrams_queued(endpoint);
    else if (endpoint->life == DATAGRAMS_DRAINING)
        eddy__datagrams_drained(endpoint);
}

/** Where the socket sends by itself there is no address; else the one given, or the default. */
static int datagrams_address(struct eddy__datagrams *endpoint,
                             const eddy_outgoing_datagram *datagram,
                             struct eddy__outgoing *outgoing)
{
    const struct datagrams_names *names = endpoint->names;
    const eddy_address *to = datagram->address;
    char text[EDDY_ADDRESS_TEXT_MAX];

    if (datagram->data == NULL && datagram->size > 0)
        return eddy_error(EDDY_EINVALID, "no data to send");
    *outgoing = (struct eddy__outgoing){.data = datagram->data, .size = datagram->size};
    if (names->remote.length != 0 && to != NULL && !eddy_address_equal(to, &names->remote)) {
        eddy_address_format(&names->remote, text, sizeof text);
        return eddy_error(EDDY_EINVALID, "this endpoint only sends to %s", text);
    }
    if (names->peer.length != 0)
        return 0; /* DGRAM-2: a socket that came connected is not asked */
    outgoing->to = names->remote.length != 0 ? &names->remote : to;
    if (outgoing->to == NULL || outgoing->to->length == 0)
        return eddy_error(EDDY_EINVALID,
                          "the endpoint has no remote address, so sendto() needs one");
    return 0;
}

/** Check up to a batch of them. Returns how many are good; the error if the first is not. */
static int64_t datagrams_check(struct eddy__datagrams *endpoint, const eddy_outgoing_datagram *list,
                               size_t count, struct eddy__outgoing *checked)
{
    size_t done = 0;

    for (; done < count && done < EDDY__DATAGRAMS_MAX; done++) {
        int error = datagrams_address(endpoint, &list[done], &checked[done]);

        if (error)
            return done > 0 ? (int64_t)done : error;
    }
    return (int64_t)done;
}

/** Send or queue the first of a batch: how many are dealt with, or EDDY_ENOMEM. */
static int64_t datagrams_send(struct eddy__datagrams *endpoint, const struct eddy__outgoing *list,
                              size_t count)
{
    int64_t sent = 0;
    int error;

    if (endpoint->queued == 0)
        sent = datagrams_backend(endpoint)->send_datagrams_now(&endpoint->channel, list, count);
    if (sent > 0)
        return sent;
    if (sent < 0) {
        datagrams_not_sent(endpoint, (int)sent);
        return 1;
    }
    error = datagrams_queue(endpoint, &list[0]);
    if (error)
        return error;
    datagrams_queued(endpoint);
    return 1;
}

/** Deal with a checked batch: how many, or the error of the first. */
static int64_t datagrams_send_batch(struct eddy__datagrams *endpoint,
                                    const struct eddy__outgoing *list, int64_t count)
{
    int64_t done = 0;

    while (done < count) {
        int64_t result = 1;

        datagrams_make_room(endpoint, list[done].size);
        if (endpoint->life >= DATAGRAMS_DRAINING)
            eddy__flow_drop(&endpoint->dropped_writes);
        else if (!datagrams_gather(endpoint, &list[done]))
            result = datagrams_send(endpoint, list + done, (size_t)(count - done));
        if (result < 0)
            return done > 0 ? done : result;
        done += result;
    }
    return done;
}

int64_t eddy__datagrams_sendto(struct eddy_transport *transport, const eddy_outgoing_datagram *list,
                               size_t count)
{
    struct eddy__datagrams *endpoint = datagrams_of(transport);
    struct eddy__outgoing checked[EDDY__DATAGRAMS_MAX];
    size_t done = 0;
    int64_t result = 0;

    eddy_transport_ref(transport); /* error_received() may end it */
    while (done < count && result >= 0) {
        result = datagrams_check(endpoint, list + done, count - done, checked);
        if (result > 0)
            result = datagrams_send_batch(endpoint, checked, result);
        if (result > 0)
            done += (size_t)result;
    }
    eddy_transport_unref(transport);
    return done > 0 ? (int64_t)done : result;
}

size_t eddy__datagrams_get_write_buffer_size(const struct eddy_transport *transport)
{
    const struct eddy__datagrams *endpoint = datagrams_of(transport);

    return endpoint->life >= DATAGRAMS_LOSING ? 0 : eddy__datagrams_waiting(endpoint);
}

int eddy__datagrams_set_limits(struct eddy_transport *transport, size_t high, size_t low)
{
    struct eddy__datagrams *endpoint = datagrams_of(transport);
    int error = eddy__flow_set_limits(&endpoint->flow, high, low);

    if (error)
        return error;
    if (endpoint->life < DATAGRAMS_LOSING && transport->protocol != NULL)
        eddy__flow_grown(&endpoint->flow, transport, endpoint->queued);
    return 0;
}

void eddy__datagrams_get_limits(const struct eddy_transport *transport, size_t *low, size_t *high)
{
    const struct eddy__datagrams *endpoint = datagrams_of(transport);

    *low = endpoint->flow.low;
    *high = endpoint->flow.high;
}

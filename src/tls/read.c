/* SPDX-License-Identifier: MIT */
/*
 * What comes from below (TLS-26..TLS-30, TLS-33, TLS-34, TLS-40..TLS-43).
 *
 * The input is `wire.in`: what lower lends during its callback, afterwards what was kept of it. A
 * turn takes it as far as possible, and comes whenever something may have changed: bytes arrive,
 * the program resumes, lower has room again, the connection closes.
 */
#include "common/log.h"
#include "tls/parts.h"
#include <string.h>

void eddy__tls_drop_input(struct eddy__tls *tls)
{
    eddy__free(tls->kept);
    tls->kept = NULL;
    tls->kept_max = 0;
    tls->wire.in = NULL;
    tls->wire.in_size = 0;
}

int eddy__tls_keep(struct eddy__tls *tls, const void *data, size_t size)
{
    struct eddy__tls_wire *wire = &tls->wire;
    size_t old = tls->kept != NULL ? wire->in_size : 0;
    unsigned char *kept = tls->kept;
    size_t start = old > 0 ? (size_t)(wire->in - kept) : 0;
    size_t room = tls->kept_max;

    if (size == 0)
        return 0;
    if (size > SIZE_MAX / 2 - old)
        return EDDY_ENOMEM;
    if (old + size > room) {
        /* Twice as much, so that small pieces are not copied again with each that comes. */
        room = old + size < 2 * room ? 2 * room : old + size;
        kept = eddy__alloc(room);
        if (kept == NULL)
            return EDDY_ENOMEM;
    }
    if (kept != tls->kept || start + old + size > room) {
        if (old > 0)
            memmove(kept, wire->in, old);
        start = 0;
    }
    memcpy(kept + start + old, data, size);
    if (kept != tls->kept)
        eddy__free(tls->kept);
    tls->kept = kept;
    tls->kept_max = room;
    wire->in = kept + start;
    wire->in_size = old + size;
    return 0;
}

/** TLS-33. */
static void tls_mark_input(struct eddy__tls *tls)
{
    size_t size = tls->wire.in_size;

    if (tls->lower == NULL || tls->state >= TLS_UNWRAPPED)
        return;
    if (!tls->lower_held && size > 0 && size >= tls->read_high) {
        tls->lower_held = true;
        eddy_transport_pause_reading(tls->lower);
    } else if (tls->lower_held && size <= tls->read_low) {
        tls->lower_held = false;
        eddy_transport_resume_reading(tls->lower);
    }
}

/** The rest of the input of a connection that had been waiting for its reader is done (TLS-42). */
static void tls_stop_waiting(struct eddy__tls *tls)
{
    tls->is_waiting = false;
    eddy__tls_start_limit(tls, tls->shutdown_timeout);
}

/**
 * The peer sends no more: the protocol hears of it, and the connection closes (TLS-40, TLS-41). TLS
 * in TLS closes it itself, when its protocol has read everything (TLS-42).
 */
static void tls_peer_ended(struct eddy__tls *tls)
{
    bool carries_tls = tls->transport.protocol->callbacks == &eddy__tls_below;
    int answer = 0;

    tls->peer_done = true;
    if (tls->told == TLS_TOLD_MADE) {
        tls->told = TLS_TOLD_EOF;
        answer = eddy__protocol_eof(&tls->transport);
    }
    if (answer < 0)
        eddy__tls_protocol_failed(tls, "eof_received", answer);
    if (carries_tls)
        return;
    if (answer > 0)
        eddy__log(EDDY_LOG_WARNING,
                  "eof_received() kept a TLS connection open, which cannot be half-closed");
    if (tls->is_waiting)
        tls_stop_waiting(tls);
    else if (tls->state == TLS_WRAPPED)
        eddy__tls_step(tls, TLS_ON_CLOSE);
}

/** Whether the protocol may have more of the input. */
static bool tls_may_deliver(const struct eddy__tls *tls)
{
    return !tls->app_paused &&
           (tls->state == TLS_WRAPPED || (tls->state == TLS_FLUSHING && tls->is_waiting));
}

/** In place of a status: there is more to read, but others come first. */
enum { TLS_LATER = 1 };

/** OpenSSL takes so much before anybody looks at what came of it: the largest record fits. */
#define SLICE ((size_t)17 * 1024)

/**
 * A new key costs as much as decrypting kilobytes, and is asked for by 27 bytes: of input that is
 * mostly such messages only a slice is taken at a time, so that no peer holds up the loop.
 */
static bool tls_is_tiresome(size_t taken, size_t done)
{
    return taken >= SLICE && taken / 16 > done;
}

/** Have the engine decrypt from the next slice of the input. */
static int64_t tls_decrypt_slice(struct eddy__tls *tls, unsigned char *room, size_t size)
{
    struct eddy__tls_wire *wire = &tls->wire;
    size_t rest = wire->in_size > SLICE ? wire->in_size - SLICE : 0;
    int64_t result;

    /* Who does not take our answers is not listened to: they would fill the memory up. */
    if (tls->cipher.size >= TLS_CIPHER_FULL)
        return EDDY__TLS_WANT_ROOM;
    wire->in_size -= rest;
    result = eddy__tls_engine_read(tls->engine, room, size);
    if (wire->in != NULL) /* unless a callback of the context has ended it all */
        wire->in_size += rest;
    return result;
}

/** Decrypt into `room` until it is full; `*status` says why no more came, if it is not. */
static size_t tls_decrypt(struct eddy__tls *tls, unsigned char *room, size_t size, int *status)
{
    size_t before = tls->wire.in_size;
    size_t done = 0;

    *status = EDDY__TLS_DONE;
    while (done < size) {
        int64_t result;

        if (tls->wire.in_size > 0 && tls_is_tiresome(before - tls->wire.in_size, done)) {
            eddy__loop_enqueue(tls->transport.loop, &tls->reading);
            *status = TLS_LATER;
            break;
        }
        tls_hold_lane(tls);
        result = tls_decrypt_slice(tls, room + done, size - done);
        if (result > 0) {
            done += (size_t)result;
            if (tls->wire.in_size > 0 || eddy__tls_engine_has_pending(tls->engine))
                continue;
            result = EDDY__TLS_WANT_INPUT; /* as it would say itself */
        }
        if (result == EDDY__TLS_WANT_INPUT && tls->wire.in_size > 0)
            continue; /* that was the end of the slice only */
        if (result == EDDY__TLS_WANT_ROOM && !tls_is_blocked(tls)) {
            eddy__tls_lane_flush(tls);
            continue;
        }
        *status = (int)result;
        break;
    }
    return done;
}

/** All complete records in one data_received() (TLS-26). Why there is no more. */
static int tls_deliver(struct eddy__tls *tls)
{
    struct eddy__failure *failure = NULL;
    int status;
    size_t size = tls_decrypt(tls, tls->lane->plain, TLS_PLAIN_MAX, &status);
    int error;

    /* The protocol comes first, and must not talk over the reason. */
    if (status == EDDY__TLS_FAILED)
        failure = eddy__failure_capture(eddy__tls_engine_error(tls->engine));
    if (size > 0) {
        error = eddy__protocol_received(&tls->transport, tls->lane->plain, size);
        if (error < 0)
            eddy__tls_protocol_failed(tls, "data_received", error);
    }
    if (status == EDDY__TLS_FAILED)
        eddy__tls_fail_with(tls, eddy__tls_engine_error(tls->engine), failure);
    return status;
}

/** One buffer of the protocol's own, filled as far as data goes (TLS-27). */
static int tls_deliver_buffered(struct eddy__tls *tls)
{
    struct eddy__failure *failure = NULL;
    struct eddy__span span;
    ptrdiff_t hint = tls->wire.in_size > 0 ? (ptrdiff_t)tls->wire.in_size : -1;
    int status;
    size_t size;
    int error = eddy__protocol_get_buffer(&tls->transport, hint, &span);

    if (error) {
        eddy__tls_protocol_failed(tls, "get_buffer", error);
        return EDDY__TLS_FAILED;
    }
    if (!tls_may_deliver(tls))
        return EDDY__TLS_DONE;
    size = tls_decrypt(tls, span.data, span.size, &status);
    if (status == EDDY__TLS_FAILED)
        failure = eddy__failure_capture(eddy__tls_engine_error(tls->engine));
    if (size > 0) {
        error = eddy__protocol_updated(&tls->transport, size);
        if (error < 0)
            eddy__tls_protocol_failed(tls, "buffer_updated", error);
    }
    if (status == EDDY__TLS_FAILED)
        eddy__tls_fail_with(tls, eddy__tls_engine_error(tls->engine), failure);
    /* It became full: the rest is for the next iteration. */
    if (status == EDDY__TLS_DONE)
        eddy__loop_enqueue(tls->transport.loop, &tls->reading);
    return status;
}

static void tls_read(struct eddy__tls *tls)
{
    while (tls_may_deliver(tls)) {
        bool is_buffered = eddy__protocol_is_buffered(&tls->transport);
        int status = is_buffered ? tls_deliver_buffered(tls) : tls_deliver(tls);

        if (status == EDDY__TLS_DONE && !is_buffered)
            continue; /* there may be more than 256 KiB */
        if (!tls_may_deliver(tls))
            return;
        if (status == EDDY__TLS_WANT_INPUT && tls->lower_ended && tls->transport.loop->debug)
            eddy__log(EDDY_LOG_DEBUG, "transport %p: the stream ended without close_notify",
                      (void *)&tls->transport);
        if (status == EDDY__TLS_CLOSED || (status == EDDY__TLS_WANT_INPUT && tls->lower_ended))
            tls_peer_ended(tls);
        return;
    }
}

/** Closing: what still comes is of no use, but its end is (TLS-38). */
static void tls_discard(struct eddy__tls *tls)
{
    unsigned char nowhere[1024]; /* the lane's may be lent: another protocol closes us meanwhile */
    int status = EDDY__TLS_DONE;

    while (status == EDDY__TLS_DONE)
        tls_decrypt(tls, nowhere, sizeof nowhere, &status);
    if (status == EDDY__TLS_CLOSED || tls->lower_ended)
        tls->peer_done = true;
    else if (status == EDDY__TLS_FAILED)
        eddy__tls_fail(tls, eddy__tls_engine_error(tls->engine));
}

/** The rest of the output, then close_notify, and all of it to lower (TLS-37). */
static void tls_flush(struct eddy__tls *tls)
{
    int status = EDDY__TLS_DONE;

    eddy__tls_encrypt(tls);
    /* What waits for input goes nowhere once that has ended. */
    if (tls->state != TLS_FLUSHING ||
        (tls->plain.size > 0 && (tls_is_blocked(tls) || !tls->lower_ended)))
        return;
    if (!tls->is_notified) {
        /* A peer that is done may be gone: it misses nothing but our close_notify then. */
        if (tls->peer_done) {
            eddy__tls_lane_flush(tls);
            tls->is_settled = tls->cipher.size == 0 && tls->plain.size == 0 &&
                              eddy_transport_get_write_buffer_size(tls->lower) == 0;
        }
        tls_hold_lane(tls);
        status = eddy__tls_engine_close(tls->engine);
        if (status == EDDY__TLS_WANT_ROOM && !tls_is_blocked(tls)) {
            eddy__tls_lane_flush(tls);
            status = eddy__tls_engine_close(tls->engine);
        }
        if (status == EDDY__TLS_FAILED)
            eddy__tls_fail(tls, eddy__tls_engine_error(tls->engine));
        if (status != EDDY__TLS_DONE && !(status == EDDY__TLS_WANT_INPUT && tls->lower_ended))
            return;
        tls->is_notified = true;
    }
    eddy__tls_lane_flush(tls);
    if (tls->cipher.size == 0 && tls->state == TLS_FLUSHING)
        eddy__tls_step(tls, TLS_ON_FLUSHED);
}

/** What the turn does with the input, and with what waited for it. */
static void tls_take_turn(struct eddy__tls *tls)
{
    if (tls->state == TLS_HANDSHAKE)
        eddy__tls_shake(tls);
    if (tls->state == TLS_WRAPPED && tls->plain.size > 0)
        eddy__tls_encrypt(tls);
    tls_read(tls);
    /* A write may have waited for what was just read; output goes on while input waits. */
    if (tls->plain.size > 0 && (tls->state == TLS_WRAPPED || tls->is_waiting))
        eddy__tls_encrypt(tls);
    if (tls->state == TLS_FLUSHING && !tls->is_waiting)
        tls_discard(tls);
    if (tls->state == TLS_FLUSHING && !tls->is_waiting)
        tls_flush(tls);
    /* All is out, and the end may be next: who was told to pause is told to resume before. */
    if (tls->state == TLS_SHUTDOWN)
        eddy__tls_flow_update(tls);
    if (tls->state == TLS_SHUTDOWN && !tls->peer_done)
        tls_discard(tls);
    if (tls->state == TLS_SHUTDOWN && tls->peer_done)
        eddy__tls_step(tls, TLS_ON_FINISHED);
}

void eddy__tls_turn(struct eddy__tls *tls)
{
    if (tls->in_turn)
        return; /* a callback closes or resumes: the turn goes on when it returns */
    tls->in_turn = true;
    tls_take_turn(tls);
    tls->in_turn = false;
    eddy__tls_lane_flush(tls);
    if (tls->wire.in_size == 0 && tls->kept != NULL)
        eddy__tls_drop_input(tls);
    tls_mark_input(tls);
    if (tls->state < TLS_UNWRAPPED && tls->state > TLS_HANDSHAKE)
        eddy__tls_flow_update(tls);
}

void eddy__tls_run_reading(struct eddy__ready *ready)
{
    struct eddy__tls *tls = EDDY__OWNER(ready, struct eddy__tls, reading);

    eddy_transport_ref(&tls->transport);
    eddy__tls_turn(tls);
    eddy_transport_unref(&tls->transport);
}

/* What lower calls. */

static struct eddy__tls *tls_above(eddy_protocol *below)
{
    return EDDY__OWNER(below, struct eddy__tls, below);
}

static int below_made(eddy_protocol *below, eddy_transport *lower)
{
    struct eddy__tls *tls = tls_above(below);

    (void)lower;
    eddy_transport_ref(&tls->transport);
    eddy__tls_step(tls, TLS_ON_BEGIN);
    eddy__tls_turn(tls);
    eddy_transport_unref(&tls->transport);
    return 0;
}

static int below_received(eddy_protocol *below, const void *data, size_t size)
{
    struct eddy__tls *tls = tls_above(below);
    bool is_lent = tls->wire.in_size == 0;
    int error = 0;

    if (tls->state >= TLS_UNWRAPPED)
        return 0;
    eddy_transport_ref(&tls->transport);
    if (is_lent) {
        eddy__tls_drop_input(tls);
        tls->wire.in = data;
        tls->wire.in_size = size;
    } else {
        error = eddy__tls_keep(tls, data, size);
    }
    if (error == 0 && tls->state != TLS_NEW)
        eddy__tls_turn(tls);
    /* What was not decrypted is lent no longer. */
    if (error == 0 && is_lent && tls->wire.in_size > 0)
        error = eddy__tls_keep(tls, tls->wire.in, tls->wire.in_size);
    if (error)
        eddy__tls_fail(tls, error);
    tls_mark_input(tls);
    eddy_transport_unref(&tls->transport);
    return 0;
}

/** TLS-21, TLS-41..TLS-43: lower stays open for writing, and is closed when we are done. */
static int below_eof(eddy_protocol *below)
{
    struct eddy__tls *tls = tls_above(below);

    tls->lower_ended = true;
    eddy_transport_ref(&tls->transport);
    if (tls->state <= TLS_HANDSHAKE) {
        eddy__tls_fail(tls, eddy_error(EDDY_ECONNRESET,
                                       "the peer closed the connection during the TLS handshake"));
    } else if (tls->state == TLS_WRAPPED &&
               (tls->app_paused || eddy__list_is_linked(&tls->reading.node))) {
        tls->is_waiting = true;
        eddy__tls_step(tls, TLS_ON_CLOSE);
    }
    eddy__tls_turn(tls);
    eddy_transport_unref(&tls->transport);
    return 1;
}

static int below_pause_writing(eddy_protocol *below)
{
    tls_above(below)->lower_full = true;
    return 0;
}

static int below_resume_writing(eddy_protocol *below)
{
    struct eddy__tls *tls = tls_above(below);

    tls->lower_full = false;
    eddy_transport_ref(&tls->transport);
    if (tls->state < TLS_UNWRAPPED)
        eddy__tls_send_on(tls);
    eddy__tls_turn(tls);
    eddy_transport_unref(&tls->transport);
    return 0;
}

static int below_lost(eddy_protocol *below, int error)
{
    struct eddy__tls *tls = tls_above(below);

    if (tls->state >= TLS_LOSING)
        return 0; /* told already (TLS-45) */
    if (tls->is_settled)
        error = 0; /* nobody took our close_notify any more (TLS-40, TLS-41) */
    if (tls->error == 0 && error) {
        tls->error = error;
        tls->failure = eddy__failure_capture(error);
    }
    eddy__tls_step(tls, TLS_ON_LOWER_LOST);
    return 0;
}

const eddy_protocol_callbacks eddy__tls_below = {
    .connection_made = below_made,
    .data_received = below_received,
    .eof_received = below_eof,
    .pause_writing = below_pause_writing,
    .resume_writing = below_resume_writing,
    .connection_lost = below_lost,
};

/* The kind's table. */

int eddy__tls_pause_reading(struct eddy_transport *transport)
{
    struct eddy__tls *tls = tls_of(transport);

    if (tls->state <= TLS_WRAPPED || tls->is_waiting)
        tls->app_paused = true;
    return 0;
}

int eddy__tls_resume_reading(struct eddy_transport *transport)
{
    struct eddy__tls *tls = tls_of(transport);

    if (!tls->app_paused)
        return 0;
    tls->app_paused = false;
    if (tls->state == TLS_WRAPPED || tls->is_waiting)
        eddy__loop_enqueue(transport->loop, &tls->reading);
    return 0;
}

bool eddy__tls_is_reading(const struct eddy_transport *transport)
{
    return !tls_of(transport)->app_paused && !eddy__tls_is_closing(transport);
}

int eddy__tls_set_read_limits(struct eddy_transport *transport, size_t high, size_t low)
{
    struct eddy__tls *tls = tls_of(transport);
    struct eddy__flow marks = {0};
    int error;

    if (high == EDDY_DEFAULT_LIMIT && low == EDDY_DEFAULT_LIMIT)
        high = TLS_PLAIN_MAX;
    error = eddy__flow_set_limits(&marks, high, low);
    if (error)
        return error;
    tls->read_high = marks.high;
    tls->read_low = marks.low;
    tls_mark_input(tls);
    return 0;
}

void eddy__tls_get_read_limits(const struct eddy_transport *transport, size_t *low, size_t *high)
{
    *low = tls_of(transport)->read_low;
    *high = tls_of(transport)->read_high;
}

size_t eddy__tls_get_read_size(const struct eddy_transport *transport)
{
    return tls_of(transport)->wire.in_size;
}

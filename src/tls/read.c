/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the input (TLS-26..TLS-30, TLS-34, TLS-40..TLS-43). A turn takes it as far as
 * possible, and comes whenever something may have changed: bytes arrive, the program resumes, lower
 * has room again, the connection closes.
 */
#include "common/log.h"
#include "tls/parts.h"

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
    if (tls->state == TLS_WAITING)
        eddy__tls_step(tls, TLS_ON_READ);
    else if (tls->state == TLS_WRAPPED)
        eddy__tls_step(tls, TLS_ON_CLOSE);
}

/** Whether the protocol may have more of the input. */
static bool tls_may_deliver(const struct eddy__tls *tls)
{
    return !tls->app_paused && tls_is_readable(tls);
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

    /* An answer is no longer than what it answers, so those to a slice have room, and those to what
     * OpenSSL still has of the last one: while an alert is half written, OpenSSL drops the next
     * ones, and may refuse to write anything else. */
    if (tls_has_said(tls) >= TLS_CIPHER_MAX - 2 * SLICE)
        eddy__tls_lane_flush(tls);
    if (tls->state >= TLS_UNWRAPPED)
        return EDDY__TLS_WANT_INPUT;
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
            eddy__tls_turn_later(tls);
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
        eddy__tls_turn_later(tls);
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
        if (!tls_may_deliver(tls))
            return; /* who keeps the log has ended it */
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
    if (tls->plain.size > 0 && tls_is_readable(tls))
        eddy__tls_encrypt(tls);
    if (tls->state == TLS_FLUSHING)
        tls_discard(tls);
    if (tls->state == TLS_FLUSHING)
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
    eddy__tls_mark_input(tls);
    if (tls->state < TLS_UNWRAPPED && tls->state > TLS_HANDSHAKE)
        eddy__tls_flow_update(tls);
}

static void tls_run_turn(struct eddy__ready *ready)
{
    struct eddy__tls *tls = EDDY__OWNER(ready, struct eddy__tls, ready);

    eddy_transport_ref(&tls->transport);
    eddy__tls_turn(tls);
    eddy_transport_unref(&tls->transport);
}

void eddy__tls_turn_later(struct eddy__tls *tls)
{
    if (tls->state >= TLS_UNWRAPPED)
        return; /* a callback has ended it: what comes next is another's */
    tls->ready.run = tls_run_turn;
    eddy__loop_enqueue(tls->transport.loop, &tls->ready);
}

/* The kind's table. */

int eddy__tls_pause_reading(struct eddy_transport *transport)
{
    struct eddy__tls *tls = tls_of(transport);

    if (tls->state <= TLS_WAITING)
        tls->app_paused = true;
    return 0;
}

int eddy__tls_resume_reading(struct eddy_transport *transport)
{
    struct eddy__tls *tls = tls_of(transport);

    if (!tls->app_paused)
        return 0;
    tls->app_paused = false;
    if (tls_is_readable(tls))
        eddy__tls_turn_later(tls);
    return 0;
}

bool eddy__tls_is_reading(const struct eddy_transport *transport)
{
    return !tls_of(transport)->app_paused && !eddy__tls_is_closing(transport);
}

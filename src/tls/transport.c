/* SPDX-License-Identifier: MIT */
/* The life of a TLS transport: its states, its end, and what does not depend on them. */
#include "common/log.h"
#include "common/server.h"
#include "tls/parts.h"
#include <assert.h>
#include <string.h>

static_assert(sizeof(void *) != 8 || sizeof(struct eddy__tls) <= 360,
              "idle connections hold little: malloc's next size is 376");

static void tls_run_lost(struct eddy__ready *ready);

void eddy__tls_tell_made(struct eddy__tls *tls, int error)
{
    struct tls_opening *opening = tls->opening;

    tls->opening = NULL;
    if (opening == NULL)
        return;
    if (opening->setup.on_made != NULL)
        opening->setup.on_made(opening->setup.on_made_arg, error ? NULL : &tls->transport, error);
    eddy__free(opening);
}

/** It has ended before it began. */
static void tls_tell_unmade(struct eddy__tls *tls)
{
    if (tls->opening == NULL || tls->opening->is_making)
        return; /* as for the latter, that call tells */
    eddy__tls_tell_made(tls, tls->error ? tls->error
                                        : eddy_error(EDDY_ECONNABORTED,
                                                     "the connection was closed before TLS began"));
}

/* What the states do when they are entered. */

static void tls_stop_limit(struct eddy__tls *tls)
{
    eddy__timer_stop(&tls->transport.loop->timers, &tls->timer);
}

void eddy__tls_start_limit(struct eddy__tls *tls, eddy_time limit)
{
    struct eddy_loop *loop = tls->transport.loop;

    eddy__timer_start(&loop->timers, &tls->timer, eddy__time_add(eddy__loop_now(loop), limit));
}

static void tls_enter_flushing(struct eddy__tls *tls)
{
    eddy__tls_start_limit(tls, tls->shutdown_timeout);
}

/** TLS-42: what the program has not read by now is dropped. */
static void tls_enter_flushing_unread(struct eddy__tls *tls)
{
    eddy__tls_drop_input(tls);
    tls_enter_flushing(tls);
}

/** Nothing goes in or out any more but what lower has. */
static void tls_detach(struct eddy__tls *tls)
{
    tls_stop_limit(tls);
    eddy__loop_dequeue(&tls->ready);
    eddy__tls_lane_release(tls);
    eddy__tls_drop_input(tls);
    eddy__output_clear(&tls->plain);
    eddy__output_clear(&tls->cipher);
}

static void tls_enter_finished(struct eddy__tls *tls)
{
    tls_detach(tls);
    eddy_transport_close(tls->lower);
}

/** The layer of TLS below, or NULL. */
static struct eddy__tls *tls_lower_layer(const struct eddy__tls *tls)
{
    return tls->lower != NULL && tls->lower->kind->free == eddy__tls_free ? tls_of(tls->lower)
                                                                          : NULL;
}

/**
 * TLS-19: what the engine has still to say, an alert, goes out before, through all layers of TLS:
 * what a lower one would send at the end of the batch goes with its end.
 */
static void tls_enter_ended(struct eddy__tls *tls)
{
    for (struct eddy__tls *layer = tls; layer != NULL; layer = tls_lower_layer(layer)) {
        if (!tls_is_blocked(layer))
            eddy__tls_lane_flush(layer);
    }
    tls_detach(tls);
    tls_tell_unmade(tls);
    eddy_transport_abort(tls->lower);
}

/** Everything but the memory goes (TLS-51); lower's stays as well, of which some may be lent. */
static void tls_let_go(struct eddy__tls *tls)
{
    eddy__tls_lane_leave(tls);
    eddy__timer_unreserve(&tls->transport.loop->timers, &tls->timer);
    tls->told = TLS_TOLD_LOST;
    tls->transport.protocol = NULL;
    eddy__list_remove(&tls->live.node);
    eddy__server_detach(&tls->transport);
    eddy_transport_unref(&tls->transport);
}

/** Lower is gone; who was told of a beginning is told of the end, an iteration later (TLS-45). */
static void tls_enter_losing(struct eddy__tls *tls)
{
    tls_detach(tls);
    tls_tell_unmade(tls);
    if (tls->told == TLS_TOLD_INIT) {
        eddy__tls_step(tls, TLS_ON_TOLD);
        return;
    }
    tls->ready.run = tls_run_lost;
    eddy__loop_enqueue(tls->transport.loop, &tls->ready);
}

static void tls_stay(struct eddy__tls *tls)
{
    (void)tls;
}

struct tls_move {
    enum tls_state to;
    void (*action)(struct eddy__tls *tls);
};

/* What is not here cannot happen: its caller has looked at the state. */
static const struct tls_move tls_moves[TLS_STATES][TLS_EVENTS] = {
    [TLS_NEW][TLS_ON_BEGIN] = {TLS_HANDSHAKE, eddy__tls_enter_handshake},
    [TLS_NEW][TLS_ON_CLOSE] = {TLS_UNWRAPPED, tls_enter_ended},
    [TLS_NEW][TLS_ON_END] = {TLS_UNWRAPPED, tls_enter_ended},
    [TLS_NEW][TLS_ON_LOWER_LOST] = {TLS_LOSING, tls_enter_losing},
    [TLS_NEW][TLS_ON_TOLD] = {TLS_LOST, tls_let_go},
    [TLS_HANDSHAKE][TLS_ON_SHAKEN] = {TLS_WRAPPED, tls_stop_limit},
    [TLS_HANDSHAKE][TLS_ON_CLOSE] = {TLS_UNWRAPPED, tls_enter_ended},
    [TLS_HANDSHAKE][TLS_ON_END] = {TLS_UNWRAPPED, tls_enter_ended},
    [TLS_HANDSHAKE][TLS_ON_LOWER_LOST] = {TLS_LOSING, tls_enter_losing},
    [TLS_WRAPPED][TLS_ON_CLOSE] = {TLS_FLUSHING, tls_enter_flushing},
    [TLS_WRAPPED][TLS_ON_END] = {TLS_UNWRAPPED, tls_enter_ended},
    [TLS_WRAPPED][TLS_ON_LOWER_LOST] = {TLS_LOSING, tls_enter_losing},
    [TLS_WRAPPED][TLS_ON_CUT_OFF] = {TLS_WAITING, tls_stay},
    [TLS_WAITING][TLS_ON_READ] = {TLS_FLUSHING, tls_enter_flushing},
    [TLS_WAITING][TLS_ON_CLOSE] = {TLS_FLUSHING, tls_enter_flushing_unread},
    [TLS_WAITING][TLS_ON_END] = {TLS_UNWRAPPED, tls_enter_ended},
    [TLS_WAITING][TLS_ON_LOWER_LOST] = {TLS_LOSING, tls_enter_losing},
    [TLS_FLUSHING][TLS_ON_CLOSE] = {TLS_FLUSHING, tls_stay},
    [TLS_FLUSHING][TLS_ON_FLUSHED] = {TLS_SHUTDOWN, tls_stay},
    [TLS_FLUSHING][TLS_ON_END] = {TLS_UNWRAPPED, tls_enter_ended},
    [TLS_FLUSHING][TLS_ON_LOWER_LOST] = {TLS_LOSING, tls_enter_losing},
    [TLS_SHUTDOWN][TLS_ON_CLOSE] = {TLS_SHUTDOWN, tls_stay},
    [TLS_SHUTDOWN][TLS_ON_FINISHED] = {TLS_UNWRAPPED, tls_enter_finished},
    [TLS_SHUTDOWN][TLS_ON_END] = {TLS_UNWRAPPED, tls_enter_ended},
    [TLS_SHUTDOWN][TLS_ON_LOWER_LOST] = {TLS_LOSING, tls_enter_losing},
    [TLS_UNWRAPPED][TLS_ON_CLOSE] = {TLS_UNWRAPPED, tls_stay},
    [TLS_UNWRAPPED][TLS_ON_END] = {TLS_UNWRAPPED, tls_stay},
    [TLS_UNWRAPPED][TLS_ON_LOWER_LOST] = {TLS_LOSING, tls_enter_losing},
    [TLS_LOSING][TLS_ON_CLOSE] = {TLS_LOSING, tls_stay},
    [TLS_LOSING][TLS_ON_END] = {TLS_LOSING, tls_stay},
    [TLS_LOSING][TLS_ON_TOLD] = {TLS_LOST, tls_let_go},
    [TLS_LOST][TLS_ON_CLOSE] = {TLS_LOST, tls_stay},
    [TLS_LOST][TLS_ON_END] = {TLS_LOST, tls_stay},
};

void eddy__tls_step(struct eddy__tls *tls, enum tls_event event)
{
    const struct tls_move *move = &tls_moves[tls->state][event];

    assert(move->to != TLS_NONE);
    tls->state = (uint8_t)move->to;
    move->action(tls);
}

void eddy__tls_fail_with(struct eddy__tls *tls, int error, struct eddy__failure *failure)
{
    if (tls->transport.loop->debug && tls->state < TLS_UNWRAPPED)
        eddy__log(EDDY_LOG_DEBUG, "transport %p: %s", (void *)&tls->transport,
                  failure != NULL ? failure->text : eddy_strerror(error));
    if (tls->state >= TLS_UNWRAPPED) { /* or who keeps the log has ended it */
        eddy__free(failure);
        return;
    }
    tls->error = error;
    tls->failure = failure;
    /* Who waits for the connection captures the words from where they were said last. */
    eddy__failure_restore(error, failure);
    eddy__tls_step(tls, TLS_ON_END);
}

void eddy__tls_fail(struct eddy__tls *tls, int error)
{
    eddy__tls_fail_with(tls, error, eddy__failure_capture(error));
}

void eddy__tls_protocol_failed(struct eddy__tls *tls, const char *callback, int error)
{
    eddy__tls_fail(tls, error);
    eddy__transport_report(&tls->transport, callback, error);
}

static void tls_run_lost(struct eddy__ready *ready)
{
    struct eddy__tls *tls = EDDY__OWNER(ready, struct eddy__tls, ready);

    eddy_transport_ref(&tls->transport);
    if (tls->error)
        eddy__failure_restore(tls->error, tls->failure);
    eddy__protocol_lost(&tls->transport, tls->error);
    eddy__tls_step(tls, TLS_ON_TOLD);
    eddy_transport_unref(&tls->transport);
}

/* The kind's table. */

void eddy__tls_free(struct eddy_transport *transport)
{
    struct eddy__tls *tls = tls_of(transport);
    struct eddy_loop *loop = transport->loop;

    eddy__tls_engine_free(tls->engine);
    eddy__free(tls->opening);
    eddy__free(tls->failure);
    eddy__free(tls->kept);
    eddy_transport_unref(tls->lower);
    eddy__free(tls);
    eddy_loop_unref(loop);
}

bool eddy__tls_is_closing(const struct eddy_transport *transport)
{
    const struct eddy__tls *tls = tls_of(transport);

    return tls->state > TLS_WRAPPED ||
           (tls->lower != NULL && eddy_transport_is_closing(tls->lower));
}

static void tls_close(struct eddy_transport *transport)
{
    struct eddy__tls *tls = tls_of(transport);

    eddy_transport_ref(transport);
    eddy__tls_step(tls, TLS_ON_CLOSE);
    eddy__tls_turn(tls);
    eddy_transport_unref(transport);
}

static void tls_abort(struct eddy_transport *transport)
{
    struct eddy__tls *tls = tls_of(transport);

    eddy_transport_ref(transport);
    eddy__tls_lane_release(tls);
    if (tls->state == TLS_UNWRAPPED)
        eddy_transport_abort(tls->lower);
    else
        eddy__tls_step(tls, TLS_ON_END);
    eddy_transport_unref(transport);
}

static void tls_forget(struct eddy_transport *transport)
{
    struct eddy__tls *tls = tls_of(transport);

    if (tls->opening != NULL)
        tls->opening->setup.on_made = NULL;
    if (tls->opening != NULL && tls->opening->is_making) {
        tls->opening->is_forgotten = true;
    } else if (tls->state == TLS_NEW && tls->lower->protocol == NULL) {
        /* Lower knows nothing of us yet, and goes without a word. */
        eddy__transport_forget(tls->lower);
        eddy__tls_step(tls, TLS_ON_TOLD);
    } else {
        tls_close(transport);
    }
}

static int tls_set_protocol(struct eddy_transport *transport, eddy_protocol *protocol)
{
    if (tls_of(transport)->state < TLS_LOST)
        transport->protocol = protocol;
    return 0;
}

static bool tls_get_extra_info(const struct eddy_transport *transport, const char *name,
                               eddy_value *value)
{
    const struct eddy__tls *tls = tls_of(transport);

    if (strcmp(name, "sslcontext") == 0) {
        value->tls_context = eddy__tls_engine_context(tls->engine);
        return true;
    }
    if (strcmp(name, "peercert") == 0) {
        const eddy_tls_certificate *certificate = eddy__tls_engine_peercert(tls->engine);

        if (certificate != NULL)
            value->tls_certificate = certificate;
        return certificate != NULL;
    }
    if (strcmp(name, "cipher") == 0 || strcmp(name, "ssl_object") == 0) {
        const eddy_tls_cipher *cipher = eddy__tls_engine_cipher(tls->engine);

        if (cipher == NULL)
            return false;
        if (name[0] == 'c')
            value->tls_cipher = cipher;
        else
            value->tls = tls->engine;
        return true;
    }
    return tls->state < TLS_LOST && tls->lower != NULL &&
           eddy_transport_get_extra_info(tls->lower, name, value);
}

static bool tls_can_write_eof(const struct eddy_transport *transport)
{
    (void)transport;
    return false;
}

/** The loop closes over it (LOOP-17): let go, and call nothing. Lower is abandoned by itself. */
static void tls_abandon(struct eddy__live *live)
{
    struct eddy__tls *tls = EDDY__OWNER(live, struct eddy__tls, live);

    tls_detach(tls);
    if (tls->opening != NULL)
        tls->opening->setup.on_made = NULL;
    tls->state = TLS_LOST;
    tls_let_go(tls);
}

/** A limit has passed (TLS-20, TLS-39). */
static void tls_run_limit(struct eddy__ready *ready)
{
    struct eddy__timer *timer = EDDY__OWNER(ready, struct eddy__timer, ready);
    struct eddy__tls *tls = EDDY__OWNER(timer, struct eddy__tls, timer);
    double seconds;

    eddy_transport_ref(&tls->transport);
    if (tls->state == TLS_HANDSHAKE) {
        seconds = (double)tls->opening->handshake_timeout / 1e9;
        eddy__tls_fail(tls, eddy_error(EDDY_ECONNABORTED,
                                       "the TLS handshake took longer than %.9g s", seconds));
    } else {
        seconds = (double)tls->shutdown_timeout / 1e9;
        eddy__tls_fail(
            tls, eddy_error(EDDY_ETIMEDOUT, "the peer did not end TLS within %.9g s", seconds));
    }
    eddy_transport_unref(&tls->transport);
}

static const struct eddy__transport_kind tls_kind = {
    .name = "TLS",
    .carries_tls = true,
    .close = tls_close,
    .abort = tls_abort,
    .is_closing = eddy__tls_is_closing,
    .get_extra_info = tls_get_extra_info,
    .set_protocol = tls_set_protocol,
    .pause_reading = eddy__tls_pause_reading,
    .resume_reading = eddy__tls_resume_reading,
    .is_reading = eddy__tls_is_reading,
    .write = eddy__tls_write,
    .write_owned = eddy__tls_write_owned,
    .can_write_eof = tls_can_write_eof,
    .get_write_buffer_size = eddy__tls_get_write_size,
    .set_write_buffer_limits = eddy__tls_set_limits,
    .get_write_buffer_limits = eddy__tls_get_limits,
    .set_read_buffer_limits = eddy__tls_set_read_limits,
    .get_read_buffer_limits = eddy__tls_get_read_limits,
    .get_read_buffer_size = eddy__tls_get_read_size,
    .is_writing_paused = eddy__tls_is_writing_paused,
    .forget = tls_forget,
    .free = eddy__tls_free,
};

void eddy__tls_init(struct eddy__tls *tls, struct eddy_loop *loop)
{
    tls->transport.kind = &tls_kind;
    tls->transport.loop = eddy_loop_ref(loop);
    tls->transport.references = 1;
    tls->state = TLS_NEW;
    tls->live.abandon = tls_abandon;
    tls->timer.ready.run = tls_run_limit;
    eddy_protocol_init(&tls->below, &eddy__tls_below);
    eddy__tls_set_limits(&tls->transport, EDDY_DEFAULT_LIMIT, EDDY_DEFAULT_LIMIT);
    eddy__tls_set_read_limits(&tls->transport, EDDY_DEFAULT_LIMIT, EDDY_DEFAULT_LIMIT);
}

/* SPDX-License-Identifier: MIT */
/*
 * Lanes: buffers that all TLS transports of a loop share, so that an idle connection has none. One
 * transport at a time has its output in a lane; the next one that writes sends it on its way.
 */
#include "common/loop.h"
#include "tls/parts.h"

static void lane_run_flush(struct eddy__ready *ready);

static struct eddy__tls_lane *lane_new(void)
{
    struct eddy__tls_lane *lane = eddy__alloc_zeroed(sizeof *lane);

    if (lane == NULL)
        return NULL;
    lane->flush.run = lane_run_flush;
    lane->plain = eddy__alloc(TLS_PLAIN_MAX);
    lane->cipher.data = eddy__alloc(TLS_CIPHER_MAX);
    lane->cipher.max = TLS_CIPHER_MAX;
    if (lane->plain != NULL && lane->cipher.data != NULL)
        return lane;
    eddy__free(lane->plain);
    eddy__free(lane->cipher.data);
    eddy__free(lane);
    return NULL;
}

struct eddy__tls_lane *eddy__tls_lane_over(struct eddy_loop *loop,
                                           const struct eddy_transport *lower)
{
    struct eddy__tls_lane **place = &loop->tls_lanes;

    if (lower != NULL && lower->kind->free == eddy__tls_free)
        place = &tls_of(lower)->lane->deeper;
    if (*place == NULL)
        *place = lane_new();
    return *place;
}

void eddy__tls_fini(struct eddy_loop *loop)
{
    struct eddy__tls_lane *lane = loop->tls_lanes;

    while (lane != NULL) {
        struct eddy__tls_lane *deeper = lane->deeper;

        eddy__free(lane->plain);
        eddy__free(lane->cipher.data);
        eddy__free(lane);
        lane = deeper;
    }
    eddy_tls_context_unref(loop->tls_default);
}

/**
 * OpenSSL would give its buffers back after each record, and take new ones for the next. Doing so
 * only when a connection has not been busy for a while saves a busy one 1,100 instructions a
 * message, and an idle one still has none.
 */
static void lane_warm(struct eddy__tls_lane *lane, struct eddy__tls *tls)
{
    struct eddy__tls *coldest = lane->warm[lane->warm_next];

    if (tls->warm != 0)
        return;
    if (coldest != NULL) {
        coldest->warm = 0;
        eddy__tls_engine_cool(coldest->engine);
    }
    lane->warm[lane->warm_next] = tls;
    lane->warm_next = (lane->warm_next + 1) % TLS_WARM_MAX;
    tls->warm = (uint8_t)(lane->warm_next == 0 ? TLS_WARM_MAX : lane->warm_next);
}

void eddy__tls_lane_leave(struct eddy__tls *tls)
{
    if (tls->warm == 0)
        return;
    tls->lane->warm[tls->warm - 1] = NULL;
    tls->warm = 0;
}

void eddy__tls_lane_take(struct eddy__tls *tls)
{
    struct eddy__tls_lane *lane = tls->lane;

    /* Flushing fails into callbacks of the program, which may write elsewhere. */
    while (lane->holder != NULL && lane->cipher.size > 0)
        eddy__tls_lane_flush(lane->holder);
    if (lane->holder != NULL)
        eddy__tls_lane_release(lane->holder);
    lane_warm(lane, tls);
    lane->holder = tls;
    tls->wire.out = &lane->cipher;
}

void eddy__tls_lane_flush(struct eddy__tls *tls)
{
    struct eddy__tls_room *out = tls->wire.out;
    eddy_buffer buffer;
    int error;

    if (out == NULL || out->size == 0)
        return;
    buffer = (eddy_buffer){out->data, out->size};
    out->size = 0;
    if (eddy__loop_is_foreign(tls->transport.loop))
        return; /* the parent sends it, and the peer takes no record twice */
    if (tls->lower->kind->is_closing(tls->lower))
        return; /* it would be dropped there, and complained about */
    if (tls_is_blocked(tls))
        error = eddy__output_copy(&tls->cipher, &buffer, 1, 0);
    else
        error = tls->lower->kind->write(tls->lower, &buffer, 1);
    if (error)
        eddy__tls_fail(tls, error);
}

static void lane_run_flush(struct eddy__ready *ready)
{
    struct eddy__tls *tls = EDDY__OWNER(ready, struct eddy__tls_lane, flush)->holder;

    if (tls == NULL)
        return;
    eddy_transport_ref(&tls->transport);
    eddy__tls_lane_flush(tls);
    eddy_transport_unref(&tls->transport);
}

void eddy__tls_lane_flush_later(struct eddy__tls *tls)
{
    if (tls_has_said(tls) > 0 && !tls->in_turn)
        eddy__loop_enqueue_end(tls->transport.loop, &tls->lane->flush);
}

void eddy__tls_lane_release(struct eddy__tls *tls)
{
    if (tls->lane->holder != tls)
        return;
    tls->lane->holder = NULL;
    tls->lane->cipher.size = 0;
    /* A callback of the context may write elsewhere: then the engine that called it finds no room,
     * and is called again. */
    tls->wire.out = NULL;
    eddy__loop_dequeue(&tls->lane->flush);
}

/* SPDX-License-Identifier: MIT */
/* What lower tells: we are its protocol (TLS-21, TLS-32, TLS-41..TLS-43, TLS-45). */
#include "tls/parts.h"

static struct eddy__tls *tls_above(eddy_protocol *below)
{
    return EDDY__OWNER(below, struct eddy__tls, below);
}

static int below_made(eddy_protocol *below, eddy_transport *lower)
{
    struct eddy__tls *tls = tls_above(below);

    (void)lower;
    if (tls->state != TLS_NEW)
        return 0; /* who keeps the log has ended it when lower was logged */
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
    eddy__tls_mark_input(tls);
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
               (tls->app_paused || eddy__list_is_linked(&tls->ready.node))) {
        eddy__tls_step(tls, TLS_ON_CUT_OFF);
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

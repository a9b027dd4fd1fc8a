/* SPDX-License-Identifier: MIT */
/*
 * The input, `wire.in`: what lower lends during its callback, afterwards what was kept of it
 * (TLS-33).
 */
#include "tls/parts.h"
#include <string.h>

void eddy__tls_drop_input(struct eddy__tls *tls)
{
    eddy__free(tls->kept);
    tls->kept = NULL;
    tls->wire.in = NULL;
    tls->wire.in_size = 0;
}

int eddy__tls_keep(struct eddy__tls *tls, const void *data, size_t size)
{
    struct eddy__tls_wire *wire = &tls->wire;
    struct tls_kept *kept = tls->kept;
    size_t old = kept != NULL ? wire->in_size : 0;
    size_t start = old > 0 ? (size_t)(wire->in - kept->data) : 0;
    size_t room = kept != NULL ? kept->max : 0;

    if (size == 0)
        return 0;
    if (size > SIZE_MAX / 2 - old)
        return EDDY_ENOMEM;
    if (old + size > room) {
        /* Twice as much, so that small pieces are not copied again with each that comes. */
        room = old + size < 2 * room ? 2 * room : old + size;
        kept = eddy__alloc(sizeof *kept + room);
        if (kept == NULL)
            return EDDY_ENOMEM;
        kept->max = room;
    }
    if (kept != tls->kept || start + old + size > room) {
        if (old > 0)
            memmove(kept->data, wire->in, old);
        start = 0;
    }
    memcpy(kept->data + start + old, data, size);
    if (kept != tls->kept)
        eddy__free(tls->kept);
    tls->kept = kept;
    wire->in = kept->data + start;
    wire->in_size = old + size;
    return 0;
}

void eddy__tls_mark_input(struct eddy__tls *tls)
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
    eddy__tls_mark_input(tls);
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

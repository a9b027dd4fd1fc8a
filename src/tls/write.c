/* SPDX-License-Identifier: MIT */
/*
 * What the program writes (TLS-23, TLS-28, TLS-31, TLS-32). As long as lower takes it, it is
 * encrypted at once; else it waits as it is, so that it is copied but once.
 */
#include "tls/parts.h"

#define HIGH_DEFAULT ((size_t)512 * 1024)

size_t eddy__tls_get_write_size(const struct eddy_transport *transport)
{
    const struct eddy__tls *tls = tls_of(transport);

    return tls->plain.size + tls->cipher.size;
}

void eddy__tls_flow_update(struct eddy__tls *tls)
{
    size_t size = tls->plain.size + tls->cipher.size;

    if (tls->transport.protocol == NULL)
        return;
    /* Reaching the mark is enough here. */
    if (size > 0)
        eddy__flow_grown(&tls->flow, &tls->transport, size + 1);
    size = tls->plain.size + tls->cipher.size;
    /* pause_writing() may have aborted. If both marks are the same, reaching them pauses. */
    if (tls->state < TLS_UNWRAPPED && (size == 0 || size < tls->flow.high))
        eddy__flow_shrunk(&tls->flow, &tls->transport, size);
}

/**
 * Encrypt `size` bytes as far as lower takes them: how many. `*is_begun`: the engine has seen some
 * of the rest, which therefore has to come next.
 */
static size_t tls_encrypt_some(struct eddy__tls *tls, const unsigned char *data, size_t size,
                               bool *is_begun)
{
    size_t done = 0;

    while (done < size && tls->state < TLS_UNWRAPPED && !tls_is_blocked(tls)) {
        int64_t result;

        tls_hold_lane(tls);
        result = eddy__tls_engine_write(tls->engine, data + done, size - done);
        if (result > 0) {
            done += (size_t)result;
            *is_begun = false;
        } else if (result == EDDY__TLS_FAILED) {
            eddy__tls_fail(tls, eddy__tls_engine_error(tls->engine));
            break;
        } else {
            *is_begun = true;
        }
        if (tls_has_said(tls) >= TLS_CIPHER_FULL || result == EDDY__TLS_WANT_ROOM)
            eddy__tls_lane_flush(tls);
        if (result == EDDY__TLS_WANT_INPUT)
            break;
    }
    return done;
}

void eddy__tls_encrypt(struct eddy__tls *tls)
{
    bool is_begun = false;

    while (tls->plain.size > 0) {
        struct eddy__span span;
        size_t done;

        eddy__output_spans(&tls->plain, &span, 1);
        done = tls_encrypt_some(tls, span.data, span.size, &is_begun);
        if (tls->state >= TLS_UNWRAPPED)
            return; /* and the queue is gone */
        eddy__output_advance(&tls->plain, done);
        if (done < span.size)
            return;
    }
}

void eddy__tls_send_on(struct eddy__tls *tls)
{
    while (tls->cipher.size > 0 && !tls->lower_full && !eddy_transport_is_closing(tls->lower)) {
        struct eddy__span span;
        eddy_buffer buffer;
        int error;

        eddy__output_spans(&tls->cipher, &span, 1);
        buffer = (eddy_buffer){span.data, span.size};
        error = tls->lower->kind->write(tls->lower, &buffer, 1);
        if (error) {
            eddy__tls_fail(tls, error);
            return;
        }
        eddy__output_advance(&tls->cipher, span.size);
    }
}

/** TLS-47, TR-11: whether a write is dropped. */
static bool tls_drops(struct eddy__tls *tls, size_t size)
{
    if (!eddy__tls_is_closing(&tls->transport))
        return false;
    if (size > 0)
        eddy__flow_drop(&tls->flow.dropped_writes);
    return true;
}

/** Part of a write is on its way and there is no memory for the rest (TR-25). */
static void tls_no_memory(struct eddy__tls *tls)
{
    eddy__tls_fail(tls, EDDY_ENOMEM);
    eddy_loop_call_exception_handler(tls->transport.loop,
                                     &(eddy_exception_context){
                                         .message = "no memory for the rest of a write",
                                         .exception = EDDY_ENOMEM,
                                         .protocol = eddy_transport_get_protocol(&tls->transport),
                                         .transport = &tls->transport,
                                     });
}

/** Whether what is written now may go before nothing else. */
static bool tls_writes_at_once(const struct eddy__tls *tls)
{
    return tls->state == TLS_WRAPPED && tls->plain.size == 0;
}

int eddy__tls_write(struct eddy_transport *transport, const eddy_buffer *buffers, size_t count)
{
    struct eddy__tls *tls = tls_of(transport);
    bool is_begun = false;
    size_t total = 0;
    size_t done = 0;

    for (size_t i = 0; i < count; i++) {
        if (buffers[i].size > SIZE_MAX / 2 - total)
            return eddy_error(EDDY_ENOMEM, "no memory holds as much as the buffers claim to");
        total += buffers[i].size;
    }
    if (tls_drops(tls, total) || total == 0)
        return 0;
    eddy_transport_ref(transport);
    for (size_t i = 0; i < count && tls_writes_at_once(tls); i++) {
        size_t part = tls_encrypt_some(tls, buffers[i].data, buffers[i].size, &is_begun);

        done += part;
        if (part < buffers[i].size)
            break;
    }
    if (tls->state < TLS_UNWRAPPED && done < total &&
        eddy__output_copy(&tls->plain, buffers, count, done) != 0) {
        if (done == 0 && !is_begun) {
            eddy_transport_unref(transport);
            return EDDY_ENOMEM;
        }
        tls_no_memory(tls);
    }
    eddy__tls_lane_flush_later(tls);
    if (tls->state < TLS_UNWRAPPED)
        eddy__tls_flow_update(tls);
    eddy_transport_unref(transport);
    return 0;
}

int eddy__tls_write_owned(struct eddy_transport *transport, const void *data, size_t size,
                          eddy_release release, void *arg)
{
    struct eddy__tls *tls = tls_of(transport);
    bool is_begun = false;
    bool is_taken = false;
    size_t done = 0;
    int error = 0;

    eddy_transport_ref(transport);
    if (!tls_drops(tls, size) && size > 0) {
        if (tls_writes_at_once(tls))
            done = tls_encrypt_some(tls, data, size, &is_begun);
        if (tls->state < TLS_UNWRAPPED && done < size) {
            error = eddy__output_take(&tls->plain, data, size, done, release, arg);
            is_taken = error == 0;
        }
        if (error && (done > 0 || is_begun)) {
            tls_no_memory(tls);
            error = 0;
        }
        eddy__tls_lane_flush_later(tls);
        if (tls->state < TLS_UNWRAPPED)
            eddy__tls_flow_update(tls);
    }
    if (!is_taken && release != NULL)
        release(arg);
    eddy_transport_unref(transport);
    return error;
}

int eddy__tls_set_limits(struct eddy_transport *transport, size_t high, size_t low)
{
    struct eddy__tls *tls = tls_of(transport);
    int error;

    if (high == EDDY_DEFAULT_LIMIT && low == EDDY_DEFAULT_LIMIT)
        high = HIGH_DEFAULT;
    error = eddy__flow_set_limits(&tls->flow, high, low);
    if (error == 0 && tls->state < TLS_UNWRAPPED)
        eddy__tls_flow_update(tls);
    return error;
}

void eddy__tls_get_limits(const struct eddy_transport *transport, size_t *low, size_t *high)
{
    *low = tls_of(transport)->flow.low;
    *high = tls_of(transport)->flow.high;
}

bool eddy__tls_is_writing_paused(const struct eddy_transport *transport)
{
    return tls_of(transport)->flow.is_paused;
}

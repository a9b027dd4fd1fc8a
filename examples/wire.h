/* SPDX-License-Identifier: MIT */
/**
 * A connection for straight-line code: a protocol that keeps what arrives until a task asks for it.
 *
 * One task uses a wire. It is made by wire_factory(), freed by wire_close().
 */
#ifndef WIRE_H
#define WIRE_H

#include <eddy/eddy.h>
#include <stdlib.h>
#include <string.h>

struct wire {
    eddy_protocol protocol;
    eddy_transport *transport; /* NULL once it is lost */
    eddy_function serve;       /* a server's task for each connection, or NULL */
    eddy_future *changed;      /* what the task waits for, or NULL */
    char data[4096];
    size_t size;
    int error;
    bool ended;     /* nothing more will come */
    bool congested; /* the peer does not take what we send */
    bool closed;    /* by wire_close() */
};

/** Wake the task, if it waits. */
static int wire_wake(struct wire *wire)
{
    if (wire->changed == NULL || eddy_future_done(wire->changed))
        return 0;
    return eddy_future_set_result(wire->changed, (eddy_value){0});
}

/** Wait until something has changed. */
static int wire_wait(struct wire *wire)
{
    int error;

    wire->changed = eddy_loop_create_future(eddy_get_running_loop());
    error = eddy_await(eddy_future_ref(wire->changed), NULL);
    eddy_future_unref(wire->changed);
    wire->changed = NULL;
    return error;
}

/** Bytes received, at most `max`; 0 at the end; negative on error. */
static int64_t wire_receive(struct wire *wire, void *buffer, size_t max)
{
    while (wire->size == 0 && !wire->ended) {
        int error = wire_wait(wire);

        if (error)
            return error;
    }
    if (wire->size == 0)
        return wire->error;
    max = max < wire->size ? max : wire->size;
    memcpy(buffer, wire->data, max);
    wire->size -= max;
    memmove(wire->data, wire->data + max, wire->size);
    if (wire->size == 0 && wire->transport != NULL)
        eddy_transport_resume_reading(wire->transport);
    return (int64_t)max;
}

/** Send, and wait while the peer is slow. */
static int wire_send(struct wire *wire, const void *data, size_t size)
{
    int error = wire->transport == NULL ? wire->error : 0;

    if (error == 0 && wire->transport != NULL)
        error = eddy_transport_write(wire->transport, data, size);
    while (error == 0 && wire->congested && wire->transport != NULL)
        error = wire_wait(wire);
    return error;
}

/** Close; the wire is gone for the caller. */
static void wire_close(struct wire *wire)
{
    wire->closed = true;
    if (wire->transport != NULL)
        eddy_transport_close(wire->transport);
    else
        free(wire);
}

static int wire_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct wire *wire = (struct wire *)protocol;

    wire->transport = transport;
    return wire->serve == NULL ? 0 : eddy_loop_spawn(eddy_get_running_loop(), wire->serve, wire);
}

static int wire_get_buffer(eddy_protocol *protocol, ptrdiff_t hint, void **buffer, size_t *size)
{
    struct wire *wire = (struct wire *)protocol;

    (void)hint;
    *buffer = wire->data + wire->size;
    *size = sizeof wire->data - wire->size;
    return 0;
}

static int wire_buffer_updated(eddy_protocol *protocol, size_t size)
{
    struct wire *wire = (struct wire *)protocol;

    wire->size += size;
    if (wire->size == sizeof wire->data)
        eddy_transport_pause_reading(wire->transport);
    return wire_wake(wire);
}

static int wire_eof_received(eddy_protocol *protocol)
{
    struct wire *wire = (struct wire *)protocol;

    wire->ended = true;
    wire_wake(wire);
    return 1; /* keep it open: the task may still have something to say */
}

static int wire_pause_writing(eddy_protocol *protocol)
{
    ((struct wire *)protocol)->congested = true;
    return 0;
}

static int wire_resume_writing(eddy_protocol *protocol)
{
    ((struct wire *)protocol)->congested = false;
    return wire_wake((struct wire *)protocol);
}

static int wire_connection_lost(eddy_protocol *protocol, int error)
{
    struct wire *wire = (struct wire *)protocol;

    wire->transport = NULL;
    wire->ended = true;
    wire->error = error;
    if (wire->closed)
        free(wire);
    else
        wire_wake(wire);
    return 0;
}

static const eddy_protocol_callbacks wire_callbacks = {
    .connection_made = wire_connection_made,
    .get_buffer = wire_get_buffer,
    .buffer_updated = wire_buffer_updated,
    .eof_received = wire_eof_received,
    .pause_writing = wire_pause_writing,
    .resume_writing = wire_resume_writing,
    .connection_lost = wire_connection_lost,
};

/** An eddy_protocol_factory; `arg` points at the function that serves each wire, or is NULL. */
static eddy_protocol *wire_factory(void *arg)
{
    struct wire *wire = calloc(1, sizeof *wire);

    if (wire == NULL)
        return NULL;
    eddy_protocol_init(&wire->protocol, &wire_callbacks);
    if (arg != NULL)
        wire->serve = *(eddy_function *)arg;
    return &wire->protocol;
}

#endif

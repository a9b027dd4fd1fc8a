/* SPDX-License-Identifier: MIT */
#include "support/witness.h"
#include "support/support.h"
#include "support/sweep.h"
#include <stdio.h>
#include <string.h>

struct witness *witness_of(eddy_protocol *protocol)
{
    return (struct witness *)(void *)protocol;
}

static void witness_record(const struct witness *w, const char *text)
{
    if (w->name != NULL)
        record("%s.%s", w->name, text);
    else
        record("%s", text);
}

/* TR-6: connection_lost() is the last callback of a connection that was made. */
static void witness_check_order(const struct witness *w, enum witness_event event)
{
    size_t made = w->counts[WITNESS_MADE];

    if (event == WITNESS_MADE || made == 0 || w->counts[WITNESS_LOST] < made)
        return;
    sweep_note_fault("called back after connection_lost()");
    fail_msg("event %d after connection_lost()", (int)event);
}

static int witness_react(struct witness *w, enum witness_event event)
{
    witness_check_order(w, event);
    w->counts[event]++;
    return w->script != NULL ? w->script(w, event) : w->results[event];
}

static void witness_keep(struct witness *w, const void *data, size_t size)
{
    size_t room = w->received < sizeof w->text - 1 ? sizeof w->text - 1 - w->received : 0;

    if (room > 0)
        memcpy(w->text + w->received, data, size < room ? size : room);
    w->received += size;
}

static int witness_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct witness *w = witness_of(protocol);

    w->transport = transport;
    w->held = fixture_hold_transport(transport);
    witness_record(w, "made");
    return witness_react(w, WITNESS_MADE);
}

static int witness_data(eddy_protocol *protocol, const void *data, size_t size)
{
    struct witness *w = witness_of(protocol);
    char text[64];

    assert_true(size > 0);
    witness_keep(w, data, size);
    if (!w->quiet) {
        snprintf(text, sizeof text, "data:%.*s", size < 40 ? (int)size : 40, (const char *)data);
        witness_record(w, text);
    }
    return witness_react(w, WITNESS_DATA);
}

static int witness_eof(eddy_protocol *protocol)
{
    witness_record(witness_of(protocol), "eof");
    return witness_react(witness_of(protocol), WITNESS_EOF);
}

static int witness_get_buffer(eddy_protocol *protocol, ptrdiff_t size_hint, void **buffer,
                              size_t *size)
{
    struct witness *w = witness_of(protocol);

    w->size_hint = size_hint;
    *buffer = w->buffer;
    *size = w->buffer_size;
    return witness_react(w, WITNESS_GET_BUFFER);
}

static int witness_updated(eddy_protocol *protocol, size_t size)
{
    struct witness *w = witness_of(protocol);
    char text[64];

    assert_true(size > 0);
    assert_true(size <= w->buffer_size);
    witness_keep(w, w->buffer, size);
    snprintf(text, sizeof text, "updated:%zu", size);
    if (!w->quiet)
        witness_record(w, text);
    return witness_react(w, WITNESS_UPDATED);
}

static int witness_pause(eddy_protocol *protocol)
{
    witness_record(witness_of(protocol), "pause");
    return witness_react(witness_of(protocol), WITNESS_PAUSE);
}

static int witness_resume(eddy_protocol *protocol)
{
    witness_record(witness_of(protocol), "resume");
    return witness_react(witness_of(protocol), WITNESS_RESUME);
}

static int witness_lost(eddy_protocol *protocol, int error)
{
    struct witness *w = witness_of(protocol);
    char text[64];
    int result;

    w->error = error;
    snprintf(text, sizeof text, "lost:%s", error != 0 ? eddy_err_name(error) : "0");
    witness_record(w, text);
    result = witness_react(w, WITNESS_LOST);
    if (!w->held)
        w->transport = NULL;
    return result;
}

bool witness_is_gone(const struct witness *w)
{
    return w->counts[WITNESS_LOST] >= w->counts[WITNESS_MADE];
}

static int witness_datagram(eddy_protocol *protocol, const void *data, size_t size,
                            const eddy_address *from)
{
    struct witness *w = witness_of(protocol);
    char text[64];

    w->from = *from;
    witness_keep(w, data, size);
    snprintf(text, sizeof text, "datagram:%.*s", size < 40 ? (int)size : 40, (const char *)data);
    if (!w->quiet)
        witness_record(w, text);
    return witness_react(w, WITNESS_DATAGRAM);
}

static int witness_error(eddy_protocol *protocol, int error)
{
    struct witness *w = witness_of(protocol);
    char text[64];

    w->received_error = error;
    snprintf(text, sizeof text, "error:%s", eddy_err_name(error));
    witness_record(w, text);
    return witness_react(w, WITNESS_ERROR);
}

static const eddy_protocol_callbacks witness_callbacks = {
    .connection_made = witness_made,
    .data_received = witness_data,
    .eof_received = witness_eof,
    .pause_writing = witness_pause,
    .resume_writing = witness_resume,
    .connection_lost = witness_lost,
    .datagram_received = witness_datagram,
    .error_received = witness_error,
};

static const eddy_protocol_callbacks witness_buffered_callbacks = {
    .connection_made = witness_made,
    .get_buffer = witness_get_buffer,
    .buffer_updated = witness_updated,
    .eof_received = witness_eof,
    .pause_writing = witness_pause,
    .resume_writing = witness_resume,
    .connection_lost = witness_lost,
};

void witness_init(struct witness *w, const char *name)
{
    memset(w, 0, sizeof *w);
    eddy_protocol_init(&w->protocol, &witness_callbacks);
    w->name = name;
}

void witness_init_buffered(struct witness *w, const char *name, void *buffer, size_t size)
{
    memset(w, 0, sizeof *w);
    eddy_protocol_init(&w->protocol, &witness_buffered_callbacks);
    w->name = name;
    w->buffer = buffer;
    w->buffer_size = size;
}

eddy_protocol *witness_factory(void *witness)
{
    return &((struct witness *)witness)->protocol;
}

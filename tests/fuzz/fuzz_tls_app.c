/* SPDX-License-Identifier: MIT */
#include "fuzz_tls.h"
#include <string.h>

static int app_received(struct app *app, const uint8_t *data, size_t size)
{
    MUST(app->made == 1 && app->lost == 0 && app->eofs == 0);
    MUST(size > 0 && !app->is_paused && !app->is_closing);
    for (size_t i = 0; i < size && app->is_exact; i++)
        MUST(data[i] == pattern_at(app->received + i));
    app->received += size;
    if (app->habits & APP_ECHOES)
        app_write(app, size);
    if (app->habits & APP_PAUSES)
        app_pause(app, true);
    if (app->habits & APP_ABORTS)
        app_abort(app);
    if (app->habits & APP_FAILS) {
        app->is_closing = true;
        return eddy_error(EDDY_EUSER, "as the script says");
    }
    return 0;
}

static int on_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct app *app = (struct app *)protocol;

    MUST(app->made++ == 0 && app->lost == 0);
    app->transport = eddy_transport_ref(transport);
    if (app->habits & APP_WRITES_AT_START)
        app_write(app, 1000);
    if (app->habits & APP_FAILS_AT_START) {
        app->is_closing = true;
        return eddy_error(EDDY_EUSER, "as the script says");
    }
    return 0;
}

static int on_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    return app_received((struct app *)protocol, data, size);
}

static int on_get_buffer(eddy_protocol *protocol, ptrdiff_t hint, void **buffer, size_t *size)
{
    struct app *app = (struct app *)protocol;

    MUST(app->made == 1 && app->lost == 0);
    *buffer = app->buffer;
    *size = hint > 0 && (size_t)hint < sizeof app->buffer ? (size_t)hint : sizeof app->buffer;
    return 0;
}

static int on_buffer_updated(eddy_protocol *protocol, size_t size)
{
    struct app *app = (struct app *)protocol;

    MUST(size <= sizeof app->buffer);
    return app_received(app, app->buffer, size);
}

static int on_eof_received(eddy_protocol *protocol)
{
    struct app *app = (struct app *)protocol;

    MUST(app->made == 1 && app->lost == 0 && app->eofs++ == 0);
    MUST(!app->is_paused && !app->is_closing);
    app_write(app, 100);
    if (app->habits & APP_CLOSES)
        app_close(app);
    return (app->habits & APP_ECHOES) != 0;
}

static int on_pause_writing(eddy_protocol *protocol)
{
    struct app *app = (struct app *)protocol;

    MUST(app->made == 1 && app->lost == 0 && !app->is_full);
    app->is_full = true;
    return 0;
}

static int on_resume_writing(eddy_protocol *protocol)
{
    struct app *app = (struct app *)protocol;

    MUST(app->made == 1 && app->lost == 0 && app->is_full);
    app->is_full = false;
    return 0;
}

static int on_connection_lost(eddy_protocol *protocol, int error)
{
    struct app *app = (struct app *)protocol;

    MUST(app->made == 1 && app->lost++ == 0);
    MUST(error <= 0);
    app_write(app, 1);
    return 0;
}

static const eddy_protocol_callbacks plain_callbacks = {
    .connection_made = on_connection_made,
    .data_received = on_data_received,
    .eof_received = on_eof_received,
    .pause_writing = on_pause_writing,
    .resume_writing = on_resume_writing,
    .connection_lost = on_connection_lost,
};

static const eddy_protocol_callbacks buffered_callbacks = {
    .connection_made = on_connection_made,
    .get_buffer = on_get_buffer,
    .buffer_updated = on_buffer_updated,
    .eof_received = on_eof_received,
    .pause_writing = on_pause_writing,
    .resume_writing = on_resume_writing,
    .connection_lost = on_connection_lost,
};

void app_init(struct app *app, bool is_buffered, unsigned habits)
{
    memset(app, 0, sizeof *app);
    eddy_protocol_init(&app->protocol, is_buffered ? &buffered_callbacks : &plain_callbacks);
    app->habits = habits;
}

void app_write(struct app *app, size_t size)
{
    static uint8_t data[65536];

    MUST(size <= sizeof data);
    if (app->transport == NULL)
        return;
    for (size_t i = 0; i < size; i++)
        data[i] = pattern_at(app->written + i);
    MUST(eddy_transport_write(app->transport, data, size) == 0);
    app->written += size;
}

void app_close(struct app *app)
{
    if (app->transport == NULL)
        return;
    app->is_closing = true;
    eddy_transport_close(app->transport);
    MUST(eddy_transport_is_closing(app->transport));
}

void app_abort(struct app *app)
{
    if (app->transport == NULL)
        return;
    app->is_closing = true;
    eddy_transport_abort(app->transport);
    MUST(eddy_transport_is_closing(app->transport));
}

void app_pause(struct app *app, bool pause)
{
    if (app->transport == NULL)
        return;
    if (!pause) {
        app->is_paused = false;
        eddy_transport_resume_reading(app->transport);
    } else if (!eddy_transport_is_closing(app->transport)) {
        app->is_paused = true;
        eddy_transport_pause_reading(app->transport);
    }
}

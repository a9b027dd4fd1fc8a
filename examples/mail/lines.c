/* SPDX-License-Identifier: MIT */
#include "lines.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE EDDY_SECONDS(300)

struct lines {
    eddy_protocol protocol;
    eddy_transport *transport; /* a reference; NULL while the connection becomes TLS */
    eddy_function talk;
    void *arg;
    int holders; /* the connection, and who talks */
    bool is_lost;
    eddy_future *more; /* who waits for input; or NULL */
    size_t start, end; /* of what was not read yet */
    char input[8192];
};

static void lines_drop(struct lines *lines)
{
    if (--lines->holders > 0)
        return;
    eddy_transport_unref(lines->transport);
    free(lines);
}

static int lines_wake(struct lines *lines)
{
    if (lines->more == NULL || eddy_future_done(lines->more))
        return 0;
    return eddy_future_set_result(lines->more, (eddy_value){0});
}

static void lines_end_talk(void *lines)
{
    lines_close(lines);
}

static int on_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct lines *lines = (struct lines *)protocol;

    lines->transport = eddy_transport_ref(transport);
    lines->holders++;
    if (lines->talk != NULL)
        eddy_future_unref(eddy_loop_create_task(eddy_transport_get_loop(transport), lines->talk,
                                                lines,
                                                &(eddy_task_options){.release = lines_end_talk}));
    return 0;
}

static int on_get_buffer(eddy_protocol *protocol, ptrdiff_t hint, void **buffer, size_t *size)
{
    struct lines *lines = (struct lines *)protocol;

    (void)hint;
    memmove(lines->input, lines->input + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    *buffer = lines->input + lines->end;
    *size = sizeof lines->input - lines->end;
    return *size > 0 ? 0 : eddy_error(EDDY_EPROTO, "too much at once");
}

static int on_buffer_updated(eddy_protocol *protocol, size_t size)
{
    struct lines *lines = (struct lines *)protocol;

    lines->end += size;
    if (lines->end == sizeof lines->input && lines->transport != NULL)
        eddy_transport_pause_reading(lines->transport); /* until somebody needs more */
    return lines_wake(lines);
}

static int on_connection_lost(eddy_protocol *protocol, int error)
{
    struct lines *lines = (struct lines *)protocol;

    lines->is_lost = true;
    error = lines_wake(lines);
    lines_drop(lines);
    return error;
}

static const eddy_protocol_callbacks callbacks = {
    .connection_made = on_connection_made,
    .get_buffer = on_get_buffer,
    .buffer_updated = on_buffer_updated,
    .connection_lost = on_connection_lost,
};

eddy_protocol *lines_new(eddy_function talk, void *arg)
{
    struct lines *lines = calloc(1, sizeof *lines);

    if (lines == NULL)
        return NULL;
    eddy_protocol_init(&lines->protocol, &callbacks);
    lines->talk = talk;
    lines->arg = arg;
    lines->holders = 1;
    return &lines->protocol;
}

void *lines_arg(const struct lines *lines)
{
    return lines->arg;
}

/* Wait until there is more, or the end. */
static int lines_wait(struct lines *lines)
{
    int error;

    if (lines->end - lines->start == sizeof lines->input)
        return eddy_error(EDDY_EPROTO, "a line without an end");
    eddy_transport_resume_reading(lines->transport);
    lines->more = eddy_loop_create_future(eddy_get_running_loop());
    error = eddy_await_for(eddy_future_ref(lines->more), PATIENCE, NULL);
    eddy_future_unref(lines->more);
    lines->more = NULL;
    return error;
}

int lines_read(struct lines *lines, char **line)
{
    char *begin;
    char *end;

    for (;;) {
        int error;

        begin = lines->input + lines->start;
        end = memchr(begin, '\n', lines->end - lines->start);
        if (end != NULL)
            break;
        if (lines->is_lost)
            return 0;
        error = lines_wait(lines);
        if (error)
            return error;
    }
    if (end == begin || end[-1] != '\r' || memchr(begin, '\0', (size_t)(end - begin)) != NULL)
        return eddy_error(EDDY_EPROTO, "a line that is none");
    end[-1] = '\0';
    lines->start = (size_t)(end + 1 - lines->input);
    *line = begin;
    return 1;
}

int lines_write(struct lines *lines, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof text - 2, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof text - 2)
        return eddy_error(EDDY_EOVERFLOW, "too long a line");
    memcpy(text + size, "\r\n", 2);
    return eddy_transport_write(lines->transport, text, (size_t)size + 2);
}

bool lines_are_waiting(const struct lines *lines)
{
    return lines->start < lines->end;
}

int lines_start_tls(struct lines *lines, eddy_tls_context *context, const char *server_hostname)
{
    eddy_transport *plain = lines->transport;
    eddy_value encrypted;
    int error;

    if (lines_are_waiting(lines))
        return eddy_error(EDDY_EPROTO, "more than TLS may follow");
    lines->transport = NULL;
    error = eddy_await(
        eddy_loop_start_tls(eddy_get_running_loop(), plain, &lines->protocol, context,
                            &(eddy_start_tls_options){.server_hostname = server_hostname}),
        &encrypted);
    lines->transport = error ? plain : encrypted.transport;
    if (error == 0)
        eddy_transport_unref(plain);
    return error;
}

void lines_close(struct lines *lines)
{
    if (lines == NULL)
        return;
    eddy_transport_close(lines->transport);
    lines_drop(lines);
}

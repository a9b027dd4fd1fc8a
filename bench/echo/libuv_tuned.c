/* SPDX-License-Identifier: MIT */
/* libuv as one who knows it well writes it: one buffer for all, and a write is tried at once. */
#include "job.h"
#include <uv.h>

enum { BUFFER = 64 * 1024 };

/* What the system did not take at once. */
struct rest {
    uv_write_t request;
    char data[];
};

union connection {
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

static int is_unix;

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char memory[BUFFER];

    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(memory, sizeof memory);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_written(uv_write_t *request, int status)
{
    uv_stream_t *stream = request->handle;

    free(request);
    if (status == 0)
        uv_read_start(stream, on_alloc, on_read);
}

static void write_rest(uv_stream_t *stream, const char *data, size_t size)
{
    struct rest *rest = malloc(sizeof *rest + size);
    uv_buf_t buffer;

    job_need(rest == NULL, "malloc");
    memcpy(rest->data, data, size);
    buffer = uv_buf_init(rest->data, (unsigned)size);
    uv_read_stop(stream);
    uv_write(&rest->request, stream, &buffer, 1, on_written);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    uv_buf_t answer;
    int sent;

    if (n < 0)
        uv_close((uv_handle_t *)stream, on_closed);
    if (n <= 0)
        return;
    answer = uv_buf_init(buffer->base, (unsigned)n);
    sent = uv_try_write(stream, &answer, 1);
    if (sent < 0 && sent != UV_EAGAIN)
        uv_close((uv_handle_t *)stream, on_closed);
    else if (sent < n)
        write_rest(stream, buffer->base + (sent > 0 ? sent : 0),
                   (size_t)(n - (sent > 0 ? sent : 0)));
}

static void connection_init(union connection *connection, uv_loop_t *loop)
{
    if (is_unix)
        uv_pipe_init(loop, &connection->pipe, 0);
    else
        uv_tcp_init(loop, &connection->tcp);
}

static void on_connection(uv_stream_t *listener, int status)
{
    union connection *connection = malloc(sizeof *connection);

    job_need(connection == NULL || status != 0, "accepting");
    connection_init(connection, listener->loop);
    job_need(uv_accept(listener, &connection->stream), "uv_accept");
    uv_read_start(&connection->stream, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    uv_loop_t *loop = uv_default_loop();
    union connection listener;

    is_unix = job.is_unix;
    connection_init(&listener, loop);
    job_need(is_unix ? uv_pipe_open(&listener.pipe, job.fd) : uv_tcp_open(&listener.tcp, job.fd),
             "opening the listener");
    job_need(uv_listen(&listener.stream, 4096, on_connection), "uv_listen");
    return uv_run(loop, UV_RUN_DEFAULT);
}

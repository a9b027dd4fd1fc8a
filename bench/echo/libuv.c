/* SPDX-License-Identifier: MIT */
/* libuv with what its guide shows: memory for each read, a request for each write. */
#include "job.h"
#include <uv.h>

struct answer {
    uv_write_t request;
    uv_buf_t buffer;
};

union connection {
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

static int is_unix;

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    *buffer = uv_buf_init(malloc(suggested), (unsigned)suggested);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_written(uv_write_t *request, int status)
{
    struct answer *answer = (struct answer *)request;

    (void)status;
    free(answer->buffer.base);
    free(answer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct answer *answer;

    if (n <= 0) {
        free(buffer->base);
        if (n < 0)
            uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    answer = malloc(sizeof *answer);
    job_need(answer == NULL, "malloc");
    answer->buffer = uv_buf_init(buffer->base, (unsigned)n);
    uv_write(&answer->request, stream, &answer->buffer, 1, on_written);
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

/* SPDX-License-Identifier: MIT */
/* libuv with one buffer for all. */
#include "echo/job.h"
#include <uv.h>

enum { BUFFER = 256 * 1024 };

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

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    (void)buffer;
    if (n < 0)
        uv_close((uv_handle_t *)stream, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    uv_tcp_t *connection = malloc(sizeof *connection);

    job_need(connection == NULL || status != 0, "accepting");
    uv_tcp_init(listener->loop, connection);
    job_need(uv_accept(listener, (uv_stream_t *)connection), "uv_accept");
    uv_read_start((uv_stream_t *)connection, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    uv_tcp_t listener;

    uv_tcp_init(uv_default_loop(), &listener);
    job_need(uv_tcp_open(&listener, job.fd), "uv_tcp_open");
    job_need(uv_listen((uv_stream_t *)&listener, 100, on_connection), "uv_listen");
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

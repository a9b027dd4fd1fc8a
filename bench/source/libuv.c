/* SPDX-License-Identifier: MIT */
/* libuv: two requests under way, each sent anew when it is done. */
#include "echo/job.h"
#include <uv.h>

enum { PIECE = 256 * 1024, REQUESTS = 2 };

struct source {
    uv_tcp_t tcp;
    uv_write_t requests[REQUESTS];
};

static char piece[PIECE];

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_written(uv_write_t *request, int status)
{
    uv_buf_t buffer = uv_buf_init(piece, sizeof piece);
    uv_handle_t *handle = (uv_handle_t *)request->handle;

    if (status == 0)
        uv_write(request, request->handle, &buffer, 1, on_written);
    else if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct source *source = malloc(sizeof *source);
    uv_buf_t buffer = uv_buf_init(piece, sizeof piece);
    int i;

    job_need(source == NULL || status != 0, "accepting");
    uv_tcp_init(listener->loop, &source->tcp);
    job_need(uv_accept(listener, (uv_stream_t *)&source->tcp), "uv_accept");
    for (i = 0; i < REQUESTS; i++)
        uv_write(&source->requests[i], (uv_stream_t *)&source->tcp, &buffer, 1, on_written);
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

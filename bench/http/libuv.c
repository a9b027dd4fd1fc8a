/* SPDX-License-Identifier: MIT */
/* libuv: files are opened and read on its threads, piece by piece, as its guide does it. */
#include "http.h"
#include <uv.h>

enum { PIECE = 64 * 1024 };

struct client {
    uv_tcp_t handle; /* first: its address is ours */
    uv_fs_t step;
    uv_write_t write;
    int file; /* -1: no request is being answered */
    int is_closing;
    int is_begun; /* the head was sent */
    int64_t left;
    size_t filled;
    char head[HTTP_HEAD_MAX];
    char request[HTTP_REQUEST_MAX];
    char piece[PIECE];
};

static void client_serve(struct client *client);
static void client_read_file(struct client *client);

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void client_close(struct client *client)
{
    if (!client->is_closing && client->file < 0)
        uv_close((uv_handle_t *)&client->handle, on_closed);
    client->is_closing = 1;
}

static void on_file_closed(uv_fs_t *step)
{
    struct client *client = step->data;

    uv_fs_req_cleanup(step);
    client->file = -1;
    if (client->is_closing)
        uv_close((uv_handle_t *)&client->handle, on_closed);
    else
        client_serve(client);
}

static void client_end_file(struct client *client)
{
    uv_fs_close(uv_default_loop(), &client->step, client->file, on_file_closed);
}

static void on_written(uv_write_t *write, int status)
{
    struct client *client = write->data;

    if (status != 0)
        client->is_closing = 1;
    if (client->left > 0 && !client->is_closing)
        client_read_file(client);
    else
        client_end_file(client);
}

static void on_read(uv_fs_t *step)
{
    struct client *client = step->data;
    uv_buf_t parts[2];
    unsigned count = 0;
    ssize_t size = step->result;

    uv_fs_req_cleanup(step);
    if (size <= 0 || client->is_closing) {
        client->is_closing = 1;
        client_end_file(client);
        return;
    }
    client->left -= size;
    if (!client->is_begun)
        parts[count++] = uv_buf_init(client->head, (unsigned)strlen(client->head));
    parts[count++] = uv_buf_init(client->piece, (unsigned)size);
    job_need(uv_write(&client->write, (uv_stream_t *)&client->handle, parts, count, on_written) !=
                 0,
             "uv_write");
    client->is_begun = 1;
}

static void client_read_file(struct client *client)
{
    uv_buf_t room = uv_buf_init(client->piece, PIECE);

    uv_fs_read(uv_default_loop(), &client->step, client->file, &room, 1, -1, on_read);
}

static void on_status(uv_fs_t *step)
{
    struct client *client = step->data;
    int64_t size = (int64_t)step->statbuf.st_size;

    uv_fs_req_cleanup(step);
    client->left = size;
    client->is_begun = 0;
    http_head(client->head, size);
    client_read_file(client);
}

static void on_opened(uv_fs_t *step)
{
    struct client *client = step->data;
    int file = (int)step->result;

    uv_fs_req_cleanup(step);
    if (file < 0) {
        client->file = -1;
        client->is_closing = 0;
        client_close(client);
        return;
    }
    client->file = file;
    uv_fs_fstat(uv_default_loop(), &client->step, file, on_status);
}

static void client_serve(struct client *client)
{
    char path[HTTP_PATH_MAX], whole[HTTP_PATH_MAX + 512];
    int used = http_parse(client->request, client->filled, path);

    if (used == 0)
        return;
    if (used < 0) {
        client_close(client);
        return;
    }
    client->filled -= (size_t)used;
    memmove(client->request, client->request + used, client->filled);
    snprintf(whole, sizeof whole, "%s/%s", http_folder(), path);
    client->file = INT32_MAX; /* until it is known */
    uv_fs_open(uv_default_loop(), &client->step, whole, O_RDONLY, 0, on_opened);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct client *client = (struct client *)handle;

    (void)suggested;
    *room = uv_buf_init(client->request + client->filled,
                        (unsigned)(sizeof client->request - client->filled));
}

static void on_data(uv_stream_t *stream, ssize_t size, const uv_buf_t *room)
{
    struct client *client = (struct client *)stream;

    (void)room;
    if (size < 0) {
        uv_read_stop(stream);
        client_close(client);
        return;
    }
    client->filled += (size_t)size;
    if (client->file < 0)
        client_serve(client);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct client *client = calloc(1, sizeof *client);

    job_need(status != 0 || client == NULL, "a connection");
    client->file = -1;
    client->step.data = client->write.data = client;
    uv_tcp_init(uv_default_loop(), &client->handle);
    job_need(uv_accept(listener, (uv_stream_t *)&client->handle) != 0, "uv_accept");
    uv_read_start((uv_stream_t *)&client->handle, on_room, on_data);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    uv_tcp_t listener;

    uv_tcp_init(uv_default_loop(), &listener);
    uv_tcp_open(&listener, job.fd);
    job_need(uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection) != 0, "uv_listen");
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

/* SPDX-License-Identifier: MIT */
/* eddy by a protocol: eddy_loop_sendfile() behind the head. */
#include "http.h"
#include <eddy/eddy.h>
#include <sys/socket.h>

struct client {
    eddy_protocol protocol;
    eddy_transport *transport; /* NULL: the connection is lost */
    bool is_sending;           /* keeps this alive, too */
    size_t filled;
    char request[HTTP_REQUEST_MAX];
};

static int folder;

static void client_serve(struct client *client);

static void client_free(struct client *client)
{
    if (client->transport == NULL && !client->is_sending)
        free(client);
}

static int client_on_sent(eddy_future *future, void *arg)
{
    struct client *client = arg;

    (void)future;
    client->is_sending = false;
    if (client->transport != NULL)
        client_serve(client);
    client_free(client);
    return 0;
}

static void client_answer(struct client *client, const char *path)
{
    eddy_sendfile_options options = {0};
    char head[HTTP_HEAD_MAX];
    int64_t size;
    int file = http_open(folder, path, &size);
    eddy_future *sent;

    if (file < 0) {
        eddy_transport_write(client->transport, HTTP_MISSING, sizeof HTTP_MISSING - 1);
        return;
    }
    options.head = (eddy_buffer){head, (size_t)http_head(head, size)};
    sent = eddy_loop_sendfile(eddy_transport_get_loop(client->transport), client->transport, file,
                              0, size, &options);
    close(file);
    client->is_sending = true;
    job_need(eddy_future_add_done_callback(sent, client_on_sent, client) != 0, "a callback");
    eddy_future_unref(sent);
}

static void client_serve(struct client *client)
{
    char path[HTTP_PATH_MAX];
    int used;

    while (!client->is_sending && (used = http_parse(client->request, client->filled, path)) != 0) {
        if (used < 0) {
            eddy_transport_close(client->transport);
            return;
        }
        client->filled -= (size_t)used;
        memmove(client->request, client->request + used, client->filled);
        client_answer(client, path);
    }
}

static int client_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct client *)protocol)->transport = transport;
    return 0;
}

static int client_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    struct client *client = (struct client *)protocol;

    if (size > sizeof client->request - client->filled) {
        eddy_transport_close(client->transport);
        return 0;
    }
    memcpy(client->request + client->filled, data, size);
    client->filled += size;
    client_serve(client);
    return 0;
}

static int client_connection_lost(eddy_protocol *protocol, int error)
{
    struct client *client = (struct client *)protocol;

    (void)error;
    client->transport = NULL;
    client_free(client);
    return 0;
}

static const eddy_protocol_callbacks client_callbacks = {
    .connection_made = client_connection_made,
    .data_received = client_data_received,
    .connection_lost = client_connection_lost,
};

static eddy_protocol *client_new(void *arg)
{
    struct client *client = calloc(1, sizeof *client);

    (void)arg;
    if (client != NULL)
        eddy_protocol_init(&client->protocol, &client_callbacks);
    return (eddy_protocol *)client;
}

static int serve(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_socket sock = job->fd;
    eddy_value server;
    int error;

    (void)result;
    error = eddy_await(
        eddy_loop_create_server(eddy_get_running_loop(), client_new, NULL, NULL, 0,
                                &(eddy_server_options){.sock = &sock, .backlog = SOMAXCONN}),
        &server);
    return error ? error : eddy_await(eddy_server_serve_forever(server.server), NULL);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);

    folder = open(http_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    job_need(eddy_run(serve, &job, NULL, NULL), "serving");
    return 0;
}

/* SPDX-License-Identifier: MIT */
/**
 * An echo client with callbacks: `echo_client [PORT [MESSAGE]]` connects to this machine, writes
 * the message, prints the echo, and ends when the server has closed the connection.
 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client {
    eddy_protocol protocol;
    const char *message;
    int port;
    eddy_future *lost; /* a reference of its own: the task may be cancelled before */
};

static int client_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct client *client = (struct client *)protocol;
    int error = eddy_transport_write(transport, client->message, strlen(client->message));

    if (error)
        return error;
    printf("Data sent: %s\n", client->message);
    return eddy_transport_write_eof(transport);
}

static int client_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    (void)protocol;
    printf("Data received: %.*s\n", (int)size, (const char *)data);
    return 0;
}

static int client_connection_lost(eddy_protocol *protocol, int error)
{
    struct client *client = (struct client *)protocol;

    printf("The server closed the connection\n");
    if (eddy_future_done(client->lost))
        return 0; /* the task was cancelled while it waited for this */
    return error ? eddy_future_set_exception(client->lost, error)
                 : eddy_future_set_result(client->lost, (eddy_value){0});
}

static const eddy_protocol_callbacks client_callbacks = {
    .connection_made = client_connection_made,
    .data_received = client_data_received,
    .connection_lost = client_connection_lost,
};

static eddy_protocol *client_factory(void *arg)
{
    return arg;
}

static int talk(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    struct client *client = arg;
    int error;

    (void)result;
    client->lost = eddy_loop_create_future(loop);
    error = eddy_await(eddy_loop_create_connection(loop, client_factory, &client->protocol,
                                                   "127.0.0.1", client->port, NULL),
                       NULL);
    if (error)
        return error;
    return eddy_await(eddy_future_ref(client->lost), NULL); /* which takes one reference */
}

int main(int argc, char **argv)
{
    struct client client = {.message = argc > 2 ? argv[2] : "Hello World!",
                            .port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 7777};
    int error;

    eddy_protocol_init(&client.protocol, &client_callbacks);
    error = eddy_run(talk, &client, NULL, NULL);
    eddy_future_unref(client.lost);
    if (error)
        fprintf(stderr, "echo_client: %s\n", eddy_error_text());
    return error != 0;
}

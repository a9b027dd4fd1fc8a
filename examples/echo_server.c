/* SPDX-License-Identifier: MIT */
/** An echo server with callbacks: `echo_server [PORT]`, 7777 if none is given. Ctrl-C ends it. */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>

struct echo {
    eddy_protocol protocol; /* first member: a protocol is embedded in the program's own struct */
    eddy_transport *transport; /* alive until connection_lost() returns */
};

static int echo_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct echo *)protocol)->transport = transport;
    return 0;
}

static int echo_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    return eddy_transport_write(((struct echo *)protocol)->transport, data, size);
}

/** A client that sends but does not take its echo is held back: no more is read meanwhile. */
static int echo_pause_writing(eddy_protocol *protocol)
{
    return eddy_transport_pause_reading(((struct echo *)protocol)->transport);
}

static int echo_resume_writing(eddy_protocol *protocol)
{
    return eddy_transport_resume_reading(((struct echo *)protocol)->transport);
}

static int echo_connection_lost(eddy_protocol *protocol, int error)
{
    (void)error;
    free(protocol); /* always the last call, for every protocol that a factory returned */
    return 0;
}

static const eddy_protocol_callbacks echo_callbacks = {
    .connection_made = echo_connection_made,
    .data_received = echo_data_received,
    .pause_writing = echo_pause_writing,
    .resume_writing = echo_resume_writing,
    .connection_lost = echo_connection_lost,
};

static eddy_protocol *echo_new(void *arg)
{
    struct echo *echo = calloc(1, sizeof *echo);

    (void)arg;
    if (echo == NULL)
        return NULL; /* this connection is refused, the server goes on */
    eddy_protocol_init(&echo->protocol, &echo_callbacks);
    return &echo->protocol;
}

static int serve(void *arg, eddy_value *result) /* a task: it may await */
{
    const int *port = arg;
    eddy_address address;
    eddy_value server;
    int error;

    (void)result;
    error = eddy_await(
        eddy_loop_create_server(eddy_get_running_loop(), echo_new, NULL, "127.0.0.1", *port, NULL),
        &server);
    if (error)
        return error;
    if (eddy_socket_view_getsockname(eddy_server_socket(server.server, 0), &address) == 0)
        printf("echoing on port %d\n", eddy_address_port(&address));
    fflush(stdout);
    error = eddy_await(eddy_server_serve_forever(server.server), NULL);
    eddy_server_unref(server.server); /* who takes a result out owns a reference */
    return error;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 7777;
    int error = eddy_run(serve, &port, NULL, NULL); /* loop, task, Ctrl-C, orderly shutdown */

    if (error && error != EDDY_ECANCELED)
        fprintf(stderr, "echo_server: %s\n", eddy_error_text());
    return error != 0 && error != EDDY_ECANCELED;
}

/* SPDX-License-Identifier: MIT */
/**
 * The echo server in straight-line code: a task for each connection. `echo_server_task [PORT]`,
 * 7777 if none is given. Ctrl-C ends it.
 */
#include "wire.h"
#include <stdio.h>

static int echo(void *arg, eddy_value *result)
{
    struct wire *wire = arg;
    char buffer[4096];
    int64_t n;

    (void)result;
    while ((n = wire_receive(wire, buffer, sizeof buffer)) > 0)
        if ((n = wire_send(wire, buffer, (size_t)n)) < 0)
            break;
    wire_close(wire);
    return n == EDDY_ECANCELED ? (int)n : 0; /* a client that went away is no error of ours */
}

static int serve(void *arg, eddy_value *result)
{
    const int *port = arg;
    eddy_function function = echo;
    eddy_address address;
    eddy_value server;
    int error;

    (void)result;
    error = eddy_await(eddy_loop_create_server(eddy_get_running_loop(), wire_factory, &function,
                                               "127.0.0.1", *port, NULL),
                       &server);
    if (error)
        return error;
    if (eddy_socket_view_getsockname(eddy_server_socket(server.server, 0), &address) == 0)
        printf("echoing on port %d\n", eddy_address_port(&address));
    fflush(stdout);
    error = eddy_await(eddy_server_serve_forever(server.server), NULL);
    eddy_server_unref(server.server);
    return error;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 7777;
    int error = eddy_run(serve, &port, NULL, NULL);

    if (error && error != EDDY_ECANCELED)
        fprintf(stderr, "echo_server_task: %s\n", eddy_error_text());
    return error != 0 && error != EDDY_ECANCELED;
}

/* SPDX-License-Identifier: MIT */
/**
 * The echo server in straight-line code: a task for each connection. `echo_server_task [PORT]`,
 * 7777 if none is given. Ctrl-C ends it.
 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>

/** One connection: send back what comes, until nothing does. */
static int echo(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_socket sock = (eddy_socket)(intptr_t)arg;
    char buffer[4096];
    eddy_value n;
    int error;

    (void)result;
    while ((error = eddy_await(eddy_loop_sock_recv_into(loop, sock, buffer, sizeof buffer), &n)) ==
               0 &&
           n.size > 0) {
        error = eddy_await(eddy_loop_sock_sendall(loop, sock, buffer, n.size), NULL);
        if (error)
            break;
    }
    eddy_socket_close(sock);
    return error == EDDY_ECANCELED ? error : 0; /* a client that went away is no error of ours */
}

/** Accept for ever. */
static int serve_on(eddy_socket listener)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_value client;
    int error;

    while ((error = eddy_await(eddy_loop_sock_accept(loop, listener, NULL), &client)) == 0) {
        if (eddy_loop_spawn(loop, echo, (void *)(intptr_t)client.socket) != 0)
            eddy_socket_close(client.socket); /* no memory: this client has to try again */
    }
    return error;
}

static int serve(void *arg, eddy_value *result)
{
    const int *port = arg;
    eddy_address address;
    eddy_socket listener;
    int error;

    (void)result;
    error = eddy_socket_new(eddy_get_running_loop(), EDDY_INET, EDDY_STREAM, EDDY_TCP, &listener);
    if (error)
        return error;
    if ((error = eddy_address_parse("127.0.0.1", *port, &address)) == 0 &&
        (error = eddy_socket_bind(listener, &address)) == 0 &&
        (error = eddy_socket_listen(listener, 100)) == 0 &&
        (error = eddy_socket_local_address(listener, &address)) == 0) {
        printf("echoing on port %d\n", eddy_address_port(&address));
        fflush(stdout);
        error = serve_on(listener);
    }
    eddy_socket_close(listener);
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

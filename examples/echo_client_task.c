/* SPDX-License-Identifier: MIT */
/** The echo client in straight-line code: `echo_client_task [PORT [MESSAGE]]`. */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct errand {
    const char *message;
    int port;
};

static int talk(void *arg, eddy_value *result)
{
    const struct errand *errand = arg;
    eddy_loop *loop = eddy_get_running_loop();
    char buffer[4096];
    eddy_socket sock;
    eddy_value n;
    int error;

    (void)result;
    error = eddy_socket_new(loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &sock);
    if (error)
        return error;
    error = eddy_await_for(eddy_loop_sock_connect_host(loop, sock, "127.0.0.1", errand->port),
                           EDDY_SECONDS(5), NULL);
    if (error)
        goto out;
    error = eddy_await(eddy_loop_sock_sendall(loop, sock, errand->message, strlen(errand->message)),
                       NULL);
    printf("Data sent: %s\n", errand->message);
    if (error == 0)
        error = eddy_socket_shutdown_send(sock);
    while (error == 0 &&
           (error = eddy_await(eddy_loop_sock_recv_into(loop, sock, buffer, sizeof buffer), &n)) ==
               0 &&
           n.size > 0)
        printf("Data received: %.*s\n", (int)n.size, buffer);
    printf("The server closed the connection\n");
out: /* also when the task was cancelled */
    eddy_socket_close(sock);
    return error;
}

int main(int argc, char **argv)
{
    struct errand errand = {.message = argc > 2 ? argv[2] : "Hello World!",
                            .port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 7777};
    int error = eddy_run(talk, &errand, NULL, NULL);

    if (error)
        fprintf(stderr, "echo_client_task: %s\n", eddy_error_text());
    return error != 0;
}

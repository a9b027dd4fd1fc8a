/* SPDX-License-Identifier: MIT */
/** The echo client in straight-line code: `echo_client_task [PORT [MESSAGE]]`. */
#include "wire.h"
#include <stdio.h>

struct errand {
    const char *message;
    int port;
};

static int talk(void *arg, eddy_value *result)
{
    const struct errand *errand = arg;
    eddy_value transport;
    struct wire *wire;
    char buffer[4096];
    int64_t n;
    int error;

    (void)result;
    error = eddy_await_for(eddy_loop_create_connection(eddy_get_running_loop(), wire_factory, NULL,
                                                       "127.0.0.1", errand->port, NULL),
                           EDDY_SECONDS(5), &transport);
    if (error)
        return error;
    wire = (struct wire *)eddy_transport_get_protocol(transport.transport);
    error = wire_send(wire, errand->message, strlen(errand->message));
    printf("Data sent: %s\n", errand->message);
    if (error == 0)
        error = eddy_transport_write_eof(transport.transport);
    while (error == 0 && (n = wire_receive(wire, buffer, sizeof buffer)) != 0) {
        if (n < 0)
            error = (int)n;
        else
            printf("Data received: %.*s\n", (int)n, buffer);
    }
    printf("The server closed the connection\n");
    wire_close(wire);
    eddy_transport_unref(transport.transport);
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

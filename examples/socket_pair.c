/* SPDX-License-Identifier: MIT */
/**
 * Makes a transport of a socket that exists already: of two connected sockets one becomes a
 * transport, and what is written to the other arrives at its protocol.
 */
#include <eddy/eddy.h>
#include <stdio.h>

struct printer {
    eddy_protocol protocol;
    eddy_transport *transport;
    eddy_future *lost;
};

static int printer_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct printer *)protocol)->transport = transport;
    return 0;
}

static int printer_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    printf("Received: %.*s\n", (int)size, (const char *)data);
    eddy_transport_close(((struct printer *)protocol)->transport);
    return 0;
}

static int printer_connection_lost(eddy_protocol *protocol, int error)
{
    eddy_future *lost = ((struct printer *)protocol)->lost;

    return error ? eddy_future_set_exception(lost, error)
                 : eddy_future_set_result(lost, (eddy_value){0});
}

static const eddy_protocol_callbacks printer_callbacks = {
    .connection_made = printer_connection_made,
    .data_received = printer_data_received,
    .connection_lost = printer_connection_lost,
};

/** There is only one connection, so the protocol lives in the task and the factory hands it out. */
static eddy_protocol *printer_factory(void *arg)
{
    return arg;
}

static int receive(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    struct printer printer = {.lost = eddy_loop_create_future(loop)};
    eddy_socket sockets[2];
    int error = eddy_socket_pair(loop, EDDY_STREAM, sockets);

    (void)arg;
    (void)result;
    if (error) {
        eddy_future_unref(printer.lost);
        return error;
    }
    eddy_protocol_init(&printer.protocol, &printer_callbacks);
    error =
        eddy_await(eddy_loop_create_connection(loop, printer_factory, &printer.protocol, NULL, 0,
                                               &(eddy_connection_options){.sock = &sockets[0]}),
                   NULL);
    if (error) {
        eddy_future_unref(printer.lost);
        eddy_socket_close(sockets[0]);
    } else {
        eddy_socket_send(sockets[1], "abc", 3);
        error = eddy_await(printer.lost, NULL);
    }
    eddy_socket_close(sockets[1]);
    return error;
}

int main(void)
{
    int error = eddy_run(receive, NULL, NULL, NULL);

    if (error)
        fprintf(stderr, "socket_pair: %s\n", eddy_strerror(error));
    return error != 0;
}

/* SPDX-License-Identifier: MIT */
/**
 * Datagrams by a transport: `datagrams echo PLACE` answers each with itself until it is stopped,
 * `datagrams ask PLACE TEXT` sends one and prints the answer. PLACE is HOST PORT, or the path of a
 * Unix socket; who asks there has PATH.client as its own address.
 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct endpoint {
    eddy_protocol protocol;
    eddy_transport *transport;
    const char *question; /* NULL: answer */
    eddy_future *answered;
};

static int on_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct endpoint *endpoint = (struct endpoint *)protocol;

    endpoint->transport = transport;
    if (endpoint->question == NULL)
        return 0;
    return eddy_transport_sendto(transport, endpoint->question, strlen(endpoint->question), NULL);
}

static int on_datagram(eddy_protocol *protocol, const void *data, size_t size,
                       const eddy_address *from)
{
    struct endpoint *endpoint = (struct endpoint *)protocol;

    if (endpoint->question == NULL)
        return eddy_transport_sendto(endpoint->transport, data, size, from);
    fwrite(data, 1, size, stdout);
    return eddy_future_set_result(endpoint->answered, (eddy_value){0});
}

static int on_error(eddy_protocol *protocol, int error)
{
    (void)protocol;
    fprintf(stderr, "datagrams: %s\n", eddy_strerror(error));
    return 0;
}

static const eddy_protocol_callbacks callbacks = {
    .connection_made = on_made,
    .datagram_received = on_datagram,
    .error_received = on_error,
};

static eddy_protocol *same_protocol(void *endpoint)
{
    return &((struct endpoint *)endpoint)->protocol;
}

struct call {
    struct endpoint endpoint;
    eddy_datagram_options options;
};

/* Say where, which who asks has to know. */
static void announce(eddy_transport *transport)
{
    char text[EDDY_ADDRESS_TEXT_MAX] = "";
    eddy_value name;

    if (eddy_transport_get_extra_info(transport, "sockname", &name))
        eddy_address_format(name.address, text, sizeof text);
    printf("answering at %s\n", text);
    fflush(stdout);
}

static int talk(void *arg, eddy_value *result)
{
    struct call *call = arg;
    struct endpoint *endpoint = &call->endpoint;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_value transport;
    int error;

    (void)result;
    endpoint->answered = eddy_loop_create_future(loop);
    error = eddy_await(
        eddy_loop_create_datagram_endpoint(loop, same_protocol, endpoint, &call->options),
        &transport);
    if (error == 0) {
        eddy_future *answered = eddy_future_ref(endpoint->answered);

        if (endpoint->question == NULL) {
            announce(transport.transport);
            error = eddy_await(answered, NULL); /* until it is stopped */
        } else {
            error = eddy_await_for(answered, EDDY_SECONDS(10), NULL);
        }
        eddy_transport_close(transport.transport);
        eddy_transport_unref(transport.transport);
    }
    eddy_future_unref(endpoint->answered);
    return error;
}

/* Puts the place of the arguments into the options; how many arguments that were. */
static int parse_place(char **argv, bool asks, eddy_datagram_options *options)
{
    static char own_path[256];

    if (strchr(argv[0], '/') != NULL) {
        *(asks ? &options->remote_path : &options->local_path) = argv[0];
        if (asks) {
            snprintf(own_path, sizeof own_path, "%s.client", argv[0]);
            options->local_path = own_path;
        }
        return 1;
    }
    *(asks ? &options->remote_host : &options->local_host) = argv[0];
    *(asks ? &options->remote_port : &options->local_port) = (int)strtol(argv[1], NULL, 10);
    return 2;
}

int main(int argc, char **argv)
{
    struct call call = {0};
    bool asks = argc > 3 && strcmp(argv[1], "ask") == 0;
    int error;

    if (argc < 4 && !(argc == 3 && strcmp(argv[1], "echo") == 0 && strchr(argv[2], '/') != NULL)) {
        fprintf(stderr, "usage: datagrams echo PLACE | ask PLACE TEXT\n");
        return 2;
    }
    if (parse_place(argv + 2, asks, &call.options) + 2 < argc)
        call.endpoint.question = argv[argc - 1];
    eddy_protocol_init(&call.endpoint.protocol, &callbacks);
    error = eddy_run(talk, &call, NULL, NULL);
    if (error)
        fprintf(stderr, "datagrams: %s\n", eddy_error_text());
    return error != 0;
}

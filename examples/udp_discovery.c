/* SPDX-License-Identifier: MIT */
/**
 * Who is there? `udp_discovery serve NAME [PORT]` joins a multicast group and answers questions
 * with its name; `udp_discovery find [PORT]` asks the group, and prints the answers of half a
 * second.
 *
 * All of it stays on this machine: the group's datagrams leave by the loopback interface.
 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the addresses that everybody may use within a network of their own. */
#define GROUP "239.255.77.77"

static const char question[] = "who is there?";

enum { LOOPBACK_INDEX = 1 };

struct discovery {
    eddy_protocol protocol;
    eddy_transport *transport;
    const char *name; /* NULL: ask */
    int port;
};

/* Send what goes to the group by the loopback interface. */
static int discovery_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct discovery *discovery = (struct discovery *)protocol;
    eddy_address group;
    eddy_value view;
    eddy_socket socket;
    int error = eddy_address_parse(GROUP, discovery->port, &group);

    discovery->transport = transport;
    if (error || !eddy_transport_get_extra_info(transport, "socket", &view))
        return error;
    socket = eddy_socket_view_fileno(view.socket_view);
    if (discovery->name != NULL)
        return eddy_socket_join_group(socket, &group, LOOPBACK_INDEX);
    error = eddy_socket_set_option(socket, EDDY_SOCKET_MULTICAST_INTERFACE, LOOPBACK_INDEX);
    return error ? error : eddy_transport_sendto(transport, question, strlen(question), &group);
}

static int discovery_datagram_received(eddy_protocol *protocol, const void *data, size_t size,
                                       const eddy_address *from)
{
    struct discovery *discovery = (struct discovery *)protocol;
    char text[EDDY_ADDRESS_TEXT_MAX];

    if (discovery->name == NULL) {
        eddy_address_host(from, text, sizeof text);
        printf("%.*s at %s\n", (int)size, (const char *)data, text);
        return 0;
    }
    if (size != strlen(question) || memcmp(data, question, size) != 0)
        return 0;
    return eddy_transport_sendto(discovery->transport, discovery->name, strlen(discovery->name),
                                 from);
}

static int discovery_error_received(eddy_protocol *protocol, int error)
{
    (void)protocol;
    fprintf(stderr, "udp_discovery: %s\n", eddy_strerror(error));
    return 0;
}

static const eddy_protocol_callbacks discovery_callbacks = {
    .connection_made = discovery_connection_made,
    .datagram_received = discovery_datagram_received,
    .error_received = discovery_error_received,
};

static eddy_protocol *discovery_factory(void *arg)
{
    return arg;
}

static int discover(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    struct discovery *discovery = arg;
    eddy_datagram_options options = {.local_host = "0.0.0.0"};
    eddy_value transport;
    int error;

    (void)result;
    if (discovery->name != NULL)
        options.local_port = discovery->port;
    error = eddy_await(
        eddy_loop_create_datagram_endpoint(loop, discovery_factory, &discovery->protocol, &options),
        &transport);
    if (error)
        return error;
    if (discovery->name != NULL) {
        printf("%s answers on port %d\n", discovery->name, discovery->port);
        fflush(stdout);
        error = eddy_await(eddy_loop_create_future(loop), NULL); /* until Ctrl-C */
    } else {
        error = eddy_await(eddy_sleep(EDDY_MILLISECONDS(500)), NULL);
    }
    eddy_transport_close(transport.transport);
    eddy_transport_unref(transport.transport);
    return error;
}

int main(int argc, char **argv)
{
    struct discovery discovery = {.port = 7755};
    bool serves = argc > 2 && strcmp(argv[1], "serve") == 0;
    int error;

    if (!serves && (argc < 2 || strcmp(argv[1], "find") != 0)) {
        fprintf(stderr, "usage: udp_discovery serve NAME [PORT] | find [PORT]\n");
        return 2;
    }
    if (serves)
        discovery.name = argv[2];
    if (argc > 2 + serves)
        discovery.port = (int)strtol(argv[2 + serves], NULL, 10);
    eddy_protocol_init(&discovery.protocol, &discovery_callbacks);
    error = eddy_run(discover, &discovery, NULL, NULL);
    if (error && error != EDDY_ECANCELED)
        fprintf(stderr, "udp_discovery: %s\n", eddy_error_text());
    return error != 0;
}

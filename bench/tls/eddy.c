/* SPDX-License-Identifier: MIT */
/* eddy by the protocol that serves TCP, too. */
#include "certificate.h"
#include <eddy/eddy.h>
#include <sys/socket.h>

struct echo {
    eddy_protocol protocol;
    eddy_transport *transport;
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
    free(protocol);
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
    if (echo != NULL)
        eddy_protocol_init(&echo->protocol, &echo_callbacks);
    return (eddy_protocol *)echo;
}

static int serve(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_socket sock = job->fd;
    eddy_server_options options = {.sock = &sock, .backlog = SOMAXCONN};
    eddy_value server;
    int error;

    (void)result;
    error = eddy_tls_context_new(
        &(eddy_tls_options){.server = true, .certificate_file = certificate_file()}, &options.tls);
    if (error)
        return error;
    error = eddy_await(
        eddy_loop_create_server(eddy_get_running_loop(), echo_new, NULL, NULL, 0, &options),
        &server);
    return error ? error : eddy_await(eddy_server_serve_forever(server.server), NULL);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);

    job_need(eddy_run(serve, &job, NULL, NULL), "serving");
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* eddy: writes until it is told to pause. */
#include "echo/job.h"
#include <eddy/eddy.h>

enum { PIECE = 256 * 1024 };

struct source {
    eddy_protocol protocol;
    eddy_transport *transport;
    bool paused;
};

static char piece[PIECE];

static void piece_release(void *arg)
{
    (void)arg;
}

static int source_write(struct source *source)
{
    while (!source->paused && !eddy_transport_is_closing(source->transport))
        eddy_transport_write_owned(source->transport, piece, sizeof piece, piece_release, NULL);
    return 0;
}

static int source_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct source *)protocol)->transport = transport;
    return source_write((struct source *)protocol);
}

static int source_pause_writing(eddy_protocol *protocol)
{
    ((struct source *)protocol)->paused = true;
    return 0;
}

static int source_resume_writing(eddy_protocol *protocol)
{
    ((struct source *)protocol)->paused = false;
    return source_write((struct source *)protocol);
}

static int source_connection_lost(eddy_protocol *protocol, int error)
{
    (void)error;
    free(protocol);
    return 0;
}

static const eddy_protocol_callbacks source_callbacks = {
    .connection_made = source_connection_made,
    .pause_writing = source_pause_writing,
    .resume_writing = source_resume_writing,
    .connection_lost = source_connection_lost,
};

static eddy_protocol *source_new(void *arg)
{
    struct source *source = calloc(1, sizeof *source);

    (void)arg;
    if (source != NULL)
        eddy_protocol_init(&source->protocol, &source_callbacks);
    return (eddy_protocol *)source;
}

static int serve(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_socket sock = job->fd;
    eddy_value server;
    int error;

    (void)result;
    error = eddy_await(eddy_loop_create_server(eddy_get_running_loop(), source_new, NULL, NULL, 0,
                                               &(eddy_server_options){.sock = &sock}),
                       &server);
    return error ? error : eddy_await(eddy_server_serve_forever(server.server), NULL);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);

    job_need(eddy_run(serve, &job, NULL, NULL), "serving");
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* eddy: a protocol that takes what comes and forgets it. */
#include "echo/job.h"
#include <eddy/eddy.h>

static int sink_connection_lost(eddy_protocol *protocol, int error)
{
    (void)error;
    free(protocol);
    return 0;
}

static const eddy_protocol_callbacks sink_callbacks = {.connection_lost = sink_connection_lost};

static eddy_protocol *sink_new(void *arg)
{
    eddy_protocol *sink = calloc(1, sizeof *sink);

    (void)arg;
    if (sink != NULL)
        eddy_protocol_init(sink, &sink_callbacks);
    return sink;
}

static int serve(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_socket sock = job->fd;
    eddy_value server;
    int error;

    (void)result;
    error = eddy_await(eddy_loop_create_server(eddy_get_running_loop(), sink_new, NULL, NULL, 0,
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

/* SPDX-License-Identifier: MIT */
/* eddy: what has come is answered one by one, by a protocol. */
#include "echo/job.h"
#include <eddy/eddy.h>

struct echo {
    eddy_protocol protocol;
    eddy_transport *transport;
};

static int echo_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct echo *)protocol)->transport = transport;
    return 0;
}

static int echo_datagram_received(eddy_protocol *protocol, const void *data, size_t size,
                                  const eddy_address *from)
{
    return eddy_transport_sendto(((struct echo *)protocol)->transport, data, size, from);
}

static const eddy_protocol_callbacks echo_callbacks = {
    .connection_made = echo_connection_made,
    .datagram_received = echo_datagram_received,
};

static eddy_protocol *echo_new(void *arg)
{
    eddy_protocol_init(arg, &echo_callbacks);
    return arg;
}

static int serve(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_socket sock = job->fd;
    eddy_loop *loop = eddy_get_running_loop();
    struct echo echo;
    int error;

    (void)result;
    error = eddy_await(eddy_loop_create_datagram_endpoint(loop, echo_new, &echo,
                                                          &(eddy_datagram_options){.sock = &sock}),
                       NULL);
    return error ? error : eddy_await(eddy_loop_create_future(loop), NULL);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);

    job_need(eddy_run(serve, &job, NULL, NULL), "serving");
    return 0;
}

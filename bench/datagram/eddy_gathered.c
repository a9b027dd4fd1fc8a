/* SPDX-License-Identifier: MIT */
/* eddy: what has come in one turn is answered by one call, at the beginning of the next. */
#include "echo/job.h"
#include <eddy/eddy.h>

enum { BATCH = 64, DATAGRAM = 2048 };

struct echo {
    eddy_protocol protocol;
    eddy_transport *transport;
    size_t count;
    eddy_outgoing_datagram datagrams[BATCH];
    eddy_address peers[BATCH];
    char data[BATCH][DATAGRAM];
};

static int on_answer(void *arg)
{
    struct echo *echo = arg;
    int64_t taken = eddy_transport_sendto_many(echo->transport, echo->datagrams, echo->count);

    echo->count = 0;
    return taken < 0 ? (int)taken : 0;
}

static int echo_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct echo *)protocol)->transport = transport;
    return 0;
}

static int echo_datagram_received(eddy_protocol *protocol, const void *data, size_t size,
                                  const eddy_address *from)
{
    struct echo *echo = (struct echo *)protocol;
    size_t i = echo->count;

    if (i == BATCH || size > DATAGRAM)
        return eddy_transport_sendto(echo->transport, data, size, from);
    memcpy(echo->data[i], data, size);
    echo->peers[i] = *from;
    echo->datagrams[i] = (eddy_outgoing_datagram){echo->data[i], size, &echo->peers[i]};
    if (echo->count++ > 0)
        return 0;
    return eddy_loop_call_soon(eddy_transport_get_loop(echo->transport), on_answer, echo, NULL);
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
    static struct echo echo;
    const struct job *job = arg;
    eddy_socket sock = job->fd;
    eddy_loop *loop = eddy_get_running_loop();
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

/* SPDX-License-Identifier: MIT */
/*
 * A port forwarder: `forwarder [--tls CERTIFICATE KEY] LISTEN TARGET`, each HOST:PORT, :PORT, or
 * the path of a Unix socket. With --tls those who come speak TLS, and the target need not.
 *
 * What comes from one side goes to the other, at the pace of the slower one: a side that is told to
 * pause writing pauses the other's reading. The end of a stream is passed on by itself, where the
 * other side can be ended by half; TLS cannot.
 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char host[256]; /* or a path */
    int port;       /* -1: a path */
};

struct pair;

struct end {
    eddy_protocol protocol;
    struct end *other;
    struct pair *pair;
    eddy_transport *transport; /* NULL before the connection and after it */
};

struct pair {
    struct end ends[2]; /* who came, and where that leads */
    int ends_left;
    const struct place *target;
};

static void end_is_over(struct end *end)
{
    end->transport = NULL;
    if (end->other->transport != NULL)
        eddy_transport_close(end->other->transport);
    if (--end->pair->ends_left == 0)
        free(end->pair);
}

static int on_connection_lost(eddy_protocol *protocol, int error)
{
    (void)error;
    end_is_over((struct end *)protocol);
    return 0;
}

static int on_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    return eddy_transport_write(((struct end *)protocol)->other->transport, data, size);
}

static int on_eof_received(eddy_protocol *protocol)
{
    eddy_transport *other = ((struct end *)protocol)->other->transport;
    int error;

    if (!eddy_transport_can_write_eof(other))
        return 0; /* this side closes, and that one with it */
    error = eddy_transport_write_eof(other);
    return error ? error : 1; /* the other direction stays open */
}

static int on_pause_writing(eddy_protocol *protocol)
{
    struct end *other = ((struct end *)protocol)->other;

    return other->transport != NULL ? eddy_transport_pause_reading(other->transport) : 0;
}

static int on_resume_writing(eddy_protocol *protocol)
{
    struct end *other = ((struct end *)protocol)->other;

    return other->transport != NULL ? eddy_transport_resume_reading(other->transport) : 0;
}

static int on_target_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct end *end = (struct end *)protocol;

    end->transport = transport;
    if (end->other->transport != NULL)
        return eddy_transport_resume_reading(end->other->transport);
    eddy_transport_close(transport); /* who came has left meanwhile */
    return 0;
}

static eddy_protocol *target_protocol(void *pair)
{
    return &((struct pair *)pair)->ends[1].protocol;
}

static int on_target(eddy_future *future, void *pair)
{
    /* Seen, and left open: the transport is its protocol's to close. */
    if (eddy_future_result(future, NULL) != 0) {
        fprintf(stderr, "forwarder: %s\n", eddy_error_text());
        end_is_over(&((struct pair *)pair)->ends[1]);
    }
    return 0;
}

static eddy_future *connect_to(eddy_loop *loop, const struct place *place, struct pair *pair)
{
    if (place->port < 0)
        return eddy_loop_create_unix_connection(loop, target_protocol, pair, place->host, NULL);
    return eddy_loop_create_connection(loop, target_protocol, pair, place->host, place->port, NULL);
}

static int on_client_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct end *end = (struct end *)protocol;
    eddy_future *target;
    int error;

    end->transport = transport;
    eddy_transport_pause_reading(transport); /* until there is somewhere to write */
    target = connect_to(eddy_transport_get_loop(transport), end->pair->target, end->pair);
    error = eddy_future_add_done_callback(target, on_target, end->pair);
    if (error == 0)
        end->pair->ends_left++;
    else
        eddy_future_cancel(target, NULL);
    eddy_future_unref(target);
    return error;
}

static const eddy_protocol_callbacks client_callbacks = {
    .connection_made = on_client_made,
    .connection_lost = on_connection_lost,
    .data_received = on_data_received,
    .eof_received = on_eof_received,
    .pause_writing = on_pause_writing,
    .resume_writing = on_resume_writing,
};

static const eddy_protocol_callbacks target_callbacks = {
    .connection_made = on_target_made,
    .connection_lost = on_connection_lost,
    .data_received = on_data_received,
    .eof_received = on_eof_received,
    .pause_writing = on_pause_writing,
    .resume_writing = on_resume_writing,
};

static eddy_protocol *client_new(void *target)
{
    struct pair *pair = calloc(1, sizeof *pair);

    if (pair == NULL)
        return NULL;
    pair->target = target;
    pair->ends_left = 1;
    for (int i = 0; i < 2; i++) {
        pair->ends[i].pair = pair;
        pair->ends[i].other = &pair->ends[1 - i];
    }
    eddy_protocol_init(&pair->ends[0].protocol, &client_callbacks);
    eddy_protocol_init(&pair->ends[1].protocol, &target_callbacks);
    return &pair->ends[0].protocol;
}

static bool place_parse(const char *text, struct place *place)
{
    const char *colon = strrchr(text, ':');
    size_t size = strlen(text);

    place->port = -1;
    if (strchr(text, '/') == NULL && colon != NULL) {
        place->port = (int)strtol(colon + 1, NULL, 10);
        size = (size_t)(colon - text);
    }
    if (size >= sizeof place->host)
        return false;
    memcpy(place->host, text, size);
    place->host[size] = '\0';
    return true;
}

struct job {
    struct place places[2];
    const char *certificate; /* NULL: no TLS */
    const char *key;
};

static eddy_future *make_server(eddy_loop *loop, struct place *places, eddy_tls_context *tls)
{
    if (places[0].port < 0)
        return eddy_loop_create_unix_server(loop, client_new, &places[1], places[0].host,
                                            &(eddy_unix_server_options){.tls = tls});
    return eddy_loop_create_server(loop, client_new, &places[1], places[0].host, places[0].port,
                                   &(eddy_server_options){.tls = tls});
}

static int forward(void *arg, eddy_value *result) /* a task */
{
    struct job *job = arg;
    eddy_loop *loop = eddy_get_running_loop();
    char text[EDDY_ADDRESS_TEXT_MAX] = "";
    eddy_address address;
    eddy_tls_context *tls = NULL;
    eddy_value server;
    int error = 0;

    (void)result;
    if (job->certificate != NULL)
        error = eddy_tls_context_new(&(eddy_tls_options){.server = true,
                                                         .certificate_file = job->certificate,
                                                         .key_file = job->key},
                                     &tls);
    if (error)
        return error;
    error = eddy_await(make_server(loop, job->places, tls), &server);
    eddy_tls_context_unref(tls);
    if (error)
        return error;
    if (eddy_socket_view_getsockname(eddy_server_socket(server.server, 0), &address) == 0)
        eddy_address_format(&address, text, sizeof text);
    printf("forwarding from %s\n", text);
    fflush(stdout);
    error = eddy_await(eddy_server_serve_forever(server.server), NULL);
    eddy_server_unref(server.server);
    return error;
}

int main(int argc, char **argv)
{
    struct job job = {.certificate = NULL};
    int error;

    if (argc == 6 && strcmp(argv[1], "--tls") == 0) {
        job.certificate = argv[2];
        job.key = argv[3];
        argv += 3;
        argc -= 3;
    }
    if (argc != 3 || !place_parse(argv[1], &job.places[0]) ||
        !place_parse(argv[2], &job.places[1])) {
        fprintf(stderr, "usage: forwarder [--tls CERTIFICATE KEY] LISTEN TARGET "
                        "(HOST:PORT, or the path of a socket)\n");
        return 2;
    }
    error = eddy_run(forward, &job, NULL, NULL);
    if (error && error != EDDY_ECANCELED)
        fprintf(stderr, "forwarder: %s\n", eddy_error_text());
    return error != 0 && error != EDDY_ECANCELED;
}

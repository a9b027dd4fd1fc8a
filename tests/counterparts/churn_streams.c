/* SPDX-License-Identifier: MIT */
/** The churn's streams, over TCP and Unix sockets: made, used, and closed in several ways. */
#include "churn.h"
#include <stdio.h>
#include <string.h>

enum { CLIENTS = 12, MESSAGE_SIZE = 3000 };

#define PATIENCE EDDY_SECONDS(30)

/* A client's side of a stream. */
struct end {
    eddy_protocol protocol;
    eddy_transport *transport;
    size_t heard;
    eddy_future *filled; /* done when MESSAGE_SIZE bytes were heard */
    eddy_future *lost;
};

static int on_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct end *)protocol)->transport = transport;
    return 0;
}

static int on_data(eddy_protocol *protocol, const void *data, size_t size)
{
    struct end *end = (struct end *)protocol;

    (void)data;
    end->heard += size;
    if (end->heard < MESSAGE_SIZE || eddy_future_done(end->filled))
        return 0;
    return eddy_future_set_result(end->filled, (eddy_value){0});
}

static int on_lost(eddy_protocol *protocol, int error)
{
    struct end *end = (struct end *)protocol;

    (void)error;
    end->transport = NULL;
    return eddy_future_set_result(end->lost, (eddy_value){0});
}

static const eddy_protocol_callbacks end_callbacks = {
    .connection_made = on_made,
    .data_received = on_data,
    .connection_lost = on_lost,
};

static void end_init(struct end *end, eddy_loop *loop)
{
    *end = (struct end){.filled = eddy_loop_create_future(loop)};
    end->lost = eddy_loop_create_future(loop);
    eddy_protocol_init(&end->protocol, &end_callbacks);
}

static void end_fini(struct end *end)
{
    eddy_future_unref(end->filled);
    eddy_future_unref(end->lost);
}

static eddy_protocol *same_protocol(void *end)
{
    return &((struct end *)end)->protocol;
}

/* The server's side of a stream: answers with what it hears. */
struct answerer {
    eddy_protocol protocol;
    eddy_transport *transport;
};

struct answerers {
    struct answerer all[CLIENTS];
    size_t used;
};

static int answerer_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct answerer *)protocol)->transport = transport;
    return 0;
}

static int answerer_data(eddy_protocol *protocol, const void *data, size_t size)
{
    return eddy_transport_write(((struct answerer *)protocol)->transport, data, size);
}

static const eddy_protocol_callbacks answerer_callbacks = {
    .connection_made = answerer_made,
    .data_received = answerer_data,
};

static eddy_protocol *answerer_new(void *arg)
{
    struct answerers *answerers = arg;
    struct answerer *answerer = &answerers->all[answerers->used++];

    eddy_protocol_init(&answerer->protocol, &answerer_callbacks);
    return &answerer->protocol;
}

/* Where the server of one round is. */
struct place {
    const char *path; /* NULL: the port of the loopback interface */
    int port;
};

static eddy_future *connect_to(eddy_loop *loop, const struct place *place, struct end *end)
{
    if (place->path != NULL)
        return eddy_loop_create_unix_connection(loop, same_protocol, end, place->path, NULL);
    return eddy_loop_create_connection(loop, same_protocol, end, "127.0.0.1", place->port, NULL);
}

/* Say something, hear it again, and end it as `way` says: close, abort, half-close. */
static int use(struct end *end, int way)
{
    static const char message[MESSAGE_SIZE];
    eddy_transport *transport = end->transport;
    int error = eddy_transport_write(transport, message, sizeof message);

    if (error == 0)
        error = eddy_await_for(eddy_future_ref(end->filled), PATIENCE, NULL);
    if (error == 0 && way == 0)
        eddy_transport_close(transport);
    else if (error == 0 && way == 1)
        error = eddy_transport_write_eof(transport); /* the server closes then */
    else
        eddy_transport_abort(transport);
    return error;
}

static int stream(eddy_loop *loop, const struct place *place, int way)
{
    struct end end;
    eddy_value value;
    int error;

    end_init(&end, loop);
    error = eddy_await_for(connect_to(loop, place, &end), PATIENCE, &value);
    if (error == 0) {
        error = use(&end, way);
        if (error)
            eddy_transport_abort(value.transport);
        eddy_transport_unref(value.transport);
        if (eddy_await_for(eddy_future_ref(end.lost), PATIENCE, NULL) != 0)
            error = EDDY_EFAILED;
    }
    end_fini(&end);
    return error;
}

struct client {
    const struct place *place;
    int way;
};

static int client(void *arg, eddy_value *result)
{
    const struct client *client = arg;

    (void)result;
    return stream(eddy_get_running_loop(), client->place, client->way);
}

/* All clients at once, one of whom changes its mind before it is connected. */
static int serve_clients(eddy_loop *loop, const struct place *place)
{
    struct client clients[CLIENTS];
    eddy_future *tasks[CLIENTS];
    struct end nobody;
    eddy_future *dropped;
    eddy_value value;
    int dropped_error;
    int error;

    for (int i = 0; i < CLIENTS - 1; i++) {
        clients[i] = (struct client){place, i % 3};
        tasks[i] = eddy_loop_create_task(loop, client, &clients[i], NULL);
    }
    end_init(&nobody, loop);
    dropped = connect_to(loop, place, &nobody);
    eddy_future_cancel(dropped, NULL);
    dropped_error = eddy_await(dropped, NULL);
    end_fini(&nobody);
    error = eddy_await(eddy_gather(tasks, CLIENTS - 1, NULL), &value);
    if (error)
        return error;
    eddy_values_free(value.values);
    return dropped_error == EDDY_ECANCELED ? 0 : eddy_error(EDDY_EFAILED, "cancelled in vain");
}

static int streams(struct churn *churn, eddy_loop *loop, eddy_future *making, struct place *place)
{
    eddy_address address;
    eddy_value value;
    int error = eddy_await(making, &value);
    int closing_error;

    if (error)
        return error;
    if (place->path == NULL &&
        eddy_socket_view_getsockname(eddy_server_socket(value.server, 0), &address) == 0)
        place->port = eddy_address_port(&address);
    error = serve_clients(loop, place);
    churn->connections += CLIENTS - 1;
    eddy_server_close(value.server);
    eddy_server_abort_clients(value.server);
    closing_error = eddy_await_for(eddy_server_wait_closed(value.server), PATIENCE, NULL);
    eddy_server_unref(value.server);
    return error ? error : closing_error;
}

int churn_streams(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    struct answerers answerers = {.used = 0};
    struct place place = {.path = NULL};

    (void)result;
    return streams(arg, loop,
                   eddy_loop_create_server(loop, answerer_new, &answerers, "127.0.0.1", 0, NULL),
                   &place);
}

int churn_unix_streams(void *arg, eddy_value *result)
{
    struct churn *churn = arg;
    eddy_loop *loop = eddy_get_running_loop();
    struct answerers answerers = {.used = 0};
    char path[256];
    struct place place = {.path = path};

    (void)result;
    snprintf(path, sizeof path, "%s/churn", churn->folder);
    return streams(churn, loop,
                   eddy_loop_create_unix_server(loop, answerer_new, &answerers, path, NULL),
                   &place);
}

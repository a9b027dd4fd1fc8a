/* SPDX-License-Identifier: MIT */
#include "connection.h"
#include "transfer.h"
#include <stdlib.h>
#include <string.h>

/** A peer may take this long for a request, to begin the next one, and for a piece of an answer. */
#define REQUEST_LIMIT EDDY_SECONDS(15)
#define IDLE_LIMIT EDDY_SECONDS(60)
#define SEND_LIMIT EDDY_SECONDS(60)

/** Bytes that may wait: one head, and what a client sends ahead of its answers. */
#define INPUT_MAX ((size_t)64 * 1024)

/**
 * Requests are answered one at a time. While an answer is being made, reading is paused, so a
 * client that sends ahead is held back by TCP; while the client is slow to take it, no further
 * piece of the file is read.
 */
struct connection {
    eddy_protocol protocol;
    eddy_transport *transport; /**< NULL once it is lost */
    const char *root;
    char *input; /**< NULL while nothing has come */
    size_t input_size;
    struct transfer *transfer; /**< the answer under way, or NULL */
    bool stepping;             /**< a thread works on it */
    bool writing_paused;
    bool ended; /**< the client sends no more */
    eddy_handle limit;
};

static void connection_next(struct connection *connection);
static void connection_step(struct connection *connection);

static int on_limit(void *arg)
{
    struct connection *connection = arg;

    eddy_transport_abort(connection->transport);
    return 0;
}

/** From now on the client has this long. */
static void connection_limit(struct connection *connection, eddy_time limit)
{
    eddy_handle_cancel(connection->limit);
    if (eddy_loop_call_later(eddy_get_running_loop(), limit, on_limit, connection,
                             &connection->limit) != 0)
        eddy_transport_abort(connection->transport);
}

static void connection_free(struct connection *connection)
{
    transfer_free(connection->transfer);
    free(connection->input);
    free(connection);
}

static int connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct connection *connection = (struct connection *)protocol;

    connection->transport = transport;
    connection_limit(connection, REQUEST_LIMIT);
    return 0;
}

/** The answer is out: take the next request, or say goodbye. */
static void connection_finish(struct connection *connection)
{
    bool keep_alive = connection->transfer->request.keep_alive && !connection->ended;

    transfer_free(connection->transfer);
    connection->transfer = NULL;
    if (!keep_alive) {
        eddy_transport_close(connection->transport);
        return;
    }
    connection_limit(connection, IDLE_LIMIT);
    eddy_transport_resume_reading(connection->transport);
    connection_next(connection);
}

/** A thread has made a piece of the answer: send it without a copy, and go on. */
static int on_step(eddy_future *future, void *arg)
{
    struct connection *connection = arg;
    struct transfer *transfer = connection->transfer;
    int error = eddy_future_exception(future);
    char *piece = transfer->piece;

    connection->stepping = false;
    if (connection->transport == NULL) {
        connection_free(connection);
        return 0;
    }
    if (error) {
        eddy_transport_abort(connection->transport);
        return 0;
    }
    connection_limit(connection, SEND_LIMIT);
    transfer->piece = NULL;
    if (eddy_transport_write_owned(connection->transport, piece, transfer->piece_size, free,
                                   piece) != 0) {
        eddy_transport_abort(connection->transport);
        return 0;
    }
    if (transfer->remaining == 0)
        connection_finish(connection);
    else if (!connection->writing_paused)
        connection_step(connection);
    return 0;
}

/** Have a thread make the next piece of the answer. */
static void connection_step(struct connection *connection)
{
    eddy_future *future = eddy_loop_run_in_executor(eddy_get_running_loop(), NULL, transfer_step,
                                                    connection->transfer, NULL);

    if (eddy_future_add_done_callback(future, on_step, connection) == 0)
        connection->stepping = true;
    else
        eddy_transport_abort(connection->transport);
    eddy_future_unref(future);
}

/** Begin the next answer, if a whole request has come. */
static void connection_next(struct connection *connection)
{
    size_t head = request_head_size(connection->input, connection->input_size);
    struct transfer *transfer;
    bool too_large =
        head > REQUEST_HEAD_MAX || (head == 0 && connection->input_size > REQUEST_HEAD_MAX);

    if (connection->transfer != NULL || (head == 0 && !too_large))
        return;
    transfer = transfer_new(connection->root);
    if (transfer == NULL) {
        eddy_transport_abort(connection->transport);
        return;
    }
    transfer->status = too_large ? 431 : request_parse(connection->input, head, &transfer->request);
    /* After a request that was refused nobody knows where the next one begins. */
    if (transfer->status != 0 && transfer->status != 404)
        transfer->request.keep_alive = false;
    connection->input_size -= head;
    memmove(connection->input, connection->input + head, connection->input_size);
    connection->transfer = transfer;
    eddy_transport_pause_reading(connection->transport);
    connection_step(connection);
}

static int connection_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    struct connection *connection = (struct connection *)protocol;

    if (connection->input == NULL && (connection->input = malloc(INPUT_MAX)) == NULL)
        return EDDY_ENOMEM;
    if (connection->input_size == 0)
        connection_limit(connection, REQUEST_LIMIT);
    /* What does not fit is dropped: the head before it is too large, or the client runs ahead. */
    if (size > INPUT_MAX - connection->input_size) {
        size = INPUT_MAX - connection->input_size;
        connection->ended = true;
    }
    memcpy(connection->input + connection->input_size, data, size);
    connection->input_size += size;
    connection_next(connection);
    return 0;
}

/** A client may close its side and still wait for the answer. */
static int connection_eof_received(eddy_protocol *protocol)
{
    struct connection *connection = (struct connection *)protocol;

    connection->ended = true;
    return connection->transfer != NULL;
}

static int connection_pause_writing(eddy_protocol *protocol)
{
    ((struct connection *)protocol)->writing_paused = true;
    return 0;
}

static int connection_resume_writing(eddy_protocol *protocol)
{
    struct connection *connection = (struct connection *)protocol;

    connection->writing_paused = false;
    if (connection->transfer != NULL && !connection->stepping &&
        !eddy_transport_is_closing(connection->transport))
        connection_step(connection);
    return 0;
}

static int connection_lost(eddy_protocol *protocol, int error)
{
    struct connection *connection = (struct connection *)protocol;

    (void)error;
    eddy_handle_cancel(connection->limit);
    connection->transport = NULL;
    if (!connection->stepping)
        connection_free(connection);
    return 0;
}

static const eddy_protocol_callbacks connection_callbacks = {
    .connection_made = connection_made,
    .data_received = connection_data_received,
    .eof_received = connection_eof_received,
    .pause_writing = connection_pause_writing,
    .resume_writing = connection_resume_writing,
    .connection_lost = connection_lost,
};

eddy_protocol *connection_new(void *root)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    eddy_protocol_init(&connection->protocol, &connection_callbacks);
    connection->root = root;
    return &connection->protocol;
}

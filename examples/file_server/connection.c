/* SPDX-License-Identifier: MIT */
#include "connection.h"
#include "transfer.h"
#include <stdlib.h>
#include <string.h>

/** A peer may take this long for a request, to begin the next one, and for a slice of an answer. */
#define REQUEST_LIMIT EDDY_SECONDS(15)
#define IDLE_LIMIT EDDY_SECONDS(60)
#define SEND_LIMIT EDDY_SECONDS(60)

/** Bytes of a file that a client has the limit for. */
#define SLICE_SIZE ((int64_t)256 * 1024)

/** Bytes that may wait: one head, and what a client sends ahead of its answers. */
#define INPUT_MAX ((size_t)64 * 1024)

/**
 * Requests are answered one at a time. While an answer is under way, or the client is slow to take
 * the last one, reading is paused, so a client that sends ahead is held back by TCP.
 */
struct connection {
    eddy_protocol protocol;
    eddy_transport *transport; /**< NULL once it is lost */
    const char *root;
    char *input; /**< NULL while nothing has come */
    size_t input_size;
    struct transfer *transfer; /**< the answer under way, or NULL */
    bool waiting;              /**< for a future */
    bool writing_paused;
    bool ended; /**< the client sends no more */
    eddy_handle limit;
};

static void connection_next(struct connection *connection);

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

/** The client may have the next answer. */
static void connection_go_on(struct connection *connection)
{
    connection_limit(connection, IDLE_LIMIT);
    eddy_transport_resume_reading(connection->transport);
    connection_next(connection);
}

/** The answer is out: take the next request, or say goodbye. */
static void connection_finish(struct connection *connection)
{
    bool keep_alive = connection->transfer->request.keep_alive && !connection->ended;

    transfer_free(connection->transfer);
    connection->transfer = NULL;
    if (!keep_alive)
        eddy_transport_close(connection->transport);
    else if (!connection->writing_paused)
        connection_go_on(connection);
}

/** Have `callback` hear of `future`, and drop the reference. */
static void connection_await(struct connection *connection, eddy_future *future,
                             eddy_future_callback callback)
{
    connection->waiting = true;
    /* Without memory for that nobody knows when a thread lets go of it: it stays for good. */
    if (eddy_future_add_done_callback(future, callback, connection) != 0)
        eddy_transport_abort(connection->transport);
    eddy_future_unref(future);
}

/** The future is done: its value, if the connection can go on. */
static bool connection_awaited(struct connection *connection, eddy_future *future,
                               eddy_value *value)
{
    int error = eddy_future_result(future, value);

    connection->waiting = false;
    if (connection->transport == NULL) {
        connection_free(connection);
        return false;
    }
    if (error)
        eddy_transport_abort(connection->transport);
    return error == 0;
}

static int on_slice(eddy_future *future, void *arg);

/** Send the next slice of the file, the first one behind its head. */
static void connection_send_slice(struct connection *connection)
{
    struct transfer *transfer = connection->transfer;
    int64_t count = transfer->remaining < SLICE_SIZE ? transfer->remaining : SLICE_SIZE;
    eddy_sendfile_options options = {.head = {transfer->text, transfer->text_size}};

    connection_limit(connection, SEND_LIMIT);
    connection_await(connection,
                     eddy_loop_sendfile(eddy_get_running_loop(), connection->transport,
                                        transfer->file.number, transfer->offset, count, &options),
                     on_slice);
    transfer->text_size = 0;
    transfer->offset += count;
    transfer->remaining -= count;
    transfer->slice = count;
}

static int on_slice(eddy_future *future, void *arg)
{
    struct connection *connection = arg;
    eddy_value sent;

    if (!connection_awaited(connection, future, &sent))
        return 0;
    if (sent.integer < connection->transfer->slice)
        eddy_transport_abort(connection->transport); /* the file has shrunk: no answer any more */
    else if (connection->transfer->remaining > 0)
        connection_send_slice(connection);
    else
        connection_finish(connection);
    return 0;
}

/** A thread has found what to answer with. */
static int on_begun(eddy_future *future, void *arg)
{
    struct connection *connection = arg;
    struct transfer *transfer = connection->transfer;
    eddy_value nothing;

    if (!connection_awaited(connection, future, &nothing))
        return 0;
    if (transfer->remaining > 0) {
        connection_send_slice(connection);
        return 0;
    }
    connection_limit(connection, SEND_LIMIT);
    if (eddy_transport_write(connection->transport, transfer->text, transfer->text_size) != 0)
        eddy_transport_abort(connection->transport);
    else
        connection_finish(connection);
    return 0;
}

/** Begin the next answer, if a whole request has come. */
static void connection_next(struct connection *connection)
{
    size_t head = request_head_size(connection->input, connection->input_size);
    struct transfer *transfer;
    bool too_large =
        head > REQUEST_HEAD_MAX || (head == 0 && connection->input_size > REQUEST_HEAD_MAX);

    if (connection->transfer != NULL || connection->writing_paused || (head == 0 && !too_large))
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
    connection_await(
        connection,
        eddy_loop_run_in_executor(eddy_get_running_loop(), NULL, transfer_begin, transfer, NULL),
        on_begun);
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
    struct connection *connection = (struct connection *)protocol;

    connection->writing_paused = true;
    /* What the end of a file has led to is told a little later. */
    if (connection->transfer == NULL) {
        eddy_transport_pause_reading(connection->transport);
        connection_limit(connection, SEND_LIMIT);
    }
    return 0;
}

static int connection_resume_writing(eddy_protocol *protocol)
{
    struct connection *connection = (struct connection *)protocol;

    connection->writing_paused = false;
    if (connection->transfer == NULL && !eddy_transport_is_closing(connection->transport))
        connection_go_on(connection);
    return 0;
}

static int connection_lost(eddy_protocol *protocol, int error)
{
    struct connection *connection = (struct connection *)protocol;

    (void)error;
    eddy_handle_cancel(connection->limit);
    connection->transport = NULL;
    if (!connection->waiting)
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

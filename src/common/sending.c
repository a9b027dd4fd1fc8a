/* SPDX-License-Identifier: MIT */
/*
 * One thing is under way at a time, the inner future: the system's sending, a read on the executor,
 * or a carrier's send. Letting go of it ends it, so that a cancel and the end of the loop are one
 * path. A read that has begun cannot be ended: file and memory are therefore a source of their own,
 * which the read holds too.
 */
#include "common/sending.h"
#include "common/argument.h"
#include "common/executor.h"
#include <stdatomic.h>

struct eddy__source {
    atomic_uint references; /**< the sending, and a read; the last may end on any thread */
    eddy_file file;         /**< the program's while starting, then a duplicate */
    eddy_file reader;       /**< may be `file` */
    bool is_kept;           /**< it is a duplicate */
    unsigned char *buffer;  /**< NULL before the first piece */
    int64_t offset;         /**< of the read */
    size_t size;
};

static void source_unref(void *arg)
{
    struct eddy__source *source = arg;

    if (atomic_fetch_sub(&source->references, 1) > 1)
        return;
    if (source->reader != source->file)
        eddy__file_close(source->reader);
    if (source->is_kept)
        eddy__file_close(source->file);
    eddy__buffer_free(source->buffer);
    eddy__free(source);
}

static struct eddy__source *source_new(eddy_file file)
{
    struct eddy__source *source = eddy__alloc_zeroed(sizeof *source);

    if (source == NULL)
        return NULL;
    source->file = source->reader = file;
    atomic_init(&source->references, 1);
    return source;
}

/** On a thread of the executor. */
static int source_read(void *arg, eddy_value *result)
{
    struct eddy__source *source = arg;
    int64_t got = eddy__file_read(source->reader, source->buffer, source->size, source->offset);

    /* On Windows, what the program has locked only its own handle may read. */
    if (got < 0 && source->reader != source->file)
        got = eddy__file_read(source->file, source->buffer, source->size, source->offset);
    result->integer = got;
    return got < 0 ? (int)got : 0;
}

static struct eddy__sending *sending_of(struct eddy_future *future)
{
    return EDDY__OWNER(future, struct eddy__sending, future);
}

static void sending_release(struct eddy__sending *sending)
{
    eddy__list_remove(&sending->live.node);
    eddy__loop_dequeue(&sending->ready);
    eddy_future_unref(&sending->future);
}

/** Let go of everything; the future is done, or never will be (the loop closes). */
static bool sending_leave(struct eddy__sending *sending)
{
    eddy__future_unwatch(&sending->inner_done);
    if (sending->inner != NULL) {
        eddy_future_cancel(sending->inner, NULL);
        eddy_future_unref(sending->inner);
    }
    sending->inner = NULL;
    /* FILE-9 */
    if (sending->range.sent > 0)
        eddy__file_seek(sending->range.file, sending->range.offset + sending->range.sent);
    source_unref(sending->source);
    sending->has_left = true;
    return sending->carrier->leave(sending);
}

static void sending_on_settle(struct eddy__ready *ready)
{
    struct eddy__sending *sending = EDDY__OWNER(ready, struct eddy__sending, ready);

    sending->carrier->settle(sending);
    sending_release(sending);
}

static void sending_end(struct eddy__sending *sending)
{
    if (sending_leave(sending))
        eddy__loop_enqueue(sending->future.loop, &sending->ready);
    else
        sending_release(sending);
}

static void sending_succeed(struct eddy__sending *sending)
{
    eddy__future_finish(&sending->future, (eddy_value){.integer = sending->range.sent});
    sending_end(sending);
}

void eddy__sending_fail(struct eddy__sending *sending, int error)
{
    if (error == EDDY_ECANCELED)
        eddy__future_finish_cancelled(&sending->future, eddy_error_text());
    else
        eddy__future_finish_failed(&sending->future, error);
    sending_end(sending);
}

static bool sending_cancel(struct eddy_future *future, const char *message)
{
    eddy__future_finish_cancelled(future, message);
    sending_end(sending_of(future));
    return true;
}

static void sending_abandon(struct eddy__live *live)
{
    struct eddy__sending *sending = EDDY__OWNER(live, struct eddy__sending, live);

    /* One that has left already is still there because it has to be settled. */
    if (sending->has_left || sending_leave(sending))
        sending->carrier->settle(sending);
    sending_release(sending);
}

static const struct eddy__future_kind sending_kind = {
    .name = "file on its way",
    .cancel = sending_cancel,
};

static void sending_on_inner(struct eddy__sending *sending)
{
    eddy_value value = {0};
    int error = eddy__future_take(sending->inner, &value);

    sending->inner = NULL;
    sending->on_inner(sending, error, value);
}

static void sending_on_inner_done(struct eddy__watch *watch)
{
    sending_on_inner(EDDY__OWNER(watch, struct eddy__sending, inner_done));
}

void eddy__sending_await(struct eddy__sending *sending, struct eddy_future *inner,
                         void (*on_inner)(struct eddy__sending *sending, int error,
                                          eddy_value value))
{
    sending->inner = inner;
    sending->on_inner = on_inner;
    if (eddy_future_done(inner))
        sending_on_inner(sending);
    else
        eddy__future_watch(inner, &sending->inner_done);
}

static void sending_on_read(struct eddy__sending *sending, int error, eddy_value value)
{
    if (error)
        eddy__sending_fail(sending, error);
    else if (value.integer == 0)
        sending_succeed(sending); /* the end of the file */
    else
        sending->carrier->send(sending, sending->source->buffer, (size_t)value.integer);
}

void eddy__sending_go_on(struct eddy__sending *sending)
{
    struct eddy__source *source = sending->source;
    struct eddy__work_order order = {
        .function = source_read,
        .arg = source,
        .release = source_unref,
    };

    if (sending->range.sent == sending->range.count) {
        sending_succeed(sending);
        return;
    }
    if (!sending->carrier->is_ready(sending))
        return;
    source->offset = sending->range.offset + sending->range.sent;
    source->size = eddy__file_next(&sending->range, sending->carrier->piece_size);
    atomic_fetch_add(&source->references, 1);
    eddy__sending_await(sending, eddy__work_start(sending->future.loop, NULL, &order),
                        sending_on_read);
}

/** The system has sent it all, or it has to be done in pieces (FILE-4). */
static void sending_on_sent(struct eddy__sending *sending, int error, eddy_value value)
{
    (void)value;
    if (error == 0) {
        sending_succeed(sending);
        return;
    }
    if (error != EDDY_ENOSENDFILE || sending->no_fallback) {
        eddy__sending_fail(sending, error);
        return;
    }
    sending->source->buffer = eddy__buffer_alloc(sending->carrier->piece_size);
    if (sending->source->buffer == NULL) {
        eddy__sending_fail(sending, EDDY_ENOMEM);
        return;
    }
    sending->source->reader = eddy__file_reader(sending->source->file);
    eddy__sending_go_on(sending);
}

/** FILE-2. */
static int sending_check(struct eddy_loop *loop, int64_t offset, int64_t count,
                         const eddy_sendfile_options *options)
{
    if (loop == NULL)
        return eddy_error(EDDY_EINVALID, "no loop");
    if (offset < 0 || count < 0)
        return eddy_error(EDDY_EINVALID, "offset and count of a file are not negative");
    if (count > INT64_MAX - offset)
        return eddy_error(EDDY_EINVALID, "no file is that large");
    if (options != NULL) {
        int error = eddy__check_reserved(options->reserved,
                                         sizeof options->reserved / sizeof options->reserved[0]);

        if (error)
            return error;
    }
    return eddy__loop_check_open(loop);
}

struct eddy__sending *eddy__sending_new(struct eddy_loop *loop, const struct eddy__carrier *carrier,
                                        eddy_file file, int64_t offset, int64_t count,
                                        const eddy_sendfile_options *options,
                                        struct eddy_future **failed)
{
    struct eddy__source *source = NULL;
    struct eddy_future *future = NULL;
    struct eddy__sending *sending;
    int64_t file_size = 0;
    int error = sending_check(loop, offset, count, options);

    if (error == 0)
        error = eddy__file_size(file, &file_size);
    if (error == 0) {
        source = source_new(file);
        if (source != NULL)
            future = eddy__future_new(loop, carrier->size, &sending_kind);
        if (future == NULL) {
            eddy__free(source);
            error = EDDY_ENOMEM;
        }
    }
    if (error) {
        *failed = eddy__future_failed(loop, error);
        return NULL;
    }
    sending = sending_of(future);
    sending->carrier = carrier;
    sending->live.abandon = sending_abandon;
    sending->ready.run = sending_on_settle;
    sending->inner_done.on_done = sending_on_inner_done;
    sending->source = source;
    sending->range = (struct eddy__file_range){
        .file = file,
        .offset = offset,
        .count = count != 0 ? count : INT64_MAX - offset,
        .size = file_size,
    };
    sending->no_fallback = options != NULL && options->no_fallback;
    eddy__list_append(&loop->live, &sending->live.node);
    return sending;
}

/** It takes longer than the program's call: the program may close its file after that. */
static int sending_keep_file(struct eddy__sending *sending)
{
    struct eddy__source *source = sending->source;
    int error = eddy__file_duplicate(source->file, &source->file);

    if (error)
        return error;
    source->is_kept = true;
    source->reader = sending->range.file = source->file;
    return 0;
}

struct eddy_future *eddy__sending_start(struct eddy__sending *sending)
{
    const struct eddy__carrier *carrier = sending->carrier;
    struct eddy_future *future = eddy_future_ref(&sending->future);
    int64_t sent = carrier->send_now(sending);
    int error;

    if (sending->has_left)
        return future;
    if (sent >= 0 && eddy__file_count(&sending->range, sent)) {
        sending_succeed(sending);
        return future;
    }
    error = sending_keep_file(sending);
    if (error == 0 && carrier->begin != NULL)
        error = carrier->begin(sending);
    if (error < 0)
        eddy__sending_fail(sending, error);
    if (error != 0)
        return future;
    if (sent >= 0 || sent == EDDY_EAGAIN)
        eddy__sending_await(sending, carrier->send_file(sending), sending_on_sent);
    else
        sending_on_sent(sending, eddy__file_failed(&sending->range, (int)sent), (eddy_value){0});
    return future;
}

/* SPDX-License-Identifier: MIT */
/*
 * Done callbacks: records that watch a future for a program. A record keeps its future alive until
 * it has run, so that dropping an operation's future does not take its callback along. When the
 * loop closes, records that wait to run go; those of pending futures stay with the future, without
 * keeping it alive, since somebody may still complete it and has to be told (FUT-9).
 */
#include "common/context.h"
#include "common/future.h"

struct callback_record {
    struct eddy__watch watch;
    struct eddy__live live;
    eddy_future_callback callback;
    void *arg;
    eddy_context *context;
};

/** Linked into the loop's live list: it holds a reference to the future. */
static bool record_holds_future(const struct callback_record *record)
{
    return eddy__list_is_linked(&record->live.node);
}

static void record_free(struct callback_record *record)
{
    struct eddy_future *future = record->watch.future;
    struct eddy_loop *loop = future->loop;
    bool holds_future = record_holds_future(record);

    eddy__future_unwatch(&record->watch);
    eddy__list_remove(&record->live.node);
    eddy__context_unref(record->context);
    eddy__loop_free(loop, record, sizeof *record);
    if (holds_future)
        eddy_future_unref(future);
}

/** Report a done callback that failed (LOOP-42). */
static void record_report(struct callback_record *record, int error)
{
    eddy_loop_call_exception_handler(record->watch.future->loop,
                                     &(eddy_exception_context){
                                         .message = "done callback failed",
                                         .exception = error,
                                         .exception_text = eddy__error_text_of(error),
                                         .future = record->watch.future,
                                     });
}

static void record_run(struct eddy__watch *watch)
{
    struct callback_record *record = EDDY__OWNER(watch, struct callback_record, watch);
    struct eddy_loop *loop = watch->future->loop;
    struct eddy__thread_state *state = eddy__thread_state();
    eddy_context *outer = eddy__context_enter(state, record->context);
    eddy_time started = loop->debug ? eddy__loop_now(loop) : EDDY_FOREVER;
    int error;

    error = record->callback(watch->future, record->arg);
    if (started != EDDY_FOREVER) /* it may just have switched debug mode on */
        eddy__loop_report_slow(loop, eddy__loop_now(loop) - started, "done callback");
    if (error < 0)
        record_report(record, error);
    eddy__context_leave(state, outer);
    record_free(record);
}

static void record_abandon(struct eddy__live *live)
{
    struct callback_record *record = EDDY__OWNER(live, struct callback_record, live);
    struct eddy_future *future = record->watch.future;

    if (future->state != EDDY__PENDING) {
        record_free(record);
        return;
    }
    eddy__list_remove(&live->node);
    eddy_future_unref(future);
}

int eddy_future_add_done_callback_in_context(eddy_future *future, eddy_future_callback callback,
                                             void *arg, eddy_context *context)
{
    struct callback_record *record;
    bool closed;

    if (callback == NULL)
        return eddy_error(EDDY_EINVALID, "no callback");
    if (future->immortal)
        return eddy_error(EDDY_EBADSTATE, "the failed future of a call without a loop");
    closed = atomic_load(&future->loop->closed);
    if (closed && future->state != EDDY__PENDING)
        return eddy_error(EDDY_EBADSTATE, "the loop is closed");
    record = eddy__loop_take(future->loop, sizeof *record);
    if (record == NULL)
        return eddy_error(EDDY_ENOMEM, "no memory for a done callback");
    *record = (struct callback_record){
        .watch = {.ready = {.node = {NULL, NULL}, .run = NULL},
                  .future = NULL,
                  .on_done = record_run},
        .live = {.node = {NULL, NULL}, .abandon = record_abandon},
        .callback = callback,
        .arg = arg,
        .context = eddy__context_ref(context),
    };
    if (!closed) {
        eddy__list_append(&future->loop->live, &record->live.node);
        eddy_future_ref(future);
    }
    eddy__future_watch(future, &record->watch);
    return 0;
}

int eddy_future_add_done_callback(eddy_future *future, eddy_future_callback callback, void *arg)
{
    return eddy_future_add_done_callback_in_context(future, callback, arg, eddy_get_context());
}

size_t eddy_future_remove_done_callback(eddy_future *future, eddy_future_callback callback,
                                        void *arg)
{
    struct eddy__list *node = future->watches.next;
    size_t removed = 0;

    /* The immortal ones have no list; the caller's reference outlives those of the records. */
    while (node != NULL && node != &future->watches) {
        struct eddy__watch *watch = EDDY__OWNER(node, struct eddy__watch, ready.node);
        struct callback_record *record = EDDY__OWNER(watch, struct callback_record, watch);

        node = node->next;
        if (watch->on_done == record_run && record->callback == callback && record->arg == arg) {
            record_free(record);
            removed++;
        }
    }
    return removed;
}

void eddy__future_drop_callback(struct eddy__watch *watch)
{
    if (watch->on_done == record_run)
        record_free(EDDY__OWNER(watch, struct callback_record, watch));
}

void eddy__future_drop_watches(struct eddy_future *future)
{
    struct eddy__list *node;

    while ((node = eddy__list_shift(&future->watches)) != NULL)
        eddy__future_drop_callback(EDDY__OWNER(node, struct eddy__watch, ready.node));
}

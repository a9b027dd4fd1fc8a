/* SPDX-License-Identifier: MIT */
/*
 * Futures. All of this belongs to the loop's thread, the immortal failed futures excepted: those
 * are constant, so that a call without memory or without a loop has something to return.
 *
 * A done future never calls anybody: it moves its watches to the ready queue of the loop, in the
 * order in which they came (FUT-5). On a closed loop nothing can be scheduled; they are dropped.
 */
#include "common/future.h"
#include "common/place.h"
#include <assert.h>
#include <string.h>

static const struct eddy__future_kind future_plain = {.name = "future", .settable = true};

#define FUTURE_IMMORTAL(code)                                                                      \
    {                                                                                              \
        .kind = &future_plain, .references = 1, .state = EDDY__FAILED, .retrieved = true,          \
        .immortal = true, .error = (code)                                                          \
    }

/* Never written to: any thread may hold them. Not const, since their type is everybody's. */
static struct eddy_future future_no_memory = FUTURE_IMMORTAL(EDDY_ENOMEM);
static struct eddy_future future_invalid = FUTURE_IMMORTAL(EDDY_EINVALID);
static struct eddy_future future_bad_state = FUTURE_IMMORTAL(EDDY_EBADSTATE);

void eddy__futures_trim(struct eddy_loop *loop)
{
    eddy__blocks_trim(&loop->blocks);
}

/** All futures of a loop share one reference to it: an atomic count for each took 10 ns. */
static struct eddy_loop *future_hold_loop(struct eddy_loop *loop)
{
    return loop->futures++ == 0 ? eddy_loop_ref(loop) : loop;
}

struct eddy_future *eddy__future_new(struct eddy_loop *loop, size_t size,
                                     const struct eddy__future_kind *kind)
{
    struct eddy_future *future = eddy__loop_alloc(loop, size);

    assert(size >= sizeof *future && size <= UINT32_MAX);
    if (future == NULL) {
        eddy_error(EDDY_ENOMEM, "no memory for a %s", kind->name);
        return NULL;
    }
    future->kind = kind;
    future->loop = future_hold_loop(loop);
    future->references = 1;
    future->size = (uint32_t)size;
    future->state = EDDY__PENDING;
    eddy__list_init(&future->watches);
    return future;
}

eddy_future *eddy_loop_create_future(eddy_loop *loop)
{
    struct eddy_future *future;

    if (loop == NULL) {
        eddy_error(EDDY_EINVALID, "no loop");
        return &future_invalid;
    }
    future = eddy__loop_take(loop, sizeof *future);
    if (future == NULL) {
        eddy_error(EDDY_ENOMEM, "no memory for a %s", future_plain.name);
        return &future_no_memory;
    }
    /* All fields are here by name, or else compilers zero the struct first (gcc by `rep stos`). */
    *future = (struct eddy_future){.kind = &future_plain,
                                   .loop = future_hold_loop(loop),
                                   .references = 1,
                                   .size = sizeof *future,
                                   .state = EDDY__PENDING,
                                   .retrieved = false,
                                   .taken = false,
                                   .immortal = false,
                                   .error = 0,
                                   .value = {0},
                                   .dispose = NULL,
                                   .dispose_seen = NULL,
                                   .failure = NULL,
                                   .watches = {&future->watches, &future->watches},
                                   .created_at = loop->debug ? EDDY__CALLER() : NULL};
    return future;
}

static struct eddy_future *future_immortal(int code)
{
    switch (code) {
    case EDDY_ENOMEM:
        return &future_no_memory;
    case EDDY_EINVALID:
        return &future_invalid;
    default:
        return &future_bad_state;
    }
}

struct eddy_future *eddy__future_failed(struct eddy_loop *loop, int code)
{
    struct eddy_future *future;

    if (loop == NULL || code == EDDY_ENOMEM)
        return future_immortal(code);
    future = eddy__loop_alloc(loop, sizeof *future);
    if (future == NULL)
        return &future_no_memory;
    *future = (struct eddy_future){.kind = &future_plain,
                                   .loop = future_hold_loop(loop),
                                   .references = 1,
                                   .size = sizeof *future,
                                   .state = EDDY__FAILED,
                                   .error = code,
                                   .failure = eddy__failure_capture(code)};
    eddy__list_init(&future->watches);
    return future;
}

eddy_future *eddy_future_ref(eddy_future *future)
{
    if (future != NULL && !future->immortal)
        future->references++;
    return future;
}

/** FUT-8: an error that nobody asked for. The handler may keep the future. */
static void future_report(struct eddy_future *future)
{
    char place[EDDY__PLACE_TEXT_SIZE];

    future->retrieved = true;
    eddy_loop_call_exception_handler(
        future->loop,
        &(eddy_exception_context){
            .message = eddy_future_is_task(future) ? "task failed, and nobody asked"
                                                   : "future failed, and nobody asked",
            .exception = future->error,
            .exception_text = eddy_future_error_text(future),
            .future = future,
            .source_traceback = eddy__place_text(future->created_at, place),
        });
}

static void future_free(struct eddy_future *future)
{
    struct eddy_loop *loop = future->loop;

    if (future->state == EDDY__FINISHED && !future->taken && future->dispose != NULL)
        future->dispose(future->value);
    if (future->kind->fini != NULL)
        future->kind->fini(future);
    if (!eddy__list_is_empty(&future->watches))
        eddy__future_drop_watches(future);
    if (future->failure != NULL)
        eddy__free(future->failure);
    eddy__loop_free(loop, future, future->size);
    if (--loop->futures == 0)
        eddy_loop_unref(loop);
}

/** Drop the last reference, after the report, to which the future is lent. */
static void future_drop(struct eddy_future *future)
{
    if (future->state == EDDY__FAILED && !future->retrieved)
        future_report(future);
    if (--future->references == 0) /* the handler may have kept it */
        future_free(future);
}

static inline void future_unref(struct eddy_future *future)
{
    if (future == NULL || future->immortal)
        return;
    assert(future->references > 0);
    if (future->references > 1)
        future->references--;
    else
        future_drop(future);
}

void eddy_future_unref(eddy_future *future)
{
    future_unref(future);
}

eddy_loop *eddy_future_get_loop(const eddy_future *future)
{
    return future->loop;
}

void eddy_future_set_disposer(eddy_future *future, eddy_disposer dispose)
{
    if (!future->immortal)
        future->dispose = dispose;
}

struct eddy__failure *eddy__failure_new(const char *message)
{
    size_t size = message != NULL ? strlen(message) + 1 : 0;
    struct eddy__failure *failure;

    if (size == 0)
        return NULL;
    failure = eddy__alloc(sizeof *failure + size);
    if (failure == NULL)
        return NULL;
    failure->number = 0;
    memcpy(failure->text, message, size);
    return failure;
}

/** Move the watches to the ready queue: they are linked by the node that they have there, too. */
static void future_schedule(struct eddy_future *future)
{
    struct eddy_loop *loop = future->loop;

    if (eddy__list_is_empty(&future->watches))
        return;
    if (atomic_load_explicit(&loop->closed, memory_order_relaxed)) {
        eddy__future_drop_watches(future);
        return;
    }
    /* Posts of other threads that came before also run before (LOOP-41). */
    eddy__loop_take_earlier_posts(loop);
    eddy__list_splice(eddy__agenda_list(&loop->agenda), &future->watches);
}

static void future_end(struct eddy_future *future, enum eddy__future_state state)
{
    assert(future->state == EDDY__PENDING);
    future->state = (uint8_t)state;
    future_schedule(future);
}

void eddy__future_finish(struct eddy_future *future, eddy_value value)
{
    future->value = value;
    future_end(future, EDDY__FINISHED);
}

void eddy__future_finish_failed(struct eddy_future *future, int code)
{
    future->error = code;
    future->failure = eddy__failure_capture(code);
    future_end(future, EDDY__FAILED);
}

void eddy__future_finish_cancelled(struct eddy_future *future, const char *message)
{
    future->error = EDDY_ECANCELED;
    future->failure = eddy__failure_new(message);
    future_end(future, EDDY__CANCELLED);
}

void eddy__future_finish_like(struct eddy_future *future, struct eddy_future *source)
{
    assert(source->state > EDDY__PENDING);
    future->error = source->error;
    future->value = source->value;
    if (source->failure != NULL) {
        future->failure = eddy__failure_new(source->failure->text);
        if (future->failure != NULL)
            future->failure->number = source->failure->number;
    }
    if (!source->immortal) {
        future->dispose = source->taken ? NULL : source->dispose;
        future->dispose_seen = source->taken ? NULL : source->dispose_seen;
        source->taken = source->retrieved = true;
    }
    future_end(future, source->state);
}

void eddy__future_finish_now(struct eddy_future *future, eddy_value value)
{
    struct eddy__list *first = eddy__list_shift(&future->watches);

    eddy__future_finish(future, value);
    if (first != NULL) {
        struct eddy__watch *watch = EDDY__OWNER(first, struct eddy__watch, ready.node);

        watch->on_done(watch);
    }
}

void eddy__watch_run(struct eddy__ready *ready)
{
    struct eddy__watch *watch = EDDY__OWNER(ready, struct eddy__watch, ready);

    watch->on_done(watch);
}

bool eddy__future_drop_ready(struct eddy__ready *ready)
{
    if (ready->run != eddy__watch_run)
        return false;
    eddy__loop_dequeue(ready);
    eddy__future_drop_callback(EDDY__OWNER(ready, struct eddy__watch, ready));
    return true;
}

void eddy__future_watch(struct eddy_future *future, struct eddy__watch *watch)
{
    assert(!eddy__list_is_linked(&watch->ready.node));
    if (future->state == EDDY__PENDING) {
        eddy__future_watch_pending(future, watch);
        return;
    }
    watch->future = future;
    watch->ready.run = eddy__watch_run;
    if (future->loop != NULL)
        eddy__loop_enqueue(future->loop, &watch->ready);
    else /* an immortal one: whoever watches it does so from a running loop */
        eddy__loop_enqueue(eddy__thread_state()->running, &watch->ready);
}

/** Why a program may not complete this future; 0 if it may. */
static int future_check_settable(const struct eddy_future *future)
{
    if (!future->kind->settable)
        return eddy_error(EDDY_EBADSTATE, "a %s is completed by the library alone",
                          future->kind->name);
    if (future->state != EDDY__PENDING)
        return eddy_error(EDDY_EINVALIDSTATE, "the future is done already");
    return 0;
}

/** FUT-9: what completing returns, given whether anybody waited for it. */
static int future_set_outcome(const struct eddy_future *future, bool watched)
{
    if (watched && atomic_load(&future->loop->closed))
        return eddy_error(EDDY_EBADSTATE,
                          "the loop is closed: nobody hears that the future is done");
    return 0;
}

int eddy_future_set_result(eddy_future *future, eddy_value result)
{
    int error = future_check_settable(future);
    bool watched;

    if (error)
        return error;
    watched = !eddy__list_is_empty(&future->watches);
    eddy__future_finish(future, result);
    error = future_set_outcome(future, watched);
    /* Ownership follows the return value: a caller who is told of an error keeps the result. */
    if (error)
        future->dispose = NULL;
    return error;
}

int eddy_future_set_exception(eddy_future *future, int code)
{
    int error;
    bool watched;

    if (code >= 0 || code == EDDY_ECANCELED)
        return eddy_error(EDDY_EINVALID, "%d is no code that a future can fail with", code);
    error = future_check_settable(future);
    if (error)
        return error;
    watched = !eddy__list_is_empty(&future->watches);
    eddy__future_finish_failed(future, code);
    return future_set_outcome(future, watched);
}

bool eddy_future_cancel(eddy_future *future, const char *message)
{
    if (future->immortal)
        return false;
    if (future->state != EDDY__PENDING) {
        future->retrieved = true;
        return false;
    }
    /* Closing the loop has let go of what the future stood for: only its state is left. */
    if (future->kind->cancel != NULL &&
        (future->loop->closing || !atomic_load(&future->loop->closed)))
        return future->kind->cancel(future, message);
    eddy__future_finish_cancelled(future, message);
    return true;
}

bool eddy_future_done(const eddy_future *future)
{
    return future->state != EDDY__PENDING;
}

bool eddy_future_cancelled(const eddy_future *future)
{
    return future->state == EDDY__CANCELLED;
}

int eddy__future_peek(const struct eddy_future *future, eddy_value *value)
{
    if (future->state != EDDY__FINISHED)
        return future->error;
    if (value != NULL)
        *value = future->value;
    return 0;
}

/** The error of a future that has not finished becomes the current error. */
static int future_error(struct eddy_future *future)
{
    if (future->state == EDDY__PENDING)
        return eddy_error(EDDY_EINVALIDSTATE, "the future is still pending");
    /* The text of an immortal one is what the call that returned it has said. */
    if (future->immortal) {
        if (eddy__thread_state()->error->code != future->error)
            eddy__failure_restore(future->error, NULL);
        return future->error;
    }
    future->retrieved = true;
    eddy__failure_restore(future->error, future->failure);
    return future->error;
}

/** Somebody asked how it ended, and leaves the result where it is. */
static void future_see(struct eddy_future *future)
{
    if (future->dispose_seen != NULL)
        future->dispose = future->dispose_seen;
}

static inline int future_result(struct eddy_future *future, eddy_value *value)
{
    if (future->state != EDDY__FINISHED)
        return future_error(future);
    if (value != NULL) {
        *value = future->value;
        future->taken = true;
    } else {
        future_see(future);
    }
    return 0;
}

int eddy_future_result(eddy_future *future, eddy_value *value)
{
    return future_result(future, value);
}

int eddy_future_exception(eddy_future *future)
{
    if (future->state != EDDY__FINISHED)
        return future_error(future);
    future_see(future);
    return 0;
}

/* Inside itself a shared library would call its public functions through a table. */
int eddy__future_take(struct eddy_future *future, eddy_value *value)
{
    int error = future_result(future, value);

    future_unref(future);
    return error;
}

const char *eddy_future_error_text(const eddy_future *future)
{
    if (future->state != EDDY__FAILED && future->state != EDDY__CANCELLED)
        return "";
    if (future->failure != NULL && future->failure->text[0] != '\0')
        return future->failure->text;
    return eddy_strerror(future->error);
}

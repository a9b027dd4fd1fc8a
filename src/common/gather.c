/* SPDX-License-Identifier: MIT */
/*
 * Waiting for several futures and their results (RUN-5).
 *
 * The operation keeps itself and its members alive until all of them are done, since those that
 * remain after the first error run on. What they end with then is nobody's any more.
 */
#include "common/future.h"
#include "common/place.h"

struct gather_operation;

struct gather_member {
    struct eddy__watch watch;
    struct gather_operation *operation;
    struct eddy_future *future; /**< a reference, until the member is done and counted */
};

/** What becomes of a result that nobody takes out; as in struct eddy_future. */
struct gather_disposal {
    eddy_disposer dispose;
    eddy_disposer dispose_seen;
};

/** The array that is handed out, with what is needed to dispose of it behind the program's back. */
struct gather_values {
    size_t count;
    struct gather_disposal *disposals; /**< behind the values, in the same memory */
    eddy_value values[];
};

struct gather_operation {
    struct eddy_future future;
    struct eddy__live live; /**< linked while it keeps itself alive */
    struct gather_values *values;
    size_t count;
    size_t pending;
    bool return_exceptions;
    bool cancel_requested;
    struct gather_member members[];
};

static struct gather_values *values_of(eddy_value *values)
{
    return EDDY__OWNER(values, struct gather_values, values);
}

static struct gather_values *values_new(size_t count)
{
    struct gather_values *values;
    size_t size = sizeof(eddy_value) + sizeof(struct gather_disposal);

    if (count > (SIZE_MAX - sizeof *values) / size)
        return NULL;
    values = eddy__alloc_zeroed(sizeof *values + count * size);
    if (values == NULL)
        return NULL;
    values->count = count;
    values->disposals = (void *)(values->values + count);
    return values;
}

void eddy_values_free(eddy_value *values)
{
    if (values != NULL)
        eddy__free(values_of(values));
}

/** Nobody took the array: each result goes where it would have gone alone. */
static void values_dispose(eddy_value value)
{
    struct gather_values *values = values_of(value.values);

    for (size_t i = 0; i < values->count; i++) {
        if (values->disposals[i].dispose != NULL)
            values->disposals[i].dispose(values->values[i]);
    }
    eddy__free(values);
}

/** Somebody awaited the gathering without taking the array: the same of each result. */
static void values_dispose_seen(eddy_value value)
{
    struct gather_values *values = values_of(value.values);

    for (size_t i = 0; i < values->count; i++) {
        if (values->disposals[i].dispose_seen != NULL)
            values->disposals[i].dispose = values->disposals[i].dispose_seen;
    }
    values_dispose(value);
}

static struct gather_operation *gather_of(struct eddy_future *future)
{
    return EDDY__OWNER(future, struct gather_operation, future);
}

/** Move the result of a member, or its error, into the array. */
static void gather_collect(struct gather_values *values, size_t i, struct eddy_future *member)
{
    if (member->state == EDDY__FINISHED) {
        if (!member->taken)
            values->disposals[i] = (struct gather_disposal){member->dispose, member->dispose_seen};
        member->taken = true;
        values->values[i] = member->value;
    } else {
        values->values[i].integer = member->error;
        if (!member->immortal)
            member->retrieved = true;
    }
}

/** All members are done, and none of them ended it before. */
static void gather_finish(struct gather_operation *operation)
{
    struct gather_values *values = operation->values;

    if (operation->cancel_requested) {
        eddy__future_finish_cancelled(&operation->future, NULL);
        return;
    }
    for (size_t i = 0; i < operation->count; i++)
        gather_collect(values, i, operation->members[i].future);
    operation->values = NULL;
    operation->future.dispose = values_dispose;
    operation->future.dispose_seen = values_dispose_seen;
    eddy__future_finish(&operation->future, (eddy_value){.values = values->values});
}

/**
 * Let go of the members; the references of those that are not done end here, too. An error that
 * is reported thereby may have the program cancel the gathering: it finds no members any more.
 */
static void gather_release(struct gather_operation *operation)
{
    size_t count = operation->count;

    operation->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct eddy_future *member = operation->members[i].future;

        eddy__future_unwatch(&operation->members[i].watch);
        eddy_future_unref(member);
    }
}

static void gather_on_done(struct eddy__watch *watch)
{
    struct gather_member *member = EDDY__OWNER(watch, struct gather_member, watch);
    struct gather_operation *operation = member->operation;
    struct eddy_future *future = &operation->future;

    operation->pending--;
    if (future->state == EDDY__PENDING && !operation->return_exceptions &&
        member->future->state != EDDY__FINISHED)
        eddy__future_finish_like(future, member->future);
    else if (member->future->state == EDDY__FAILED && !member->future->immortal &&
             future->state != EDDY__PENDING)
        member->future->retrieved = true; /* it had an owner, who has gone on */
    if (operation->pending > 0)
        return;
    if (future->state == EDDY__PENDING)
        gather_finish(operation);
    gather_release(operation);
    eddy__list_remove(&operation->live.node);
    eddy_future_unref(future);
}

/** Cancelling it cancels all members; it ends when they have ended. */
static bool gather_cancel(struct eddy_future *future, const char *message)
{
    struct gather_operation *operation = gather_of(future);
    bool any = false;

    for (size_t i = 0; i < operation->count; i++) {
        if (eddy_future_done(operation->members[i].future))
            continue;
        any = eddy_future_cancel(operation->members[i].future, message) || any;
    }
    operation->cancel_requested = operation->cancel_requested || any;
    return any;
}

static void gather_fini(struct eddy_future *future)
{
    struct gather_operation *operation = gather_of(future);

    gather_release(operation);
    eddy__free(operation->values);
}

static void gather_abandon(struct eddy__live *live)
{
    struct gather_operation *operation = EDDY__OWNER(live, struct gather_operation, live);

    eddy__list_remove(&live->node);
    gather_release(operation);
    eddy_future_unref(&operation->future);
}

static const struct eddy__future_kind gather_kind = {
    .name = "gathering of futures", .cancel = gather_cancel, .fini = gather_fini};

/** Drop the caller's references, which were taken, and return the failed future. */
static eddy_future *gather_refuse(struct eddy_loop *loop, int error, eddy_future *const *futures,
                                  size_t count)
{
    struct eddy_future *failed = eddy__future_failed(loop, error);

    for (size_t i = 0; i < count; i++)
        eddy_future_unref(futures[i]);
    return failed;
}

int eddy__futures_check(const struct eddy_loop *loop, eddy_future *const *futures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (futures[i] == NULL)
            return eddy_error(EDDY_EINVALID, "future %zu is NULL", i);
        if (futures[i]->loop != loop && futures[i]->loop != NULL)
            return eddy_error(EDDY_EINVALID, "future %zu belongs to another loop", i);
    }
    return 0;
}

static struct gather_operation *gather_new(struct eddy_loop *loop, size_t count)
{
    struct gather_operation *operation;
    struct eddy_future *future;
    size_t size = sizeof *operation + count * sizeof operation->members[0];

    if (count > (UINT32_MAX - sizeof *operation) / sizeof operation->members[0])
        return NULL;
    future = eddy__future_new(loop, size, &gather_kind);
    if (future == NULL)
        return NULL;
    operation = gather_of(future);
    operation->values = values_new(count);
    if (operation->values != NULL)
        return operation;
    eddy_future_unref(future);
    return NULL;
}

eddy_future *eddy_gather(eddy_future *const *futures, size_t count,
                         const eddy_gather_options *options)
{
    struct eddy_loop *loop = eddy_get_running_loop();
    struct gather_operation *operation;
    int error = loop == NULL ? EDDY_EBADSTATE : eddy__futures_check(loop, futures, count);

    if (error)
        return gather_refuse(loop, error, futures, count);
    operation = gather_new(loop, count);
    if (operation == NULL)
        return gather_refuse(loop,
                             eddy_error(EDDY_ENOMEM, "no memory to gather %zu futures", count),
                             futures, count);
    operation->future.created_at = loop->debug ? EDDY__CALLER() : NULL;
    operation->return_exceptions = options != NULL && options->return_exceptions;
    operation->live.abandon = gather_abandon;
    operation->count = operation->pending = count;
    for (size_t i = 0; i < count; i++) {
        struct gather_member *member = &operation->members[i];

        member->operation = operation;
        member->future = futures[i];
        member->watch.on_done = gather_on_done;
        eddy__future_watch(futures[i], &member->watch);
    }
    if (count == 0) {
        gather_finish(operation);
        return &operation->future;
    }
    eddy_future_ref(&operation->future); /* its own, until all members are done */
    eddy__list_append(&loop->live, &operation->live.node);
    return &operation->future;
}

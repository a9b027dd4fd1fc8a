/* SPDX-License-Identifier: MIT */
#include "common/making.h"
#include "common/future.h"

struct eddy__making {
    struct eddy_future future;
    struct eddy__live live;      /**< linked while the loop holds a reference */
    struct eddy_transport *made; /**< started, and not ready yet; borrowed */
};

/** Let go of the loop's reference to the future, which is done. */
static void making_leave(struct eddy__making *making)
{
    making->made = NULL;
    eddy__list_remove(&making->live.node);
    eddy_future_unref(&making->future);
}

static bool making_cancel(struct eddy_future *future, const char *message)
{
    struct eddy__making *making = (struct eddy__making *)future;

    eddy__transport_forget(making->made);
    eddy__future_finish_cancelled(future, message);
    making_leave(making);
    return true;
}

static void making_abandon(struct eddy__live *live)
{
    making_leave(EDDY__OWNER(live, struct eddy__making, live));
}

static const struct eddy__future_kind making_kind = {
    .name = "transport being made",
    .cancel = making_cancel,
};

struct eddy__making *eddy__making_new(struct eddy_loop *loop)
{
    return (struct eddy__making *)eddy__future_new(loop, sizeof(struct eddy__making), &making_kind);
}

void eddy__making_free(struct eddy__making *making)
{
    if (making != NULL)
        eddy_future_unref(&making->future);
}

/** Somebody awaited it without taking the reference: the transport is the protocol's to end. */
static void making_dispose_seen(eddy_value value)
{
    eddy_transport_unref(value.transport);
}

/** Nobody ever asked (a cancelled task): the transport ends, or nobody would end it. */
static void making_dispose(eddy_value value)
{
    eddy_transport_close(value.transport);
    eddy_transport_unref(value.transport);
}

static void making_on_made(void *arg, struct eddy_transport *transport, int error)
{
    struct eddy__making *making = arg;

    if (error == EDDY_ECANCELED) {
        eddy__future_finish_cancelled(&making->future, eddy_error_text());
    } else if (error) {
        eddy__future_finish_failed(&making->future, error);
    } else {
        making->future.dispose = making_dispose;
        making->future.dispose_seen = making_dispose_seen;
        eddy__future_finish(&making->future,
                            (eddy_value){.transport = eddy_transport_ref(transport)});
    }
    making_leave(making);
}

struct eddy__transport_setup eddy__making_setup(struct eddy__making *making,
                                                eddy_protocol_factory factory, void *arg)
{
    return (struct eddy__transport_setup){
        .factory = factory,
        .factory_arg = arg,
        .on_made = making_on_made,
        .on_made_arg = making,
    };
}

struct eddy_future *eddy__making_wait(struct eddy__making *making, struct eddy_transport *transport)
{
    making->made = transport;
    making->live.abandon = making_abandon;
    eddy__list_append(&making->future.loop->live, &making->live.node);
    return eddy_future_ref(&making->future);
}

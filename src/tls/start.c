/* SPDX-License-Identifier: MIT */
/*
 * How TLS begins: over a stream that nobody knows yet (create_connection() and the like), or over a
 * transport that is in use (start_tls()); then the handshake.
 */
#include "common/argument.h"
#include "common/future.h"
#include "common/log.h"
#include "common/making.h"
#include "common/server.h"
#include "common/stream.h"
#include "tls/context.h"
#include "tls/parts.h"

#define HANDSHAKE_TIMEOUT_DEFAULT EDDY_SECONDS(60)
#define SHUTDOWN_TIMEOUT_DEFAULT EDDY_SECONDS(30)

int eddy__tls_check(const struct eddy__tls_setup *setup, bool server)
{
    const struct eddy_tls_context *context = setup->context;

    if (context == NULL)
        return eddy__check_without_tls(setup);
    if (setup->handshake_timeout < 0 || setup->shutdown_timeout < 0)
        return eddy_error(EDDY_EINVALID, "a limit of TLS is not positive");
    if (!eddy__tls_context_is_default(context) && eddy__tls_context_is_server(context) == server)
        return 0;
    if (eddy__tls_context_is_default(context) && !server)
        return 0;
    return eddy_error(EDDY_EINVALID, "the TLS context is made for %s",
                      server ? "clients" : "servers");
}

/** The context to use, a reference; the default one is made at its first use (TLS-2). */
static int tls_context(struct eddy_loop *loop, struct eddy_tls_context *asked,
                       struct eddy_tls_context **context)
{
    int error = 0;

    if (eddy__tls_context_is_default(asked)) {
        if (loop->tls_default == NULL)
            error = eddy_tls_context_new(NULL, &loop->tls_default);
        asked = loop->tls_default;
    }
    *context = error ? NULL : eddy_tls_context_ref(asked);
    return error;
}

/** Everything that can fail. What was made so far is in `tls`, also if it fails. */
static int tls_fill(struct eddy__tls *tls, const struct eddy__tls_setup *setup,
                    const struct eddy_transport *lower)
{
    struct eddy_loop *loop = tls->transport.loop;
    struct eddy_tls_context *context;
    int error;

    tls->opening = eddy__alloc_zeroed(sizeof *tls->opening);
    tls->lane = eddy__tls_lane_over(loop, lower);
    if (tls->opening == NULL || tls->lane == NULL)
        return EDDY_ENOMEM;
    tls->opening->handshake_timeout =
        setup->handshake_timeout != 0 ? setup->handshake_timeout : HANDSHAKE_TIMEOUT_DEFAULT;
    tls->shutdown_timeout =
        setup->shutdown_timeout != 0 ? setup->shutdown_timeout : SHUTDOWN_TIMEOUT_DEFAULT;
    error = tls_context(loop, setup->context, &context);
    if (error)
        return error;
    error = eddy__tls_engine_new(context, setup->server_hostname, &tls->wire, &tls->engine);
    eddy_tls_context_unref(context);
    if (error)
        return error;
    return eddy__timer_reserve(&loop->timers, &tls->timer);
}

int eddy__tls_new(struct eddy_loop *loop, const struct eddy__tls_setup *setup,
                  const struct eddy_transport *lower, struct eddy__tls **made)
{
    struct eddy__tls *tls;
    int error;

    *made = NULL;
    if (setup->context == NULL)
        return 0;
    tls = eddy__alloc_zeroed(sizeof *tls);
    if (tls == NULL)
        return EDDY_ENOMEM;
    eddy__tls_init(tls, loop);
    error = tls_fill(tls, setup, lower);
    if (error) {
        eddy__tls_free(&tls->transport);
        return error;
    }
    *made = tls;
    return 0;
}

void eddy__tls_discard(struct eddy__tls *tls)
{
    if (tls != NULL)
        eddy__tls_step(tls, TLS_ON_TOLD);
}

/** From now on the loop keeps the transport alive, and that keeps `lower`. */
static void tls_take_over(struct eddy__tls *tls, struct eddy_transport *lower)
{
    tls->lower = eddy_transport_ref(lower);
    eddy__list_append(&tls->transport.loop->live, &tls->live.node);
}

/** The stream's factory makes us its protocol; the program's comes later (TR-52). */
static eddy_protocol *tls_below_factory(void *arg)
{
    return &((struct eddy__tls *)arg)->below;
}

/** Without memory lower ends before it makes us its protocol: only here are we told of that. */
static void tls_on_lower_made(void *arg, struct eddy_transport *lower, int error)
{
    struct eddy__tls *tls = arg;

    if (error && lower->protocol == NULL)
        tls->below.callbacks->connection_lost(&tls->below, error);
}

struct eddy_transport *eddy__tls_begin(struct eddy__tls *tls, struct eddy__stream *stream,
                                       const struct eddy__transport_setup *setup)
{
    struct eddy__transport_setup below = {
        .factory = tls_below_factory,
        .factory_arg = tls,
        .is_accepted = setup->server != NULL || setup->is_accepted,
        .on_made = tls_on_lower_made,
        .on_made_arg = tls,
    };

    tls->opening->setup = *setup;
    tls_take_over(tls, eddy__stream_transport(stream));
    if (setup->server != NULL)
        eddy__server_attach(setup->server, &tls->transport);
    eddy__stream_start(stream, &below);
    return &tls->transport;
}

void eddy__tls_enter_handshake(struct eddy__tls *tls)
{
    eddy__tls_start_limit(tls, tls->opening->handshake_timeout);
    if (tls->transport.loop->debug)
        eddy__log(EDDY_LOG_DEBUG, "transport %p: TLS handshake begins", (void *)&tls->transport);
}

/** The factory at the last moment, and connection_made() (TR-52, TLS-18). An error: it ends. */
static int tls_introduce(struct eddy__tls *tls)
{
    struct eddy__transport_setup *setup = &tls->opening->setup;
    eddy_protocol *protocol;
    int error;

    eddy__thread_state()->error->code = 0;
    protocol = setup->factory(setup->factory_arg);
    if (protocol == NULL || protocol->callbacks == NULL) {
        error = eddy__thread_state()->error->code;
        if (protocol != NULL)
            error = eddy_error(EDDY_EINVALID, "the protocol was not initialised");
        else if (error >= 0)
            error = eddy_error(EDDY_EFAILED, "the protocol factory made no protocol");
        eddy__tls_fail(tls, error);
        return error;
    }
    tls->transport.protocol = protocol;
    tls->told = TLS_TOLD_MADE;
    error = eddy__protocol_made(&tls->transport);
    if (error < 0)
        eddy__tls_protocol_failed(tls, "connection_made", error);
    return error < 0 ? error : 0;
}

/** TLS-18. What was written and received meanwhile is the turn's. */
static void tls_shaken(struct eddy__tls *tls)
{
    int error = 0;

    if (tls->transport.loop->debug)
        eddy__log(EDDY_LOG_DEBUG, "transport %p: %s, %s", (void *)&tls->transport,
                  eddy_tls_get_version(tls->engine), eddy__tls_engine_cipher(tls->engine)->name);
    if (tls->state != TLS_HANDSHAKE)
        return; /* who keeps the log has ended it, as it may be in the handshake */
    eddy__tls_step(tls, TLS_ON_SHAKEN);
    if (tls->told == TLS_TOLD_INIT) {
        tls->opening->is_making = true;
        error = tls_introduce(tls);
        tls->opening->is_making = false;
    }
    if (tls->opening->is_forgotten)
        eddy_transport_close(&tls->transport);
    if (error) /* who was told of it meanwhile may have talked over the words */
        eddy__failure_restore(error, tls->failure);
    eddy__tls_tell_made(tls, error);
}

void eddy__tls_shake(struct eddy__tls *tls)
{
    while (tls->state == TLS_HANDSHAKE) {
        int status;

        tls_hold_lane(tls);
        status = eddy__tls_engine_handshake(tls->engine);
        if (tls->state != TLS_HANDSHAKE)
            return; /* one of the context's callbacks has ended it */
        if (status == EDDY__TLS_FAILED)
            eddy__tls_fail(tls, eddy__tls_engine_error(tls->engine));
        else if (status == EDDY__TLS_DONE)
            tls_shaken(tls);
        else
            eddy__tls_lane_flush(tls);
        if (status == EDDY__TLS_WANT_INPUT ||
            (status == EDDY__TLS_WANT_ROOM && tls_is_blocked(tls)))
            return;
    }
}

/* start_tls(). */

/** Lower has told its end to the protocol before us, and will not do so again (TLS-21). */
static bool tls_lower_had_ended(const struct eddy__tls *tls)
{
    const struct eddy_transport *lower = tls->lower;

    return !eddy_transport_is_closing(lower) && lower->kind->has_ended != NULL &&
           lower->kind->has_ended(lower);
}

/** The next iteration: first the handshake, then reading (TLS-8). */
static void tls_run_begin(struct eddy__ready *ready)
{
    struct eddy__tls *tls = EDDY__OWNER(ready, struct eddy__tls, ready);

    eddy_transport_ref(&tls->transport);
    eddy__tls_step(tls, TLS_ON_BEGIN);
    if (tls_lower_had_ended(tls))
        eddy__tls_fail(tls, eddy_error(EDDY_ECONNRESET,
                                       "the peer had closed the connection before TLS began"));
    eddy__tls_turn(tls);
    if (tls->state < TLS_UNWRAPPED && !tls->lower_held)
        eddy_transport_resume_reading(tls->lower);
    eddy_transport_unref(&tls->transport);
}

/** TLS-7: all that is refused before anything happens. */
static int start_check(struct eddy_loop *loop, const struct eddy_transport *lower,
                       const eddy_protocol *protocol, const struct eddy__tls_setup *setup,
                       const eddy_start_tls_options *options)
{
    const struct eddy_tls_context *context = setup->context;
    bool server;
    int error;

    if (context == NULL)
        return eddy_error(EDDY_EINVALID, "start_tls() needs a TLS context");
    if (lower == NULL || lower->loop != loop || !lower->kind->carries_tls)
        return eddy_error(EDDY_EINVALID, "no transport of this loop that can carry TLS");
    if (protocol == NULL || protocol->callbacks == NULL)
        return eddy_error(EDDY_EINVALID, "a transport needs a protocol with callbacks");
    if (options->received.data == NULL && options->received.size > 0)
        return eddy_error(EDDY_EINVALID, "no data was received");
    server = !eddy__tls_context_is_default(context) && eddy__tls_context_is_server(context);
    error = eddy__tls_check(setup, server);
    if (error == 0)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error)
        return error;
    if (setup->server_hostname == NULL && !server &&
        (eddy__tls_context_is_default(context) || eddy__tls_context_checks_name(context)))
        return eddy_error(EDDY_EINVALID,
                          "the TLS context checks names, and server_hostname is not given");
    if (eddy_transport_is_closing(lower))
        return eddy_error(EDDY_EBADSTATE, "the transport is closing");
    if (lower->is_interposed)
        return eddy_error(EDDY_EBADSTATE, "a file is being sent");
    if (lower->protocol->callbacks == &eddy__tls_below)
        return eddy_error(EDDY_EBADSTATE, "the transport carries TLS already");
    return eddy__loop_check_open(loop);
}

/** From now on lower is ours (TLS-8..TLS-10). */
static void start_over(struct eddy__tls *tls, struct eddy_transport *lower, eddy_protocol *protocol)
{
    tls_take_over(tls, lower);
    eddy__server_hand_over(lower, &tls->transport);
    tls->transport.protocol = protocol;
    tls->told = TLS_TOLD_MADE;
    eddy_transport_pause_reading(lower);
    /* The protocol that was told to pause is told to resume, by our marks. */
    tls->lower_full = lower->kind->is_writing_paused(lower);
    tls->flow.is_paused = tls->lower_full && lower->protocol == protocol;
    lower->kind->set_protocol(lower, &tls->below);
    tls->ready.run = tls_run_begin;
    eddy__loop_enqueue(tls->transport.loop, &tls->ready);
}

eddy_future *eddy_loop_start_tls(eddy_loop *loop, eddy_transport *transport,
                                 eddy_protocol *protocol, eddy_tls_context *context,
                                 const eddy_start_tls_options *options)
{
    static const eddy_start_tls_options defaults;
    struct eddy__tls_setup setup = {.context = context};
    struct eddy__making *making;
    struct eddy__tls *tls;
    int error;

    if (loop == NULL)
        return eddy__future_failed(NULL, eddy_error(EDDY_EINVALID, "no loop"));
    if (options == NULL)
        options = &defaults;
    setup.server_hostname = options->server_hostname;
    setup.handshake_timeout = options->handshake_timeout;
    setup.shutdown_timeout = options->shutdown_timeout;
    error = start_check(loop, transport, protocol, &setup, options);
    if (error == 0)
        error = eddy__tls_new(loop, &setup, transport, &tls);
    if (error)
        return eddy__future_failed(loop, error);
    making = eddy__making_new(loop);
    if (making == NULL ||
        eddy__tls_keep(tls, options->received.data, options->received.size) != 0) {
        eddy__making_free(making);
        eddy__tls_discard(tls);
        return eddy__future_failed(loop, EDDY_ENOMEM);
    }
    tls->opening->setup = eddy__making_setup(making, NULL, NULL);
    start_over(tls, transport, protocol);
    return eddy__making_wait(making, &tls->transport);
}

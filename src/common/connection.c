/* SPDX-License-Identifier: MIT */
/*
 * create_connection() and connect_accepted_socket().
 *
 *   resolve the host ── resolve local_host ── race ── start the stream ── done
 *                     the path of a Unix socket ──┘            │
 *                                            a passed socket ──┘
 *
 * Each stage has one object of its own, which is there exactly as long as the stage lasts: a
 * future of the resolver, a race, a stream that was started. connecting_leave() lets go of what
 * there is, so that an error, a cancel and the end of the loop are one path.
 */
#include "common/connection.h"
#include "common/argument.h"
#include "common/dns.h"
#include "common/future.h"
#include "common/race.h"
#include "common/socket_view.h"
#include <string.h>

struct connecting {
    struct eddy_future future;
    struct eddy__live live; /**< linked while the loop holds a reference */
    eddy_protocol_factory factory;
    void *factory_arg;

    struct eddy__resolver_query local_query; /**< host and service both NULL: not bound */
    size_t interleave;
    eddy_time delay;
    bool all_errors;
    bool is_accepted; /**< by the program; for the log */

    struct eddy_future *resolving;
    struct eddy__watch resolved;
    eddy_address_list *targets;
    eddy_address_list *locals;
    struct eddy__race *race;
    struct eddy__tls *tls;       /**< what the stream shall carry, until that is made; or NULL */
    struct eddy_transport *made; /**< started, and not ready yet; borrowed */

    char texts[]; /**< those of local_query */
};

/** Let go of every stage, and of the loop's reference to the future, which is done. */
static void connecting_leave(struct connecting *connecting)
{
    eddy__list_remove(&connecting->live.node);
    eddy__future_unwatch(&connecting->resolved);
    if (connecting->resolving != NULL) {
        eddy_future_cancel(connecting->resolving, NULL);
        eddy_future_unref(connecting->resolving);
    }
    connecting->resolving = NULL;
    eddy__race_free(connecting->race);
    connecting->race = NULL;
    eddy_address_list_free(connecting->targets);
    eddy_address_list_free(connecting->locals);
    connecting->targets = connecting->locals = NULL;
    eddy__tls_discard(connecting->tls);
    connecting->tls = NULL;
    eddy_future_unref(&connecting->future);
}

static void connecting_fail(struct connecting *connecting, int error)
{
    if (error == EDDY_ECANCELED)
        eddy__future_finish_cancelled(&connecting->future, eddy_error_text());
    else
        eddy__future_finish_failed(&connecting->future, error);
    connecting_leave(connecting);
}

static bool connecting_cancel(struct eddy_future *future, const char *message)
{
    struct connecting *connecting = (struct connecting *)future;

    /* NET-16: a transport that exists already is closed as by close(). */
    if (connecting->made != NULL)
        eddy__transport_forget(connecting->made);
    eddy__future_finish_cancelled(future, message);
    connecting_leave(connecting);
    return true;
}

static void connecting_abandon(struct eddy__live *live)
{
    connecting_leave(EDDY__OWNER(live, struct connecting, live));
}

static const struct eddy__future_kind connecting_kind = {
    .name = "connection under way",
    .cancel = connecting_cancel,
};

/** Somebody awaited it without taking the reference: the connection is the protocol's to end. */
static void connecting_dispose_seen(eddy_value value)
{
    eddy_transport_unref(value.transport);
}

/** Nobody ever asked (a cancelled task): the connection ends, or nobody would end it. */
static void connecting_dispose(eddy_value value)
{
    eddy_transport_close(value.transport);
    eddy_transport_unref(value.transport);
}

static void connecting_on_made(void *arg, struct eddy_transport *transport, int error)
{
    struct connecting *connecting = arg;

    connecting->made = NULL;
    if (error) {
        connecting_fail(connecting, error);
        return;
    }
    connecting->future.dispose = connecting_dispose;
    connecting->future.dispose_seen = connecting_dispose_seen;
    eddy__future_finish(&connecting->future,
                        (eddy_value){.transport = eddy_transport_ref(transport)});
    connecting_leave(connecting);
}

/** The connection stands: hand it to the program (NET-15, TR-52). */
static void connecting_make(struct connecting *connecting, struct eddy__stream *stream)
{
    struct eddy__tls *tls = connecting->tls;
    struct eddy__transport_setup setup = {
        .factory = connecting->factory,
        .factory_arg = connecting->factory_arg,
        .is_accepted = connecting->is_accepted,
        .on_made = connecting_on_made,
        .on_made_arg = connecting,
    };

    connecting->tls = NULL;
    connecting->made = eddy__connection_start(stream, tls, &setup);
}

/** NET-11: every attempt failed. The future's text may be longer than eddy_error_text(). */
static void connecting_lose(struct connecting *connecting, int error)
{
    struct eddy__failure *failure = eddy__race_failure(connecting->race);

    eddy__future_finish_failed(&connecting->future, error);
    if (failure != NULL) {
        eddy__free(connecting->future.failure);
        connecting->future.failure = failure;
    }
    connecting_leave(connecting);
}

static void connecting_on_race_ended(void *arg, struct eddy__stream *stream, int error)
{
    struct connecting *connecting = arg;

    if (stream == NULL) {
        connecting_lose(connecting, error);
        return;
    }
    eddy__race_free(connecting->race);
    connecting->race = NULL;
    connecting_make(connecting, stream);
}

static void connecting_race(struct connecting *connecting)
{
    struct eddy__race_options options = {
        .targets = connecting->targets,
        .locals = connecting->locals,
        .interleave = connecting->interleave,
        .delay = connecting->delay,
        .all_errors = connecting->all_errors,
        .on_ended = connecting_on_race_ended,
        .arg = connecting,
    };
    int error;

    connecting->race = eddy__race_new(connecting->future.loop, &options);
    if (connecting->race == NULL) {
        connecting_fail(connecting, EDDY_ENOMEM);
        return;
    }
    error = eddy__race_start(connecting->race);
    if (error)
        connecting_lose(connecting, error);
}

static void connecting_take_addresses(struct connecting *connecting);

static void connecting_on_resolved(struct eddy__watch *watch)
{
    connecting_take_addresses(EDDY__OWNER(watch, struct connecting, resolved));
}

/** Ask for addresses. A numeric host needs no waiting. */
static void connecting_resolve(struct connecting *connecting,
                               const struct eddy__resolver_query *query)
{
    connecting->resolving = eddy__dns_resolve(connecting->future.loop, query);
    if (eddy_future_done(connecting->resolving))
        connecting_take_addresses(connecting);
    else
        eddy__future_watch(connecting->resolving, &connecting->resolved);
}

/** The resolver's answer: first the targets, then the local addresses (NET-9). */
static void connecting_take_addresses(struct connecting *connecting)
{
    bool first = connecting->targets == NULL;
    eddy_value value = {0};
    int error = eddy__future_take(connecting->resolving, &value);

    connecting->resolving = NULL;
    if (error) {
        connecting_fail(connecting, error);
        return;
    }
    if (first)
        connecting->targets = value.addresses;
    else
        connecting->locals = value.addresses;
    if (first && (connecting->local_query.host != NULL || connecting->local_query.service != NULL))
        connecting_resolve(connecting, &connecting->local_query);
    else
        connecting_race(connecting);
}

/** `extra` bytes for texts. */
static int connecting_new(struct eddy_loop *loop, const struct eddy__connection_setup *setup,
                          size_t extra, struct connecting **made)
{
    struct eddy_future *future;
    struct connecting *connecting;
    struct eddy__tls *tls;
    int error = eddy__tls_new(loop, &setup->tls, NULL, &tls);

    if (error)
        return error;
    future = eddy__future_new(loop, sizeof(struct connecting) + extra, &connecting_kind);
    if (future == NULL) {
        eddy__tls_discard(tls);
        return EDDY_ENOMEM;
    }
    connecting = (struct connecting *)future;
    connecting->factory = setup->factory;
    connecting->factory_arg = setup->factory_arg;
    connecting->is_accepted = setup->is_accepted;
    connecting->tls = tls;
    connecting->live.abandon = connecting_abandon;
    connecting->resolved.on_done = connecting_on_resolved;
    eddy__list_append(&loop->live, &connecting->live.node);
    *made = connecting;
    return 0;
}

struct eddy_transport *eddy__connection_start(struct eddy__stream *stream, struct eddy__tls *tls,
                                              const struct eddy__transport_setup *setup)
{
    if (tls != NULL)
        return eddy__tls_begin(tls, stream, setup);
    eddy__stream_start(stream, setup);
    return eddy__stream_transport(stream);
}

struct eddy_future *eddy__connection_over(struct eddy_loop *loop,
                                          const struct eddy__connection_setup *setup,
                                          eddy_socket socket)
{
    struct connecting *connecting = NULL;
    struct eddy__stream *stream = NULL;
    int family = EDDY_UNSPEC;
    int protocol = EDDY_ANY_PROTOCOL;
    int error = eddy__check_stream_socket(loop, socket, &family, &protocol);

    if (error == 0)
        error = loop->backend->sockets->set_nonblocking(socket);
    if (error == 0)
        error = connecting_new(loop, setup, 0, &connecting);
    if (error)
        return eddy__future_failed(loop, error);
    eddy_future_ref(&connecting->future);
    error = eddy__stream_new(loop, socket, NULL, &stream);
    if (error) {
        connecting_fail(connecting, error);
        return &connecting->future;
    }
    if ((family == EDDY_INET || family == EDDY_INET6) && protocol == EDDY_TCP)
        loop->backend->sockets->set_option(socket, EDDY__NO_DELAY, 1);
    connecting_make(connecting, stream);
    return &connecting->future;
}

struct eddy_future *eddy__connection_to(struct eddy_loop *loop,
                                        const struct eddy__connection_setup *setup,
                                        eddy_address_list *targets)
{
    struct connecting *connecting;
    int error = connecting_new(loop, setup, 0, &connecting);

    if (error) {
        eddy_address_list_free(targets);
        return eddy__future_failed(loop, error);
    }
    connecting->targets = targets;
    eddy_future_ref(&connecting->future);
    connecting_race(connecting);
    return &connecting->future;
}

static size_t connecting_text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static struct eddy_future *connecting_start_with_host(struct eddy_loop *loop,
                                                      const struct eddy__connection_setup *setup,
                                                      const struct eddy__resolver_query *query,
                                                      const eddy_connection_options *options)
{
    size_t host_size = connecting_text_size(options->local_host);
    size_t service_size = connecting_text_size(options->local_service);
    struct connecting *connecting;
    int error = connecting_new(loop, setup, host_size + service_size, &connecting);

    if (error)
        return eddy__future_failed(loop, error);
    connecting->local_query = *query;
    connecting->local_query.host = connecting->local_query.service = NULL;
    if (host_size > 0)
        connecting->local_query.host = memcpy(connecting->texts, options->local_host, host_size);
    if (service_size > 0)
        connecting->local_query.service =
            memcpy(connecting->texts + host_size, options->local_service, service_size);
    connecting->delay = options->happy_eyeballs_delay;
    connecting->all_errors = options->all_errors;
    connecting->interleave = (size_t)options->interleave;
    if (options->interleave == 0 && options->happy_eyeballs_delay > 0 && !options->no_interleave)
        connecting->interleave = 1;
    eddy_future_ref(&connecting->future);
    connecting_resolve(connecting, query);
    return &connecting->future;
}

/** NET-7, before anything else happens. */
static int connection_check(const struct eddy_loop *loop, eddy_protocol_factory factory,
                            const char *host, int port, const eddy_connection_options *options)
{
    int error = eddy__check_loop_and_factory(loop, factory);

    if (error == 0)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error)
        return error;
    /* TLS-3: no check is dropped because a name is missing; "" as server_hostname says so. */
    if (options->tls != NULL && (host == NULL || host[0] == '\0') &&
        options->server_hostname == NULL)
        return eddy_error(EDDY_EINVALID, "tls without a host needs server_hostname");
    if (options->sock != NULL && (host != NULL || port != 0 || options->service != NULL))
        return eddy_error(EDDY_EINVALID, "host or port and sock are given at the same time");
    if (options->sock == NULL && host == NULL && port == 0 && options->service == NULL)
        return eddy_error(EDDY_EINVALID, "neither host and port nor sock are given");
    if (options->sock != NULL && (options->local_host != NULL || options->local_service != NULL))
        return eddy_error(EDDY_EINVALID, "local_host and sock are given at the same time");
    if (options->happy_eyeballs_delay < 0 || options->interleave < 0)
        return eddy_error(EDDY_EINVALID, "happy_eyeballs_delay and interleave are not negative");
    return 0;
}

eddy_future *eddy_loop_create_connection(eddy_loop *loop, eddy_protocol_factory factory, void *arg,
                                         const char *host, int port,
                                         const eddy_connection_options *options)
{
    static const eddy_connection_options defaults;
    struct eddy__resolver_query query = {.host = host, .type = EDDY_STREAM};
    char port_text[EDDY__PORT_TEXT_SIZE];
    struct eddy__connection_setup setup = {.factory = factory, .factory_arg = arg};
    int error;

    if (options == NULL)
        options = &defaults;
    setup.tls = (struct eddy__tls_setup){
        .context = options->tls,
        .server_hostname = options->server_hostname,
        .handshake_timeout = options->tls_handshake_timeout,
        .shutdown_timeout = options->tls_shutdown_timeout,
    };
    error = connection_check(loop, factory, host, port, options);
    /* TLS-3: who is meant is who was asked for. */
    if (options->tls != NULL && options->server_hostname == NULL)
        setup.tls.server_hostname = host;
    if (error == 0)
        error = eddy__tls_check(&setup.tls, false);
    if (error == 0)
        error = eddy__dns_service(port, options->service, port_text, &query.service);
    if (error)
        return eddy__future_failed(loop, error);
    if (options->sock != NULL)
        return eddy__connection_over(loop, &setup, *options->sock);
    query.family = (int)options->family;
    query.protocol = (int)options->protocol;
    query.flags = options->flags;
    return connecting_start_with_host(loop, &setup, &query, options);
}

eddy_future *eddy_loop_connect_accepted_socket(eddy_loop *loop, eddy_protocol_factory factory,
                                               void *arg, eddy_socket sock,
                                               const eddy_accepted_options *options)
{
    static const eddy_accepted_options defaults;
    struct eddy__connection_setup setup = {
        .factory = factory,
        .factory_arg = arg,
        .is_accepted = true,
    };
    int error = eddy__check_loop_and_factory(loop, factory);

    if (options == NULL)
        options = &defaults;
    setup.tls = (struct eddy__tls_setup){
        .context = options->tls,
        .handshake_timeout = options->tls_handshake_timeout,
        .shutdown_timeout = options->tls_shutdown_timeout,
    };
    if (error == 0)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error == 0)
        error = eddy__tls_check(&setup.tls, true);
    if (error)
        return eddy__future_failed(loop, error);
    return eddy__connection_over(loop, &setup, sock);
}

/* SPDX-License-Identifier: MIT */
#include "common/race.h"
#include "common/interleave.h"
#include <stdio.h>
#include <string.h>

/** One address: not started, under way (`stream`), or failed (`error`). */
struct attempt {
    struct eddy__race *race;
    const eddy_addrinfo *target;
    struct eddy__stream *stream;
    int error;
    struct eddy__failure *failure; /**< text of the error; NULL if memory was out */
};

struct eddy__race {
    struct eddy_loop *loop;
    struct eddy__race_options options;
    struct eddy__timer next; /**< starts the next attempt; its place is reserved */
    size_t count;
    size_t started;
    size_t failed;
    struct attempt attempts[];
};

static void race_on_delay(struct eddy__ready *ready);

struct eddy__race *eddy__race_new(struct eddy_loop *loop, const struct eddy__race_options *options)
{
    size_t count = eddy_address_list_count(options->targets);
    struct eddy__race *race = eddy__alloc_zeroed(sizeof *race + count * sizeof race->attempts[0]);
    const eddy_addrinfo **ordered = eddy__alloc((count + 1) * sizeof *ordered);

    if (race == NULL || ordered == NULL || eddy__timer_reserve(&loop->timers, &race->next) != 0) {
        eddy__free(ordered);
        eddy__free(race);
        return NULL;
    }
    race->loop = loop;
    race->options = *options;
    race->next.ready.run = race_on_delay;
    race->count = count;
    eddy__interleave(options->targets, options->interleave, ordered);
    for (size_t i = 0; i < count; i++) {
        race->attempts[i].race = race;
        race->attempts[i].target = ordered[i];
    }
    eddy__free(ordered);
    return race;
}

/** NET-10: bind to the first local address of the target's family that works. */
static int attempt_bind(struct attempt *attempt, eddy_socket socket)
{
    const struct eddy__socket_ops *sockets = attempt->race->loop->backend->sockets;
    const eddy_address_list *locals = attempt->race->options.locals;
    char text[EDDY_ADDRESS_TEXT_MAX];
    const eddy_addrinfo *local;
    int error;

    if (locals == NULL)
        return 0;
    error = eddy_error(EDDY_EADDRNOTAVAIL, "no local address of the target's family");
    for (size_t i = 0; (local = eddy_address_list_get(locals, i)) != NULL; i++) {
        if (local->family != attempt->target->family)
            continue;
        error = sockets->bind(socket, &local->address);
        if (error == 0)
            return 0;
        eddy_address_format(&local->address, text, sizeof text);
        eddy_error(error, "cannot bind to %s: %s", text, eddy_strerror(error));
    }
    return error;
}

static void attempt_on_connected(void *arg, int error);

static int attempt_failed_to(const char *what, const struct attempt *attempt, int error)
{
    char text[EDDY_ADDRESS_TEXT_MAX];

    eddy_address_format(&attempt->target->address, text, sizeof text);
    return eddy_error(error, "cannot %s %s: %s", what, text, eddy_strerror(error));
}

/** Socket, bind, connect. What fails at once leaves nothing behind and has an error text. */
static int attempt_start(struct attempt *attempt)
{
    struct eddy_loop *loop = attempt->race->loop;
    const struct eddy__socket_ops *sockets = loop->backend->sockets;
    const eddy_addrinfo *target = attempt->target;
    eddy_socket socket;
    int error =
        sockets->open(loop, (int)target->family, EDDY_STREAM, (int)target->protocol, &socket);

    if (error)
        return attempt_failed_to("make a socket for", attempt, error);
    /* Before connecting, so that nothing can be sent without it (NET-17). A system that refuses
     * sends later, no worse. */
    if (target->family == EDDY_INET || target->family == EDDY_INET6)
        sockets->set_option(socket, EDDY__NO_DELAY, 1);
    error = attempt_bind(attempt, socket);
    if (error == 0) {
        error = eddy__stream_new(loop, socket, NULL, &attempt->stream);
        if (error)
            attempt_failed_to("make a transport for", attempt, error);
    }
    if (error) {
        sockets->close(socket);
        return error;
    }
    eddy__stream_connect(attempt->stream, &target->address, attempt_on_connected, attempt);
    return 0;
}

/** Keep what eddy_error() just said about `error`. */
static void attempt_fail(struct attempt *attempt, int error)
{
    attempt->error = error;
    attempt->failure = eddy__failure_capture(error);
    attempt->race->failed++;
}

static const char *attempt_text(const struct attempt *attempt)
{
    return attempt->failure != NULL ? attempt->failure->text : eddy_strerror(attempt->error);
}

/** NET-11: whether an earlier attempt says the same. Quadratic: addresses of a host are few. */
static bool race_is_repeated(const struct eddy__race *race, size_t index)
{
    if (race->options.all_errors)
        return false;
    for (size_t i = 0; i < index; i++)
        if (strcmp(attempt_text(&race->attempts[i]), attempt_text(&race->attempts[index])) == 0)
            return true;
    return false;
}

struct eddy__failure *eddy__race_failure(const struct eddy__race *race)
{
    static const char intro[] = "all attempts failed: ";
    struct eddy__failure *failure;
    size_t room = sizeof *failure + sizeof intro;
    size_t used = 0;
    size_t said = 0;

    if (race->count == 0)
        return NULL;
    for (size_t i = 0; i < race->count; i++)
        room += strlen(attempt_text(&race->attempts[i])) + sizeof "; ";
    failure = eddy__alloc(room);
    if (failure == NULL)
        return NULL;
    failure->number = 0;
    room -= sizeof *failure;
    if (race->attempts[0].failure != NULL)
        failure->number = race->attempts[0].failure->number;
    for (size_t i = 0; i < race->count; i++)
        said += race_is_repeated(race, i) ? 0 : 1;
    used += (size_t)snprintf(failure->text, room, "%s", said > 1 ? intro : "");
    said = 0;
    for (size_t i = 0; i < race->count; i++) {
        if (race_is_repeated(race, i))
            continue;
        used += (size_t)snprintf(failure->text + used, room - used, "%s%s", said++ > 0 ? "; " : "",
                                 attempt_text(&race->attempts[i]));
    }
    return failure;
}

/** All attempts have failed: the first error, with the text of all (NET-11). */
static int race_lose(struct eddy__race *race)
{
    struct eddy__failure *failure;
    int error;

    if (race->count == 0)
        return eddy_error(EDDY_EADDRNOTAVAIL, "the host has no address");
    error = race->attempts[0].error;
    failure = eddy__race_failure(race);
    eddy__failure_restore(error, failure);
    eddy__free(failure);
    return error;
}

/** Start the next attempt, and further ones as long as they fail at once (NET-13). */
static void race_advance(struct eddy__race *race)
{
    eddy__timer_stop(&race->loop->timers, &race->next);
    while (race->started < race->count) {
        struct attempt *attempt = &race->attempts[race->started++];
        int error = attempt_start(attempt);

        if (error == 0)
            break;
        attempt_fail(attempt, error);
    }
    if (race->options.delay > 0 && race->started < race->count)
        eddy__timer_start(&race->loop->timers, &race->next,
                          eddy__time_add(eddy__loop_now(race->loop), race->options.delay));
}

int eddy__race_start(struct eddy__race *race)
{
    race_advance(race);
    return race->failed == race->count ? race_lose(race) : 0;
}

static void race_end_if_lost(struct eddy__race *race)
{
    if (race->failed == race->count)
        race->options.on_ended(race->options.arg, NULL, race_lose(race));
}

static void race_on_delay(struct eddy__ready *ready)
{
    struct eddy__race *race = EDDY__OWNER(ready, struct eddy__race, next.ready);

    race_advance(race);
    race_end_if_lost(race);
}

/** Close every attempt that is under way, one that has just connected too. */
static void race_stop(struct eddy__race *race)
{
    eddy__timer_stop(&race->loop->timers, &race->next);
    for (size_t i = 0; i < race->started; i++) {
        if (race->attempts[i].stream != NULL)
            eddy__stream_discard(race->attempts[i].stream);
        race->attempts[i].stream = NULL;
    }
}

static void attempt_on_connected(void *arg, int error)
{
    struct attempt *attempt = arg;
    struct eddy__race *race = attempt->race;
    struct eddy__stream *stream = attempt->stream;

    attempt->stream = NULL;
    if (error == 0) {
        race_stop(race);
        race->options.on_ended(race->options.arg, stream, 0);
        return;
    }
    attempt_failed_to("connect to", attempt, error);
    attempt_fail(attempt, error);
    eddy__stream_discard(stream);
    if (attempt == &race->attempts[race->started - 1])
        race_advance(race);
    race_end_if_lost(race);
}

void eddy__race_free(struct eddy__race *race)
{
    if (race == NULL)
        return;
    race_stop(race);
    eddy__timer_unreserve(&race->loop->timers, &race->next);
    for (size_t i = 0; i < race->count; i++)
        eddy__free(race->attempts[i].failure);
    eddy__free(race);
}

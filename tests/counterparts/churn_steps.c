/* SPDX-License-Identifier: MIT */
/** The churn's kinds of work other than streams. */
#include "churn.h"
#include <stdio.h>
#include <string.h>

enum { TASKS = 60, TIMERS = 200, FUTURES = 200, DATAGRAMS = 40, JOBS = 8 };

#define PATIENCE EDDY_SECONDS(30)

/* Tasks: most of them wait a little, every third is cancelled while it does. */
static int doze(void *arg, eddy_value *result)
{
    (void)arg;
    result->integer = 1;
    return eddy_await(eddy_sleep(EDDY_MICROSECONDS(500)), NULL);
}

static int churn_tasks(void *arg, eddy_value *result)
{
    struct churn *churn = arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_gather_options options = {.return_exceptions = true};
    eddy_future *tasks[TASKS];
    eddy_value values;
    int64_t sum = 0;
    int error;

    (void)result;
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = eddy_loop_create_task(loop, doze, NULL, NULL);
        if (i % 3 == 0)
            eddy_future_cancel(tasks[i], "changed my mind");
    }
    churn->tasks += TASKS;
    error = eddy_await(eddy_gather(tasks, TASKS, &options), &values);
    if (error)
        return error;
    for (int i = 0; i < TASKS; i++)
        sum += values.values[i].integer == 1;
    eddy_values_free(values.values);
    return sum == TASKS - TASKS / 3 ? 0 : eddy_error(EDDY_EFAILED, "%d tasks", (int)sum);
}

/* Timers: half of them are cancelled, many for a time that will not come. */
static int on_timer(void *fired)
{
    ++*(int *)fired;
    return 0;
}

static int churn_timers(void *arg, eddy_value *result)
{
    struct churn *churn = arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_handle handles[TIMERS];
    int fired = 0;
    int error = 0;

    (void)result;
    for (int i = 0; i < TIMERS && error == 0; i++)
        error = eddy_loop_call_later(loop, i % 2 ? EDDY_SECONDS(3600) : EDDY_MICROSECONDS(10 * i),
                                     on_timer, &fired, &handles[i]);
    for (int i = 1; i < TIMERS && error == 0; i += 2)
        eddy_handle_cancel(handles[i]);
    churn->timers += TIMERS;
    for (int turns = 0; fired < TIMERS / 2 && error == 0; turns++)
        error = turns < 10000 ? eddy_await(eddy_sleep(EDDY_MICROSECONDS(200)), NULL) : EDDY_EFAILED;
    return error;
}

/* Futures: with callbacks and without, done, failed, cancelled and forgotten. */
static int on_done(eddy_future *future, void *calls)
{
    eddy_future_exception(future); /* seen */
    ++*(int *)calls;
    return 0;
}

static int future_ends(eddy_future *future, int way, int *calls)
{
    if (way == 0)
        return eddy_future_set_result(future, (eddy_value){.integer = 1});
    if (way == 1)
        return eddy_future_set_exception(future, EDDY_EFAILED);
    if (way == 2)
        return eddy_future_cancel(future, "a message of its own") ? 0 : EDDY_EFAILED;
    /* Forgotten, and so has to be its callback, which would keep it. */
    return eddy_future_remove_done_callback(future, on_done, calls) == 1 ? 0 : EDDY_EFAILED;
}

static int churn_futures(void *arg, eddy_value *result)
{
    struct churn *churn = arg;
    eddy_loop *loop = eddy_get_running_loop();
    int calls = 0;
    int error = 0;

    (void)result;
    for (int i = 0; i < FUTURES && error == 0; i++) {
        eddy_future *future = eddy_loop_create_future(loop);

        error = eddy_future_add_done_callback(future, on_done, &calls);
        if (error == 0)
            error = future_ends(future, i % 4, &calls);
        eddy_future_unref(future);
    }
    churn->futures += FUTURES;
    if (error == 0)
        error = eddy_await(eddy_sleep(0), NULL);
    if (error == 0)
        error = eddy_await(eddy_sleep(0), NULL);
    if (error == 0 && calls != FUTURES / 4 * 3)
        error = eddy_error(EDDY_EFAILED, "%d callbacks", calls);
    return error;
}

/* A datagram endpoint that talks to itself. */
struct endpoint {
    eddy_protocol protocol;
    eddy_transport *transport;
    int heard;
    eddy_future *filled;
    eddy_future *lost;
};

static int endpoint_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct endpoint *)protocol)->transport = transport;
    return 0;
}

static int endpoint_datagram(eddy_protocol *protocol, const void *data, size_t size,
                             const eddy_address *from)
{
    struct endpoint *endpoint = (struct endpoint *)protocol;

    if (++endpoint->heard == DATAGRAMS)
        return eddy_future_set_result(endpoint->filled, (eddy_value){0});
    return endpoint->heard < DATAGRAMS
               ? eddy_transport_sendto(endpoint->transport, data, size, from)
               : 0;
}

static int endpoint_lost(eddy_protocol *protocol, int error)
{
    (void)error;
    return eddy_future_set_result(((struct endpoint *)protocol)->lost, (eddy_value){0});
}

static const eddy_protocol_callbacks endpoint_callbacks = {
    .connection_made = endpoint_made,
    .datagram_received = endpoint_datagram,
    .connection_lost = endpoint_lost,
};

static eddy_protocol *same_protocol(void *endpoint)
{
    return &((struct endpoint *)endpoint)->protocol;
}

static int endpoint_talks(struct endpoint *endpoint)
{
    eddy_value name;
    int error;

    if (!eddy_transport_get_extra_info(endpoint->transport, "sockname", &name))
        return EDDY_EFAILED;
    error = eddy_transport_sendto(endpoint->transport, "to myself", 9, name.address);
    return error ? error : eddy_await_for(eddy_future_ref(endpoint->filled), PATIENCE, NULL);
}

static int churn_datagrams(void *arg, eddy_value *result)
{
    struct churn *churn = arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_datagram_options options = {.local_host = "127.0.0.1"};
    struct endpoint endpoint = {.filled = eddy_loop_create_future(loop),
                                .lost = eddy_loop_create_future(loop)};
    eddy_value value;
    int error;

    (void)result;
    eddy_protocol_init(&endpoint.protocol, &endpoint_callbacks);
    error = eddy_await(eddy_loop_create_datagram_endpoint(loop, same_protocol, &endpoint, &options),
                       &value);
    if (error == 0) {
        error = endpoint_talks(&endpoint);
        eddy_transport_close(value.transport);
        eddy_transport_unref(value.transport);
        if (eddy_await_for(eddy_future_ref(endpoint.lost), PATIENCE, NULL) != 0)
            error = EDDY_EFAILED;
        churn->datagrams += endpoint.heard;
    }
    eddy_future_unref(endpoint.filled);
    eddy_future_unref(endpoint.lost);
    return error;
}

/* Children: one ends by itself, one has to be killed, one cannot be started. */
static eddy_protocol *quiet_factory(void *protocol)
{
    static const eddy_protocol_callbacks callbacks; /* their ends are awaited */

    eddy_protocol_init(protocol, &callbacks);
    return protocol;
}

static int child(eddy_loop *loop, const char *const *argv, bool kill, int64_t wanted)
{
    static eddy_protocol protocols[2]; /* one child of each kind at a time */
    eddy_value value;
    eddy_transport *transport;
    int error = eddy_await(
        eddy_loop_subprocess_exec(loop, quiet_factory, &protocols[kill], argv, NULL), &value);

    if (error)
        return error;
    transport = value.transport;
    if (kill)
        error = eddy_transport_kill(transport);
    if (error == 0)
        error = eddy_await_for(eddy_process_wait(transport), PATIENCE, &value);
    if (error == 0 && value.integer != wanted)
        error = eddy_error(EDDY_EFAILED, "a child ended with %lld", (long long)value.integer);
    eddy_transport_close(transport);
    /* Until its pipes are closed, too. */
    for (int i = 0; i < 1000 && eddy_transport_get_protocol(transport) != NULL && error == 0; i++)
        error = eddy_await(eddy_sleep(EDDY_MICROSECONDS(500)), NULL);
    eddy_transport_unref(transport);
    return error;
}

static int churn_children(void *arg, eddy_value *result)
{
    static const char *const ends[] = {"sh", "-c", "echo said; exit 3", NULL};
    static const char *const stays[] = {"cat", NULL};
    static const char *const missing[] = {"/nonexistent/program", NULL};
    struct churn *churn = arg;
    eddy_loop *loop = eddy_get_running_loop();
    int error = child(loop, ends, false, 3);

    (void)result;
    if (error == 0)
        error = child(loop, stays, true, -9);
    if (error == 0 && child(loop, missing, false, 0) != EDDY_ENOENT)
        error = eddy_error(EDDY_EFAILED, "what is not there was started");
    churn->children += 2;
    return error;
}

/* Work on other threads: a loop that lives there for a moment, and posts to this one. */
static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int visit(void *loop, eddy_value *result)
{
    int error = eddy_run(doze, NULL, result, &(eddy_run_options){.ignore_interrupt = true});

    return error ? error : eddy_loop_call_soon_threadsafe(loop, nothing, NULL, NULL);
}

static int churn_jobs(void *arg, eddy_value *result)
{
    struct churn *churn = arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *jobs[JOBS];
    eddy_value value;
    int error;

    (void)result;
    for (int i = 0; i < JOBS; i++)
        jobs[i] = eddy_loop_run_in_executor(loop, NULL, visit, loop, NULL);
    error = eddy_await(eddy_gather(jobs, JOBS, NULL), &value);
    if (error)
        return error;
    eddy_values_free(value.values);
    churn->loops += JOBS;
    error = eddy_await(eddy_loop_getaddrinfo(loop, "127.0.0.1", "80", NULL), &value);
    if (error)
        return error;
    eddy_address_list_free(value.addresses);
    churn->jobs += JOBS + 1;
    return 0;
}

const struct churn_step churn_steps[] = {
    {"streams", churn_streams},
    {"streams over Unix sockets", churn_unix_streams},
    {"datagrams", churn_datagrams},
    {"tasks", churn_tasks},
    {"timers", churn_timers},
    {"futures", churn_futures},
    {"children", churn_children},
    {"work on other threads", churn_jobs},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/** A loop's life: made, run, stopped, closed, freed (LOOP-5..LOOP-21). */
#include "common/loop.h"
#include "common/argument.h"
#include "common/due.h"
#include "common/environment.h"
#include "common/error.h"
#include "common/iteration.h"
#include "common/log.h"
#include "common/signal.h"
#include "common/thread.h"
#include "sim/sim.h"
#include "tls/tls.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SLOW_CALLBACK_DEFAULT EDDY_MILLISECONDS(100)

/** Find a backend by name; NULL or "": the best. */
static int loop_choose_backend(const char *name, const struct eddy__backend **backend)
{
    if (name == NULL || name[0] == '\0')
        name = eddy__environment("EDDY_BACKEND");
    if (name != NULL && strcmp(name, eddy__sim_backend.name) == 0) {
        *backend = &eddy__sim_backend; /* never the best one, so it stands in no list */
        return 0;
    }
    for (size_t i = 0; eddy__backends[i] != NULL; i++) {
        if (name == NULL || name[0] == '\0' || strcmp(eddy__backends[i]->name, name) == 0) {
            *backend = eddy__backends[i];
            return 0;
        }
    }
    return eddy_error(EDDY_EINVALID, "no backend \"%s\" on this system", name == NULL ? "" : name);
}

static void loop_init(struct eddy_loop *loop, const struct eddy__backend *backend)
{
    const char *debug = eddy__environment("EDDY_DEBUG");

    loop->backend = backend;
    loop->fork_count = eddy__fork_count();
    atomic_init(&loop->references, 1);
    eddy__inbox_init(&loop->inbox);
    eddy__list_init(&loop->batch_end);
    eddy__list_init(&loop->live);
    eddy__list_init(&loop->tasks);
    eddy__list_init(&loop->generators);
    eddy__lingering_init(&loop->lingering);
    loop->due.run = eddy__due_run;
    eddy__stack_pool_init(&loop->stacks, EDDY__STACKS_CACHED_DEFAULT);
    loop->slow_callback_duration = SLOW_CALLBACK_DEFAULT;
    loop->debug = debug != NULL && debug[0] != '\0';
}

int eddy_loop_new(const eddy_loop_options *options, eddy_loop **loop)
{
    const struct eddy__backend *backend = NULL;
    struct eddy_loop *made;
    int error = 0;

    if (options != NULL)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error == 0)
        error = loop_choose_backend(options == NULL ? NULL : options->backend, &backend);
    if (error)
        return error;
    made = eddy__alloc_zeroed(sizeof *made);
    if (made == NULL)
        return EDDY_ENOMEM;
    loop_init(made, backend);
    error = eddy__agenda_init(&made->agenda);
    if (error == 0)
        error = eddy__fork_watch();
    if (error == 0)
        error = backend->open(made);
    if (error) {
        eddy__agenda_fini(&made->agenda);
        eddy__free(made);
        if (error == EDDY_ENOMEM && !eddy__is_unsaid(error))
            return error; /* the allocator's words are there already */
        return eddy_error(error, "cannot make a loop on %s: %s", backend->name,
                          eddy_strerror(error));
    }
    made->clock_resolution = backend->resolution(made);
    *loop = made;
    return 0;
}

eddy_loop *eddy_loop_ref(eddy_loop *loop)
{
    if (loop != NULL)
        atomic_fetch_add_explicit(&loop->references, 1, memory_order_relaxed);
    return loop;
}

/** Give back the memory that the loop keeps for reuse, and what only it can refer to. */
static void loop_free_memory(struct eddy_loop *loop)
{
    eddy__futures_trim(loop);
    eddy__stack_pool_fini(&loop->stacks);
    eddy__timers_fini(&loop->timers);
    eddy__post_ring_fini(&loop->inbox.ring);
    eddy__agenda_fini(&loop->agenda);
    eddy__claims_fini(&loop->claims);
    eddy__tls_fini(loop);
    eddy__buffer_free(loop->scratch);
    eddy__free(loop->child_room.memory);
    eddy__free(loop->datagram_room);
    eddy__sim_detach(loop);
}

void eddy_loop_unref(eddy_loop *loop)
{
    if (loop == NULL || atomic_fetch_sub_explicit(&loop->references, 1, memory_order_acq_rel) != 1)
        return;
    if (eddy__thread_state()->current == loop)
        eddy__thread_state()->current = NULL; /* of the default policy, which borrows it */
    /* Closing refers to the loop again while it lets go of things; nobody else can any more. */
    atomic_store(&loop->references, 1);
    if (eddy__loop_is_foreign(loop)) {
        eddy__signals_close(loop); /* dispositions are the child's own */
        if (!atomic_load(&loop->closed))
            loop->backend->abandon(loop);
    } else if (!atomic_load(&loop->closed)) {
        if (loop->debug)
            eddy__log(EDDY_LOG_WARNING, "event loop %p was never closed", (void *)loop);
        eddy_loop_close(loop);
    }
    loop_free_memory(loop);
    eddy__free(loop);
}

const char *eddy_loop_get_backend(const eddy_loop *loop)
{
    return loop->backend->name;
}

int eddy__loop_refuse(const struct eddy_loop *loop)
{
    if (atomic_load_explicit(&loop->closed, memory_order_relaxed))
        return eddy_error(EDDY_EBADSTATE, "event loop is closed");
    return eddy_error(EDDY_EBADSTATE, "event loop belongs to the parent process");
}

int eddy__loop_check_run(struct eddy_loop *loop)
{
    uint64_t owner = atomic_load(&loop->thread);
    int error = eddy__loop_check_open(loop);

    if (error)
        return error;
    if (atomic_load(&loop->running))
        return eddy_error(EDDY_EBADSTATE, "this event loop is already running");
    if (eddy__thread_state()->running != NULL)
        return eddy_error(EDDY_EBADSTATE, "another event loop is running in this thread");
    if (owner != 0 && owner != eddy__thread_self())
        return eddy_error(EDDY_EBADSTATE, "event loop is bound to another thread");
    return 0;
}

void eddy__loop_choose_way(struct eddy_loop *loop)
{
    bool is_plain = loop->state != NULL && loop->state->context == NULL &&
                    loop->run_context == NULL && !loop->debug && !eddy__loop_is_foreign(loop);

    eddy__agenda_set_plain(&loop->agenda, is_plain);
    eddy__agenda_interrupt(&loop->agenda);
}

/** Check, then mark the loop as running in this thread. */
static int loop_enter(struct eddy_loop *loop)
{
    struct eddy__thread_state *state = eddy__thread_state();
    uint64_t self = eddy__thread_self();
    uint64_t owner = 0;
    int error = eddy__loop_check_run(loop);

    if (error)
        return error;
    /* Where task steps switch back to. */
    error = eddy__coroutine_init_thread(&loop->thread_coroutine);
    if (error)
        return error;
    if (!atomic_compare_exchange_strong(&loop->thread, &owner, self) && owner != self) {
        eddy__coroutine_fini(&loop->thread_coroutine);
        return eddy_error(EDDY_EBADSTATE, "event loop is bound to another thread");
    }
    state->running = loop;
    loop->state = state;
    loop->run_context = state->context;
    eddy__loop_choose_way(loop);
    atomic_store(&loop->running, true);
    return 0;
}

/** LOOP-6, LOOP-8: on every way out. */
static void loop_leave(struct eddy_loop *loop)
{
    eddy__coroutine_fini(&loop->thread_coroutine);
    loop->state->running = NULL;
    loop->state = NULL;
    eddy__loop_choose_way(loop);
    loop->stopping = false;
    loop->exit_requested = false;
    atomic_store(&loop->running, false);
}

/** What a run that was left returns; the words are those of who left it, if there are any. */
static int loop_exit_code(struct eddy_loop *loop)
{
    if (eddy__loop_is_foreign(loop))
        return eddy__loop_check_open(loop);
    if (loop->exit_code < 0 && loop->state->error->code != loop->exit_code)
        eddy__failure_restore(loop->exit_code, NULL);
    return loop->exit_code;
}

int eddy_loop_run_forever(eddy_loop *loop)
{
    int error = loop_enter(loop);

    if (error)
        return error;
    eddy_loop_ref(loop); /* a callback may drop the last one */
    error = eddy__loop_iterate_all(loop);
    if (error == 0 && loop->exit_requested)
        error = loop_exit_code(loop);
    loop_leave(loop);
    eddy_loop_unref(loop);
    return error;
}

void eddy__loop_forked(struct eddy_loop *loop)
{
    loop->exit_requested = true;
    eddy__loop_choose_way(loop);
}

void eddy_loop_stop(eddy_loop *loop)
{
    loop->stopping = true;
}

void eddy_loop_exit(eddy_loop *loop, int code)
{
    if (!atomic_load(&loop->running))
        return;
    loop->exit_code = code == 0 ? EDDY_EEXIT : code;
    loop->exit_requested = true;
    eddy__agenda_interrupt(&loop->agenda);
}

/** Drop what is scheduled: callbacks, timers, done callbacks, posts. Other nodes stay queued. */
static void loop_drop_scheduled(struct eddy_loop *loop)
{
    struct eddy__list kept;
    struct eddy__ready *ready;

    eddy__inbox_close(&loop->inbox);
    eddy__list_init(&kept);
    while ((ready = eddy__agenda_shift(&loop->agenda)) != NULL) {
        if (ready != &loop->due && !eddy__threadsafe_drop_ready(ready) &&
            !eddy__future_drop_ready(ready))
            eddy__list_append(&kept, &ready->node);
    }
    eddy__list_splice(eddy__agenda_list(&loop->agenda), &kept);
}

/** Let go of everything that is under way, and run what only tells its owner "it is over". */
static void loop_abandon(struct eddy_loop *loop)
{
    struct eddy__ready *ready;

    eddy__tasks_abandon(loop);
    eddy__generators_abandon(loop);
    while (!eddy__list_is_empty(&loop->live)) {
        struct eddy__live *live = EDDY__OWNER(loop->live.next, struct eddy__live, node);

        live->abandon(live);
    }
    eddy__claims_abandon(&loop->claims);
    eddy__watchers_abandon(loop);
    while ((ready = eddy__agenda_shift(&loop->agenda)) != NULL)
        ready->run(ready);
}

int eddy_loop_close(eddy_loop *loop)
{
    if (atomic_load(&loop->running) && !eddy__loop_is_foreign(loop))
        return eddy_error(EDDY_EBADSTATE, "cannot close a running event loop");
    if (atomic_load(&loop->closed))
        return 0;
    if (eddy__loop_is_foreign(loop))
        return eddy_error(EDDY_EBADSTATE, "event loop belongs to the parent process");
    eddy_loop_ref(loop); /* what is let go of may hold the last reference */
    atomic_store(&loop->closed, true);
    loop->closing = true;
    loop_drop_scheduled(loop);
    eddy__signals_close(loop);
    loop_abandon(loop);
    eddy__due_drop_all(loop);
    eddy__executor_close(loop);
    /* A thread that posted just before may still be about to wake the backend. */
    while (atomic_load(&loop->wakers) > 0)
        eddy__thread_yield();
    loop->backend->close(loop);
    loop->closing = false;
    if (loop->debug)
        eddy__log(EDDY_LOG_DEBUG, "event loop %p is closed", (void *)loop);
    eddy_loop_unref(loop);
    return 0;
}

bool eddy_loop_is_running(const eddy_loop *loop)
{
    return atomic_load(&loop->running);
}

bool eddy_loop_is_closed(const eddy_loop *loop)
{
    return atomic_load(&loop->closed);
}

eddy_time eddy_loop_time(eddy_loop *loop)
{
    return eddy__loop_now(loop);
}

eddy_time eddy_loop_clock_resolution(const eddy_loop *loop)
{
    return loop->clock_resolution;
}

void eddy_loop_set_debug(eddy_loop *loop, bool enabled)
{
    loop->debug = enabled;
    eddy__loop_choose_way(loop);
}

bool eddy_loop_get_debug(const eddy_loop *loop)
{
    return loop->debug;
}

void eddy_loop_set_slow_callback_duration(eddy_loop *loop, eddy_time duration)
{
    loop->slow_callback_duration = duration;
}

eddy_time eddy_loop_get_slow_callback_duration(const eddy_loop *loop)
{
    return loop->slow_callback_duration;
}

void eddy__loop_report_slow(struct eddy_loop *loop, eddy_time took, const char *what)
{
    if (loop->debug && took >= loop->slow_callback_duration)
        eddy__log(EDDY_LOG_WARNING, "%s took %.3f seconds", what, (double)took / 1e9);
}

int eddy__loop_call_timed(struct eddy_loop *loop, eddy_callback callback, void *arg)
{
    eddy_time started = eddy__loop_now(loop);
    int error = callback(arg);
    char what[64];

    snprintf(what, sizeof what, "callback 0x%" PRIxPTR, (uintptr_t)callback);
    eddy__loop_report_slow(loop, eddy__loop_now(loop) - started, what);
    return error;
}

void eddy__loop_wake(struct eddy_loop *loop)
{
    /* The loop may have run what was posted and be closed by now. If it is not yet, it waits for us
     * after the inbox, before the backend goes. */
    atomic_fetch_add(&loop->wakers, 1);
    if (!eddy__inbox_is_closed(&loop->inbox))
        loop->backend->wake(loop);
    atomic_fetch_sub(&loop->wakers, 1);
}

void *eddy__loop_scratch(struct eddy_loop *loop)
{
    if (loop->scratch == NULL)
        loop->scratch = eddy__buffer_alloc(EDDY__SCRATCH_SIZE);
    return loop->scratch;
}

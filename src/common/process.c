/* SPDX-License-Identifier: MIT */
/**
 * Subprocess transports (SUB-8, SUB-11..SUB-22).
 *
 * Who holds one: the library, from its making until connection_lost() has returned (or whoever
 * waits for a start that failed was told); beside that, whoever took a reference. What can race:
 * nothing, all of it runs in the loop's thread, always out of the ready queue. The pipes' streams
 * talk to protocols that are part of the process, which stays until all of them have ended.
 */
#include "common/process.h"
#include "common/log.h"
#include <eddy/process.h>
#include <stdio.h>
#include <string.h>

/**
 * The notice of an exit comes so many iterations after the exit, each with a look for events if the
 * child may have written something.
 */
enum { EXIT_STEPS = 2 };

static void process_free(struct eddy_transport *transport)
{
    struct eddy__process *process = process_of(transport);
    struct eddy_loop *loop = transport->loop;

    for (int i = 0; i < 3; i++)
        eddy_transport_unref(process->pipes[i].transport);
    eddy__free(process->failure);
    eddy__loop_free(loop, process, sizeof *process);
    eddy_loop_unref(loop);
}

/** After connection_lost(), or in its place: everything but the memory goes. */
static void process_let_go(struct eddy__process *process)
{
    process->life = PROCESS_LOST;
    process->transport.protocol = NULL;
    eddy__list_remove(&process->live.node);
    eddy__loop_dequeue(&process->step);
    eddy__loop_dequeue(&process->exit);
    if (process->child != NULL && !eddy__child_free(process->child) &&
        process->transport.loop->debug)
        eddy__log(EDDY_LOG_WARNING, "loop is closed while process %lld still runs",
                  (long long)process->pid);
    process->child = NULL;
    eddy_transport_unref(&process->transport);
}

/** Forget the start, whose future is done. */
static void process_leave_start(struct eddy__process *process)
{
    struct process_start *start = process->start;

    process->start = NULL;
    start->process = NULL;
    eddy_future_unref(&start->future);
}

/** The loop closes over it (LOOP-17, SUB-26): let go, and call nothing. */
static void process_abandon(struct eddy__live *live)
{
    struct eddy__process *process = EDDY__OWNER(live, struct eddy__process, live);

    eddy__process_forget_waiters(process);
    if (process->start != NULL)
        process_leave_start(process);
    process_let_go(process);
}

static bool process_pipes_are_lost(const struct eddy__process *process)
{
    for (int i = 0; i < 3; i++)
        if (process->pipes[i].transport != NULL && !process->pipes[i].is_lost)
            return false;
    return true;
}

/** Report a failing callback, which harms nothing (SUB-20). */
static void process_check(struct eddy__process *process, const char *callback, int result)
{
    if (result < 0)
        eddy__transport_report(&process->transport, callback, result);
}

static void process_run_lost(struct eddy__ready *ready)
{
    struct eddy__process *process = EDDY__OWNER(ready, struct eddy__process, step);
    eddy_protocol *protocol = process->transport.protocol;
    int error = 0;

    if (process->error)
        eddy__failure_restore(process->error, process->failure);
    if (protocol->callbacks->connection_lost != NULL)
        error = protocol->callbacks->connection_lost(protocol, process->error);
    process->transport.protocol = NULL; /* it may have freed itself */
    process_check(process, "connection_lost", error);
    process_let_go(process);
}

/** Somebody waited for the start in vain: now there is nothing left of it (SUB-8). */
static void process_tell_unmade(struct eddy__process *process)
{
    struct eddy_future *future = &process->start->future;

    eddy__failure_restore(process->error, process->failure);
    if (process->error == EDDY_ECANCELED)
        eddy__future_finish_cancelled(future,
                                      process->failure != NULL ? process->failure->text : NULL);
    else
        eddy__future_finish_failed(future, process->error);
    process_leave_start(process);
    process_let_go(process);
}

/** Something has ended: was it the last thing? */
static void process_settle(struct eddy__process *process)
{
    if (!process_pipes_are_lost(process))
        return;
    if (process->life == PROCESS_UNMADE && process->is_dead) {
        process_tell_unmade(process);
    } else if (process->life == PROCESS_OPEN && process->has_exited) {
        process->life = PROCESS_LOSING;
        process->step.run = process_run_lost;
        eddy__loop_enqueue(process->transport.loop, &process->step);
    }
}

/* The pipes, as protocols of their streams. */

static struct process_pipe *process_pipe_of(eddy_protocol *protocol)
{
    return EDDY__OWNER(protocol, struct process_pipe, protocol);
}

static int process_on_data(eddy_protocol *protocol, const void *data, size_t size)
{
    struct process_pipe *pipe = process_pipe_of(protocol);
    struct eddy__process *process = pipe->process;
    eddy_protocol *outer = process->transport.protocol;

    if (process->life == PROCESS_OPEN && outer->callbacks->pipe_data_received != NULL)
        process_check(process, "pipe_data_received",
                      outer->callbacks->pipe_data_received(outer, pipe->fd, data, size));
    return 0;
}

static int process_on_pipe_lost(eddy_protocol *protocol, int error)
{
    struct process_pipe *pipe = process_pipe_of(protocol);
    struct eddy__process *process = pipe->process;
    eddy_protocol *outer = process->transport.protocol;

    pipe->is_lost = true;
    if (process->life == PROCESS_OPEN && outer->callbacks->pipe_connection_lost != NULL)
        process_check(process, "pipe_connection_lost",
                      outer->callbacks->pipe_connection_lost(outer, pipe->fd, error));
    process_settle(process);
    return 0;
}

/** SUB-22: synchronously, for stdin. */
static int process_on_pause(eddy_protocol *protocol)
{
    struct eddy__process *process = process_pipe_of(protocol)->process;
    eddy_protocol *outer = process->transport.protocol;

    if (process->life == PROCESS_OPEN && outer->callbacks->pause_writing != NULL)
        process_check(process, "pause_writing", outer->callbacks->pause_writing(outer));
    return 0;
}

static int process_on_resume(eddy_protocol *protocol)
{
    struct eddy__process *process = process_pipe_of(protocol)->process;
    eddy_protocol *outer = process->transport.protocol;

    if (process->life == PROCESS_OPEN && outer->callbacks->resume_writing != NULL)
        process_check(process, "resume_writing", outer->callbacks->resume_writing(outer));
    return 0;
}

const eddy_protocol_callbacks eddy__process_input_callbacks = {
    .pause_writing = process_on_pause,
    .resume_writing = process_on_resume,
    .connection_lost = process_on_pipe_lost,
};

const eddy_protocol_callbacks eddy__process_output_callbacks = {
    .data_received = process_on_data,
    .connection_lost = process_on_pipe_lost,
};

/* The exit. */

static void process_step_exit(struct eddy__process *process)
{
    eddy__loop_enqueue(process->transport.loop, &process->exit);
    if (process->has_output)
        eddy__loop_look_soon(process->transport.loop);
}

/** SUB-19: the notice has its turn after what was readable when the child ended. */
static void process_run_exit(struct eddy__ready *ready)
{
    struct eddy__process *process = EDDY__OWNER(ready, struct eddy__process, exit);
    eddy_protocol *protocol = process->transport.protocol;

    if (--process->exit_steps > 0) {
        process_step_exit(process);
        return;
    }
    process->has_exited = true;
    if (process->transport.loop->debug)
        eddy__log(EDDY_LOG_DEBUG, "process %lld has ended: %lld", (long long)process->pid,
                  (long long)process->returncode);
    eddy__process_wake(process);
    if (protocol->callbacks->process_exited != NULL)
        process_check(process, "process_exited", protocol->callbacks->process_exited(protocol));
    process_settle(process);
}

static void process_schedule_exit(struct eddy__process *process)
{
    process->exit_steps = EXIT_STEPS;
    process->exit.run = process_run_exit;
    process_step_exit(process);
}

void eddy__process_on_exit(void *arg, int64_t code)
{
    struct eddy__process *process = arg;

    process->is_dead = true;
    process->returncode = code;
    if (process->life == PROCESS_OPEN)
        process_schedule_exit(process);
    else
        process_settle(process); /* a process that is still starting looks for itself */
}

/* The start. */

/** connection_made(); a failure ends the process, as on every kind of transport (TR-41). */
static int process_introduce(struct eddy__process *process)
{
    eddy_protocol *protocol = process->transport.protocol;
    int error = 0;

    if (protocol->callbacks->connection_made != NULL)
        error = protocol->callbacks->connection_made(protocol, &process->transport);
    if (error >= 0)
        return 0;
    process->error = error;
    process->failure = eddy__failure_capture(error);
    eddy_transport_abort(&process->transport);
    eddy__transport_report(&process->transport, "connection_made", error);
    return error;
}

/** Somebody awaited it without taking the reference: the process is the protocol's to end. */
static void process_dispose_seen(eddy_value value)
{
    eddy_transport_unref(value.transport);
}

/** Nobody ever asked (a cancelled task): the process ends, or nobody would end it. */
static void process_dispose(eddy_value value)
{
    eddy_transport_close(value.transport);
    eddy_transport_unref(value.transport);
}

static void process_tell_made(struct eddy__process *process, int error)
{
    struct eddy_future *future = &process->start->future;

    if (error == EDDY_ECANCELED) {
        eddy__future_finish_cancelled(future, eddy__error_text_of(error));
    } else if (error) {
        eddy__failure_restore(error, process->failure);
        eddy__future_finish_failed(future, error);
    } else {
        future->dispose = process_dispose;
        future->dispose_seen = process_dispose_seen;
        eddy__future_finish(future,
                            (eddy_value){.transport = eddy_transport_ref(&process->transport)});
    }
    process_leave_start(process);
}

/**
 * The protocol is made when nothing can fail any more but itself (TR-52). The pipes have been made
 * right before; what they have read comes later.
 */
static void process_run_start(struct eddy__ready *ready)
{
    struct eddy__process *process = EDDY__OWNER(ready, struct eddy__process, step);
    eddy_protocol *protocol;
    int error;

    process->life = PROCESS_MAKING;
    eddy__thread_state()->error->code = 0;
    protocol = process->factory(process->factory_arg);
    if (protocol == NULL) {
        error = eddy__thread_state()->error->code; /* what the factory said, if anything */
        if (error >= 0)
            error = eddy_error(EDDY_EFAILED, "the protocol factory made no protocol");
        eddy__process_unmake(process, error);
        return;
    }
    if (protocol->callbacks == NULL) {
        eddy__process_unmake(process,
                             eddy_error(EDDY_EINVALID, "the protocol was not initialised"));
        return;
    }
    process->transport.protocol = protocol;
    process->life = PROCESS_OPEN;
    error = process_introduce(process);
    if (process->is_forgotten && error == 0) {
        error = eddy_error(EDDY_ECANCELED, "%s", eddy_strerror(EDDY_ECANCELED));
        eddy_transport_close(&process->transport);
    }
    process_tell_made(process, error);
    if (process->is_dead)
        process_schedule_exit(process);
}

void eddy__process_begin(struct eddy__process *process)
{
    struct eddy_loop *loop = process->transport.loop;

    process->life = PROCESS_STARTING;
    process->live.abandon = process_abandon;
    process->step.run = process_run_start;
    process->pid = eddy__child_pid(process->child);
    eddy__list_append(&loop->live, &process->live.node);
    if (loop->debug)
        eddy__log(EDDY_LOG_DEBUG, "process %lld has started", (long long)process->pid);
    eddy__loop_enqueue(loop, &process->step);
}

static void process_drop_pipe(struct process_pipe *pipe)
{
    if (pipe->stream != NULL) {
        eddy__stream_discard(pipe->stream); /* it has no protocol to tell */
        pipe->stream = NULL;
        pipe->is_lost = true;
    } else if (pipe->transport != NULL) {
        eddy_transport_abort(pipe->transport);
    }
}

void eddy__process_unmake(struct eddy__process *process, int error)
{
    process->life = PROCESS_UNMADE;
    process->error = error;
    process->failure = eddy__failure_capture(error);
    eddy__loop_dequeue(&process->step);
    for (int i = 0; i < 3; i++)
        process_drop_pipe(&process->pipes[i]);
    if (!process->is_dead)
        eddy__child_signal(process->child, EDDY__CHILD_KILL);
    process_settle(process);
}

/* The transport. */

static void process_end(struct eddy__process *process, void (*end)(eddy_transport *pipe))
{
    if (process->life != PROCESS_OPEN)
        return;
    for (int i = 0; i < 3; i++)
        if (process->pipes[i].transport != NULL && !process->pipes[i].is_lost)
            end(process->pipes[i].transport);
    if (process->is_dead || process->is_closing)
        return;
    process->is_closing = true;
    if (process->transport.loop->debug)
        eddy__log(EDDY_LOG_WARNING, "closing the transport of running process %lld kills it",
                  (long long)process->pid);
    eddy__child_signal(process->child, EDDY__CHILD_KILL);
}

static void process_close(struct eddy_transport *transport)
{
    struct eddy__process *process = process_of(transport);

    process_end(process, eddy_transport_close);
    process->is_closing = true;
}

static void process_abort(struct eddy_transport *transport)
{
    struct eddy__process *process = process_of(transport);

    process_end(process, eddy_transport_abort);
    process->is_closing = true;
}

static bool process_is_closing(const struct eddy_transport *transport)
{
    return process_of(transport)->is_closing;
}

static bool process_get_extra_info(const struct eddy_transport *transport, const char *name,
                                   eddy_value *value)
{
    if (strcmp(name, "subprocess") != 0)
        return false;
    value->integer = process_of(transport)->pid;
    return true;
}

static int process_set_protocol(struct eddy_transport *transport, eddy_protocol *protocol)
{
    if (process_of(transport)->life < PROCESS_LOST)
        transport->protocol = protocol;
    return 0;
}

const struct eddy__transport_kind eddy__process_kind = {
    .name = "subprocess",
    .close = process_close,
    .abort = process_abort,
    .is_closing = process_is_closing,
    .get_extra_info = process_get_extra_info,
    .set_protocol = process_set_protocol,
    .free = process_free,
};

/* The calls that only subprocess transports have. */

static int process_check_kind(const eddy_transport *transport)
{
    if (transport->kind == &eddy__process_kind)
        return 0;
    return eddy_error(EDDY_ENOTSUPPORTED, "a %s transport has no process", transport->kind->name);
}

int64_t eddy_transport_get_pid(const eddy_transport *transport)
{
    int error = process_check_kind(transport);

    return error ? error : process_of(transport)->pid;
}

bool eddy_transport_get_returncode(const eddy_transport *transport, int64_t *returncode)
{
    if (process_check_kind(transport) != 0 || !process_of(transport)->has_exited)
        return false;
    *returncode = process_of(transport)->returncode;
    return true;
}

eddy_transport *eddy_transport_get_pipe_transport(const eddy_transport *transport, int fd)
{
    if (process_check_kind(transport) != 0 || fd < 0 || fd > 2)
        return NULL;
    return process_of(transport)->pipes[fd].transport;
}

int eddy_transport_send_signal(eddy_transport *transport, int number)
{
    struct eddy__process *process = process_of(transport);
    int error = process_check_kind(transport);

    if (error)
        return error;
    if (process->has_exited || process->child == NULL)
        return eddy_error(EDDY_ENOPROCESS, "process %lld has ended", (long long)process->pid);
    return eddy__child_signal(process->child, number);
}

int eddy_transport_terminate(eddy_transport *transport)
{
    return eddy_transport_send_signal(transport, EDDY__CHILD_TERMINATE);
}

int eddy_transport_kill(eddy_transport *transport)
{
    return eddy_transport_send_signal(transport, EDDY__CHILD_KILL);
}

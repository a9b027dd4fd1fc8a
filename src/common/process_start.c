/* SPDX-License-Identifier: MIT */
/**
 * Starting children (SUB-1..SUB-8).
 *
 * Everything that can fail is made first: the memory, the pipes, the streams over our ends of them.
 * Then the child is started, which is the last thing that can fail.
 */
#include "common/argument.h"
#include "common/log.h"
#include "common/process.h"
#include <eddy/process.h>

/** What is in hand while a child is being started. */
struct starting {
    struct eddy__process *process;
    struct eddy__child_plan plan;
    eddy_stdio modes[3];
    eddy_socket given[3];  /**< descriptors of the program */
    eddy_socket theirs[3]; /**< what the child gets and we close; or EDDY_NO_SOCKET */
};

static bool start_cancel(struct eddy_future *future, const char *message)
{
    struct eddy__process *process = ((struct process_start *)future)->process;

    if (process->life == PROCESS_STARTING) {
        eddy_error(EDDY_ECANCELED, "%s", message != NULL ? message : eddy_strerror(EDDY_ECANCELED));
        eddy__process_unmake(process, EDDY_ECANCELED);
    } else {
        /* The factory or connection_made() asks, or it is being carried out already. */
        process->is_forgotten = true;
    }
    return true;
}

static const struct eddy__future_kind start_kind = {
    .name = "start of a process",
    .cancel = start_cancel,
};

/** The process with its start's future; it is not in the loop's list yet. */
static struct eddy__process *process_new(struct eddy_loop *loop)
{
    struct eddy__process *process = eddy__loop_alloc(loop, sizeof *process);

    if (process == NULL)
        return NULL;
    process->start =
        (struct process_start *)eddy__future_new(loop, sizeof *process->start, &start_kind);
    if (process->start == NULL) {
        eddy__loop_free(loop, process, sizeof *process);
        return NULL;
    }
    process->start->process = process;
    process->transport.kind = &eddy__process_kind;
    process->transport.loop = eddy_loop_ref(loop);
    process->transport.references = 1;
    eddy__list_init(&process->waiters);
    for (int i = 0; i < 3; i++) {
        process->pipes[i].process = process;
        process->pipes[i].fd = i;
    }
    return process;
}

/** A pipe for the child's stream `i`, with a stream over our end. */
static int starting_make_pipe(struct starting *starting, int i)
{
    struct eddy__process *process = starting->process;
    struct process_pipe *pipe = &process->pipes[i];
    eddy_socket ours = EDDY_NO_SOCKET;
    int error = eddy__child_pipe(i == 0, &ours, &starting->theirs[i]);

    if (error)
        return error;
    error =
        eddy__pipe_stream_new(process->transport.loop, i == 0 ? EDDY__PIPE_WRITE : EDDY__PIPE_READ,
                              ours, false, &pipe->stream);
    if (error) {
        eddy__child_close(ours);
        return error;
    }
    eddy_protocol_init(&pipe->protocol,
                       i == 0 ? &eddy__process_input_callbacks : &eddy__process_output_callbacks);
    pipe->transport = eddy_transport_ref(eddy__stream_transport(pipe->stream));
    starting->plan.fds[i] = starting->theirs[i];
    return 0;
}

/** SUB-4: what the child's stream `i` will be. */
static int starting_make_stream(struct starting *starting, int i)
{
    int error;

    switch (starting->modes[i]) {
    case EDDY_PIPE:
        return starting_make_pipe(starting, i);
    case EDDY_DEVNULL:
        error = eddy__child_null(&starting->theirs[i]);
        starting->plan.fds[i] = starting->theirs[i];
        return error;
    case EDDY_STDOUT:
        /* What stdout is inherited as is not touched: its number says it. */
        starting->plan.fds[i] = starting->plan.fds[1] != EDDY_NO_SOCKET ? starting->plan.fds[1] : 1;
        return 0;
    case EDDY_DESCRIPTOR:
        starting->plan.fds[i] = starting->given[i];
        return 0;
    case EDDY_INHERIT:
    default:
        return 0;
    }
}

static int starting_make_streams(struct starting *starting)
{
    int error = 0;

    for (int i = 0; i < 3; i++)
        starting->theirs[i] = starting->plan.fds[i] = EDDY_NO_SOCKET;
    for (int i = 0; i < 3 && error == 0; i++)
        error = starting_make_stream(starting, i);
    return error;
}

static void starting_close_theirs(struct starting *starting)
{
    for (int i = 0; i < 3; i++)
        if (starting->theirs[i] != EDDY_NO_SOCKET)
            eddy__child_close(starting->theirs[i]);
}

/** Nothing came of it (SUB-7). */
static void starting_undo(struct starting *starting)
{
    struct eddy__process *process = starting->process;

    for (int i = 0; i < 3; i++)
        if (process->pipes[i].stream != NULL)
            eddy__stream_discard(process->pipes[i].stream);
    eddy_future_unref(&process->start->future);
    eddy_transport_unref(&process->transport);
}

static eddy_protocol *starting_pipe_protocol(void *arg)
{
    struct process_pipe *pipe = arg;

    pipe->stream = NULL;
    return &pipe->protocol;
}

/** The child runs: have its pipes made, and then, in the same iteration, the program's protocol. */
static struct eddy_future *starting_finish(struct starting *starting)
{
    struct eddy__process *process = starting->process;
    struct eddy_future *future = eddy_future_ref(&process->start->future);

    for (int i = 0; i < 3; i++) {
        struct process_pipe *pipe = &process->pipes[i];

        if (pipe->stream != NULL)
            eddy__stream_start(pipe->stream, &(struct eddy__transport_setup){
                                                 .factory = starting_pipe_protocol,
                                                 .factory_arg = pipe,
                                             });
    }
    eddy__process_begin(process);
    return future;
}

/** SUB-29: what is started, without its arguments. */
static void starting_log(const struct starting *starting)
{
    static const char *const names[] = {"pipe", "inherit", "devnull", "stdout", "descriptor"};

    eddy__log(EDDY_LOG_DEBUG, "starting process \"%s\": stdin=%s stdout=%s stderr=%s",
              starting->plan.program, names[starting->modes[0]], names[starting->modes[1]],
              names[starting->modes[2]]);
}

/** SUB-19: whether the child was given what it may write to and the loop read from. */
static bool starting_has_output(const struct starting *starting)
{
    const eddy_subprocess_options *options = starting->plan.options;

    for (int i = 0; i < 3; i++)
        if (starting->modes[i] == EDDY_DESCRIPTOR || (starting->modes[i] == EDDY_PIPE && i > 0))
            return true;
    return options->pass_fd_count > 0 || options->keep_fds;
}

static struct eddy_future *process_start(struct eddy_loop *loop, eddy_protocol_factory factory,
                                         void *arg, struct starting *starting)
{
    struct eddy__process *process = process_new(loop);
    int error;

    if (process == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    process->factory = factory;
    process->factory_arg = arg;
    process->has_output = starting_has_output(starting);
    starting->process = process;
    if (loop->debug)
        starting_log(starting);
    error = starting_make_streams(starting);
    if (error == 0)
        error = eddy__child_start(loop, &starting->plan, eddy__process_on_exit, process,
                                  &process->child);
    starting_close_theirs(starting);
    if (error == 0)
        return starting_finish(starting);
    starting_undo(starting);
    if (error != EDDY_ENOMEM || eddy__is_unsaid(error))
        eddy_error(error, "cannot start \"%s\": %s", starting->plan.program, eddy_strerror(error));
    return eddy__future_failed(loop, error);
}

static int starting_check_stream(const struct starting *starting, int i)
{
    if ((unsigned)starting->modes[i] > EDDY_DESCRIPTOR ||
        (starting->modes[i] == EDDY_STDOUT && i != 2))
        return eddy_error(EDDY_EINVALID, "stream %d cannot be of mode %d", i,
                          (int)starting->modes[i]);
    if (starting->modes[i] == EDDY_DESCRIPTOR && starting->given[i] < 0)
        return eddy_error(EDDY_EINVALID, "%lld is no descriptor for stream %d",
                          (long long)starting->given[i], i);
    return 0;
}

/** SUB-1..SUB-3, before anything happens. */
static int process_check_options(struct eddy_loop *loop, eddy_protocol_factory factory,
                                 const eddy_subprocess_options *options, struct starting *starting)
{
    int error = eddy__check_loop_and_factory(loop, factory);

    if (error == 0)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error)
        return error;
    if (loop->sim != NULL)
        return eddy_error(EDDY_ENOTSUPPORTED, "a simulated loop has no processes of the system");
    if (options->pass_fd_count > 0 && options->pass_fds == NULL)
        return eddy_error(EDDY_EINVALID, "pass_fds is missing");
    for (size_t i = 0; i < options->pass_fd_count; i++)
        if (options->pass_fds[i] < 0)
            return eddy_error(EDDY_EINVALID, "%lld is no descriptor to pass on",
                              (long long)options->pass_fds[i]);
    if (options->process_group < 0 || (options->process_group > 0 && options->new_process_group))
        return eddy_error(EDDY_EINVALID, "process_group is negative, or new as well");
    *starting = (struct starting){
        .plan = {.options = options},
        .modes = {options->stdin_mode, options->stdout_mode, options->stderr_mode},
        .given = {options->stdin_fd, options->stdout_fd, options->stderr_fd},
    };
    for (int i = 0; i < 3 && error == 0; i++)
        error = starting_check_stream(starting, i);
    return error != 0 ? error : eddy__child_check();
}

static const eddy_subprocess_options defaults;

eddy_future *eddy_loop_subprocess_exec(eddy_loop *loop, eddy_protocol_factory factory, void *arg,
                                       const char *const argv[],
                                       const eddy_subprocess_options *options)
{
    struct starting starting;
    int error;

    if (options == NULL)
        options = &defaults;
    error = process_check_options(loop, factory, options, &starting);
    if (error == 0 && (argv == NULL || argv[0] == NULL || argv[0][0] == '\0'))
        error = eddy_error(EDDY_EINVALID, "no program to run");
    if (error)
        return eddy__future_failed(loop, error);
    starting.plan.program = options->executable != NULL ? options->executable : argv[0];
    starting.plan.argv = argv;
    return process_start(loop, factory, arg, &starting);
}

eddy_future *eddy_loop_subprocess_shell(eddy_loop *loop, eddy_protocol_factory factory, void *arg,
                                        const char *command, const eddy_subprocess_options *options)
{
    struct starting starting;
    const char *argv[4];
    const char *shell;
    int error;

    if (options == NULL)
        options = &defaults;
    error = process_check_options(loop, factory, options, &starting);
    if (error == 0 && command == NULL)
        error = eddy_error(EDDY_EINVALID, "no command to run");
    if (error)
        return eddy__future_failed(loop, error);
    shell = eddy__child_shell(command, argv);
    starting.plan.program = options->executable != NULL ? options->executable : shell;
    starting.plan.argv = argv;
    return process_start(loop, factory, arg, &starting);
}

/* SPDX-License-Identifier: MIT */
#include "support/child.h"
#include "support/support.h"
#include "support/sweep.h"
#include <stdio.h>
#include <string.h>

static struct child *child_of(eddy_protocol *protocol)
{
    return (struct child *)(void *)protocol;
}

static int child_react(struct child *c, enum child_event event)
{
    if (c->script != NULL)
        c->script(c, event);
    return c->result;
}

static const char *error_text(int error)
{
    return error != 0 ? eddy_err_name(error) : "0";
}

static int on_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct child *c = child_of(protocol);

    c->transport = transport;
    fixture_hold_transport(transport);
    c->is_made = true;
    record("made");
    return child_react(c, CHILD_MADE);
}

static int on_data(eddy_protocol *protocol, int fd, const void *data, size_t size)
{
    struct child *c = child_of(protocol);
    size_t at = c->received[fd];

    assert_true(size > 0 && (fd == 1 || fd == 2));
    for (size_t i = 0; i < size && at + i < sizeof c->text[fd] - 1; i++)
        c->text[fd][at + i] = ((const char *)data)[i];
    c->received[fd] += size;
    if (!c->quiet)
        record("data%d:%.*s", fd, size < 40 ? (int)size : 40, (const char *)data);
    return child_react(c, CHILD_DATA);
}

static int on_pipe_lost(eddy_protocol *protocol, int fd, int error)
{
    record("pipe%d:%s", fd, error_text(error));
    return child_react(child_of(protocol), CHILD_PIPE_LOST);
}

static int on_exited(eddy_protocol *protocol)
{
    struct child *c = child_of(protocol);

    assert_true(eddy_transport_get_returncode(c->transport, &c->returncode)); /* SUB-19 */
    record("exited:%lld", (long long)c->returncode);
    return child_react(c, CHILD_EXITED);
}

static int on_pause(eddy_protocol *protocol)
{
    record("pause");
    return child_of(protocol)->result;
}

static int on_resume(eddy_protocol *protocol)
{
    record("resume");
    return child_of(protocol)->result;
}

static int on_lost(eddy_protocol *protocol, int error)
{
    struct child *c = child_of(protocol);
    int result;

    record("lost:%s", error_text(error));
    c->is_lost = true;
    result = child_react(c, CHILD_LOST);
    if (!sweep_is_over_calls()) /* else the fixture holds it */
        c->transport = NULL;
    return result;
}

static const eddy_protocol_callbacks child_callbacks = {
    .connection_made = on_made,
    .pipe_data_received = on_data,
    .pipe_connection_lost = on_pipe_lost,
    .process_exited = on_exited,
    .pause_writing = on_pause,
    .resume_writing = on_resume,
    .connection_lost = on_lost,
};

void child_init(struct child *c)
{
    memset(c, 0, sizeof *c);
    eddy_protocol_init(&c->protocol, &child_callbacks);
}

eddy_protocol *child_factory(void *child)
{
    return &((struct child *)child)->protocol;
}

const eddy_subprocess_options child_no_pipes = {
    .stdin_mode = EDDY_DEVNULL,
    .stdout_mode = EDDY_DEVNULL,
    .stderr_mode = EDDY_DEVNULL,
};

void child_or_skip(struct fixture *f)
{
    if (f->sim != NULL)
        skip();
}

void child_made(struct fixture *f, eddy_future *future)
{
    eddy_value value;

    must(eddy_loop_run_until_complete(f->loop, future, &value));
    eddy_transport_unref(value.transport);
}

void child_shell(struct fixture *f, struct child *c, const char *command,
                 const eddy_subprocess_options *options)
{
    child_made(f, eddy_loop_subprocess_shell(f->loop, child_factory, c, command, options));
}

bool child_try_shell(struct fixture *f, struct child *c, const char *command,
                     const eddy_subprocess_options *options)
{
    eddy_value value;
    int error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_subprocess_shell(f->loop, child_factory, c, command, options), &value);

    if (error == 0)
        eddy_transport_unref(value.transport);
    else
        assert_true(error == EDDY_ENOMEM && allocations_failed());
    return error == 0;
}

eddy_future *child_start(struct fixture *f, struct child *c, const char *const argv[],
                         const eddy_subprocess_options *options)
{
    child_init(c);
    return eddy_loop_subprocess_exec(f->loop, child_factory, c, argv, options);
}

void child_run_exec(struct fixture *f, struct child *c, const char *const argv[],
                    const eddy_subprocess_options *options)
{
    child_made(f, child_start(f, c, argv, options));
    child_run(f, c);
}

void child_run_shell(struct fixture *f, struct child *c, const char *command,
                     const eddy_subprocess_options *options)
{
    child_init(c);
    child_shell(f, c, command, options);
    child_run(f, c);
}

void child_write(struct child *c, const char *text)
{
    must(eddy_transport_write(eddy_transport_get_pipe_transport(c->transport, 0), text,
                              strlen(text)));
}

void child_close_stdin(struct child *c)
{
    eddy_transport_close(eddy_transport_get_pipe_transport(c->transport, 0));
}

void child_run(struct fixture *f, struct child *c)
{
    run_until(f->loop, &c->is_lost);
}

/* SPDX-License-Identifier: MIT */
/* eddy: subprocess_exec() with the parent's streams, in straight-line code. */
#include "spawn.h"
#include <eddy/eddy.h>

static eddy_protocol *child_new(void *arg)
{
    static const eddy_protocol_callbacks callbacks = {.process_exited = NULL};

    eddy_protocol_init(arg, &callbacks);
    return arg;
}

static int run(void *arg, eddy_value *result)
{
    static const eddy_subprocess_options options = {
        .stdin_mode = EDDY_INHERIT, .stdout_mode = EDDY_INHERIT, .stderr_mode = EDDY_INHERIT};
    const char *const command[] = {SPAWN_PROGRAM, NULL};
    const struct micro *micro = arg;
    eddy_protocol protocol;
    eddy_value child, code;
    uint64_t i;

    (void)result;
    micro_begin();
    for (i = 0; i < micro->n; i++) {
        micro_need(eddy_await(eddy_loop_subprocess_exec(eddy_get_running_loop(), child_new,
                                                        &protocol, command, &options),
                              &child) != 0,
                   "a child");
        micro_need(eddy_await(eddy_process_wait(child.transport), &code) != 0 || code.integer != 0,
                   "its end");
        eddy_transport_unref(child.transport);
        /* Its protocol is in use until connection_lost(). */
        eddy_await(eddy_sleep(0), NULL);
    }
    micro_end(micro->n);
    return 0;
}

int main(int argc, char **argv)
{
    struct micro micro = spawn_read(argc, argv);

    return eddy_run(run, &micro, NULL, NULL) != 0;
}

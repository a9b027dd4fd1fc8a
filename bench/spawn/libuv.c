/* SPDX-License-Identifier: MIT */
#include "spawn.h"
#include <uv.h>

static uv_process_t process;
static uint64_t left;

static void spawn(void);

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
    if (--left > 0)
        spawn();
}

static void on_exit_(uv_process_t *of, int64_t status, int signal)
{
    micro_need(status != 0 || signal != 0, "a child");
    uv_close((uv_handle_t *)of, on_closed);
}

static void spawn(void)
{
    char program[] = SPAWN_PROGRAM;
    char *arguments[] = {program, NULL};
    uv_stdio_container_t streams[3] = {
        {.flags = UV_INHERIT_FD, .data = {.fd = 0}},
        {.flags = UV_INHERIT_FD, .data = {.fd = 1}},
        {.flags = UV_INHERIT_FD, .data = {.fd = 2}},
    };
    uv_process_options_t options = {.file = program,
                                    .args = arguments,
                                    .exit_cb = on_exit_,
                                    .stdio = streams,
                                    .stdio_count = 3};

    micro_need(uv_spawn(uv_default_loop(), &process, &options) != 0, "uv_spawn");
}

int main(int argc, char **argv)
{
    struct micro micro = spawn_read(argc, argv);

    left = micro.n;
    micro_begin();
    spawn();
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    micro_end(micro.n);
    return 0;
}

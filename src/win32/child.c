/* SPDX-License-Identifier: MIT */
/* Children are not there yet on Windows; see src/posix/child.c. Starting one fails at the door. */
#include "common/child.h"
#include "common/error.h"

const char *eddy__child_shell(const char *command, const char *argv[4])
{
    (void)command;
    argv[0] = NULL;
    return NULL;
}

int eddy__child_check(void)
{
    return eddy_error(EDDY_ENOTSUPPORTED, "child processes are not available on Windows yet");
}

int eddy__child_pipe(bool we_write, eddy_socket *ours, eddy_socket *theirs)
{
    (void)we_write;
    (void)ours;
    (void)theirs;
    return EDDY_ENOTSUPPORTED;
}

int eddy__child_null(eddy_socket *fd)
{
    (void)fd;
    return EDDY_ENOTSUPPORTED;
}

void eddy__child_close(eddy_socket fd)
{
    (void)fd;
}

int eddy__child_start(struct eddy_loop *loop, const struct eddy__child_plan *plan,
                      void (*on_exit)(void *arg, int64_t code), void *arg,
                      struct eddy__child **child)
{
    (void)loop;
    (void)plan;
    (void)on_exit;
    (void)arg;
    (void)child;
    return EDDY_ENOTSUPPORTED;
}

int64_t eddy__child_pid(const struct eddy__child *child)
{
    (void)child;
    return 0;
}

int eddy__child_signal(struct eddy__child *child, int number)
{
    (void)child;
    (void)number;
    return EDDY_ENOTSUPPORTED;
}

bool eddy__child_free(struct eddy__child *child)
{
    (void)child;
    return true;
}

/* SPDX-License-Identifier: MIT */
/* Pipe transports are not there yet on Windows; see src/posix/pipe.c. */
#include "common/pipe.h"
#include "common/error.h"

int eddy__pipe_check(eddy_socket fd, bool *is_device)
{
    (void)fd;
    (void)is_device;
    return eddy_error(EDDY_ENOTSUPPORTED, "pipe transports are not available on Windows yet");
}

/* Nothing gets as far as these. */
const struct eddy__socket_ops eddy__system_read_pipes = {0};
const struct eddy__socket_ops eddy__system_write_pipes = {0};

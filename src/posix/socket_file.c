/* SPDX-License-Identifier: MIT */
#include "common/socket_file.h"
#include "common/error.h"
#include "posix/sys.h"

int eddy__socket_file_identify(const char *path, struct eddy__file_identity *identity)
{
    struct stat status;

    if (EDDY__SYS(stat)(path, &status) < 0)
        return eddy__system_error(errno);
    if (!S_ISSOCK(status.st_mode))
        return EDDY_ENOTSOCK;
    identity->volume = (uint64_t)status.st_dev;
    identity->number = (uint64_t)status.st_ino;
    return 0;
}

int eddy__socket_file_unlink(const char *path)
{
    return EDDY__SYS(unlink)(path) < 0 ? eddy__system_error(errno) : 0;
}

/* SPDX-License-Identifier: MIT */
#include "common/file.h"
#include "common/error.h"
#include "posix/descriptor.h"
#include "posix/sys.h"

int eddy__file_size(eddy_file file, int64_t *size)
{
    struct stat status;
    int error;

    if (EDDY__SYS(fstat)((int)file, &status) != 0) {
        error = eddy__system_error(errno);
        return eddy_error(error, "file %lld: %s", (long long)file, eddy_strerror(error));
    }
    if (!S_ISREG(status.st_mode))
        return eddy_error(EDDY_EINVALID, "file %lld is not a regular file", (long long)file);
    *size = status.st_size;
    return 0;
}

int eddy__file_duplicate(eddy_file file, eddy_file *copy)
{
    int fd = EDDY__SYS(fcntl)((int)file, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return eddy__system_error(errno);
    *copy = fd;
    return 0;
}

eddy_file eddy__file_reader(eddy_file file)
{
    return file; /* pread() leaves the position alone */
}

int64_t eddy__file_read(eddy_file file, void *buffer, size_t size, int64_t offset)
{
    ssize_t got;

    do
        got = EDDY__SYS(pread)((int)file, buffer, size, (off_t)offset);
    while (got < 0 && errno == EINTR); /* files do not wait for long */
    return got < 0 ? eddy__system_error(errno) : got;
}

void eddy__file_seek(eddy_file file, int64_t position)
{
    EDDY__SYS(lseek)((int)file, (off_t)position, SEEK_SET);
}

void eddy__file_close(eddy_file file)
{
    eddy__descriptor_close((int)file);
}

/* SPDX-License-Identifier: MIT */
#include "common/socket_file.h"
#include "common/log.h"
#include "common/memory.h"
#include <eddy/error.h>
#include <string.h>

void eddy__socket_file_remove_stale(const char *path)
{
    struct eddy__file_identity identity;
    int error = eddy__socket_file_identify(path, &identity);

    if (error == 0)
        error = eddy__socket_file_unlink(path);
    /* Binding will say what is wrong with a file that is no socket. */
    if (error && error != EDDY_ENOENT && error != EDDY_ENOTSOCK)
        eddy__log(EDDY_LOG_WARNING, "cannot check or remove the stale socket %s: %s", path,
                  eddy_strerror(error));
}

struct eddy__socket_file *eddy__socket_file_new(const char *path, size_t size)
{
    struct eddy__socket_file *file = eddy__alloc_zeroed(sizeof *file + size + 1);

    if (file != NULL)
        memcpy(file->path, path, size);
    return file;
}

void eddy__socket_file_note(struct eddy__socket_file *file)
{
    file->is_known = eddy__socket_file_identify(file->path, &file->identity) == 0;
}

static void socket_file_remove(const struct eddy__socket_file *file)
{
    struct eddy__file_identity now;
    int error = eddy__socket_file_identify(file->path, &now);

    if (error == 0) {
        if (now.volume != file->identity.volume || now.number != file->identity.number)
            return;
        error = eddy__socket_file_unlink(file->path);
    }
    if (error && error != EDDY_ENOENT && error != EDDY_ENOTSOCK)
        eddy__log(EDDY_LOG_WARNING, "cannot remove the socket %s: %s", file->path,
                  eddy_strerror(error));
}

void eddy__socket_file_end(struct eddy__socket_file *file, bool remove)
{
    if (file != NULL && remove && file->is_known)
        socket_file_remove(file);
    eddy__free(file);
}

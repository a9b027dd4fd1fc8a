/* SPDX-License-Identifier: MIT */
/**
 * Regular files that are sent; src/posix/file.c and src/win32/file.c supply the functions. Their
 * position is the program's: reading does not move it, where the system can help that.
 */
#ifndef EDDY_COMMON_FILE_H
#define EDDY_COMMON_FILE_H

#include "common/socket.h"
#include <eddy/base.h>

/** A part of a file on its way out. */
struct eddy__file_range {
    eddy_file file;
    int64_t offset;
    int64_t count; /**< INT64_MAX - offset: to the end */
    int64_t size;  /**< of the file, when it was last asked for */
    int64_t sent;
};

/** Bytes to send next, at most `max`. */
static inline size_t eddy__file_next(const struct eddy__file_range *range, size_t max)
{
    int64_t left = range->count - range->sent;

    return left < (int64_t)max ? (size_t)left : max;
}

/** Have `ops`, which can, send from the range: as their send_file(). Counts nothing. */
int64_t eddy__file_send(const struct eddy__file_range *range, const struct eddy__socket_ops *ops,
                        eddy_socket socket);

/**
 * Count what send_file() has sent from the range, and say whether that was all of it: all that was
 * asked for, or the end of the file.
 */
bool eddy__file_count(struct eddy__file_range *range, int64_t sent);

/**
 * The system's sending has failed: the code to fail with, with a text. EDDY_ENOSENDFILE as long as
 * nothing was sent (FILE-7). In common/file.c.
 */
int eddy__file_failed(const struct eddy__file_range *range, int error);

/** Its size; EDDY_EINVALID, with a text, unless it is a regular file, EDDY_EBADF if it is none. */
int eddy__file_size(eddy_file file, int64_t *size);

/** Duplicate, for as long as it takes. */
int eddy__file_duplicate(eddy_file file, eddy_file *copy);

/**
 * A handle of a duplicate's file to read with, so that the position that the duplicate shares with
 * the program does not move meanwhile; `file` itself where reading does not move it, or where
 * there can be no other. Cannot fail.
 */
eddy_file eddy__file_reader(eddy_file file);

/** Read up to `size` bytes at `offset`, 0 at the end. Blocks. Any thread. */
int64_t eddy__file_read(eddy_file file, void *buffer, size_t size, int64_t offset);

/** Set the position, which a duplicate shares with its origin. Cannot fail. */
void eddy__file_seek(eddy_file file, int64_t position);

/** Any thread. Cannot fail. */
void eddy__file_close(eddy_file file);

#endif

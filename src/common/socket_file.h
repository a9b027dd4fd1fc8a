/* SPDX-License-Identifier: MIT */
/**
 * The files of Unix sockets: what a dead server left behind, and what ours leaves (NET-33, NET-35).
 * src/posix/socket_file.c and src/win32/socket_file.c supply the last two functions.
 */
#ifndef EDDY_COMMON_SOCKET_FILE_H
#define EDDY_COMMON_SOCKET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What tells a file from all others that exist at the same time. */
struct eddy__file_identity {
    uint64_t volume;
    uint64_t number;
};

/** The file of a bound socket, which is to go when its server closes. */
struct eddy__socket_file {
    struct eddy__file_identity identity;
    bool is_known; /**< it was there, and `identity` is set */
    char path[];
};

/** Remove a socket that lies at `path`; what hinders that is logged. Cannot fail. */
void eddy__socket_file_remove_stale(const char *path);

/** For a socket that will be bound to `path`, of `size` bytes. NULL: EDDY_ENOMEM. */
struct eddy__socket_file *eddy__socket_file_new(const char *path, size_t size);

/** It is bound: remember which file that made. Cannot fail. */
void eddy__socket_file_note(struct eddy__socket_file *file);

/** Free; before that, if `remove`, remove the file unless it is another by now. NULL is allowed. */
void eddy__socket_file_end(struct eddy__socket_file *file, bool remove);

/** Which file `path` names: EDDY_ENOENT, EDDY_ENOTSOCK for one that is no socket, and others. */
int eddy__socket_file_identify(const char *path, struct eddy__file_identity *identity);

/** Remove what `path` names. */
int eddy__socket_file_unlink(const char *path);

#endif

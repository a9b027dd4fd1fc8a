/* SPDX-License-Identifier: MIT */
/**
 * Looking at files and folders; files_posix.c and files_win32.c do it. Everything here may block,
 * so the server calls it on the executor's threads only.
 */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file {
    intptr_t number; /**< a descriptor or HANDLE; -1: none */
    int64_t size;
};

#define NO_FILE ((struct file){.number = -1})

enum file_kind { FILE_MISSING, FILE_REGULAR, FILE_FOLDER };

/** What `path` is; anything but files and folders counts as missing. */
enum file_kind file_look(const char *path);

/** Open for reading. False if that is not possible. */
bool file_open(const char *path, struct file *file);
void file_close(struct file *file);

/** Call visit(arg, name, is_folder) for each entry of a folder that is not hidden. */
bool folder_list(const char *path, void (*visit)(void *arg, const char *name, bool is_folder),
                 void *arg);

#endif

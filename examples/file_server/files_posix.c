/* SPDX-License-Identifier: MIT */
#include "files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum file_kind file_look(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return FILE_MISSING;
    if (S_ISDIR(status.st_mode))
        return FILE_FOLDER;
    return S_ISREG(status.st_mode) ? FILE_REGULAR : FILE_MISSING;
}

bool file_open(const char *path, struct file *file)
{
    struct stat status;
    /* Not to wait for the other end, should it have become a FIFO since file_look(). */
    int number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (number < 0)
        return false;
    if (fstat(number, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(number);
        return false;
    }
    *file = (struct file){number, status.st_size};
    return true;
}

void file_close(struct file *file)
{
    if (file->number >= 0)
        close((int)file->number);
    *file = NO_FILE;
}

bool folder_list(const char *path, void (*visit)(void *arg, const char *name, bool is_folder),
                 void *arg)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (folder == NULL)
        return false;
    while ((entry = readdir(folder)) != NULL) {
        char full[4096];

        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(full, sizeof full, "%s/%s", path, entry->d_name) < (int)sizeof full)
            visit(arg, entry->d_name, file_look(full) == FILE_FOLDER);
    }
    closedir(folder);
    return true;
}

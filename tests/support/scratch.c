/* SPDX-License-Identifier: MIT */
#include "support/scratch.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>

enum { PATHS = 4 };

static char folder[SCRATCH_PATH_MAX];

bool scratch_begin(void)
{
    return platform_folder_new(folder, sizeof folder);
}

void scratch_end(void)
{
    platform_folder_remove(folder);
}

const char *scratch_path(const char *name)
{
    static char paths[PATHS][SCRATCH_PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % PATHS];
    size_t size = strlen(folder);

    assert_true(size + strlen(name) + 2 <= SCRATCH_PATH_MAX);
    memcpy(path, folder, size);
    path[size] = '/';
    memcpy(path + size + 1, name, strlen(name) + 1);
    scratch_remove(path);
    return path;
}

size_t scratch_abstract(char name[SCRATCH_PATH_MAX + 1])
{
    const char *path = scratch_path("abstract");
    size_t size = strlen(path);

    name[0] = '\0';
    memcpy(name + 1, path, size);
    return size + 1;
}

const char *scratch_file(const char *name, size_t size)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    char data[8192];

    assert_non_null(file);
    for (size_t done = 0, part; done < size; done += part) {
        part = size - done < sizeof data ? size - done : sizeof data;
        peer_fill(data, part, done);
        if (fwrite(data, 1, part, file) != part)
            break;
    }
    assert_int_equal(fclose(file), 0);
    return path;
}

eddy_file scratch_open(const char *name, size_t size)
{
    eddy_file file = platform_file_open(scratch_file(name, size));

    assert_true(file != EDDY_NO_FILE);
    return file;
}

void scratch_close(eddy_file file)
{
    platform_file_close(file);
}

int64_t scratch_position(eddy_file file)
{
    return platform_file_position(file);
}

void scratch_resize(eddy_file file, int64_t size)
{
    assert_true(platform_file_resize(file, size));
}

void scratch_put(eddy_file file, int64_t at, char byte)
{
    assert_true(platform_file_put(file, at, byte));
}

bool scratch_exists(const char *path)
{
    return platform_path_exists(path);
}

void scratch_remove(const char *path)
{
    remove(path);
}

/* SPDX-License-Identifier: MIT */
/**
 * As much of HTTP/1.1 as a file server needs whose client asks for one file after the other: GET,
 * no bodies, connections that stay. Shared by the contenders that bring no HTTP of their own. The
 * folder is the one that EDDY_BENCH_FOLDER names.
 */
#ifndef EDDY_BENCH_HTTP_H
#define EDDY_BENCH_HTTP_H

#include "echo/job.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HTTP_REQUEST_MAX = 4096, HTTP_PATH_MAX = 256, HTTP_HEAD_MAX = 128 };

static inline const char *http_folder(void)
{
    const char *folder = getenv("EDDY_BENCH_FOLDER");

    job_need(folder == NULL, "EDDY_BENCH_FOLDER");
    return folder;
}

/** The size of the request at the start of `data`, and its path below the folder; 0: not all there;
 * -1: nothing that is served. */
static inline int http_parse(const char *data, size_t size, char path[HTTP_PATH_MAX])
{
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    const char *blank;

    if (end == NULL)
        return size < HTTP_REQUEST_MAX ? 0 : -1;
    if (size < 5 || memcmp(data, "GET /", 5) != 0)
        return -1;
    blank = memchr(data + 5, ' ', (size_t)(end - data) - 5);
    if (blank == NULL || blank - data - 5 >= HTTP_PATH_MAX)
        return -1;
    memcpy(path, data + 5, (size_t)(blank - data) - 5);
    path[blank - data - 5] = '\0';
    return path[0] == '/' || strstr(path, "..") != NULL ? -1 : (int)(end + 4 - data);
}

/** A regular file below `folder`, a descriptor; -1 if there is none. */
static inline int http_open(int folder, const char *path, int64_t *size)
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        *size = status.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static inline int http_head(char head[HTTP_HEAD_MAX], int64_t size)
{
    return snprintf(head, HTTP_HEAD_MAX,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                    "Content-Length: %lld\r\n\r\n",
                    (long long)size);
}

#define HTTP_MISSING "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

#endif

/* SPDX-License-Identifier: MIT */
/** The file that all send again and again: 16 MiB in memory. */
#ifndef EDDY_BENCH_FILE_H
#define EDDY_BENCH_FILE_H

#include "echo/job.h"
#include <sys/mman.h>
#include <unistd.h>

enum { FILE_SIZE = 16 << 20 };

static inline int file_make(void)
{
    static char piece[1 << 20];
    int fd = memfd_create("bench", MFD_CLOEXEC);
    int i;

    job_need(fd < 0, "memfd_create");
    for (i = 0; i < FILE_SIZE / (int)sizeof piece; i++)
        job_need(write(fd, piece, sizeof piece) != sizeof piece, "write");
    return fd;
}

#endif

/* SPDX-License-Identifier: MIT */
/** Children that end at once, from a small parent or from one that has touched 512 MiB. */
#ifndef EDDY_BENCH_SPAWN_H
#define EDDY_BENCH_SPAWN_H

#include "micro/micro.h"

#define SPAWN_PROGRAM "/bin/true"

static inline struct micro spawn_read(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    size_t size = (size_t)512 << 20;
    char *memory;

    if (micro_is(&micro, "spawn-big")) {
        memory = (char *)malloc(size);
        micro_need(memory == NULL, "memory");
        memset(memory, 1, size);
    }
    return micro;
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * What every server here is started with: `PROGRAM tcp|unix FD`, where FD is a listening socket
 * that it inherits. So no contender spends lines on addresses, and all inherit the same options
 * (TCP_NODELAY among them). It serves until it is killed.
 */
#ifndef EDDY_BENCH_JOB_H
#define EDDY_BENCH_JOB_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    int is_unix;
    int fd;
};

static inline struct job job_read(int argc, char **argv)
{
    struct job job;

    if (argc != 3) {
        fprintf(stderr, "usage: %s tcp|unix|udp FD\n", argv[0]);
        exit(2);
    }
    job.is_unix = strcmp(argv[1], "unix") == 0;
    job.fd = (int)strtol(argv[2], NULL, 10);
    /* Each library has its own idea of SIGPIPE; here it is the same for all. */
    signal(SIGPIPE, SIG_IGN);
    return job;
}

/** End the program if `failed`. */
static inline void job_need(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "failed: %s\n", what);
        exit(1);
    }
}

#endif

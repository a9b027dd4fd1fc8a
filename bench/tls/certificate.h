/* SPDX-License-Identifier: MIT */
/** A file with a certificate and its key, which who starts the server has made. */
#ifndef EDDY_BENCH_CERTIFICATE_H
#define EDDY_BENCH_CERTIFICATE_H

#include "echo/job.h"

static inline const char *certificate_file(void)
{
    const char *file = getenv("EDDY_BENCH_CERTIFICATE");

    job_need(file == NULL, "EDDY_BENCH_CERTIFICATE is not set");
    return file;
}

#endif

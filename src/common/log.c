/* SPDX-License-Identifier: MIT */
#include "common/log.h"
#include "common/memory.h"
#include "common/thread.h"
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_SIZE = 1024 };

static void log_to_stderr(eddy_log_level level, const char *text, void *arg)
{
    (void)arg;
    if (level < EDDY_LOG_WARNING)
        return;
    /* One call, so that records of several threads do not mix. */
    fprintf(stderr, "eddy: %s: %s\n", level == EDDY_LOG_WARNING ? "warning" : "error", text);
}

/* The two belong together: under the process-wide lock, which no fork leaves held in the child, and
 * which is held for two assignments and never while a handler runs. Who logs must not have it. */
static eddy_log_handler log_handler = log_to_stderr;
static void *log_arg;

void eddy_set_log_handler(eddy_log_handler handler, void *arg)
{
    eddy__global_lock();
    log_handler = handler != NULL ? handler : log_to_stderr;
    log_arg = arg;
    eddy__global_unlock();
}

static void log_write(eddy_log_level level, const char *text)
{
    eddy_log_handler handler;
    void *arg;

    eddy__global_lock();
    handler = log_handler;
    arg = log_arg;
    eddy__global_unlock();
    handler(level, text, arg);
}

void eddy__log(eddy_log_level level, const char *format, ...)
{
    char text[TEXT_SIZE];
    char *longer = NULL;
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size >= TEXT_SIZE)
        longer = eddy__alloc((size_t)size + 1);
    if (longer != NULL) {
        va_start(args, format);
        vsnprintf(longer, (size_t)size + 1, format, args);
        va_end(args);
    }
    log_write(level, longer != NULL ? longer : text);
    eddy__free(longer);
}

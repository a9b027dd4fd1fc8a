/* SPDX-License-Identifier: MIT */
#include "load.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t load_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void load_fail(const char *text)
{
    fprintf(stderr, "load: %s: %s\n", text, strerror(errno));
    exit(1);
}

void load_pause(const struct load_options *options)
{
    if (options->pause > 0)
        usleep((useconds_t)options->pause);
}

void load_idle_stay(const struct load_options *options)
{
    /* Who started this program looks at the server's memory now. */
    printf("idle\n");
    fflush(stdout);
    usleep((useconds_t)(options->idle_stay * 1e6));
}

static double seconds_of(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) != 0)
        load_fail("the server is gone");
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The kernel counts in nanoseconds; it tells others' times by a clock of the process. */
static double server_cpu(const struct load_options *options)
{
    clockid_t clock;

    if (options->server == 0)
        return 0;
    if (clock_getcpuclockid(options->server, &clock) != 0)
        load_fail("the server is gone");
    return seconds_of(clock);
}

/* The 14th field of /proc/PID/stat, behind the name in parentheses. */
static double server_user(const struct load_options *options)
{
    char path[64];
    char text[1024];
    unsigned long ticks = 0;
    const char *at;
    FILE *file;

    if (options->server == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)options->server);
    file = fopen(path, "r");
    if (file == NULL)
        load_fail("the server is gone");
    at = fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
    fclose(file);
    if (at == NULL ||
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &ticks) != 1)
        load_fail("the server's time cannot be read");
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void window_open(struct load_window *window, uint64_t now_ns)
{
    window->phase = LOAD_MEASURING;
    window->opened_ns = now_ns;
    window->changes_ns = now_ns + (uint64_t)(window->options->seconds * 1e9);
    window->server_cpu = server_cpu(window->options);
    window->server_user = server_user(window->options);
    window->own_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static void window_close(struct load_window *window, uint64_t now_ns)
{
    struct load_result *result = window->result;

    window->phase = LOAD_ENDED;
    result->seconds = (double)(now_ns - window->opened_ns) / 1e9;
    result->server_cpu = server_cpu(window->options) - window->server_cpu;
    result->server_user = server_user(window->options) - window->server_user;
    result->own_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - window->own_cpu;
}

void load_window_init(struct load_window *window, const struct load_options *options,
                      struct load_result *result)
{
    uint64_t now_ns = load_now();

    memset(window, 0, sizeof *window);
    window->options = options;
    window->result = result;
    window->changes_ns = now_ns + (uint64_t)(options->warm * 1e9);
    if (options->count > 0)
        window_open(window, now_ns);
}

bool load_window_step(struct load_window *window, uint64_t now_ns)
{
    if (window->options->count > 0) {
        if (window->result->operations >= window->options->count)
            window_close(window, now_ns);
    } else if (now_ns >= window->changes_ns) {
        if (window->phase == LOAD_WARMING)
            window_open(window, now_ns);
        else
            window_close(window, now_ns);
    }
    return window->phase != LOAD_ENDED;
}

bool load_window_begin(struct load_window *window)
{
    if (window->options->count > 0 && window->started == window->options->count)
        return false;
    window->started++;
    return true;
}

void load_window_end(struct load_window *window, size_t bytes, uint64_t latency_ns)
{
    if (window->phase != LOAD_MEASURING)
        return;
    window->result->operations++;
    window->result->bytes += bytes;
    histogram_add(&window->result->latency, latency_ns);
}

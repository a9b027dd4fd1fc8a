/* SPDX-License-Identifier: MIT */
#include "micro.h"
#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(BENCH_CALLGRIND)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT ((void)0)
#endif

typedef void (*read_allocations)(int64_t *given, int64_t *bytes);

static struct {
    read_allocations allocations;
    int calls; /* a descriptor that counts system calls, or -1 */
    int64_t given;
    int64_t bytes;
    int64_t resident;
    uint64_t cpu_ns;
    uint64_t children_ns;
    uint64_t wall_ns;
} begun = {.calls = -1};

void micro_need(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "failed: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

void micro_lacks(const struct micro *micro)
{
    fprintf(stderr, "nothing for %s\n", micro->name);
    exit(77);
}

uint64_t micro_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of children that were waited for. */
static uint64_t children_ns(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

/* A tracepoint of the kernel: counts the calls of this process and of the threads it will start. */
static int open_calls(void)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof attributes};
    FILE *file = fopen("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", "r");
    unsigned long id = 0;

    if (file == NULL)
        return -1;
    if (fscanf(file, "%lu", &id) != 1)
        id = 0;
    fclose(file);
    attributes.config = id;
    attributes.inherit = 1;
    return id != 0 ? (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0) : -1;
}

struct micro micro_read(int argc, char **argv)
{
    struct micro micro;

    if (argc != 3) {
        fprintf(stderr, "usage: %s CASE N\n", argv[0]);
        exit(2);
    }
    micro.name = argv[1];
    micro.n = strtoull(argv[2], NULL, 10);
    signal(SIGPIPE, SIG_IGN);
    *(void **)&begun.allocations = dlsym(RTLD_DEFAULT, "count_allocations_read");
    if (getenv("EDDY_BENCH_COUNT") != NULL)
        begun.calls = open_calls();
    return micro;
}

static uint64_t calls_made(void)
{
    uint64_t calls = 0;

    if (begun.calls >= 0)
        micro_need(read(begun.calls, &calls, sizeof calls) != sizeof calls, "reading a counter");
    return calls;
}

/* Bytes of pages that are in memory. */
static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static uint64_t calls_begun;

void micro_begin(void)
{
    begun.resident = resident_bytes();
    if (begun.allocations != NULL)
        begun.allocations(&begun.given, &begun.bytes);
    begun.children_ns = children_ns();
    begun.wall_ns = micro_clock(CLOCK_MONOTONIC);
    begun.cpu_ns = micro_clock(CLOCK_PROCESS_CPUTIME_ID);
    calls_begun = calls_made();
    CALLGRIND_TOGGLE_COLLECT;
}

void micro_toggle(void)
{
    CALLGRIND_TOGGLE_COLLECT;
}

static void print_line(uint64_t operations, uint64_t cpu_ns, int with_bytes)
{
    uint64_t calls = calls_made();
    int64_t given = 0, bytes = 0;
    int64_t resident = with_bytes ? resident_bytes() : 0;

    printf("{\"operations\": %llu, \"cpu_ns\": %llu, \"wall_ns\": %llu",
           (unsigned long long)operations, (unsigned long long)cpu_ns,
           (unsigned long long)(micro_clock(CLOCK_MONOTONIC) - begun.wall_ns));
    if (begun.calls >= 0) /* less the read that counted */
        printf(", \"syscalls\": %llu", (unsigned long long)(calls - calls_begun - 1));
    if (begun.allocations != NULL) {
        begun.allocations(&given, &bytes);
        printf(", \"allocations\": %lld", (long long)(given - begun.given));
        if (with_bytes)
            printf(", \"bytes\": %lld", (long long)(bytes - begun.bytes));
    }
    if (with_bytes)
        printf(", \"resident\": %lld", (long long)(resident - begun.resident));
    printf("}\n");
    fflush(stdout);
}

void micro_end_with(uint64_t operations, uint64_t cpu_ns)
{
    CALLGRIND_TOGGLE_COLLECT;
    print_line(operations, cpu_ns, 0);
}

void micro_end(uint64_t operations)
{
    uint64_t cpu_ns;

    CALLGRIND_TOGGLE_COLLECT;
    cpu_ns = micro_clock(CLOCK_PROCESS_CPUTIME_ID) - begun.cpu_ns;
    print_line(operations, cpu_ns + children_ns() - begun.children_ns, 0);
}

void micro_end_memory(uint64_t operations)
{
    CALLGRIND_TOGGLE_COLLECT;
    print_line(operations, 0, 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * Loaded in front of a contender (LD_PRELOAD), this counts what it asks of malloc and its like.
 *
 * The totals lie in a file mapped into memory, whose name is in EDDY_BENCH_ALLOCATIONS, so that
 * they can be read at any moment and however the program ends: calls that gave memory, calls that
 * gave it back, bytes that are in use. glibc's own entry points do the work.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct totals {
    _Atomic int64_t given;
    _Atomic int64_t taken_back;
    _Atomic int64_t bytes;
};

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static struct totals before_start; /* until the file is mapped */
static struct totals *totals = &before_start;

__attribute__((constructor)) static void open_totals(void)
{
    const char *path = getenv("EDDY_BENCH_ALLOCATIONS");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *mapped;

    /* What the contender starts is not counted. */
    unsetenv("LD_PRELOAD");
    if (fd < 0)
        return;
    mapped = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
        return;
    totals = mapped;
    totals->bytes += before_start.bytes;
}

static void *count_given(void *memory)
{
    if (memory != NULL) {
        totals->given++;
        totals->bytes += (int64_t)malloc_usable_size(memory);
    }
    return memory;
}

static void count_taken_back(void *memory)
{
    if (memory != NULL) {
        totals->taken_back++;
        totals->bytes -= (int64_t)malloc_usable_size(memory);
    }
}

void *malloc(size_t size)
{
    return count_given(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return count_given(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    int64_t before = memory != NULL ? (int64_t)malloc_usable_size(memory) : 0;
    void *moved = __libc_realloc(memory, size);

    if (moved != NULL) {
        totals->given++;
        totals->taken_back += memory != NULL;
        totals->bytes += (int64_t)malloc_usable_size(moved) - before;
    }
    return moved;
}

void free(void *memory)
{
    count_taken_back(memory);
    __libc_free(memory);
}

void *memalign(size_t alignment, size_t size)
{
    return count_given(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = memalign(alignment, size);
    return *memory != NULL ? 0 : 12; /* ENOMEM */
}

/* For programs that measure themselves (micro.c), found by name. */
void count_allocations_read(int64_t *given, int64_t *bytes);

void count_allocations_read(int64_t *given, int64_t *bytes)
{
    *given = totals->given;
    *bytes = totals->bytes;
}

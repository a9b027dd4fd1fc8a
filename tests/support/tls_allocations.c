/* SPDX-License-Identifier: MIT */
#include "support/tls_allocations.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    size_t made;
    size_t live;
    size_t fail_at; /**< the number of the allocation that fails; 0: none */
    bool for_good;
    bool has_failed;
} memory;

static bool memory_fails(void)
{
    memory.made++;
    if (memory.fail_at == 0 || memory.made < memory.fail_at ||
        (memory.made > memory.fail_at && !memory.for_good))
        return false;
    memory.has_failed = true;
    return true;
}

static void *memory_malloc(size_t size, const char *file, int line)
{
    void *made;

    (void)file, (void)line;
    if (size == 0 || memory_fails())
        return NULL;
    made = malloc(size);
    memory.live += made != NULL;
    return made;
}

static void memory_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    memory.live -= block != NULL;
    free(block);
}

static void *memory_realloc(void *block, size_t size, const char *file, int line)
{
    if (block == NULL)
        return memory_malloc(size, file, line);
    if (size == 0) {
        memory_free(block, file, line);
        return NULL;
    }
    return memory_fails() ? NULL : realloc(block, size);
}

void tls_allocations_install(void)
{
    if (CRYPTO_set_mem_functions(memory_malloc, memory_realloc, memory_free) == 1)
        return;
    fprintf(stderr, "OpenSSL has allocated already\n");
    exit(1);
}

void tls_allocations_begin(size_t nth, bool for_good)
{
    memory.made = 0;
    memory.fail_at = nth;
    memory.for_good = for_good;
    memory.has_failed = false;
}

void tls_allocations_end(void)
{
    memory.fail_at = 0;
}

size_t tls_allocations_made(void)
{
    return memory.made;
}

bool tls_allocations_failed(void)
{
    return memory.has_failed;
}

size_t tls_allocations_live(void)
{
    return memory.live;
}

/* SPDX-License-Identifier: MIT */
/**
 * Opens and closes everything over and over on one loop: `churn SECONDS FOLDER [LEAK]`.
 *
 * Looks at this process between rounds, when all is closed: its open descriptors, its resident
 * memory, the blocks that the library holds. What they are after a time of warming up they have to
 * be in the end, too. With LEAK (descriptor, memory, block) each round keeps one of that: then it
 * has to fail. Linux only, where a process can look at itself.
 */
#include "churn.h"
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Pages that the C library's allocator takes for good when the moments of its threads coincide as
 * never before. A leak of one small block a round is more than that in ten minutes, and is found
 * by the number of blocks in ten seconds.
 */
enum { MEMORY_SLACK_KIB = 1024, LEAKED_SIZE = 65536 };

struct look {
    long descriptors;
    long memory_kib;
    long blocks;
};

struct run {
    struct churn churn;
    eddy_time duration;
    const char *leak; /* NULL: none */
    struct look warm; /* the most that was seen at the end of the warm-up */
    struct look end;  /* the least that was seen at the end */
};

/* What the library holds, in blocks. */
static atomic_long blocks;

static void *counted_malloc(size_t size, void *context)
{
    void *memory = malloc(size);

    (void)context;
    if (memory != NULL)
        atomic_fetch_add(&blocks, 1);
    return memory;
}

static void *counted_realloc(void *memory, size_t size, void *context)
{
    void *moved = realloc(memory, size);

    (void)context;
    if (memory == NULL && moved != NULL)
        atomic_fetch_add(&blocks, 1);
    return moved;
}

static void counted_free(void *memory, void *context)
{
    (void)context;
    if (memory != NULL)
        atomic_fetch_sub(&blocks, 1);
    free(memory);
}

/* A field of /proc/self/status in KiB; 0 if there is none. */
static long status_kib(const char *field)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtol(line + strlen(field), NULL, 10);
    fclose(file);
    return kib;
}

static long descriptors_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    long count = -1; /* the one that looks */

    if (folder == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static struct look look_now(void)
{
    return (struct look){descriptors_open(), status_kib("VmRSS:"), atomic_load(&blocks)};
}

static void keep_more(long *kept, long seen)
{
    if (seen > *kept)
        *kept = seen;
}

static void keep_less(long *kept, long seen)
{
    if (seen < *kept || *kept == 0)
        *kept = seen;
}

static void print_look(const struct run *run, eddy_time passed, const struct look *look)
{
    printf("%4lld s, round %ld: %ld descriptors, %ld KiB, %ld blocks\n",
           (long long)(passed / EDDY_SECONDS(1)), run->churn.rounds, look->descriptors,
           look->memory_kib, look->blocks);
    fflush(stdout);
}

/* Known to somebody: else the compiler leaves out what is written there. */
static void *volatile leaked;

static int leak(const char *kind)
{
    void *memory;

    if (strcmp(kind, "descriptor") == 0)
        return dup(STDOUT_FILENO) < 0 ? EDDY_EFAILED : 0;
    if (strcmp(kind, "block") == 0)
        return eddy_loop_create_future(eddy_get_running_loop()) == NULL;
    memory = malloc(LEAKED_SIZE);
    if (memory != NULL)
        memset(memory, 1, LEAKED_SIZE); /* only what is touched is resident */
    leaked = memory;
    return memory == NULL ? EDDY_ENOMEM : 0;
}

static int round_of_all(struct run *run)
{
    eddy_loop *loop = eddy_get_running_loop();

    for (const struct churn_step *step = churn_steps; step->name != NULL; step++) {
        int error = eddy_await(eddy_loop_create_task(loop, step->run, &run->churn, NULL), NULL);

        if (error) {
            fprintf(stderr, "churn: %s, round %ld: %s\n", step->name, run->churn.rounds,
                    eddy_error_text());
            return error;
        }
    }
    run->churn.rounds++;
    return run->leak != NULL ? leak(run->leak) : 0;
}

/* Look in the last fifth of the warm-up, which is a quarter of it all, and of the whole. */
static void look_around(struct run *run, eddy_time passed)
{
    eddy_time warm_up = run->duration / 4;
    struct look look = look_now();

    if (passed >= warm_up / 5 * 4 && passed < warm_up) {
        keep_more(&run->warm.descriptors, look.descriptors);
        keep_more(&run->warm.memory_kib, look.memory_kib);
        keep_more(&run->warm.blocks, look.blocks);
    }
    if (passed >= run->duration - warm_up / 5) {
        keep_less(&run->end.descriptors, look.descriptors);
        keep_less(&run->end.memory_kib, look.memory_kib);
        keep_less(&run->end.blocks, look.blocks);
    }
}

static int churn(void *arg, eddy_value *result)
{
    struct run *run = arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_time start = eddy_loop_time(loop);
    eddy_time next_print = 0;

    (void)result;
    for (;;) {
        eddy_time passed;
        int error = round_of_all(run);

        if (error)
            return error;
        passed = eddy_loop_time(loop) - start;
        look_around(run, passed);
        if (passed >= next_print) {
            struct look look = look_now();

            print_look(run, passed, &look);
            next_print += run->duration / 10;
        }
        if (passed >= run->duration)
            return 0;
    }
}

/* Say what grew; how many things did. */
static int compare(const struct run *run)
{
    const struct churn *done = &run->churn;
    int grown = 0;

    printf("%ld rounds: %ld connections, %ld datagrams, %ld tasks, %ld timers, %ld futures, "
           "%ld children, %ld jobs, %ld loops\n",
           done->rounds, done->connections, done->datagrams, done->tasks, done->timers,
           done->futures, done->children, done->jobs, done->loops);
    printf("warm: %ld descriptors, %ld KiB, %ld blocks; end: %ld, %ld KiB, %ld\n",
           run->warm.descriptors, run->warm.memory_kib, run->warm.blocks, run->end.descriptors,
           run->end.memory_kib, run->end.blocks);
    if (run->warm.descriptors == 0 || run->warm.memory_kib == 0 || run->end.descriptors == 0) {
        printf("too few rounds to compare\n");
        return 1;
    }
    if (run->end.descriptors > run->warm.descriptors && ++grown)
        printf("descriptors grew\n");
    if (run->end.blocks > run->warm.blocks && ++grown)
        printf("blocks grew\n");
    if (run->end.memory_kib > run->warm.memory_kib + MEMORY_SLACK_KIB && ++grown)
        printf("memory grew\n");
    return grown;
}

int main(int argc, char **argv)
{
    static const eddy_allocator allocator = {
        counted_malloc, counted_realloc, counted_free, NULL, {NULL}};
    struct run run = {.leak = argc == 4 ? argv[3] : NULL};
    int error;

    if (argc < 3 || argc > 4 || strtod(argv[1], NULL) <= 0) {
        fprintf(stderr, "usage: churn SECONDS FOLDER [descriptor|memory|block]\n");
        return 2;
    }
    run.duration = EDDY_MILLISECONDS(strtod(argv[1], NULL) * 1000);
    run.churn.folder = argv[2];
    error = eddy_set_allocator(&allocator);
    if (error == 0)
        error = eddy_run(churn, &run, NULL, NULL);
    if (error) {
        fprintf(stderr, "churn: %s\n", eddy_error_text());
        return 2;
    }
    if (compare(&run) > 0)
        return 1;
    if (atomic_load(&blocks) == 0)
        return 0;
    printf("%ld blocks are left after the loop\n", atomic_load(&blocks));
    return 1;
}

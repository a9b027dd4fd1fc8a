/* SPDX-License-Identifier: MIT */
/**
 * Starts many children and reaps them: `children COUNT AT-A-TIME`. Each is a shell that reads its
 * number from a pipe, says it to another, and ends with a status that follows from it.
 *
 * In the end as many descriptors are open as in the beginning, and no child is left, not even as a
 * zombie; else the exit status says so.
 */
#include <eddy/eddy.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { WORKERS_MAX = 256, STATUSES = 251 };

struct team {
    long count;
    long next;
    long answered;
    long workers;
};

struct child {
    eddy_protocol protocol;
    char heard[32];
    size_t heard_size;
    eddy_future *end;
};

/* Descriptors of this process that are open, without the one that looks; -1 if it cannot tell. */
static int descriptors_open(void)
{
    DIR *folder = opendir("/dev/fd");
    int count = 0;

    if (folder == NULL)
        return -1;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1;
}

static int on_output(eddy_protocol *protocol, int fd, const void *data, size_t size)
{
    struct child *child = (struct child *)protocol;

    (void)fd;
    if (size >= sizeof child->heard - child->heard_size)
        return eddy_error(EDDY_EOVERFLOW, "a child says too much");
    memcpy(child->heard + child->heard_size, data, size);
    child->heard_size += size;
    return 0;
}

static int on_lost(eddy_protocol *protocol, int error)
{
    struct child *child = (struct child *)protocol;

    if (error)
        return eddy_future_set_exception(child->end, error);
    return eddy_future_set_result(child->end, (eddy_value){0});
}

static const eddy_protocol_callbacks callbacks = {
    .pipe_data_received = on_output,
    .connection_lost = on_lost,
};

static eddy_protocol *same_protocol(void *child)
{
    return &((struct child *)child)->protocol;
}

/* One child from its start to its end; whether it did what it should. */
static int run_child(long number)
{
    static const char *const argv[] = {"sh", "-c", "read n && echo \"$n\" && exit $((n % 251))",
                                       NULL};
    struct child child = {.heard = ""};
    eddy_loop *loop = eddy_get_running_loop();
    eddy_transport *input;
    char line[32];
    int64_t status = -1;
    eddy_value value;
    int error;

    eddy_protocol_init(&child.protocol, &callbacks);
    child.end = eddy_loop_create_future(loop);
    snprintf(line, sizeof line, "%ld\n", number);
    error = eddy_await(eddy_loop_subprocess_exec(loop, same_protocol, &child, argv, NULL), &value);
    if (error == 0) {
        input = eddy_transport_get_pipe_transport(value.transport, 0);
        error = eddy_transport_write(input, line, strlen(line));
        eddy_transport_close(input);
        /* The protocol lies on this stack: it has to hear its end before the stack goes. */
        if (error == 0)
            error = eddy_await(eddy_future_ref(child.end), NULL);
        if (!eddy_transport_get_returncode(value.transport, &status))
            status = -1;
        eddy_transport_unref(value.transport);
    }
    eddy_future_unref(child.end);
    if (error)
        return error;
    if (strcmp(child.heard, line) != 0 || status != number % STATUSES)
        return eddy_error(EDDY_EFAILED, "child %ld said '%s' and ended with %lld", number,
                          child.heard, (long long)status);
    return 0;
}

static int work(void *arg, eddy_value *result)
{
    struct team *team = arg;

    (void)result;
    while (team->next < team->count) {
        int error = run_child(team->next++);

        if (error)
            return error;
        team->answered++;
    }
    return 0;
}

static int lead(void *arg, eddy_value *result)
{
    struct team *team = arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *workers[WORKERS_MAX];
    eddy_value values;
    int error;

    (void)result;
    for (long i = 0; i < team->workers; i++)
        workers[i] = eddy_loop_create_task(loop, work, team, NULL);
    error = eddy_await(eddy_gather(workers, (size_t)team->workers, NULL), &values);
    if (error == 0)
        eddy_values_free(values.values);
    return error;
}

int main(int argc, char **argv)
{
    struct team team = {.count = argc > 1 ? strtol(argv[1], NULL, 10) : 0,
                        .workers = argc > 2 ? strtol(argv[2], NULL, 10) : 0};
    int before = descriptors_open();
    int after;
    bool none_left;
    int error;

    if (team.count < 1 || team.workers < 1 || team.workers > WORKERS_MAX) {
        fprintf(stderr, "usage: children COUNT AT-A-TIME (1 to %d)\n", WORKERS_MAX);
        return 2;
    }
    error = eddy_run(lead, &team, NULL, NULL);
    if (error)
        fprintf(stderr, "children: %s\n", eddy_error_text());
    after = descriptors_open();
    none_left = waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
    printf("%ld children, %ld at a time: %ld answered; descriptors %d before, %d after; %s\n",
           team.count, team.workers, team.answered, before, after,
           none_left ? "no child left" : "a child is left");
    return error != 0 || team.answered != team.count || before < 0 || after != before || !none_left;
}

/* SPDX-License-Identifier: MIT */
/*
 * Starting a process.
 *
 * The child borrows the parent's memory until it becomes another program, so that starting one
 * costs the same in a large process as in a small one. It must not change anything there but its
 * own stack, `entered`, and errno: everything is prepared before, and only calls are made that are
 * safe in signal handlers. All signals are blocked meanwhile in both, as a handler of the program
 * would run in the child with the parent's memory; before the child lets them in again it has no
 * handlers any more.
 *
 * Why it could not become the program comes through a pipe that closes by itself when it does.
 * Where the memory is really shared, the child is through when the parent goes on, so that a copy
 * of the pipe in some other process, forked off at this moment, cannot make the parent wait.
 *
 * On macOS the child is a fork, with a copy of the memory, and the parent goes on at once: it has
 * to see for itself what becomes of the child (spawn_watch.h). Elsewhere only tools make a fork of
 * it, such as emulators of processors.
 */
#include "posix/spawn.h"
#include "common/error.h"
#include "common/sanitizer.h"
#include "posix/descriptor.h"
#include "posix/spawn_watch.h"
#include "posix/sys.h"
#include "posix/thread_mask.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* One more than the last signal. On FreeBSD NSIG only counts the old ones. */
#if defined(_SIG_MAXSIG)
#define SPAWN_SIGNALS_END (_SIG_MAXSIG + 1)
#elif defined(NSIG)
#define SPAWN_SIGNALS_END NSIG
#else
#define SPAWN_SIGNALS_END 65
#endif

enum { STACK_SIZE = 64 * 1024, EXIT_NOT_STARTED = 127, DESCRIPTORS_MAX = 1 << 20 };

#if defined(__APPLE__)
#include <crt_externs.h>
#define SPAWN_ENVIRONMENT (*_NSGetEnviron()) /* libraries have no `environ` there */
#else
extern char **environ;
#define SPAWN_ENVIRONMENT environ
#endif

struct spawn {
    const struct eddy__child_plan *plan;
    const eddy_subprocess_options *options;
    char *const *env;
    char **paths; /* to be tried one after the other, NULL at the end */
    int *kept;    /* descriptors from 3 on that stay open, in ascending order */
    size_t kept_count;
    int descriptors_max;
    int error_fd;
    sigset_t mask;
    struct eddy__spawn_watch watch;
    volatile bool entered; /* the child has been here, and shares this memory */
};

/* The child's side. Each returns false with errno set. */

static bool spawn_set_signals(const struct spawn *spawn)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction now;

    for (int number = 1; number < SPAWN_SIGNALS_END; number++) {
        bool restore = !spawn->options->keep_signals && (number == SIGPIPE || number == SIGXFSZ);

        if (sigaction(number, NULL, &now) != 0)
            continue; /* a gap, or one of the C library's own */
        if (now.sa_handler != SIG_DFL && (now.sa_handler != SIG_IGN || restore))
            sigaction(number, &usual, NULL);
    }
    return pthread_sigmask(SIG_SETMASK, &spawn->mask, NULL) == 0;
}

static bool spawn_set_group(const eddy_subprocess_options *options)
{
    if (options->start_new_session && EDDY__SYS(setsid)() < 0)
        return false;
    if ((options->new_process_group || options->process_group > 0) &&
        EDDY__SYS(setpgid)(0, options->process_group) < 0)
        return false;
    if (options->set_umask)
        umask((mode_t)options->umask);
    return options->cwd == NULL || EDDY__SYS(chdir)(options->cwd) == 0;
}

static bool spawn_make_inheritable(int fd)
{
    return EDDY__SYS(fcntl)(fd, F_SETFD, 0) == 0;
}

/* Put the three in place. What stands where another one belongs is first moved out of the way. */
static bool spawn_set_streams(const struct spawn *spawn)
{
    int from[3];

    for (int i = 0; i < 3; i++) {
        from[i] = (int)spawn->plan->fds[i];
        if (from[i] >= 0 && from[i] < 3 && from[i] != i) {
            from[i] = EDDY__SYS(fcntl)(from[i], F_DUPFD_CLOEXEC, 3);
            if (from[i] < 0)
                return false;
        }
    }
    for (int i = 0; i < 3; i++) {
        if (from[i] == i && !spawn_make_inheritable(i))
            return false;
        if (from[i] >= 0 && from[i] != i && EDDY__SYS(dup2)(from[i], i) < 0)
            return false;
    }
    return true;
}

static void spawn_close_range(const struct spawn *spawn, int first, int last)
{
    if (first > last || EDDY__SYS(close_descriptors)((unsigned)first, (unsigned)last) == 0)
        return;
    for (int fd = first; fd <= last && fd < spawn->descriptors_max; fd++)
        close(fd);
}

/* SUB-5: nothing else goes over. */
static bool spawn_set_descriptors(const struct spawn *spawn)
{
    int from = 3;

    for (size_t i = 0; i < spawn->options->pass_fd_count; i++)
        if (!spawn_make_inheritable((int)spawn->options->pass_fds[i]))
            return false;
    if (spawn->options->keep_fds)
        return true;
    for (size_t i = 0; i < spawn->kept_count; i++) {
        spawn_close_range(spawn, from, spawn->kept[i] - 1);
        from = spawn->kept[i] + 1;
    }
    spawn_close_range(spawn, from, INT_MAX);
    return true;
}

/* As a shell looks for a program: what is missing in one folder may be in the next. */
static void spawn_execute(const struct spawn *spawn)
{
    char *const *argv = (char *const *)(uintptr_t)spawn->plan->argv;
    int found = 0;

    for (char **path = spawn->paths; *path != NULL; path++) {
        EDDY__SYS(execve)(*path, argv, spawn->env);
        if (errno != ENOENT && errno != ENOTDIR && found == 0)
            found = errno;
    }
    if (found != 0)
        errno = found;
}

static int spawn_main(void *arg)
{
    struct spawn *spawn = arg;
    int error;

    eddy__spawn_watch_start(&spawn->watch);
    spawn->entered = true;
    if (spawn_set_signals(spawn) && spawn_set_group(spawn->options) && spawn_set_streams(spawn) &&
        spawn_set_descriptors(spawn))
        spawn_execute(spawn);
    error = errno;
    if (write(spawn->error_fd, &error, sizeof error) < 0)
        _exit(EXIT_NOT_STARTED); /* which is what happens anyway: there is nobody left to tell */
    _exit(EXIT_NOT_STARTED);
}

/* The parent's side. */

/* The folders to look into, of the environment that the child will have. */
static const char *spawn_search_path(const struct spawn *spawn)
{
    for (char *const *entry = spawn->env; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, "PATH=", 5) == 0)
            return *entry + 5;
    return "/usr/bin:/bin";
}

/* One path for each folder; an empty folder is the current one. */
static int spawn_list_paths(struct spawn *spawn, const char *program)
{
    const char *folders = strchr(program, '/') != NULL ? "" : spawn_search_path(spawn);
    size_t size = strlen(program) + 2;
    size_t count = 1;
    size_t used = 0;
    char *text;

    for (const char *at = folders; *at != '\0'; at++)
        count += *at == ':';
    spawn->paths = eddy__alloc((count + 1) * sizeof *spawn->paths + strlen(folders) + count * size);
    if (spawn->paths == NULL)
        return EDDY_ENOMEM;
    text = (char *)(spawn->paths + count + 1);
    for (const char *at = folders;; at++) {
        size_t length = strcspn(at, ":");

        spawn->paths[used++] = text;
        memcpy(text, at, length);
        text += length;
        if (length > 0 && text[-1] != '/')
            *text++ = '/';
        memcpy(text, program, size - 1);
        text += size - 1;
        at += length;
        if (*at == '\0')
            break;
    }
    spawn->paths[used] = NULL;
    return 0;
}

/* Enter a descriptor into the list, in its place, unless it is there or too low. */
static void spawn_keep(struct spawn *spawn, int fd)
{
    size_t at = 0;

    while (at < spawn->kept_count && spawn->kept[at] < fd)
        at++;
    if (fd < 3 || (at < spawn->kept_count && spawn->kept[at] == fd))
        return;
    memmove(spawn->kept + at + 1, spawn->kept + at, (spawn->kept_count - at) * sizeof(int));
    spawn->kept[at] = fd;
    spawn->kept_count++;
}

static int spawn_list_kept(struct spawn *spawn)
{
    spawn->kept = eddy__alloc((spawn->options->pass_fd_count + 1) * sizeof *spawn->kept);
    if (spawn->kept == NULL)
        return EDDY_ENOMEM;
    for (size_t i = 0; i < spawn->options->pass_fd_count; i++)
        spawn_keep(spawn, (int)spawn->options->pass_fds[i]);
    spawn_keep(spawn, spawn->error_fd);
    return 0;
}

/* A pipe whose end for writing is out of the way of 0, 1 and 2. */
static int spawn_open_error_pipe(int fds[2])
{
    int error = eddy__descriptor_pipe(fds);
    int moved;

    if (error < 0 || fds[1] > 2)
        return error;
    moved = EDDY__SYS(fcntl)(fds[1], F_DUPFD_CLOEXEC, 3);
    if (moved < 0)
        error = eddy__system_error(errno);
    eddy__descriptor_close(fds[1]);
    if (moved < 0)
        eddy__descriptor_close(fds[0]);
    fds[1] = moved;
    return error;
}

/* The number of the error that kept the child from becoming the program, or 0. */
static int spawn_read_error(int fd)
{
    int number = 0;
    ssize_t size = read(fd, &number, sizeof number);

    return size == (ssize_t)sizeof number ? number : 0;
}

/* It has ended already, or is about to. */
static void spawn_reap(pid_t pid)
{
    siginfo_t info;

    while (EDDY__SYS(waitid)(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
        ;
}

static int spawn_run(struct spawn *spawn, void *stack, int error_read_fd, pid_t *started)
{
    sigset_t all;
    sigset_t before;
    pid_t pid;
    int number;

    eddy__thread_program_mask(&spawn->mask);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = EDDY__SYS(spawn_child)(spawn_main, (char *)stack + STACK_SIZE, spawn);
    number = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    eddy__sanitizer_forget_stack(stack, STACK_SIZE);
    eddy__descriptor_close(spawn->error_fd);
    if (pid < 0)
        return eddy__system_error(number);
    if (!spawn->entered) /* see above */
        eddy__spawn_watch_wait(&spawn->watch, pid, error_read_fd);
    number = spawn_read_error(error_read_fd);
    if (number == 0) {
        *started = pid;
        return 0;
    }
    spawn_reap(pid);
    return eddy__system_error(number);
}

int eddy__spawn(const struct eddy__child_plan *plan, pid_t *pid)
{
    struct spawn spawn = {.plan = plan, .options = plan->options};
    void *stack = eddy__alloc(STACK_SIZE);
    long limit = sysconf(_SC_OPEN_MAX);
    int error_pipe[2];
    int error = stack == NULL ? EDDY_ENOMEM : spawn_open_error_pipe(error_pipe);

    if (error == 0) {
        spawn.error_fd = error_pipe[1];
        spawn.env = plan->options->env != NULL ? (char *const *)(uintptr_t)plan->options->env
                                               : SPAWN_ENVIRONMENT;
        spawn.descriptors_max = limit > 0 && limit < DESCRIPTORS_MAX ? (int)limit : DESCRIPTORS_MAX;
        error = spawn_list_paths(&spawn, plan->program);
        if (error == 0)
            error = spawn_list_kept(&spawn);
        if (error == 0)
            error = eddy__spawn_watch_open(&spawn.watch);
        if (error == 0) {
            error = spawn_run(&spawn, stack, error_pipe[0], pid);
            eddy__spawn_watch_close(&spawn.watch);
        } else {
            eddy__descriptor_close(error_pipe[1]);
        }
        eddy__descriptor_close(error_pipe[0]);
    }
    eddy__free(spawn.kept);
    eddy__free(spawn.paths);
    eddy__free(stack);
    return error;
}

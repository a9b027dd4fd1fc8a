/* SPDX-License-Identifier: MIT */
/*
 * Starting a process.
 *
 * The child borrows the parent's memory until it becomes another program, so that starting one
 * costs the same in a large process as in a small one. It must not change anything there but its
 * own stack, what it tells by struct spawn, and errno: everything is prepared before, and only
 * calls are made that are safe in signal handlers.
 *
 * A handler of the program must not run in the child, with the parent's memory. A clean child has
 * none from the start. Where the system cannot make one, all signals are blocked meanwhile in both,
 * and before the child lets them in again it has asked about each and taken its handler away: some
 * sixty calls.
 *
 * What stops a child before it is the program, as ^Z at a terminal may, holds its parent up as
 * well, until SIGCONT reaches the child. Blocking signals does not help: they come when the child
 * lets them in, just before the end. posix_spawn() of glibc 2.36 was seen to do the same. A parent
 * that waits by itself instead of in the kernel could be stopped and go on with its child, but then
 * its handlers and the child would run at the same time, on one errno.
 *
 * Why it could not become the program it says by its memory if that is the parent's, too; the
 * parent then goes on only when the child is through. Whether it is, is seen at the first start:
 * tools, such as emulators of processors, make a fork of it. Until then there is also a pipe, which
 * closes by itself when the child becomes the program. A copy of it in some other process, forked
 * off at this moment, cannot make the parent wait if the memory is shared.
 *
 * On macOS the child is a fork, with a copy of the memory, and the parent goes on at once: it has
 * to see for itself what becomes of the child (spawn_watch.h).
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
    void *stack;  /* of the child; `paths` and `kept` lie behind it */
    char **paths; /* to be tried one after the other, NULL at the end */
    int *kept;    /* descriptors from 3 on that stay open, in ascending order */
    size_t kept_count;
    int error_fd;         /* -1: `error` is enough */
    const sigset_t *mask; /* for the child; NULL: it has it */
    struct eddy__spawn_watch watch;
    bool is_clean;         /* the child has no signal handlers to begin with */
    volatile bool entered; /* the child has been here, and shares this memory */
    volatile int error;    /* why it could not become the program, if it shares this memory */
};

atomic_bool eddy__spawn_shares_memory;

/* The child's side. Each returns false with errno set. */

static void spawn_drop_handlers(void)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction now;

    for (int number = 1; number < SPAWN_SIGNALS_END; number++) {
        if (EDDY__SYS(sigaction)(number, NULL, &now) != 0)
            continue; /* a gap, or one of the C library's own */
        if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)
            EDDY__SYS(sigaction)(number, &usual, NULL);
    }
}

static bool spawn_set_signals(const struct spawn *spawn)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};

    if (!spawn->is_clean)
        spawn_drop_handlers();
    if (!spawn->options->keep_signals) {
        EDDY__SYS(sigaction)(SIGPIPE, &usual, NULL);
        EDDY__SYS(sigaction)(SIGXFSZ, &usual, NULL);
    }
    return spawn->mask == NULL || pthread_sigmask(SIG_SETMASK, spawn->mask, NULL) == 0;
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

static void spawn_close_range(int first, int last)
{
    long limit;

    if (first > last || EDDY__SYS(close_descriptors)((unsigned)first, (unsigned)last) == 0)
        return;
    limit = sysconf(_SC_OPEN_MAX);
    if (limit < 0 || limit > DESCRIPTORS_MAX)
        limit = DESCRIPTORS_MAX;
    for (int fd = first; fd <= last && fd < limit; fd++)
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
        spawn_close_range(from, spawn->kept[i] - 1);
        from = spawn->kept[i] + 1;
    }
    spawn_close_range(from, INT_MAX);
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
    spawn->error = error;
    if (spawn->error_fd >= 0 && write(spawn->error_fd, &error, sizeof error) < 0)
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

/* Where to look for the program: one folder after the other. None if it has one itself. */
static const char *spawn_folders(const struct spawn *spawn)
{
    return strchr(spawn->plan->program, '/') != NULL ? "" : spawn_search_path(spawn);
}

static size_t spawn_count_folders(const char *folders)
{
    size_t count = 1;

    for (const char *at = folders; *at != '\0'; at++)
        count += *at == ':';
    return count;
}

/* One path for each folder, written to `text`; an empty folder is the current one. */
static void spawn_list_paths(struct spawn *spawn, const char *folders, char *text)
{
    size_t size = strlen(spawn->plan->program) + 1;
    size_t used = 0;

    for (const char *at = folders;; at++) {
        size_t length = strcspn(at, ":");

        spawn->paths[used++] = text;
        memcpy(text, at, length);
        text += length;
        if (length > 0 && text[-1] != '/')
            *text++ = '/';
        memcpy(text, spawn->plan->program, size);
        text += size;
        at += length;
        if (*at == '\0')
            break;
    }
    spawn->paths[used] = NULL;
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

static void spawn_list_kept(struct spawn *spawn)
{
    for (size_t i = 0; i < spawn->options->pass_fd_count; i++)
        spawn_keep(spawn, (int)spawn->options->pass_fds[i]);
    spawn_keep(spawn, spawn->error_fd);
}

/* So much memory at least, or NULL. */
static char *spawn_enlarge(struct eddy__child_room *room, size_t size)
{
    if (room->size >= size)
        return room->memory;
    eddy__free(room->memory);
    room->memory = eddy__alloc(size);
    room->size = room->memory != NULL ? size : 0;
    return room->memory;
}

/* Write down what the child needs, in one piece of memory. */
static int spawn_prepare(struct spawn *spawn, struct eddy__child_room *room)
{
    const char *folders = spawn_folders(spawn);
    size_t count = spawn_count_folders(folders);
    size_t paths_size = (count + 1) * sizeof *spawn->paths;
    size_t kept_size = (spawn->options->pass_fd_count + 1) * sizeof *spawn->kept;
    size_t text_size = strlen(folders) + count * (strlen(spawn->plan->program) + 2);
    char *memory = spawn_enlarge(room, STACK_SIZE + paths_size + kept_size + text_size);

    if (memory == NULL)
        return EDDY_ENOMEM;
    spawn->stack = memory;
    spawn->paths = (char **)(void *)(memory + STACK_SIZE);
    spawn->kept = (int *)(void *)(memory + STACK_SIZE + paths_size);
    spawn_list_paths(spawn, folders, memory + STACK_SIZE + paths_size + kept_size);
    spawn_list_kept(spawn);
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
static int spawn_read_error(const struct spawn *spawn, int fd)
{
    int number = 0;

    if (spawn->entered)
        return spawn->error;
    return fd >= 0 && read(fd, &number, sizeof number) == (ssize_t)sizeof number ? number : 0;
}

/* It has ended already, or is about to. */
static void spawn_reap(pid_t pid)
{
    siginfo_t info;

    while (EDDY__SYS(waitid)(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
        ;
}

/* Whether the system, or a filter of system calls, knows no clean children. */
static bool spawn_is_unknown(int error)
{
    return error == ENOSYS || error == EINVAL || error == EPERM;
}

/* Make the child, clean if possible; -1 with errno set. */
static pid_t spawn_make_child(struct spawn *spawn, int *pidfd)
{
    sigset_t all;
    sigset_t before;
    pid_t pid;
    int error;

    spawn->mask = eddy__thread_program_mask();
    spawn->is_clean = true;
    pid = EDDY__SYS(spawn_clean_child)(spawn_main, spawn, spawn->stack, STACK_SIZE, pidfd);
    if (pid >= 0 || !spawn_is_unknown(errno))
        return pid;
    spawn->is_clean = false;
    if (pidfd != NULL)
        *pidfd = -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (spawn->mask == NULL)
        spawn->mask = &before;
    pid = EDDY__SYS(spawn_child)(spawn_main, (char *)spawn->stack + STACK_SIZE, spawn);
    error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

static int spawn_run(struct spawn *spawn, int error_read_fd, pid_t *started, int *pidfd)
{
    pid_t pid = spawn_make_child(spawn, pidfd);
    int number = errno;

    eddy__sanitizer_forget_stack(spawn->stack, STACK_SIZE);
    if (spawn->error_fd >= 0)
        eddy__descriptor_close(spawn->error_fd);
    if (pid < 0)
        return eddy__system_error(number);
    if (spawn->entered)
        atomic_store_explicit(&eddy__spawn_shares_memory, true, memory_order_relaxed);
    else if (error_read_fd >= 0)
        eddy__spawn_watch_wait(&spawn->watch, pid, error_read_fd);
    number = spawn_read_error(spawn, error_read_fd);
    if (number == 0) {
        *started = pid;
        return 0;
    }
    spawn_reap(pid);
    if (pidfd != NULL && *pidfd >= 0)
        eddy__descriptor_close(*pidfd);
    return eddy__system_error(number);
}

int eddy__spawn(const struct eddy__child_plan *plan, struct eddy__child_room *room, pid_t *pid,
                int *pidfd)
{
    struct spawn spawn = {.plan = plan, .options = plan->options, .error_fd = -1};
    int error_pipe[2] = {-1, -1};
    int error = 0;

    if (!atomic_load_explicit(&eddy__spawn_shares_memory, memory_order_relaxed))
        error = spawn_open_error_pipe(error_pipe);
    if (error)
        return error;
    spawn.error_fd = error_pipe[1];
    spawn.env = plan->options->env != NULL ? (char *const *)(uintptr_t)plan->options->env
                                           : SPAWN_ENVIRONMENT;
    error = spawn_prepare(&spawn, room);
    if (error == 0)
        error = eddy__spawn_watch_open(&spawn.watch);
    if (error == 0) {
        error = spawn_run(&spawn, error_pipe[0], pid, pidfd);
        eddy__spawn_watch_close(&spawn.watch);
    } else if (error_pipe[1] >= 0) {
        eddy__descriptor_close(error_pipe[1]);
    }
    if (error_pipe[0] >= 0)
        eddy__descriptor_close(error_pipe[0]);
    return error;
}

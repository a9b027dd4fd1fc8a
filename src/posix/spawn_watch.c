/* SPDX-License-Identifier: MIT */
/*
 * The pipe through which a child says why it cannot become the program tells of success as well, by
 * closing, if nobody else has a copy of it. Where it was made in one step with the flag that keeps
 * it out of other programs, that is as good as certain, and the pipe alone is looked at.
 *
 * macOS cannot make it so. A process that another thread forks off between the two steps keeps a
 * copy as long as it lives, in whichever program. So there the child itself is watched, for
 * becoming a program and for ending. Both are told only to who watches already: therefore the
 * child's first step is to wait for a word of the parent.
 */
#include "posix/spawn_watch.h"
#include "common/error.h"
#include "posix/descriptor.h"
#include "posix/sys.h"

/* Without end, as the child's own steps. */
static void watch_pipe(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};

    while (poll(&look, 1, -1) < 0 && errno == EINTR)
        ;
}

#if defined(EDDY__SPAWN_FORKS)

int eddy__spawn_watch_open(struct eddy__spawn_watch *watch)
{
    int error = eddy__descriptor_pipe_blocking(watch->go);

    if (error < 0)
        return error;
    watch->queue = EDDY__SYS(kqueue)(); /* no child inherits it, but a program would */
    error =
        watch->queue < 0 ? eddy__system_error(errno) : eddy__descriptor_set_cloexec(watch->queue);
    if (error < 0)
        eddy__spawn_watch_close(watch);
    return error;
}

void eddy__spawn_watch_start(const struct eddy__spawn_watch *watch)
{
    char word;

    close(watch->go[1]); /* so that the end of the parent is heard, too */
    while (read(watch->go[0], &word, 1) < 0 && errno == EINTR)
        ; /* all signals are blocked here, but for those of debuggers */
}

static bool watch_add(const struct eddy__spawn_watch *watch, const struct kevent *change)
{
    int result;

    do
        result = EDDY__SYS(kevent)(watch->queue, change, 1, NULL, 0, NULL);
    while (result < 0 && errno == EINTR); /* it may be made twice */
    return result == 0;
}

/* Watch what the child writes to, and the child: false if that cannot be. */
static bool watch_begin(const struct eddy__spawn_watch *watch, pid_t pid, int fd)
{
    const struct kevent pipe = {.ident = (uintptr_t)fd, .filter = EVFILT_READ, .flags = EV_ADD};
    const struct kevent child = {
        .ident = (uintptr_t)pid,
        .filter = EVFILT_PROC,
        .flags = EV_ADD,
        .fflags = NOTE_EXEC | NOTE_EXIT,
    };

    return watch_add(watch, &pipe) && watch_add(watch, &child);
}

static void watch_send_word(const struct eddy__spawn_watch *watch)
{
    /* There is room in it, and our own end for reading, so that no signal is raised. */
    while (write(watch->go[1], "", 1) < 0 && errno == EINTR)
        ;
}

void eddy__spawn_watch_wait(const struct eddy__spawn_watch *watch, pid_t pid, int fd)
{
    bool is_watched = watch_begin(watch, pid, fd);
    struct kevent event;

    watch_send_word(watch);
    while (is_watched && EDDY__SYS(kevent)(watch->queue, NULL, 0, &event, 1, NULL) < 0)
        is_watched = errno == EINTR;
    if (!is_watched)
        watch_pipe(fd);
}

void eddy__spawn_watch_close(struct eddy__spawn_watch *watch)
{
    if (watch->queue >= 0)
        eddy__descriptor_close(watch->queue);
    eddy__descriptor_close(watch->go[0]);
    eddy__descriptor_close(watch->go[1]);
}

#else

int eddy__spawn_watch_open(struct eddy__spawn_watch *watch)
{
    (void)watch;
    return 0;
}

void eddy__spawn_watch_start(const struct eddy__spawn_watch *watch)
{
    (void)watch;
}

void eddy__spawn_watch_wait(const struct eddy__spawn_watch *watch, pid_t pid, int fd)
{
    (void)watch, (void)pid;
    watch_pipe(fd);
}

void eddy__spawn_watch_close(struct eddy__spawn_watch *watch)
{
    (void)watch;
}

#endif

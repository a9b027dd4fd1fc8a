/* SPDX-License-Identifier: MIT */
/*
 * Children: watched in the loop where that is possible, by their process id (kqueue) or by a pidfd
 * (Linux 5.3), else by a thread that waits for this child alone.
 *
 * A kqueue refuses a child that is ending already, as there is nothing left to wait for (ESRCH).
 * Then too the thread waits, which the child does not keep long, and which the loop would have to
 * do in its place: the child cannot always be reaped at that moment.
 *
 * Only the loop's thread reaps, so that a signal never goes to a process id that has been given to
 * somebody else meanwhile: the waiting thread sees the end and leaves the child as it is (WNOWAIT).
 * The thread reaps by itself only when the loop has been closed. Between it and the loop stands a
 * struct child_waiter, which the one that comes last frees: the thread if the loop has closed, else
 * the loop, by the post that the thread always makes.
 */
#include "common/child.h"
#include "common/error.h"
#include "common/log.h"
#include "common/pipe.h"
#include "common/thread.h"
#include "posix/backends.h"
#include "posix/descriptor.h"
#include "posix/spawn.h"
#include "posix/sys.h"

#if defined(__linux__)
#define CHILD_P_PIDFD ((idtype_t)3) /* older headers lack it */
#endif

struct child_waiter {
    struct eddy__post post;
    struct eddy_loop *loop;    /* a reference */
    struct eddy__child *child; /* NULL: nobody wants to know any more. The loop's thread. */
    pid_t pid;
};

struct eddy__child {
    struct eddy_loop *loop;
    void (*on_exit)(void *arg, int64_t code);
    void *arg;
    pid_t pid;
    int pidfd;                    /* -1: the system has none, or it is closed */
    struct child_waiter *waiter;  /* NULL: no thread waits */
    bool is_watched;              /* by the channel */
    bool has_ended;               /* and was reaped */
    bool is_free;                 /* the owner has let go */
    bool has_channel;             /* on_closed is still to come */
    struct eddy__channel channel; /* last: the backend's part follows */
};

const struct eddy__socket_ops eddy__process_ids = {0};

int eddy__child_check(void)
{
    return 0;
}

const char *eddy__child_shell(const char *command, const char *argv[4])
{
    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = command;
    argv[3] = NULL;
    return argv[0];
}

int eddy__child_pipe(bool we_write, eddy_socket *ours, eddy_socket *theirs)
{
    const struct eddy__socket_ops *ops =
        we_write ? &eddy__system_write_pipes : &eddy__system_read_pipes;
    int fds[2];
    int error = eddy__descriptor_pipe_blocking(fds);

    if (error == 0) {
        error = ops->set_nonblocking(fds[we_write]);
        if (error) {
            eddy__descriptor_close(fds[0]);
            eddy__descriptor_close(fds[1]);
        }
    }
    if (error)
        return error;
    *ours = fds[we_write];
    *theirs = fds[!we_write];
    return 0;
}

int eddy__child_null(eddy_socket *fd)
{
    int opened = EDDY__SYS(open)("/dev/null", O_RDWR | O_CLOEXEC);

    if (opened < 0)
        return eddy__system_error(errno);
    *fd = opened;
    return 0;
}

void eddy__child_close(eddy_socket fd)
{
    eddy__descriptor_close((int)fd);
}

static int64_t child_decode(const siginfo_t *info)
{
    if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
        return -(int64_t)info->si_status;
    if (info->si_code == CLD_EXITED)
        return info->si_status & 0xFF; /* BSD gives all of what exit() got */
    return info->si_status;
}

/* Ask for the end, by the pidfd if there is one: it stays with this child, whoever reaps it. */
static int child_ask(pid_t pid, int pidfd, int options, siginfo_t *info)
{
    int result;

#if defined(__linux__)
    if (pidfd >= 0) {
        do
            result = EDDY__SYS(waitid)(CHILD_P_PIDFD, (id_t)pidfd, info, WEXITED | options);
        while (result < 0 && errno == EINTR); /* without waiting, a signal meets it at most once */
        if (result == 0 || errno != EINVAL)   /* Linux 5.3 has pidfds but not this */
            return result;
    }
#else
    (void)pidfd;
#endif
    do
        result = EDDY__SYS(waitid)(P_PID, (id_t)pid, info, WEXITED | options);
    while (result < 0 && errno == EINTR); /* as above, or it goes on waiting */
    return result;
}

/* Reap a child that has ended: false if it has not. `options`: 0, or WNOHANG. */
static bool child_reap(pid_t pid, int pidfd, int options, int64_t *code)
{
    siginfo_t info = {0};
    int result = child_ask(pid, pidfd, options, &info);

    if (result == 0 && info.si_pid == 0)
        return false;
    if (result == 0) {
        *code = child_decode(&info);
        return true;
    }
    eddy__log(EDDY_LOG_WARNING, "somebody else has taken the exit status of process %lld",
              (long long)pid);
    *code = EDDY__CHILD_STATUS_LOST;
    return true;
}

/* End the watching, and close the pidfd if it is one. */
static void child_close_channel(struct eddy__child *child)
{
    bool is_pidfd = child->pidfd >= 0;

    if (!child->is_watched)
        return;
    child->is_watched = false;
    child->pidfd = -1;
    if (is_pidfd)
        eddy__channel_disclaim(&child->channel);
    child->loop->backend->channel_close(&child->channel, is_pidfd);
}

static void child_release(struct eddy__child *child)
{
    if (child->is_free && !child->has_channel)
        eddy__free(child);
}

static void child_on_closed(struct eddy__channel *channel)
{
    struct eddy__child *child = EDDY__OWNER(channel, struct eddy__child, channel);

    child->has_channel = false;
    child_release(child);
}

static void child_end(struct eddy__child *child, int64_t code)
{
    child->has_ended = true;
    child_close_channel(child);
    child->on_exit(child->arg, code);
}

static void child_on_ready(struct eddy__channel *channel, unsigned event)
{
    struct eddy__child *child = EDDY__OWNER(channel, struct eddy__child, channel);
    int64_t code;

    (void)event;
    /* A pidfd may be reported without reason. A process id is not, but the system tells of the exit
     * in the middle of it, and tells it once: here the rest of it is waited for. */
    if (child_reap(child->pid, child->pidfd, child->pidfd >= 0 ? WNOHANG : 0, &code))
        child_end(child, code);
}

static const struct eddy__channel_events child_id_events = {
    .on_ready = child_on_ready,
    .on_closed = child_on_closed,
    .ops = &eddy__process_ids,
};

/* Have the loop watch `socket`, which is the child's pidfd or its id. */
static int child_watch_socket(struct eddy__child *child, eddy_socket socket,
                              const struct eddy__channel_events *events)
{
    int error;

    child->channel.events = events;
    child->channel.loop = child->loop;
    child->channel.socket = socket;
    error = child->loop->backend->channel_open(&child->channel);
    if (error)
        return error;
    child->is_watched = true;
    child->has_channel = true;
    if (child->pidfd >= 0)
        eddy__channel_claim(&child->channel); /* an id is no descriptor, whatever its number */
    error = child->loop->backend->watch(&child->channel, EDDY__READABLE);
    if (error)
        child_close_channel(child);
    return error;
}

#if defined(__linux__)
static const struct eddy__channel_events child_pidfd_events = {
    .on_ready = child_on_ready,
    .on_closed = child_on_closed,
    .ops = &eddy__system_read_pipes, /* they only close it */
};

static int child_watch_pidfd(struct eddy__child *child)
{
    int fd = child->pidfd;
    int error;

    if (fd < 0)
        fd = EDDY__SYS(open_pidfd)(child->pid);
    if (fd < 0)
        return eddy__system_error(errno);
    child->pidfd = fd;
    error = child_watch_socket(child, fd, &child_pidfd_events);
    if (error && child->pidfd >= 0) {
        child->pidfd = -1; /* it did not become a channel */
        eddy__descriptor_close(fd);
    }
    return error;
}
#else
static int child_watch_pidfd(struct eddy__child *child)
{
    (void)child;
    return EDDY_ENOSYS;
}
#endif

/* Have the loop watch it. */
static int child_watch(struct eddy__child *child)
{
    if (child->loop->backend->watches_processes)
        return child_watch_socket(child, child->pid, &child_id_events);
    return child_watch_pidfd(child);
}

static void child_free_waiter(struct child_waiter *waiter)
{
    eddy_loop_unref(waiter->loop);
    eddy__free(waiter);
}

/* The post has arrived: reap, and tell whoever still wants to know. */
static void child_on_post(struct eddy__ready *ready)
{
    struct child_waiter *waiter = EDDY__OWNER(ready, struct child_waiter, post.ready);
    struct eddy__child *child = waiter->child;
    int64_t code = EDDY__CHILD_STATUS_LOST;

    child_reap(waiter->pid, -1, WNOHANG, &code);
    child_free_waiter(waiter);
    if (child == NULL)
        return;
    child->waiter = NULL;
    child_end(child, code);
}

/* The loop closes over the post. */
static void child_on_dropped(struct eddy__post *post)
{
    struct child_waiter *waiter = EDDY__OWNER(post, struct child_waiter, post);
    int64_t code;

    child_reap(waiter->pid, -1, WNOHANG, &code);
    if (waiter->child != NULL) {
        waiter->child->waiter = NULL;
        waiter->child->has_ended = true;
    }
    child_free_waiter(waiter);
}

static void child_wait(void *arg)
{
    struct child_waiter *waiter = arg;
    siginfo_t info;
    int64_t code;

    while (EDDY__SYS(waitid)(P_PID, (id_t)waiter->pid, &info, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR)
        ; /* all signals are blocked here, but for those of debuggers */
    if (eddy__loop_post(waiter->loop, &waiter->post) == 0)
        return;
    child_reap(waiter->pid, -1, WNOHANG, &code);
    child_free_waiter(waiter);
}

static int child_start_thread(struct eddy__child *child)
{
    struct eddy__thread thread;
    int error = eddy__thread_start(&thread, "eddy-child", child_wait, child->waiter);

    if (error == 0)
        eddy__thread_detach(&thread);
    return error;
}

/* Watch it in whichever way is possible. */
static int child_watch_or_wait(struct eddy__child *child)
{
    struct child_waiter *waiter = child->waiter;
    int error;

    if (child_watch(child) == 0) {
        child->waiter = NULL;
        child_free_waiter(waiter);
        return 0;
    }
    waiter->child = child;
    waiter->pid = child->pid;
    error = child_start_thread(child);
    if (error) {
        child->waiter = NULL;
        child_free_waiter(waiter);
    }
    return error;
}

/* Nobody will watch it: end it, and wait for that. */
static void child_destroy(pid_t pid)
{
    siginfo_t info;

    EDDY__SYS(kill)(pid, SIGKILL);
    while (EDDY__SYS(waitid)(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
        ;
}

/* Take all memory that it will need. */
static struct eddy__child *child_new(struct eddy_loop *loop)
{
    size_t size = offsetof(struct eddy__child, channel) + loop->backend->channel_size;
    struct eddy__child *child = eddy__alloc_zeroed(size);
    struct child_waiter *waiter;

    if (child == NULL)
        return NULL;
    waiter = eddy__alloc_zeroed(sizeof *waiter);
    if (waiter == NULL) {
        eddy__free(child);
        return NULL;
    }
    waiter->loop = eddy_loop_ref(loop);
    waiter->post.ready.run = child_on_post;
    waiter->post.drop = child_on_dropped;
    child->loop = loop;
    child->pidfd = -1;
    child->waiter = waiter;
    return child;
}

int eddy__child_start(struct eddy_loop *loop, const struct eddy__child_plan *plan,
                      void (*on_exit)(void *arg, int64_t code), void *arg,
                      struct eddy__child **started)
{
    struct eddy__child *child = child_new(loop);
    int error;

    if (child == NULL)
        return EDDY_ENOMEM;
    child->on_exit = on_exit;
    child->arg = arg;
    error = eddy__spawn(plan, &child->pid, loop->backend->watches_processes ? NULL : &child->pidfd);
    if (error) {
        child_free_waiter(child->waiter);
        eddy__free(child);
        return error;
    }
    error = child_watch_or_wait(child);
    if (error) {
        child_destroy(child->pid);
        child->is_free = true;
        child_release(child);
        return error;
    }
    *started = child;
    return 0;
}

int64_t eddy__child_pid(const struct eddy__child *child)
{
    return child->pid;
}

/* Through the pidfd if there is one: whoever may have reaped it, no other process is meant. */
static int child_send(const struct eddy__child *child, int number)
{
#if defined(__linux__)
    if (child->pidfd >= 0) {
        int result = EDDY__SYS(signal_pidfd)(child->pidfd, number);

        if (result == 0 || errno != ENOSYS)
            return result;
    }
#endif
    return EDDY__SYS(kill)(child->pid, number);
}

int eddy__child_signal(struct eddy__child *child, int number)
{
    if (child->loop->fork_count != eddy__fork_count())
        return eddy_error(EDDY_EBADSTATE, "event loop belongs to the parent process");
    if (child->has_ended || child_send(child, number) == 0 || errno == ESRCH)
        return 0;
    if (errno == EINVAL)
        return eddy_error(EDDY_EINVALID, "there is no signal %d", number);
    return eddy__system_error(errno);
}

bool eddy__child_free(struct eddy__child *child)
{
    int64_t code;

    if (!child->has_ended && child->waiter != NULL)
        child->waiter->child = NULL; /* its thread sees to the rest */
    else if (!child->has_ended)
        child->has_ended = child_reap(child->pid, child->pidfd, WNOHANG, &code);
    child_close_channel(child);
    child->is_free = true;
    code = child->has_ended;
    child_release(child);
    return code != 0;
}

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
 * The thread reaps by itself only when the loop has been closed. Child and thread are held by one
 * object, which the one that comes last frees: the thread only if the loop has closed, else the
 * loop, by the post that the thread always makes.
 */
#include "common/child.h"
#include "common/error.h"
#include "common/future.h"
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

struct eddy__child {
    struct eddy_loop *loop; /* a reference, if a thread waits */
    void (*on_exit)(void *arg, int64_t code);
    void *arg;
    pid_t pid;
    atomic_uint holders;          /* the loop's side, and the thread that waits */
    struct eddy__post post;       /* the thread's */
    int pidfd;                    /* -1: the system has none, or it is closed */
    bool is_waited;               /* by a thread whose post has not come */
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

static size_t child_size(const struct eddy_loop *loop)
{
    return offsetof(struct eddy__child, channel) + loop->backend->channel_size;
}

/* The thread comes last only if the loop is closed, and then the memory is not kept. */
static void child_drop(struct eddy__child *child)
{
    if (atomic_fetch_sub(&child->holders, 1) == 1)
        eddy__loop_free(child->loop, child, child_size(child->loop));
}

static void child_release(struct eddy__child *child)
{
    if (child->is_free && !child->has_channel)
        child_drop(child);
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

/* By edges, if that is known: then there is nothing to take back before the pidfd is closed. */
static unsigned child_interest(const struct eddy__child *child)
{
    bool by_edges = child->pidfd >= 0 && child->loop->backend->lingering == EDDY__LINGER_WATCHED;

    return by_edges ? EDDY__READABLE | EDDY__EDGE : EDDY__READABLE;
}

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
    error = child->loop->backend->watch(&child->channel, child_interest(child));
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

/* The thread's side lets go. */
static void child_end_waiting(struct eddy__child *child)
{
    struct eddy_loop *loop = child->loop;

    child_drop(child);
    eddy_loop_unref(loop);
}

/* The post has arrived: reap, and tell whoever still wants to know. */
static void child_on_post(struct eddy__ready *ready)
{
    struct eddy__child *child = EDDY__OWNER(ready, struct eddy__child, post.ready);
    int64_t code = EDDY__CHILD_STATUS_LOST;

    child_reap(child->pid, -1, WNOHANG, &code);
    child->is_waited = false;
    if (!child->is_free)
        child_end(child, code);
    child_end_waiting(child);
}

/* The loop closes over the post. */
static void child_on_dropped(struct eddy__post *post)
{
    struct eddy__child *child = EDDY__OWNER(post, struct eddy__child, post);
    int64_t code;

    child_reap(child->pid, -1, WNOHANG, &code);
    child->is_waited = false;
    child->has_ended = true;
    child_end_waiting(child);
}

static void child_wait(void *arg)
{
    struct eddy__child *child = arg;
    siginfo_t info;
    int64_t code;

    while (EDDY__SYS(waitid)(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR)
        ; /* all signals are blocked here, but for those of debuggers */
    if (eddy__loop_post(child->loop, &child->post) == 0)
        return;
    child_reap(child->pid, -1, WNOHANG, &code);
    child_end_waiting(child);
}

static int child_start_thread(struct eddy__child *child)
{
    struct eddy__thread thread;
    int error = eddy__thread_start(&thread, "eddy-child", child_wait, child);

    if (error == 0)
        eddy__thread_detach(&thread);
    return error;
}

/* Watch it in whichever way is possible. */
static int child_watch_or_wait(struct eddy__child *child)
{
    int error;

    if (child_watch(child) == 0)
        return 0;
    eddy_loop_ref(child->loop);
    atomic_fetch_add(&child->holders, 1);
    child->is_waited = true;
    error = child_start_thread(child);
    if (error) {
        child->is_waited = false;
        child_end_waiting(child);
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
    struct eddy__child *child = eddy__loop_alloc(loop, child_size(loop));

    if (child == NULL)
        return NULL;
    atomic_init(&child->holders, 1);
    child->post.ready.run = child_on_post;
    child->post.drop = child_on_dropped;
    child->loop = loop;
    child->pidfd = -1;
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
    error = eddy__spawn(plan, &loop->child_room, &child->pid,
                        loop->backend->watches_processes ? NULL : &child->pidfd);
    if (error) {
        child_drop(child);
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

    if (!child->has_ended && !child->is_waited) /* else its thread sees to the rest */
        child->has_ended = child_reap(child->pid, child->pidfd, WNOHANG, &code);
    child_close_channel(child);
    child->is_free = true;
    code = child->has_ended;
    child_release(child);
    return code != 0;
}

/* SPDX-License-Identifier: MIT */
/* Watching and reaping, each way of it: SUB-14, SUB-23..SUB-28. */
#include "support/child.h"
#include "support/support.h"
#include "support/sweep.h"

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "common/clock.h"
#include "common/loop.h"
#include "common/thread.h"
#include "posix/sys.h"
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>

/* As before Linux 5.5, and elsewhere. */
static pid_t no_spawn_clean_child(int (*main)(void *arg), void *arg, void *stack, size_t size,
                                  int *pidfd)
{
    (void)main, (void)arg, (void)stack, (void)size, (void)pidfd;
    errno = EINVAL;
    return -1;
}

#if defined(__linux__)
static int no_open_pidfd(pid_t pid)
{
    (void)pid;
    errno = ENOSYS;
    return -1;
}

static int no_signal_pidfd(int pidfd, int number)
{
    (void)pidfd, (void)number;
    errno = ENOSYS;
    return -1;
}

/* Linux 5.3: pidfds, but waitid() does not know them. */
static int no_waitid_by_pidfd(idtype_t type, id_t id, siginfo_t *info, int options)
{
    if (type != P_PID) {
        errno = EINVAL;
        return -1;
    }
    return waitid(type, id, info, options);
}
#endif

#if defined(EDDY__HAVE_KQUEUE)
static bool is_for_child(const struct kevent *changes, int count)
{
    return count == 1 && changes->filter == EVFILT_PROC && (changes->flags & EV_ADD) != 0 &&
           changes->fflags == NOTE_EXIT; /* a start looks for more, in a queue of its own */
}

static int no_children_in_kevent(int queue, const struct kevent *changes, int change_count,
                                 struct kevent *events, int event_count,
                                 const struct timespec *limit)
{
    if (is_for_child(changes, change_count)) {
        errno = ENOMEM;
        return -1;
    }
    return kevent(queue, changes, change_count, events, event_count, limit);
}
#endif

/* How a child is made and watched: by the loop as it can, by older kernels' pidfds, by a thread. */
enum way { BY_LOOP, BY_OLD_PIDFD, BY_THREAD, WAYS };

static void choose(enum way way)
{
    eddy__sys_reset();
    if (way != BY_LOOP)
        eddy__sys.spawn_clean_child = no_spawn_clean_child;
#if defined(__linux__)
    if (way == BY_OLD_PIDFD) {
        eddy__sys.waitid = no_waitid_by_pidfd;
        eddy__sys.signal_pidfd = no_signal_pidfd;
    }
    if (way == BY_THREAD)
        eddy__sys.open_pidfd = no_open_pidfd;
#endif
#if defined(EDDY__HAVE_KQUEUE)
    if (way == BY_THREAD)
        eddy__sys.kevent = no_children_in_kevent;
#endif
}

/* Whether loops watch children here, or always leave it to a thread. */
static bool loop_can_watch(const struct fixture *f)
{
    bool can = fixture_backend_is(f, "kqueue");
#if defined(__linux__)
    int pidfd = open_pidfd(getpid());

    if (pidfd >= 0) {
        close(pidfd);
        can = true;
    }
#endif
    return can;
}

/* The table of calls may only change while no thread uses it: those of children have to post. */
static void await_posts(const struct fixture *f)
{
    while (atomic_load(&f->loop->wakers) > 0)
        eddy__thread_yield();
}

/* Until so many allocations are left, which is when the thread of a child has ended. */
static void await_memory(size_t wanted)
{
    for (int i = 0; i < 10000 && allocations_live() > wanted; i++)
        poll(NULL, 0, 1);
}

/* Close the loop and let it go, and await its threads. */
static void close_loop(struct fixture *f)
{
    need_working_calls(); /* the fixture would hold transports, and with them the loop */
    must(eddy_loop_close(f->loop));
    eddy_loop_unref(f->loop);
    f->loop = NULL;
    await_memory(0);
}

static void run_every_way(struct fixture *f, void (*scene)(struct fixture *f))
{
    child_or_skip(f);
    for (enum way way = BY_LOOP; way < WAYS; way++) {
        choose(way);
        scene(f);
        await_posts(f);
        eddy__sys_reset();
        recorder_reset();
    }
}

static void exit_code_scene(struct fixture *f)
{
    struct child c;

    child_init(&c);
    child_shell(f, &c, "exit 42", &child_no_pipes);
    child_run(f, &c);
    assert_recorded("made", "exited:42", "lost:0");
}

/* SUB-23, SUB-24: however it is watched, it is reaped once and its code arrives. */
static void test_exit_code(struct fixture *f)
{
    run_every_way(f, exit_code_scene);
}

/* SUB-24: no thread is needed where the loop can do it. */
static void test_loop_watches_by_itself(struct fixture *f)
{
    child_or_skip(f);
    if (!loop_can_watch(f))
        skip();
    choose(BY_LOOP);
    exit_code_scene(f);
    assert_int_equal(eddy__sys_count(EDDY__SYS_pthread_create), 0);
    choose(BY_THREAD);
    recorder_reset();
    exit_code_scene(f);
    if (!allocations_failed())
        assert_int_equal(eddy__sys_count(EDDY__SYS_pthread_create), 1);
    await_posts(f);
    eddy__sys_reset();
}

static void signal_scene(struct fixture *f)
{
    eddy_transport *transport;
    struct child c;

    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    transport = eddy_transport_ref(c.transport);
    assert_int_equal(eddy_transport_send_signal(transport, 0), 0);
    assert_int_equal(eddy_transport_send_signal(transport, 1000), EDDY_EINVALID);
    assert_int_equal(eddy_transport_kill(transport), 0);
    assert_int_equal(eddy_transport_kill(transport), 0);
    child_run(f, &c);
    assert_int_equal(c.returncode, -SIGKILL);
    assert_int_equal(eddy_transport_kill(transport), EDDY_ENOPROCESS);
    eddy_transport_unref(transport);
}

/* SUB-13, SUB-14. */
static void test_signals(struct fixture *f)
{
    run_every_way(f, signal_scene);
}

static void close_scene(struct fixture *f)
{
    struct child c;

    child_init(&c);
    child_shell(f, &c, "exec sleep 20", NULL);
    eddy_transport_close(c.transport);
    child_run(f, &c);
    assert_int_equal(c.returncode, -SIGKILL);
}

/* SUB-15. */
static void test_close(struct fixture *f)
{
    run_every_way(f, close_scene);
}

static void cancel_scene(struct fixture *f)
{
    eddy_future *future;
    struct child c;

    child_init(&c);
    future = eddy_loop_subprocess_shell(f->loop, child_factory, &c, "exec sleep 20", NULL);
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    eddy_future_cancel(future, NULL);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECANCELED);
    assert_nothing_recorded();
}

/* SUB-8. */
static void test_cancel(struct fixture *f)
{
    run_every_way(f, cancel_scene);
}

static void many_scene(struct fixture *f)
{
    struct child c[8];

    for (int i = 0; i < 8; i++)
        child_init(&c[i]);
    for (int i = 0; i < 8 && !allocations_failed(); i++)
        child_shell(f, &c[i], "read line", NULL);
    for (int i = 0; i < 8; i++)
        if (c[i].is_made)
            eddy_transport_kill(c[i].transport); /* all together: signals may merge, exits not */
    for (int i = 0; i < 8; i++)
        if (c[i].is_made)
            child_run(f, &c[i]);
}

/* SUB-24: several dying together. */
static void test_many_die_together(struct fixture *f)
{
    if (getenv("EDDY_TEST_OOM") != NULL)
        skip(); /* who holds several children does not give up between them */
    run_every_way(f, many_scene);
}

/* Wait for the child as some other code of the program might, before the loop does. */
static void steal_scene(struct fixture *f)
{
    struct child c;
    int status;
    pid_t pid, taken;
    eddy_time end = 0;

    child_init(&c);
    child_shell(f, &c, "read line; exit 3", NULL);
    pid = (pid_t)eddy_transport_get_pid(c.transport);
    child_write(&c, "go\n");
    /* Not for ever: in a sweep the line may not have been written. */
    while ((taken = waitpid(pid, &status, WNOHANG)) == 0 &&
           fixture_wait_goes_on(eddy__clock_now(), &end))
        poll(NULL, 0, 1);
    assert_int_equal(taken, pid);
    child_run(f, &c);
    assert_int_equal(c.returncode, 255);
    assert_int_equal(recorded("exited:255"), 1);
    assert_logged(EDDY_LOG_WARNING, "somebody else has taken the exit status");
}

/* SUB-23, SUB-11: taken away, it is 255 and a warning; all callbacks come. */
static void test_status_taken_by_somebody_else(struct fixture *f)
{
    run_every_way(f, steal_scene);
}

static void ignored_scene(struct fixture *f)
{
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    struct child c;

    child_init(&c);
    child_shell(f, &c, "exit 3", &child_no_pipes);
    child_run(f, &c);
    signal(SIGCHLD, before);
    assert_recorded("made", "exited:255", "lost:0");
    assert_logged(EDDY_LOG_WARNING, "somebody else has taken the exit status");
}

/* SUB-23: a program that ignores SIGCHLD has the system take it away. */
static void test_ignored_sigchld(struct fixture *f)
{
    run_every_way(f, ignored_scene);
}

static void foreign_scene(struct fixture *f)
{
    struct child c;
    int status;
    pid_t foreign = fork();

    if (foreign == 0)
        _exit(17);
    child_init(&c);
    child_shell(f, &c, "exit 1", &child_no_pipes);
    child_run(f, &c);
    assert_int_equal(waitpid(foreign, &status, 0), foreign);
    assert_int_equal(WEXITSTATUS(status), 17);
}

/* SUB-23: children of other code are left alone. */
static void test_other_children_are_left_alone(struct fixture *f)
{
    if (sweep_is_on())
        skip(); /* a test that gives up would leave its own child behind */
    run_every_way(f, foreign_scene);
}

static int sigchld_count;

static void on_sigchld(int number)
{
    (void)number;
    sigchld_count++;
}

static void handler_scene(struct fixture *f)
{
    struct sigaction action = {.sa_handler = on_sigchld}, before, now;
    struct child c;

    sigchld_count = 0;
    sigaction(SIGCHLD, &action, &before);
    child_init(&c);
    child_shell(f, &c, "exit 1", &child_no_pipes);
    child_run(f, &c);
    sigaction(SIGCHLD, &before, &now);
    assert_true(now.sa_handler == on_sigchld);
    assert_int_equal(c.returncode, 1);
    assert_true(sigchld_count > 0);
}

/* SUB-24: a handler of the program stays in force, and none is needed. */
static void test_handler_of_the_program(struct fixture *f)
{
    run_every_way(f, handler_scene);
}

/* Wait until nobody is left to be reaped. */
static bool children_are_gone(void)
{
    siginfo_t info;

    for (int i = 0; i < 10000; i++) {
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
            return true;
        poll(NULL, 0, 1);
    }
    return false;
}

/* SUB-26: the loop is closed over a living child: said in debug mode, and nobody is told. */
static void test_loop_closes_over_a_child(struct fixture *f)
{
    struct child c;
    bool watched;
    int status;
    pid_t pid;

    child_or_skip(f);
    eddy__sys_reset();
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    pid = (pid_t)eddy_transport_get_pid(c.transport);
    watched = loop_can_watch(f);
    eddy_loop_set_debug(f->loop, true);
    must(eddy_loop_close(f->loop));
    assert_logged(EDDY_LOG_WARNING, "still runs");
    assert_logged(EDDY_LOG_WARNING, "was never closed");
    assert_logged(EDDY_LOG_WARNING, "was never closed");
    assert_logged(EDDY_LOG_WARNING, "was never closed");
    assert_recorded("made");
    /* Its input has ended with our pipe. If a thread waits for it, that one reaps it. */
    if (watched)
        waitpid(pid, &status, 0);
    assert_true(children_are_gone());
}

/* SUB-26: the thread reaps also when the loop is gone. */
static void test_thread_reaps_for_a_closed_loop(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    choose(BY_THREAD);
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    close_loop(f);
    assert_true(children_are_gone());
    eddy__sys_reset();
}

/* A loop that closes while the thread's post is under way reaps. */
static void test_loop_closes_over_a_dead_child(struct fixture *f)
{
    siginfo_t info;
    struct child c;

    need_working_calls();
    child_or_skip(f);
    for (enum way way = BY_LOOP; way < WAYS; way++) {
        eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
        eddy_loop *outer = f->loop;
        size_t before = allocations_live();

        must(eddy_loop_new(&options, &f->loop));
        choose(way);
        child_init(&c);
        if (child_try_shell(f, &c, "read line", NULL)) {
            child_close_stdin(&c);
            run_iterations(f->loop, 1);
            waitid(P_PID, (id_t)eddy_transport_get_pid(c.transport), &info, WEXITED | WNOWAIT);
        }
        eddy_loop_close(f->loop);
        eddy_loop_unref(f->loop);
        f->loop = outer;
        assert_true(children_are_gone());
        await_memory(before);
        eddy__sys_reset();
    }
}

static int never_called(void *arg)
{
    (void)arg;
    fail();
    return 0;
}

/* The loop takes no posts any more, and has not let go of the child: its thread finds that out. */
static void end_child(void *pid)
{
    kill(*(pid_t *)pid, SIGKILL);
    assert_true(children_are_gone());
}

/* SUB-26: the thread lets go of a child before the loop that is closing does. */
static void test_thread_ends_before_its_closing_loop(struct fixture *f)
{
    eddy_context *context;
    struct child c;
    pid_t pid;

    need_working_calls();
    child_or_skip(f);
    choose(BY_THREAD);
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    pid = (pid_t)eddy_transport_get_pid(c.transport);
    must(eddy_context_new(&pid, end_child, &context));
    must(eddy_loop_call_soon_in_context(f->loop, never_called, NULL, context, NULL));
    eddy_context_unref(context);
    close_loop(f);
    eddy__sys_reset();
}

/* Waiters of a process whose loop closes stay undone, and take no harm. */
static void test_loop_closes_over_a_waiter(struct fixture *f)
{
    eddy_future *future;
    struct child c;

    child_or_skip(f);
    choose(BY_THREAD);
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    future = eddy_process_wait(c.transport);
    must(eddy_loop_close(f->loop));
    if (!allocations_failed())
        assert_false(eddy_future_done(future));
    eddy_future_exception(future);
    eddy_future_unref(future);
    close_loop(f);
    assert_true(children_are_gone());
    eddy__sys_reset();
}

/* Nothing can watch it: then it is not started, or rather ended and reaped at once. */
static void test_start_without_any_watch(struct fixture *f)
{
    struct child c;
    int error;

    child_or_skip(f);
    choose(BY_THREAD);
    eddy__sys_fail(EDDY__SYS_pthread_create, 1, EAGAIN);
    child_init(&c);
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_subprocess_shell(f->loop, child_factory, &c, "exec cat", NULL), NULL);
    eddy__sys_reset();
    must(error == EDDY_EAGAIN ? 0 : error);
    assert_nothing_recorded();
    assert_true(children_are_gone());
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_exit_code),
        TEST(test_loop_watches_by_itself),
        TEST(test_signals),
        TEST(test_close),
        TEST(test_cancel),
        TEST(test_many_die_together),
        TEST(test_status_taken_by_somebody_else),
        TEST(test_ignored_sigchld),
        TEST(test_other_children_are_left_alone),
        TEST(test_handler_of_the_program),
        TEST(test_loop_closes_over_a_child),
        TEST(test_thread_reaps_for_a_closed_loop),
        TEST(test_loop_closes_over_a_dead_child),
        TEST(test_thread_ends_before_its_closing_loop),
        TEST(test_loop_closes_over_a_waiter),
        TEST(test_start_without_any_watch),
    };

    return run_suite("process_watch", tests);
}
#else
int main(void)
{
    return run_skipped_suite("process_watch",
                             "test_watches_are_replaced_in_posix_builds_with_hooks");
}
#endif

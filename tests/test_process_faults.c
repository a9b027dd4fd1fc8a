/* SPDX-License-Identifier: MIT */
/*
 * A system that refuses, or is early or late, while a child is started and watched: SUB-5, SUB-7,
 * SUB-25, SUB-28. In POSIX builds with EDDY_TEST_HOOKS.
 */
#include "support/child.h"
#include "support/support.h"
#include "support/sweep.h"

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "common/loop.h"
#include "common/thread.h"
#include "posix/spawn.h"
#include "posix/sys.h"
#include <limits.h>
#include <string.h>

/* As before Linux 5.5, and elsewhere. */
static pid_t no_spawn_clean_child(int (*main)(void *arg), void *arg, void *stack, size_t size,
                                  int *pidfd)
{
    (void)main, (void)arg, (void)stack, (void)size, (void)pidfd;
    errno = ENOSYS;
    return -1;
}

/* Start with the nth `call` failing, and end what was started all the same; its error. */
static int start_with(struct fixture *f, enum eddy__sys_number call, unsigned nth, int error)
{
    eddy_value value = {0};
    eddy_future *future;
    struct child c;
    int result;

    child_init(&c);
    eddy__sys_reset();
    if (call == EDDY__SYS_spawn_child)
        eddy__sys.spawn_clean_child = no_spawn_clean_child;
    eddy__sys_fail(call, nth, error);
    future = eddy_loop_subprocess_shell(f->loop, child_factory, &c, "exec cat", NULL);
    eddy__sys_fail(call, 0, 0);
    result = eddy_loop_run_until_complete(f->loop, future, &value);
    if (result == 0) {
        eddy_transport_close(value.transport);
        child_run(f, &c);
        eddy_transport_unref(value.transport);
    }
    recorder_reset();
    return result;
}

/* SUB-7, SUB-28: each step of a start fails once; nothing is left, whatever it was. */
static void test_each_step_of_a_start_may_fail(struct fixture *f)
{
    static const struct {
        enum eddy__sys_number call;
        int number;
        int code;
    } steps[] = {
        {EDDY__SYS_spawn_clean_child, EAGAIN, EDDY_EAGAIN},
        {EDDY__SYS_spawn_child, EAGAIN, EDDY_EAGAIN},
        {EDDY__SYS_dup2, EMFILE, EDDY_EMFILE},
        {EDDY__SYS_fcntl, EMFILE, EDDY_EMFILE},
        {EDDY__SYS_execve, ENOEXEC, EDDY_ENOEXEC},
#if defined(EDDY__HAVE_PIPE2)
        {EDDY__SYS_pipe2, EMFILE, EDDY_EMFILE},
#endif
    };

    child_or_skip(f);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int failed = 0;

        for (unsigned nth = 1; nth < 8; nth++) {
            int error = start_with(f, steps[i].call, nth, steps[i].number);

            if (error == EDDY_ENOMEM && allocations_failed())
                continue;
            assert_true(error == 0 || error == steps[i].code);
            failed += error != 0;
        }
        assert_true(failed > 0 || allocations_failed());
    }
    eddy__sys_reset();
}

/* SUB-5: what a child asks for may fail, and is told. */
static void test_each_wish_of_a_start_may_fail(struct fixture *f)
{
    static const enum eddy__sys_number calls[] = {EDDY__SYS_setsid, EDDY__SYS_setpgid,
                                                  EDDY__SYS_chdir, EDDY__SYS_open};
    const eddy_subprocess_options options[] = {
        {.start_new_session = true},
        {.new_process_group = true},
        {.cwd = "/"},
        {.stdin_mode = EDDY_DEVNULL},
    };

    child_or_skip(f);
    for (size_t i = 0; i < 4; i++) {
        struct child c;
        int error;

        child_init(&c);
        eddy__sys_reset();
        eddy__sys_fail(calls[i], 1, EPERM);
        error = eddy_loop_run_until_complete(
            f->loop, eddy_loop_subprocess_shell(f->loop, child_factory, &c, "exit 0", &options[i]),
            NULL);
        if (error != EDDY_ENOMEM || !allocations_failed())
            assert_int_equal(error, EDDY_EPERM);
    }
    eddy__sys_reset();
    assert_nothing_recorded();
}

static int no_close_descriptors(unsigned first, unsigned last)
{
    (void)first, (void)last;
    errno = ENOSYS;
    return -1;
}

/* Old systems have no call that closes many descriptors. */
static void test_descriptors_closed_one_by_one(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    eddy__sys_reset();
    eddy__sys.close_descriptors = no_close_descriptors;
    child_init(&c);
    child_shell(f, &c, "if (: >&9) 2>/dev/null; then echo yes; else echo no; fi; cat", NULL);
    child_close_stdin(&c);
    child_run(f, &c);
    eddy__sys_reset();
    assert_string_equal(c.text[1], "no\n");
}

static pid_t holder;
static int (*real_main)(void *arg);
static volatile bool memory_is_shared;

static int main_beside_holder(void *arg)
{
    memory_is_shared = true;
    return real_main(arg);
}

/* Some other part of the program forks at this very moment, and the copy lives on for long. */
static pid_t spawn_beside_holder(int (*main)(void *arg), void *stack, void *arg)
{
    holder = fork();
    if (holder == 0) {
        poll(NULL, 0, 5000);
        _exit(0);
    }
    real_main = main;
    memory_is_shared = false;
    return spawn_child(main_beside_holder, stack, arg);
}

static pid_t spawn_fork(int (*main)(void *arg), void *stack, void *arg)
{
    pid_t pid = fork();

    (void)stack;
    if (pid == 0)
        _exit(main(arg));
    return pid;
}

/* A copy of the pipe by which the child tells how it went does not keep the start from returning.
 * Only where a tool makes a fork of the child that should share the memory, it may. */
static void test_foreign_fork_does_not_delay_a_start(struct fixture *f)
{
    eddy_time before = eddy_loop_time(f->loop);
    eddy_time took;
    struct child c;

    if (sweep_is_on())
        skip(); /* a test that gives up would leave its own child behind */
    child_or_skip(f);
    eddy__sys_reset();
    atomic_store(&eddy__spawn_shares_memory, false); /* so that there is a pipe */
    eddy__sys.spawn_clean_child = no_spawn_clean_child;
    eddy__sys.spawn_child = spawn_beside_holder;
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    took = eddy_loop_time(f->loop) - before;
    eddy_transport_close(c.transport); /* its pipes have copies, too */
    child_run(f, &c);
    eddy__sys_reset();
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
#if !defined(EDDY__SPAWN_FORKS)
    if (!memory_is_shared)
        skip();
#endif
    assert_true(took < EDDY_SECONDS(4));
}

static int start_missing(struct fixture *f)
{
    struct child c;

    return eddy_loop_run_until_complete(
        f->loop, child_start(f, &c, CHILD_ARGV("/there/is/no/such/program"), &child_no_pipes),
        NULL);
}

#if !defined(EDDY__SPAWN_FORKS)
/* SUB-7: a tool that makes a fork of the child, with its own copy of the memory. */
static void test_child_without_the_parents_memory(struct fixture *f)
{
    struct child c;
    int error;

    child_or_skip(f);
    eddy__sys_reset();
    atomic_store(&eddy__spawn_shares_memory, false);
    eddy__sys.spawn_clean_child = no_spawn_clean_child;
    eddy__sys.spawn_child = spawn_fork;
    child_run_shell(f, &c, "exit 42", &child_no_pipes);
    error = start_missing(f);
    eddy__sys_reset();
    assert_int_equal(c.returncode, 42);
    assert_false(atomic_load(&eddy__spawn_shares_memory));
    if (error != EDDY_ENOMEM || !allocations_failed())
        assert_int_equal(error, EDDY_ENOENT);
}

/* SUB-7, SUB-9: the second child needs no pipe to say how it went, and no signal is asked about;
 * two of them are set. */
static void test_clean_child_is_cheap(struct fixture *f)
{
    static const eddy_subprocess_options inherit = {
        .stdin_mode = EDDY_INHERIT,
        .stdout_mode = EDDY_INHERIT,
        .stderr_mode = EDDY_INHERIT,
    };
    struct child c;
    unsigned long pipes, actions, old_ways;
    int error;

    child_or_skip(f);
    child_run_shell(f, &c, "exit 0", &inherit);
    if (!atomic_load(&eddy__spawn_shares_memory))
        skip();
    eddy__sys_reset();
    child_run_shell(f, &c, "exit 42", &inherit);
    actions = eddy__sys_count(EDDY__SYS_sigaction);
    error = start_missing(f);
    pipes = eddy__sys_count(EDDY__SYS_pipe2) + eddy__sys_count(EDDY__SYS_pipe);
    old_ways = eddy__sys_count(EDDY__SYS_spawn_child);
    eddy__sys_reset();
    assert_int_equal(c.returncode, 42);
    assert_int_equal(pipes, 0);
    if (error != EDDY_ENOMEM || !allocations_failed())
        assert_int_equal(error, EDDY_ENOENT);
    if (old_ways > 0)
        skip(); /* an older system, or a processor for which clone.h has nothing */
    assert_int_equal(actions, 2);
}

#if defined(__linux__)
/* A child that the loop has nothing to read from: one call to watch it, none to end that, and a
 * wait before and one for its end. */
static void test_end_of_a_child_is_cheap(struct fixture *f)
{
    static const eddy_subprocess_options inherit = {
        .stdin_mode = EDDY_INHERIT,
        .stdout_mode = EDDY_INHERIT,
        .stderr_mode = EDDY_INHERIT,
    };
    unsigned long waits = ULONG_MAX;
    struct child c;

    child_or_skip(f);
    if (!fixture_backend_is(f, "epoll"))
        skip();
    /* On a busy machine the loop takes a look more, since its callbacks take longer. */
    for (int turn = 0; turn < 50 && waits > 2; turn++) {
        eddy__sys_reset();
        child_run_shell(f, &c, "exit 7", &inherit);
        if (eddy__sys_count(EDDY__SYS_pthread_create) > 0)
            skip(); /* a thread for each, on an older system */
        assert_int_equal(eddy__sys_count(EDDY__SYS_epoll_ctl), 1);
        waits = eddy__sys_count(EDDY__SYS_epoll_wait);
        recorder_reset();
    }
    eddy__sys_reset();
#if defined(__x86_64__)
    assert_in_range(waits, 1, 2);
#else
    assert_true(waits > 0); /* an emulated processor is always as slow as a busy machine */
#endif
}
#endif

/* The memory of one child serves the next. */
static void test_children_allocate_nothing_once_warm(struct fixture *f)
{
    static const eddy_subprocess_options inherit = {
        .stdin_mode = EDDY_INHERIT,
        .stdout_mode = EDDY_INHERIT,
        .stderr_mode = EDDY_INHERIT,
    };
    struct child c;
    size_t before;

#if defined(EDDY_COROUTINE_THREAD)
    skip(); /* each run allocates where tasks are threads */
#endif
    need_working_calls(); /* the fixture would hold transports */
    child_or_skip(f);
    eddy__sys_reset();
    for (int turn = 0; turn < 5; turn++) /* the next may start before all of the last is free */
        child_run_shell(f, &c, "exit 7", &inherit);
    before = allocations_made();
    child_run_shell(f, &c, "exit 7", &inherit);
    if (eddy__sys_count(EDDY__SYS_pthread_create) > 0)
        skip(); /* a thread for each, on an older system */
    assert_int_equal(allocations_made() - before, 0);
}
#endif

static volatile sig_atomic_t handled;

static void handle(int number)
{
    handled = number;
}

/* The last moment at which the child is not another program yet. */
static int execve_after_signal(const char *path, char *const argv[], char *const env[])
{
    kill(getpid(), SIGUSR1);
    return execve(path, argv, env);
}

/* SUB-9: a handler does not run in the child, where it would change its parent's memory; a signal
 * that is ignored is ignored there, too. Whichever way the child is made. */
static void test_no_handler_runs_in_the_child(struct fixture *f)
{
    void (*before)(int);

    child_or_skip(f);
    before = signal(SIGUSR1, handle);
    for (int way = 0; way < 4; way++) {
        struct child c;

        signal(SIGUSR1, way < 2 ? handle : SIG_IGN);
        handled = 0;
        eddy__sys_reset();
        eddy__sys.execve = execve_after_signal;
        if (way % 2 != 0)
            eddy__sys.spawn_clean_child = no_spawn_clean_child;
        child_run_shell(f, &c, "exit 42", &child_no_pipes);
        eddy__sys_reset();
        assert_int_equal(c.returncode, way < 2 ? -SIGUSR1 : 42);
        assert_int_equal(handled, 0);
    }
    signal(SIGUSR1, before);
}

static void run_to_exit(struct fixture *f, const char *command)
{
    struct child c;

    child_init(&c);
    child_shell(f, &c, command, &child_no_pipes);
    child_run(f, &c);
    assert_recorded("made", "exited:42", "lost:0");
}

#if defined(__linux__)
/* Die before anybody watches. */
static int open_pidfd_late(pid_t pid)
{
    siginfo_t info;

    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    return open_pidfd(pid);
}

static pid_t spawn_clean_late(int (*main)(void *arg), void *arg, void *stack, size_t size,
                              int *pidfd)
{
    pid_t pid = spawn_clean_child(main, arg, stack, size, pidfd);
    siginfo_t info;

    if (pid > 0)
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    return pid;
}

/* SUB-25: whether the pidfd comes with the child or after it. */
static void test_child_dead_before_it_is_watched(struct fixture *f)
{
    child_or_skip(f);
    eddy__sys_reset();
    eddy__sys.spawn_clean_child = spawn_clean_late;
    run_to_exit(f, "exit 42");
    recorder_reset();
    eddy__sys.spawn_clean_child = no_spawn_clean_child;
    eddy__sys.open_pidfd = open_pidfd_late;
    run_to_exit(f, "exit 42");
    eddy__sys_reset();
}
#endif

#if defined(EDDY__HAVE_KQUEUE)
static bool is_for_child(const struct kevent *changes, int count)
{
    return count == 1 && changes->filter == EVFILT_PROC && (changes->flags & EV_ADD) != 0 &&
           changes->fflags == NOTE_EXIT; /* a start looks for more, in a queue of its own */
}

/* Die before anybody watches. */
static int kevent_late(int queue, const struct kevent *changes, int change_count,
                       struct kevent *events, int event_count, const struct timespec *limit)
{
    siginfo_t info;

    if (is_for_child(changes, change_count)) {
        waitid(P_PID, (id_t)changes->ident, &info, WEXITED | WNOWAIT);
        errno = ESRCH; /* as macOS says; others may register it and tell */
        return -1;
    }
    return kevent(queue, changes, change_count, events, event_count, limit);
}

/* SUB-25. */
static void test_kqueue_does_not_know_a_dead_child(struct fixture *f)
{
    child_or_skip(f);
    if (!fixture_backend_is(f, "kqueue"))
        skip();
    eddy__sys_reset();
    eddy__sys.kevent = kevent_late;
    run_to_exit(f, "exit 42");
    while (atomic_load(&f->loop->wakers) > 0)
        eddy__thread_yield(); /* the child's thread has to post before the table changes */
    eddy__sys_reset();
}

static struct kevent told_early;

/* Tell of the exit at the first wait, at which the child still runs. */
static int kevent_early(int queue, const struct kevent *changes, int change_count,
                        struct kevent *events, int event_count, const struct timespec *limit)
{
    if (is_for_child(changes, change_count)) {
        told_early = *changes;
        return 0;
    }
    if (event_count > 0 && told_early.ident != 0) {
        events[0] = told_early;
        told_early.ident = 0;
        return 1;
    }
    return kevent(queue, changes, change_count, events, event_count, limit);
}

/* BSD tells of an exit before the child can be reaped, and only once: the loop waits for it. */
static void test_kqueue_tells_of_an_exit_early(struct fixture *f)
{
    child_or_skip(f);
    if (!fixture_backend_is(f, "kqueue"))
        skip();
    eddy__sys_reset();
    eddy__sys.kevent = kevent_early;
    told_early.ident = 0;
    run_to_exit(f, "sleep 0.1; exit 42");
    eddy__sys_reset();
}
#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_each_step_of_a_start_may_fail),
        TEST(test_each_wish_of_a_start_may_fail),
        TEST(test_descriptors_closed_one_by_one),
        TEST(test_foreign_fork_does_not_delay_a_start),
        TEST(test_no_handler_runs_in_the_child),
#if !defined(EDDY__SPAWN_FORKS)
        TEST(test_child_without_the_parents_memory),
        TEST(test_clean_child_is_cheap),
        TEST(test_children_allocate_nothing_once_warm),
#endif
#if defined(__linux__)
        TEST(test_end_of_a_child_is_cheap),
        TEST(test_child_dead_before_it_is_watched),
#endif
#if defined(EDDY__HAVE_KQUEUE)
        TEST(test_kqueue_does_not_know_a_dead_child),
        TEST(test_kqueue_tells_of_an_exit_early),
#endif
    };

    return run_suite("process_faults", tests);
}
#else
int main(void)
{
    return run_skipped_suite("process_faults",
                             "test_calls_are_replaced_in_posix_builds_with_hooks");
}
#endif

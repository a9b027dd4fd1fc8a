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
#include "posix/sys.h"
#include <string.h>

static const eddy_subprocess_options no_pipes = {
    .stdin_mode = EDDY_DEVNULL,
    .stdout_mode = EDDY_DEVNULL,
    .stderr_mode = EDDY_DEVNULL,
};

/* Start with the nth `call` failing, and end what was started all the same; its error. */
static int start_with(struct fixture *f, enum eddy__sys_number call, unsigned nth, int error)
{
    eddy_value value = {0};
    eddy_future *future;
    struct child c;
    int result;

    child_init(&c);
    eddy__sys_reset();
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

static void run_to_exit(struct fixture *f, const char *command)
{
    struct child c;

    child_init(&c);
    child_shell(f, &c, command, &no_pipes);
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

/* SUB-25. */
static void test_child_dead_before_it_is_watched(struct fixture *f)
{
    child_or_skip(f);
    eddy__sys_reset();
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
#if defined(__linux__)
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
static void test_calls_are_replaced_in_posix_builds_with_hooks(struct fixture *f)
{
    (void)f;
    skip();
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_calls_are_replaced_in_posix_builds_with_hooks),
    };

    return run_suite("process_faults", tests);
}
#endif

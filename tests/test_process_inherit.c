/* SPDX-License-Identifier: MIT */
/* What a child gets from its parent, and what not: SUB-1, SUB-4, SUB-5, SUB-9, SUB-24. */
#include "support/child.h"
#include "support/support.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SUB-5: the program, and the name it is called by. */
static void test_executable(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_run_exec(f, &c,
                   CHILD_ARGV("a name", "-c", "kill -0 $$ && cat /proc/$$/cmdline | head -c 6"),
                   &(eddy_subprocess_options){.executable = "/bin/sh"});
    assert_int_equal(c.returncode, 0);
    if (c.received[1] > 0) /* where there is a /proc */
        assert_string_equal(c.text[1], "a name");
}

/* SUB-1: the arguments arrive as they are, empty ones and blanks too. */
static void test_arguments(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_run_exec(f, &c, CHILD_ARGV("printf", "[%s]", "a b", "", "$HOME", "*", "\"'\\"), NULL);
    assert_string_equal(c.text[1], "[a b][][$HOME][*][\"'\\]");
}

/* SUB-5: the environment is all that was given. */
static void test_environment(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_run_exec(f, &c, CHILD_ARGV("/usr/bin/env"),
                   &(eddy_subprocess_options){.env = CHILD_ARGV("ONE=1", "TWO=zwei")});
    assert_string_equal(c.text[1], "ONE=1\nTWO=zwei\n");
    platform_set_environment("EDDY_TEST_OF_CHILDREN", "inherited");
    child_run_shell(f, &c, "echo $EDDY_TEST_OF_CHILDREN", NULL);
    platform_set_environment("EDDY_TEST_OF_CHILDREN", NULL);
    assert_string_equal(c.text[1], "inherited\n");
}

/* A file in `folder`, of `mode`. */
static void make_file(const char *folder, const char *name, const char *text, mode_t mode)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void remove_file(const char *folder, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

/* SUB-1: PATH is searched, that of the child; what cannot be run may be found further on. */
static void test_path_is_searched(struct fixture *f)
{
    char first[] = "/tmp/eddy-path-XXXXXX", second[] = "/tmp/eddy-path-XXXXXX";
    char path[128];
    eddy_subprocess_options options = {.env = CHILD_ARGV(path)};
    eddy_future *futures[4];
    int errors[4];
    struct child c[4];

    child_or_skip(f);
    assert_non_null(mkdtemp(first));
    assert_non_null(mkdtemp(second));
    make_file(first, "tool", "#!/bin/sh\necho wrong\n", 0644);
    make_file(second, "tool", "#!/bin/sh\necho right\n", 0755);
    make_file(second, "plain", "echo no shebang\n", 0755);
    snprintf(path, sizeof path, "PATH=/nonexistent:%s:%s", first, second);
    futures[0] = child_start(f, &c[0], CHILD_ARGV("tool"), &options);
    futures[1] = child_start(f, &c[1], CHILD_ARGV("plain"), &options);
    snprintf(path, sizeof path, "PATH=%s:/nonexistent/", first);
    futures[2] = child_start(f, &c[2], CHILD_ARGV("tool"), &options);
    snprintf(path, sizeof path, "PATH=");
    options.cwd = second;
    futures[3] = child_start(f, &c[3], CHILD_ARGV("tool"), &options);
    for (int i = 0; i < 4; i++) {
        eddy_value value = {0};

        errors[i] = eddy_loop_run_until_complete(f->loop, futures[i], &value);
        if (errors[i] == 0) {
            child_run(f, &c[i]);
            eddy_transport_unref(value.transport);
        }
    }
    remove_file(first, "tool");
    remove_file(second, "tool");
    remove_file(second, "plain");
    rmdir(first);
    rmdir(second);
    give_up_if(allocations_failed());
    assert_int_equal(errors[0], 0);
    assert_string_equal(c[0].text[1], "right\n");
    assert_int_equal(errors[1], EDDY_ENOEXEC);
    assert_int_equal(errors[2], EDDY_EACCES);
    assert_int_equal(errors[3], 0);
    assert_string_equal(c[3].text[1], "right\n");
}

/* SUB-5: the directory. */
static void test_working_directory(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_run_exec(f, &c, CHILD_ARGV("pwd"), &(eddy_subprocess_options){.cwd = "/"});
    assert_string_equal(c.text[1], "/\n");
}

/* SUB-4: nothing to read, nowhere to write. */
static void test_null_device(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_run_shell(
        f, &c, "cat; echo read >&2",
        &(eddy_subprocess_options){.stdin_mode = EDDY_DEVNULL, .stdout_mode = EDDY_DEVNULL});
    assert_int_equal(c.received[1], 0);
    assert_string_equal(c.text[2], "read\n");
    assert_int_equal(recorded("pipe0:0") + recorded("pipe1:0"), 0);
}

/* SUB-4: descriptors of the program, which stay its own. */
static void test_descriptors(struct fixture *f)
{
    struct child c;
    char text[32] = "";
    FILE *in = tmpfile(), *out = tmpfile();

    child_or_skip(f);
    assert_true(in != NULL && out != NULL);
    fputs("from a file", in);
    fflush(in);
    rewind(in);
    child_init(&c);
    fixture_keep_socket(f, dup(fileno(in)));
    fixture_keep_socket(f, dup(fileno(out)));
    fclose(in);
    fclose(out);
    child_run_shell(f, &c, "cat; echo , and more >&2",
                    &(eddy_subprocess_options){.stdin_mode = EDDY_DESCRIPTOR,
                                               .stdin_fd = f->sockets[0],
                                               .stdout_mode = EDDY_DESCRIPTOR,
                                               .stdout_fd = f->sockets[1],
                                               .stderr_mode = EDDY_STDOUT});
    assert_int_equal(pread((int)f->sockets[1], text, sizeof text - 1, 0), 22);
    assert_string_equal(text, "from a file, and more\n");
    assert_recorded("made", "exited:0", "lost:0");
}

/* What stands in each other's place: our 1 and 2 become the child's 2 and 1. */
static void test_crossed_descriptors(struct fixture *f)
{
    eddy_subprocess_options options = {
        .stdin_mode = EDDY_DEVNULL,
        .stdout_mode = EDDY_DESCRIPTOR,
        .stdout_fd = 2,
        .stderr_mode = EDDY_DESCRIPTOR,
        .stderr_fd = 1,
    };
    eddy_future *future;
    struct child c;
    int one[2], two[2], saved[2];
    char text[16] = "";

    child_or_skip(f);
    child_init(&c);
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    fixture_keep_socket(f, one[0]);
    fixture_keep_socket(f, two[0]);
    fflush(NULL);
    saved[0] = dup(1);
    saved[1] = dup(2);
    dup2(one[1], 1);
    dup2(two[1], 2);
    close(one[1]);
    close(two[1]);
    future =
        eddy_loop_subprocess_shell(f->loop, child_factory, &c, "echo out; echo err >&2", &options);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(saved[0]);
    close(saved[1]);
    child_made(f, future);
    child_run(f, &c);
    assert_int_equal(read(one[0], text, sizeof text), 4);
    assert_memory_equal(text, "err\n", 4);
    assert_int_equal(read(two[0], text, sizeof text), 4);
    assert_memory_equal(text, "out\n", 4);
}

/* A program without 0, 1 and 2: pipes get these numbers here, and arrive all the same. */
static void test_parent_without_standard_streams(struct fixture *f)
{
    eddy_future *future;
    struct child c;
    int saved[3];

    child_or_skip(f);
    child_init(&c);
    fflush(NULL);
    for (int i = 0; i < 3; i++) {
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
        close(i);
    }
    future = eddy_loop_subprocess_shell(f->loop, child_factory, &c, "cat; echo err >&2", NULL);
    for (int i = 0; !eddy_future_done(future) && i < 100 && !c.is_made; i++)
        run_for(f->loop, 0);
    if (c.is_made) {
        eddy_transport_write(eddy_transport_get_pipe_transport(c.transport, 0), "through", 7);
        child_close_stdin(&c);
        for (int i = 0; i < 10000 && !c.is_lost; i++)
            run_for(f->loop, EDDY_MILLISECONDS(1));
    }
    for (int i = 0; i < 3; i++) {
        dup2(saved[i], i);
        close(saved[i]);
    }
    child_made(f, future);
    assert_true(c.is_lost);
    assert_string_equal(c.text[1], "through");
    assert_string_equal(c.text[2], "err\n");
}

/* Ask a child whether it has descriptor `fd`. */
static void ask_for(struct fixture *f, struct child *c, int fd, eddy_subprocess_options *options)
{
    char command[96];

    snprintf(command, sizeof command, "if (: >&%d) 2>/dev/null; then echo yes; else echo no; fi",
             fd);
    child_run_shell(f, c, command, options);
}

/* SUB-5: nothing goes over by itself; pass_fds and keep_fds let it. */
static void test_only_passed_descriptors_go_over(struct fixture *f)
{
    eddy_subprocess_options options = {.stderr_mode = EDDY_DEVNULL};
    struct child c;
    int fds[2], low;
    eddy_socket passed;

    child_or_skip(f);
    assert_int_equal(pipe(fds), 0);
    fixture_keep_socket(f, fds[0]);
    fixture_keep_socket(f, fds[1]);
    low = fcntl(fds[1], F_DUPFD, 5); /* a shell takes one digit only; it may take this one */
    fixture_keep_socket(f, low);
    if (low > 9)
        skip();
    ask_for(f, &c, low, &options);
    assert_string_equal(c.text[1], "no\n");
    options.keep_fds = true;
    ask_for(f, &c, low, &options);
    assert_string_equal(c.text[1], "yes\n");
    fcntl(low, F_SETFD, FD_CLOEXEC);
    ask_for(f, &c, low, &options);
    assert_string_equal(c.text[1], "no\n");
    passed = low;
    options = (eddy_subprocess_options){
        .stderr_mode = EDDY_DEVNULL, .pass_fds = &passed, .pass_fd_count = 1};
    ask_for(f, &c, low, &options);
    assert_string_equal(c.text[1], "yes\n");
    assert_true(fcntl(low, F_GETFD) & FD_CLOEXEC);
}

/* SUB-9: our ends are in no child, or the first would never see the end of its input. */
static void test_pipes_are_not_inherited_by_others(struct fixture *f)
{
    eddy_subprocess_options options = {.keep_fds = true, .stderr_mode = EDDY_DEVNULL};
    struct child first, second;

    child_or_skip(f);
    child_init(&first);
    child_init(&second);
    child_shell(f, &first, "exec cat", &options);
    child_try_shell(f, &second, "exec cat", &options);
    child_close_stdin(&first);
    child_run(f, &first);
    assert_false(second.is_lost);
    if (second.is_made) {
        child_close_stdin(&second);
        child_run(f, &second);
    }
}

/* The child's own ends block, as every program expects, and can be opened again by name. */
static void test_input_by_name(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "exec cat /dev/stdin", NULL);
    run_for(f->loop, EDDY_MILLISECONDS(1));
    child_write(&c, "by name");
    child_close_stdin(&c);
    child_run(f, &c);
    assert_string_equal(c.text[1], "by name");
    assert_int_equal(c.returncode, 0);
}

static void end_by_input(struct fixture *f, struct child *c)
{
    child_close_stdin(c);
    child_run(f, c);
}

/* SUB-5: session, group, mask of new files. */
static void test_session_and_group(struct fixture *f)
{
    struct child c;
    pid_t pid;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    pid = (pid_t)eddy_transport_get_pid(c.transport);
    assert_int_equal(getsid(pid), getsid(0));
    assert_int_equal(getpgid(pid), getpgid(0));
    end_by_input(f, &c);
    child_init(&c);
    child_shell(f, &c, "exec cat", &(eddy_subprocess_options){.start_new_session = true});
    pid = (pid_t)eddy_transport_get_pid(c.transport);
    assert_int_equal(getsid(pid), pid);
    end_by_input(f, &c);
}

static void test_joined_group(struct fixture *f)
{
    eddy_subprocess_options options = {.new_process_group = true};
    struct child first, second;
    pid_t pid;

    child_or_skip(f);
    child_init(&first);
    child_init(&second);
    child_shell(f, &first, "exec cat", &options);
    pid = (pid_t)eddy_transport_get_pid(first.transport);
    assert_int_equal(getpgid(pid), pid);
    options = (eddy_subprocess_options){.process_group = (int)pid};
    if (child_try_shell(f, &second, "exec cat", &options)) {
        assert_int_equal(getpgid((pid_t)eddy_transport_get_pid(second.transport)), pid);
        end_by_input(f, &second);
    }
    end_by_input(f, &first);
}

static void test_umask(struct fixture *f)
{
    struct child c;
    mode_t before;

    child_or_skip(f);
    child_run_shell(f, &c, "umask", &(eddy_subprocess_options){.set_umask = true, .umask = 027});
    assert_string_equal(c.text[1], "0027\n");
    before = umask(022);
    umask(before);
    assert_int_not_equal(before, 027);
}

static void handler(int number)
{
    (void)number;
}

/* SUB-9: SIGPIPE and SIGXFSZ are as a shell has them; handlers do not go over; the mask does. */
static void test_signals_of_the_child(struct fixture *f)
{
    const char *command = "kill -PIPE $$; echo survived";
    eddy_subprocess_options keep = {.keep_signals = true};
    void (*before)(int);
    struct child c;

    child_or_skip(f);
    before = signal(SIGPIPE, SIG_IGN);
    child_run_shell(f, &c, command, NULL);
    assert_int_equal(c.returncode, -SIGPIPE);
    child_run_shell(f, &c, command, &keep);
    assert_int_equal(c.returncode, 0);
    signal(SIGPIPE, before);
    before = signal(SIGUSR1, handler);
    child_run_shell(f, &c, "kill -USR1 $$; echo survived", NULL);
    signal(SIGUSR1, before);
    assert_int_equal(c.returncode, -SIGUSR1);
}

static void stop_at_the_end(struct child *c, enum child_event event)
{
    if (event == CHILD_LOST)
        eddy_loop_stop(eddy_transport_get_loop(c->transport));
}

/* In a thread of the library, which has all signals blocked. */
static int run_child_in_a_thread(void *arg, eddy_value *result)
{
    struct child *c = arg;
    eddy_loop *loop;
    eddy_value value;
    int error = eddy_loop_new(NULL, &loop);

    (void)result;
    if (error)
        return error;
    c->script = stop_at_the_end;
    error = eddy_loop_run_until_complete(
        loop, eddy_loop_subprocess_shell(loop, child_factory, c, "kill -TERM $$; sleep 20", NULL),
        &value);
    if (error == 0) {
        eddy_loop_run_forever(loop);
        eddy_transport_unref(value.transport);
    }
    eddy_loop_close(loop);
    eddy_loop_unref(loop);
    return error;
}

/* SUB-9, SUB-24: a mask that the library has made does not leak; loops of any thread have them. */
static void test_child_of_another_thread(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_run_in_executor(f->loop, NULL, run_child_in_a_thread, &c, NULL), NULL));
    assert_int_equal(c.returncode, -SIGTERM);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_executable),
        TEST(test_arguments),
        TEST(test_environment),
        TEST(test_path_is_searched),
        TEST(test_working_directory),
        TEST(test_null_device),
        TEST(test_descriptors),
        TEST(test_crossed_descriptors),
        TEST(test_parent_without_standard_streams),
        TEST(test_only_passed_descriptors_go_over),
        TEST(test_pipes_are_not_inherited_by_others),
        TEST(test_input_by_name),
        TEST(test_session_and_group),
        TEST(test_joined_group),
        TEST(test_umask),
        TEST(test_signals_of_the_child),
        TEST(test_child_of_another_thread),
    };

    return run_suite("process_inherit", tests);
}
#else
int main(void)
{
    return run_skipped_suite("process_inherit", "test_process_inherit_is_of_posix");
}
#endif

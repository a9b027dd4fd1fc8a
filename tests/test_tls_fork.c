/* SPDX-License-Identifier: MIT */
/*
 * A child that is forked in a callback sends nothing of the parent's (LOOP-2): by TLS, the same
 * record twice breaks the connection.
 */
#include "support/support.h"
#include "support/sweep.h"
#include "support/tls_scene.h"

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>

/* Fork; the parent goes on when the child has ended. */
static int fork_and_wait(void)
{
    pid_t child = fork();
    int status = -1;

    if (child < 0)
        return EDDY_EFAILED;
    if (child == 0) {
        alarm(10);
        return 0;
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return 0;
}

/* Run until a stop; the child ends here, when its run does. */
static void run_both(struct fixture *f)
{
    pid_t parent = getpid();
    int error = eddy_loop_run_forever(f->loop);

    if (getpid() != parent)
        _exit(error == EDDY_EBADSTATE ? 0 : 1);
    must(error);
}

static int on_call_write_and_fork(void *arg)
{
    struct witness *w = arg;

    must(write_text(w->transport, "once"));
    return fork_and_wait();
}

/* LOOP-2: what was written in this callback is sent at the end of the batch, which is no more. */
static void test_written_before_a_fork(struct fixture *f)
{
    struct tls_scene s;

    need_whole_test();
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_loop_call_soon(f->loop, on_call_write_and_fork, &s.w, NULL));
    must(eddy_loop_call_soon(f->loop, on_call_stop, f->loop, NULL));
    run_both(f);
    tls_peer_expect(&s.peer, "once");
    must(write_text(s.w.transport, "twice"));
    tls_peer_expect(&s.peer, "twice");
    tls_scene_abort(f, &s);
}

static int script_answer_and_fork(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATA || event == WITNESS_LOST)
        eddy_loop_stop(w->arg);
    if (event != WITNESS_DATA)
        return 0;
    must(write_text(w->transport, "answer"));
    return fork_and_wait();
}

/* LOOP-2: the same where input is answered, which is sent when all of the input was seen. */
static void test_answered_before_a_fork(struct fixture *f)
{
    struct tls_scene s;

    need_whole_test();
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.script = script_answer_and_fork;
    s.w.arg = f->loop;
    tls_peer_send(&s.peer, "question");
    run_both(f);
    s.w.script = NULL;
    assert_recorded("data:question");
    tls_peer_expect(&s.peer, "answer");
    must(write_text(s.w.transport, "more"));
    tls_peer_expect(&s.peer, "more");
    tls_scene_abort(f, &s);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_written_before_a_fork),
        TEST(test_answered_before_a_fork),
    };

    return run_suite("tls_fork", tests);
}
#else
int main(void)
{
    return run_skipped_suite("tls_fork", "test_this_system_does_not_fork");
}
#endif

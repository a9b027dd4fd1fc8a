/* SPDX-License-Identifier: MIT */
/* What a review of futures, executors, signals and servers found. */
#include "common/loop.h"
#include "common/signal.h"
#include "common/thread.h"
#include "support/executor.h"
#include "support/gate.h"
#include "support/oom.h"
#include "support/support.h"
#if !defined(_WIN32)
#include "posix/sys.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

/* A program whose exception handler ends what the program waits for. */
struct anxious {
    eddy_future *members[2];
    eddy_future *waiting;
};

static int on_report_cancel(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    struct anxious *anxious = arg;

    (void)loop;
    record("reported:%s", eddy_err_name(context->exception));
    eddy_future_cancel(anxious->waiting, "the handler gives up");
    return 0;
}

/* Two members, of which the first fails, is known to the waiting one alone, and is not asked. */
static void anxious_begin(struct fixture *f, struct anxious *anxious)
{
    eddy_loop_set_exception_handler(f->loop, on_report_cancel, anxious);
    for (int i = 0; i < 2; i++)
        anxious->members[i] = eddy_loop_create_future(f->loop);
}

static int on_call_wait(void *arg)
{
    struct anxious *anxious = arg;

    anxious->waiting = eddy_wait(anxious->members, 2, EDDY_FOREVER, EDDY_WAIT_ALL);
    eddy_future_set_exception(anxious->members[0], EDDY_EUSER);
    eddy_future_unref(anxious->members[0]);
    return 0;
}

/* RUN-6, FUT-3, FUT-8: cancelling a wait drops its members, and the report of one that failed may
 * cancel the wait once more. */
static void test_a_wait_may_be_cancelled_while_it_is_being_cancelled(struct fixture *f)
{
    struct anxious anxious = {0};

    need_whole_test();
    anxious_begin(f, &anxious);
    must(eddy_loop_call_soon(f->loop, on_call_wait, &anxious, NULL));
    run_iterations(f->loop, 3);
    assert_true(eddy_future_cancel(anxious.waiting, "first"));
    assert_recorded("reported:EDDY_EUSER");
    assert_true(eddy_future_cancelled(anxious.waiting));
    assert_string_equal(eddy_future_error_text(anxious.waiting), "first");
    eddy_future_unref(anxious.waiting);
    eddy_future_unref(anxious.members[1]);
    eddy_loop_set_exception_handler(f->loop, reports_handler, NULL);
}

static int on_report_drop(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    struct anxious *anxious = arg;

    (void)loop;
    record("reported:%s", eddy_err_name(context->exception));
    eddy_future_unref(anxious->waiting);
    return 0;
}

/* LOOP-16, FUT-8: the report may drop the last reference to the wait that a closing loop ends. */
static void test_a_wait_may_be_dropped_while_the_loop_closes(struct fixture *f)
{
    struct anxious anxious = {0};

    need_whole_test();
    anxious_begin(f, &anxious);
    must(eddy_loop_call_soon(f->loop, on_call_wait, &anxious, NULL));
    run_iterations(f->loop, 3);
    eddy_loop_set_exception_handler(f->loop, on_report_drop, &anxious);
    must(eddy_loop_close(f->loop));
    assert_recorded("reported:EDDY_EUSER");
    eddy_future_unref(anxious.members[1]);
}

static int on_call_gather(void *arg)
{
    struct anxious *anxious = arg;

    anxious->waiting = eddy_gather(anxious->members, 2, NULL);
    return 0;
}

/* LOOP-16, RUN-5: the same for a gathering whose member has failed, which it has not heard yet. */
static void test_a_gathering_may_be_cancelled_while_the_loop_closes(struct fixture *f)
{
    struct anxious anxious = {0};

    need_whole_test();
    anxious_begin(f, &anxious);
    must(eddy_loop_call_soon(f->loop, on_call_gather, &anxious, NULL));
    run_iterations(f->loop, 1);
    eddy_future_set_exception(anxious.members[0], EDDY_EUSER);
    must(eddy_loop_close(f->loop));
    assert_recorded("reported:EDDY_EUSER");
    eddy_future_unref(anxious.waiting);
}

static int on_done(eddy_future *future, void *arg)
{
    (void)future;
    record("%s", (const char *)arg);
    return 0;
}

/* LOOP-41, FUT-5: a post that came before a future is done also runs before its callbacks. */
static void test_a_post_runs_before_the_callbacks_of_a_later_end(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    need_whole_test();
    must(eddy_future_add_done_callback(future, on_done, "done"));
    must(eddy_loop_call_soon_threadsafe(f->loop, on_call, "posted", NULL));
    must(eddy_future_set_result(future, (eddy_value){0}));
    run_iterations(f->loop, 1);
    assert_recorded("posted", "done");
    eddy_future_unref(future);
}

static void on_dispose(eddy_value value)
{
    record("disposed:%s", value.text);
}

/* FUT-1, FUT-9: who is told that nobody will hear of a result keeps what it owns. */
static void test_a_result_that_is_refused_stays_the_callers(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    need_whole_test();
    eddy_future_set_disposer(future, on_dispose);
    must(eddy_future_add_done_callback(future, on_done, "done"));
    must(eddy_loop_close(f->loop));
    assert_int_equal(eddy_future_set_result(future, (eddy_value){.text = "mine"}), EDDY_EBADSTATE);
    eddy_future_unref(future);
    assert_nothing_recorded();
}

static int own_a_result(void *arg, eddy_value *result)
{
    eddy_future *self = eddy_current_task(NULL);

    eddy_future_set_disposer(self, on_dispose);
    if (arg != NULL)
        eddy_future_cancel(self, NULL);
    result->text = "result";
    return 0;
}

/* TASK-6, FUT-1: a task that returns over a cancel request does not leak what it returned. */
static void test_the_result_of_a_task_cancelled_at_its_end_is_disposed_of(struct fixture *f)
{
    eddy_future *task = eddy_loop_create_task(f->loop, own_a_result, f, NULL);

    need_whole_test();
    assert_int_equal(eddy_loop_run_until_complete(f->loop, task, NULL), EDDY_ECANCELED);
    assert_recorded("disposed:result");
}

/* TASK-18, FUT-1: a result that no thread has taken is disposed of with the thread's future. */
static void test_the_result_no_thread_took_is_disposed_of(struct fixture *f)
{
    eddy_thread_future *future;

    need_whole_test();
    must(eddy_run_coroutine_threadsafe(f->loop, own_a_result, NULL, NULL, &future));
    run_iterations(f->loop, 4);
    assert_true(eddy_thread_future_done(future));
    assert_nothing_recorded();
    eddy_thread_future_unref(future);
    assert_recorded("disposed:result");
}

struct slow {
    eddy_future *inner;
    eddy_future *outer;
};

static int clean_up_slowly(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();

    (void)arg;
    (void)result;
    eddy_await(eddy_loop_create_future(loop), NULL);
    record("cleaning up");
    return eddy_await(eddy_loop_create_future(loop), NULL);
}

static int wait_a_moment(void *arg, eddy_value *result)
{
    struct slow *slow = arg;
    int error = eddy_await_for(slow->inner, EDDY_MILLISECONDS(1), NULL);

    (void)result;
    record("%s", eddy_err_name(error));
    return error;
}

/* RUN-3: a limit that has passed is no excuse: who is cancelled after that hears of the cancel. */
static void test_a_cancel_after_the_limit_is_a_cancel(struct fixture *f)
{
    struct slow slow;

    need_whole_test();
    slow.inner = eddy_loop_create_task(f->loop, clean_up_slowly, NULL, NULL);
    slow.outer = eddy_loop_create_task(f->loop, wait_a_moment, &slow, NULL);
    run_until_recorded(f->loop, "cleaning up");
    assert_true(eddy_future_cancel(slow.outer, NULL));
    run_until_recorded(f->loop, "EDDY_ECANCELED");
    assert_recorded("cleaning up", "EDDY_ECANCELED");
    eddy_future_unref(slow.outer);
}

static int connect_both(void *arg, eddy_value *result)
{
    struct witness *clients = arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *connecting[2];
    eddy_socket sockets[2];

    (void)result;
    if (eddy_socket_pair(loop, EDDY_STREAM, sockets) != 0)
        return EDDY_EFAILED;
    for (int i = 0; i < 2; i++) {
        eddy_connection_options options = {.sock = &sockets[i]};

        connecting[i] =
            eddy_loop_create_connection(loop, witness_factory, &clients[i], NULL, 0, &options);
    }
    return eddy_await(eddy_gather(connecting, 2, NULL), NULL);
}

/* RUN-5, NET-6: connections that were awaited stay open, together as well as alone. */
static void test_connections_gathered_without_a_look_stay_open(struct fixture *f)
{
    struct witness clients[2];

    need_whole_test();
    witness_init(&clients[0], "a");
    witness_init(&clients[1], "b");
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_task(f->loop, connect_both, clients, NULL), NULL));
    run_iterations(f->loop, 3);
    assert_recorded("a.made", "b.made");
    eddy_transport_abort(clients[0].transport);
    eddy_transport_abort(clients[1].transport);
    run_iterations(f->loop, 3);
    assert_recorded("a.lost:0", "b.lost:0");
}

/* RUN-7, LOOP-18: nothing would ever end a shield on a closed loop, nor free it. */
static void test_a_closed_loop_shields_nothing(struct fixture *f)
{
    eddy_future *inner = eddy_loop_create_future(f->loop);
    eddy_future *outer;

    give_up_if(eddy_future_done(inner));
    must(eddy_loop_close(f->loop));
    outer = eddy_shield(inner);
    assert_true(eddy_future_done(outer));
    assert_int_equal(eddy_future_exception(outer), EDDY_EBADSTATE);
    eddy_future_unref(outer);
}

/* EXEC-5: the last to know of a pool is one of its threads, while another one is on its way back
 * from the work before. Which of them comes last is for the system to say, hence the rounds. */
static void test_any_thread_of_a_pool_may_free_it(struct fixture *f)
{
    static struct gate gate; /* outlives the test's frame, should the test fail */

    need_whole_test();
    for (int round = 0; round < 200; round++) {
        eddy_loop_options options = {.backend = "sim"};
        eddy_executor *pool = new_pool(3);
        eddy_loop *loop;

        (void)f;
        gate_init(&gate);
        must(eddy_loop_new(&options, &loop));
        for (int i = 0; i < 3; i++)
            eddy_future_unref(eddy_loop_run_in_executor(loop, pool, gate_pass, &gate, NULL));
        assert_int_equal(gate_await(&gate, 3), 3);
        eddy_executor_unref(pool);
        must(eddy_loop_close(loop));
        gate_open(&gate);
        assert_true(gate_await_passed(&gate, 3));
        while (atomic_load(&loop->references) > 1)
            eddy__thread_yield();
        eddy_loop_unref(loop);
        gate_fini(&gate);
    }
}

static int on_report_fail_calls(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    (void)loop;
    (void)arg;
    record("reported:%s", eddy_err_name(context->exception));
    eddy_error(EDDY_EINVALID, "words of the handler");
    return 0;
}

/* A gathering whose error is reported when the loop closes: one member is never done. */
static int leave_a_gathering_behind(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *failed = eddy_loop_create_future(loop);
    eddy_future *members[] = {failed, eddy_loop_create_future(loop)};

    (void)arg;
    (void)result;
    eddy_loop_set_exception_handler(loop, on_report_fail_calls, NULL);
    eddy_future_set_exception(failed, EDDY_EFAILED);
    eddy_future_unref(eddy_gather(members, 2, NULL));
    eddy_await(eddy_sleep(0), NULL);
    return eddy_error(EDDY_EUSER, "the words of main");
}

/* RUN-1: what eddy_run() returns, eddy_error_text() explains, whatever happens while it closes. */
static void test_the_words_of_main_outlive_the_loop(struct fixture *f)
{
    eddy_run_options options = {.backend = "sim"};

    (void)f;
    need_whole_test();
    assert_int_equal(eddy_run(leave_a_gathering_behind, NULL, NULL, &options), EDDY_EUSER);
    assert_string_equal(eddy_error_text(), "the words of main");
    assert_recorded("reported:EDDY_EFAILED");
}

static int on_call_exit(void *loop)
{
    eddy_loop_exit(loop, 0);
    return 0;
}

static int on_call_exit_in_words(void *loop)
{
    eddy_loop_exit(loop, eddy_error(EDDY_EUSER, "the words of the exit"));
    return 0;
}

/* LOOP-42: the text is about the code that the run returns, not about an older failure. */
static void test_a_run_that_is_left_explains_its_code(struct fixture *f)
{
    must(eddy_loop_call_soon(f->loop, on_call_exit, f->loop, NULL));
    eddy_error(EDDY_EINVALID, "an older failure");
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EEXIT);
    assert_string_equal(eddy_error_text(), eddy_strerror(EDDY_EEXIT));
    must(eddy_loop_call_soon(f->loop, on_call_exit_in_words, f->loop, NULL));
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EUSER);
    assert_string_equal(eddy_error_text(), "the words of the exit");
}

#if !defined(_WIN32)

static int on_signal(void *arg)
{
    record("%s", (const char *)arg);
    return 0;
}

#if defined(EDDY_TEST_HOOKS)

static int defaults_set;

static int count_defaults(int number, const struct sigaction *action, struct sigaction *before)
{
    if (action != NULL && action->sa_handler == SIG_DFL)
        defaults_set++;
    return sigaction(number, action, before);
}

/* SIG-1: while a callback is replaced, the signal must not do what it does by default: end us. */
static void test_replacing_a_signal_handler_never_lets_go_of_the_signal(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "first"));
    eddy__sys_reset();
    defaults_set = 0;
    eddy__sys.sigaction = count_defaults;
    assert_int_equal(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "second"), 0);
    eddy__sys_reset();
    assert_int_equal(defaults_set, 0);
    assert_int_equal(raise(SIGUSR1), 0);
    run_until_recorded(f->loop, "second");
    assert_recorded("second");
}

static int refuse_handlers(int number, const struct sigaction *action, struct sigaction *before)
{
    if (action == NULL || action->sa_handler == SIG_DFL)
        return sigaction(number, action, before);
    errno = EPERM;
    return -1;
}

/* SIG-5: a replacement that the system refuses leaves the first callback as it was. */
static void test_a_refused_replacement_keeps_the_first_handler(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "first"));
    eddy__sys_reset();
    eddy__sys.sigaction = refuse_handlers;
    assert_int_equal(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "second"),
                     EDDY_EPERM);
    eddy__sys_reset();
    assert_int_equal(raise(SIGUSR1), 0);
    run_iterations(f->loop, 2);
    assert_recorded("first");
}

#endif

/* SIG-6: what came for a handler that was removed is not told to its successor. */
static void test_an_old_signal_is_not_told_to_a_new_handler(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "old"));
    assert_int_equal(raise(SIGUSR1), 0);
    must(eddy_loop_remove_signal_handler(f->loop, SIGUSR1) == 1 ? 0 : EDDY_EFAILED);
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "new"));
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR2, on_signal, "other"));
    assert_int_equal(raise(SIGUSR2), 0);
    run_iterations(f->loop, 3);
    assert_recorded("other");
}

/* SIG-2, LOOP-2: a signal to a child made by fork() is none of the parent's loop. */
static void test_a_signal_to_a_child_does_not_reach_the_parents_loop(struct fixture *f)
{
    int status = -1;
    pid_t child;

    need_whole_test();
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        raise(SIGUSR1);
        _exit(atomic_load(&f->loop->signals->noted[SIGUSR1]) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static atomic_bool wake_entered;
static atomic_bool wake_released;

static void wake_slowly(eddy_loop *loop)
{
    (void)loop;
    atomic_store(&wake_entered, true);
    while (!atomic_load(&wake_released))
        eddy__thread_yield();
}

static void *raise_usr1(void *arg)
{
    (void)arg;
    raise(SIGUSR1);
    return NULL;
}

/* LOOP-2, SIG-4: a thread that is inside the handler at a fork never comes out of it in the child,
 * which must not wait for it. */
static void test_a_child_does_not_wait_for_the_parents_threads(struct fixture *f)
{
    struct spy *spy;
    pthread_t thread;
    int status = -1;
    pid_t child;

    need_whole_test();
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    spy = spy_begin(f->loop);
    spy->backend.wake = wake_slowly;
    atomic_store(&wake_entered, false);
    atomic_store(&wake_released, false);
    assert_int_equal(pthread_create(&thread, NULL, raise_usr1, NULL), 0);
    while (!atomic_load(&wake_entered))
        eddy__thread_yield();
    child = fork();
    if (child == 0) {
        alarm(10); /* what hangs is ended by it */
        eddy_loop_unref(f->loop);
        _exit(0);
    }
    atomic_store(&wake_released, true);
    pthread_join(thread, NULL);
    spy_end();
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
}

/* EXEC-1, LOOP-2: in a child a pool has no threads, and its lock may be held for ever. */
static void test_a_forked_child_cannot_use_the_parents_pool(struct fixture *f)
{
    eddy_executor *pool;
    int status = -1;
    int number = 1;
    pid_t child;

    need_whole_test();
    pool = new_pool(1);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_run_in_executor(f->loop, pool, add_one, &number, NULL), NULL));
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        eddy_loop_options options = {.backend = "sim"};
        eddy_loop *loop;
        eddy_future *future;

        if (eddy_loop_new(&options, &loop) != 0)
            _exit(2);
        future = eddy_loop_run_in_executor(loop, pool, add_one, &number, NULL);
        _exit(eddy_future_done(future) && eddy_future_exception(future) == EDDY_EBADSTATE ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    end_pool(pool);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_wait_may_be_cancelled_while_it_is_being_cancelled),
        TEST(test_a_wait_may_be_dropped_while_the_loop_closes),
        TEST(test_a_gathering_may_be_cancelled_while_the_loop_closes),
        TEST(test_a_post_runs_before_the_callbacks_of_a_later_end),
        TEST(test_a_result_that_is_refused_stays_the_callers),
        TEST(test_the_result_of_a_task_cancelled_at_its_end_is_disposed_of),
        TEST(test_the_result_no_thread_took_is_disposed_of),
        TEST(test_a_cancel_after_the_limit_is_a_cancel),
        TEST(test_connections_gathered_without_a_look_stay_open),
        TEST(test_a_closed_loop_shields_nothing),
        TEST(test_any_thread_of_a_pool_may_free_it),
        TEST(test_the_words_of_main_outlive_the_loop),
        TEST(test_a_run_that_is_left_explains_its_code),
#if !defined(_WIN32)
#if defined(EDDY_TEST_HOOKS)
        TEST(test_replacing_a_signal_handler_never_lets_go_of_the_signal),
        TEST(test_a_refused_replacement_keeps_the_first_handler),
#endif
        TEST(test_an_old_signal_is_not_told_to_a_new_handler),
        TEST(test_a_signal_to_a_child_does_not_reach_the_parents_loop),
        TEST(test_a_child_does_not_wait_for_the_parents_threads),
        TEST(test_a_forked_child_cannot_use_the_parents_pool),
#endif
    };

    return run_suite("regression_net", tests);
}

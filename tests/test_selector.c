/* SPDX-License-Identifier: MIT */
/*
 * What differs between the selectors of POSIX: how a wait is told its limit, what a wake-up costs,
 * what is refused, and whether their books agree with a model. (LOOP-29, LOOP-30)
 */
#include "support/oom.h"
#include "support/probe.h"
#include "support/support.h"
#include "support/sweep.h"
#include <stdio.h>

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)

#include "common/clock.h"
#include "posix/limit.h"
#include "posix/sys.h"
#include <limits.h>
#include <string.h>

/* The table belongs to the process; every test begins with the system's calls. */
static void begin(struct fixture *f)
{
    eddy__sys_reset();
    if (f->sim != NULL)
        skip(); /* the simulated selector has neither descriptors nor system calls */
}

static const struct eddy__backend *backend_of(const struct fixture *f)
{
    return f->loop->backend;
}

static void test_limits_are_exact_or_rounded_up(struct fixture *f)
{
    struct timespec limit;

    (void)f;
    assert_int_equal(eddy__limit_ms(0), 0);
    assert_int_equal(eddy__limit_ms(1), 1);
    assert_int_equal(eddy__limit_ms(EDDY_MILLISECONDS(7)), 7);
    assert_int_equal(eddy__limit_ms(EDDY_MILLISECONDS(7) + 1), 8);
    assert_int_equal(eddy__limit_ms(EDDY_FOREVER), -1);
    assert_int_equal(eddy__limit_ms(EDDY_FOREVER - 1), INT_MAX);

    assert_null(eddy__limit_ns(EDDY_FOREVER, &limit));
    assert_ptr_equal(eddy__limit_ns(EDDY_SECONDS(3) + 1, &limit), &limit);
    assert_int_equal(limit.tv_sec, 3);
    assert_int_equal(limit.tv_nsec, 1);
    eddy__limit_ns(EDDY_FOREVER - 1, &limit);
    assert_int_equal(limit.tv_sec, 1000000);
    assert_int_equal(limit.tv_nsec, 0);
}

/* What the selector asked the system for; -1 if for no limit. */
static eddy_time asked;

static int ask(const struct timespec *limit)
{
    asked = limit == NULL ? -1 : EDDY_SECONDS(limit->tv_sec) + limit->tv_nsec;
    return 0;
}

#if defined(EDDY__HAVE_PPOLL)
static int ppoll_asks(struct pollfd *fds, nfds_t count, const struct timespec *limit,
                      const sigset_t *mask)
{
    (void)fds, (void)count, (void)mask;
    return ask(limit);
}
#endif

static int pselect_asks(int end, fd_set *readable, fd_set *writable, fd_set *exceptional,
                        const struct timespec *limit, const sigset_t *mask)
{
    (void)end, (void)exceptional, (void)mask;
    FD_ZERO(readable);
    FD_ZERO(writable);
    return ask(limit);
}

#if defined(EDDY__HAVE_KQUEUE)
static int kevent_asks(int queue, const struct kevent *changes, int change_count,
                       struct kevent *events, int event_count, const struct timespec *limit)
{
    (void)queue, (void)changes, (void)change_count, (void)events, (void)event_count;
    return ask(limit);
}
#endif

/* Replace the call by which the selector waits, if it is one that counts in nanoseconds. */
static bool replace_wait(struct fixture *f)
{
#if defined(EDDY__HAVE_PPOLL)
    eddy__sys.ppoll = ppoll_asks;
    if (fixture_backend_is(f, "poll"))
        return true;
#endif
#if defined(EDDY__HAVE_KQUEUE)
    eddy__sys.kevent = kevent_asks;
    if (fixture_backend_is(f, "kqueue"))
        return true;
#endif
    eddy__sys.pselect = pselect_asks;
    return fixture_backend_is(f, "select");
}

static void test_the_system_is_asked_for_nanoseconds(struct fixture *f)
{
    static const eddy_time spans[] = {0, 1, 999999, 1000001, EDDY_SECONDS(2) + 3};

    begin(f);
    if (!replace_wait(f)) {
        eddy__sys_reset();
        skip(); /* epoll's two calls are in test_reactor.c; poll() itself counts milliseconds */
    }
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        assert_int_equal(backend_of(f)->wait(f->loop, spans[i]), 0);
        assert_int_equal(asked, spans[i]);
    }
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_FOREVER), 0);
    assert_int_equal(asked, -1);
    eddy__sys_reset();
}

/* A wait that the system refuses ends the run, and says why. */
static void test_failing_wait_ends_the_run_with_words(struct fixture *f)
{
    static const enum eddy__sys_number waits[] = {
        EDDY__SYS_poll,
        EDDY__SYS_pselect,
#if defined(EDDY__HAVE_PPOLL)
        EDDY__SYS_ppoll,
#endif
#if defined(__linux__)
        EDDY__SYS_epoll_wait,
        EDDY__SYS_epoll_wait_ns,
#endif
#if defined(EDDY__HAVE_KQUEUE)
        EDDY__SYS_kevent,
#endif
    };
    int error;

    begin(f);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        eddy__sys_fail(waits[i], 1, ENOMEM);
    error = eddy_loop_run_forever(f->loop);
    eddy__sys_reset();
    assert_int_equal(error, EDDY_ENOMEM);
    assert_non_null(strstr(eddy_error_text(), "cannot wait for events"));
    assert_int_equal(eddy_error_number(), ENOMEM);
}

/* However many wake-ups there were, they end one wait and not the next. Real time, 1 ms. */
static void test_wake_ups_end_one_wait(struct fixture *f)
{
    eddy_time start;

    begin(f);
    for (int i = 0; i < 3; i++)
        backend_of(f)->wake(f->loop);
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_FOREVER), 0);
    backend_of(f)->dispatch(f->loop);
    start = eddy__clock_now();
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_MILLISECONDS(1)), 0);
    assert_true(eddy__clock_now() - start >= EDDY_MILLISECONDS(1));
    if (fixture_backend_is(f, "poll") || fixture_backend_is(f, "select")) {
        assert_int_equal(eddy__sys_count(EDDY__SYS_write), 3);
        assert_int_equal(eddy__sys_count(EDDY__SYS_read), 1);
    }
#if defined(EVFILT_USER)
    if (fixture_backend_is(f, "kqueue")) {
        assert_int_equal(eddy__sys_count(EDDY__SYS_kevent), 3 + 2);
        assert_int_equal(eddy__sys_count(EDDY__SYS_write), 0);
    }
#endif
}

/* A wake-up that is interrupted is made again, and errno is its caller's (signal handlers). */
static void test_interrupted_wake_up_is_made_again(struct fixture *f)
{
    begin(f);
    eddy__sys_fail(EDDY__SYS_write, 1, EINTR);
#if defined(EDDY__HAVE_KQUEUE)
    eddy__sys_fail(EDDY__SYS_kevent, 1, EINTR);
#endif
    errno = ERANGE;
    backend_of(f)->wake(f->loop);
    assert_int_equal(errno, ERANGE);
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_FOREVER), 0);
    backend_of(f)->dispatch(f->loop);
    eddy__sys_reset();
}

/*
 * Lines: probes that are each connected to a raw socket, with a model of what each has to hear.
 */
enum { LINES = 64 };

struct line {
    char name[8];
    struct probe *probe; /* NULL: closed */
    eddy_socket peer;
    bool receiving;
    bool pending; /* a byte waits to be received */
    bool sending;
    bool closing; /* closed in this step */
};

static struct line lines[LINES];

static void line_open(struct fixture *f, int i)
{
    struct line *line = &lines[i];
    eddy_socket sockets[2];

    memset(line, 0, sizeof *line);
    snprintf(line->name, sizeof line->name, "%d", i);
    must(backend_of(f)->sockets->pair(f->loop, EDDY_STREAM, sockets));
    line->probe = probe_open(f, line->name, sockets[0]);
    line->peer = sockets[1];
}

static void line_close(struct line *line)
{
    probe_close(line->probe);
    close((int)line->peer);
    line->probe = NULL;
    line->receiving = line->pending = line->sending = false;
    line->closing = true;
}

static void line_receive(struct line *line, bool receiving)
{
    const struct eddy__backend *backend = backend_of(line->probe->f);

    line->receiving = receiving;
    if (receiving)
        backend->receive_start(&line->probe->channel);
    else
        backend->receive_stop(&line->probe->channel);
}

static void line_feed(struct line *line)
{
    if (!line->pending)
        assert_int_equal(send((int)line->peer, "x", 1, 0), 1);
    line->pending = true;
}

/* How often `line` heard `event`. */
static size_t line_heard(const struct line *line, const char *event)
{
    char text[32];

    snprintf(text, sizeof text, "%s.%s", line->name, event);
    return recorded(text);
}

/* One iteration, in which each line hears exactly what the model expects. */
static void lines_check(struct fixture *f)
{
    size_t sum = 0;

    run_iterations(f->loop, 1);
    for (int i = 0; i < LINES; i++) {
        struct line *line = &lines[i];
        bool receives = line->receiving && line->pending;

        assert_int_equal(line_heard(line, "received:x"), receives);
        assert_int_equal(line_heard(line, "sent:1"), line->sending);
        assert_int_equal(line_heard(line, "closed"), line->closing);
        sum += (size_t)receives + (size_t)line->sending + (size_t)line->closing;
        line->pending = line->pending && !receives;
        line->sending = line->closing = false;
    }
    assert_int_equal(recorded(NULL), sum);
    recorder_reset();
}

static void line_act(struct fixture *f, int i, uint32_t action)
{
    struct line *line = &lines[i];

    if (line->probe == NULL) {
        if (!line->closing)
            line_open(f, i);
        return;
    }
    switch (action % 8) {
    case 0:
        line_close(line);
        break;
    case 1:
    case 2:
        line_receive(line, true);
        break;
    case 3:
        line_receive(line, false);
        break;
    case 4:
    case 5:
        line_feed(line);
        break;
    default:
        if (!line->sending)
            probe_send(line->probe, "y");
        line->sending = true;
    }
}

static void lines_close_all(struct fixture *f)
{
    for (int i = 0; i < LINES; i++)
        if (lines[i].probe != NULL)
            line_close(&lines[i]);
    lines_check(f);
}

/* Numbers of descriptors come back for other channels, entries move, both sides come and go. */
static void test_many_descriptors_come_and_go(struct fixture *f)
{
    uint32_t random = 12345;
    int steps = sweep_fewer(4000);

    begin(f);
    need_whole_test();
    memset(lines, 0, sizeof lines);
    for (int step = 0; step < steps; step++) {
        random = random * 1664525 + 1013904223;
        line_act(f, (int)(random >> 24) % LINES, random >> 16);
        if ((random >> 8) % 4 == 0)
            lines_check(f);
    }
    lines_check(f);
    lines_close_all(f);
}

/* The array of poll finds no memory to grow: one channel hears of it, the others go on. */
static void test_poll_that_cannot_grow_refuses_one_channel(struct fixture *f)
{
    enum { ENTRIES = 16, ARRAYS = 2, USED = 20 };

    begin(f);
    need_whole_test();
    if (!fixture_backend_is(f, "poll"))
        skip();
    for (size_t nth = 1; nth <= ARRAYS; nth++) {
        eddy_loop *loop = f->loop;

        must(eddy_loop_new(&(eddy_loop_options){.backend = "poll"}, &f->loop));
        memset(lines, 0, sizeof lines);
        run_iterations(f->loop, 1);
        for (int i = 0; i < USED; i++) {
            line_open(f, i);
            line_receive(&lines[i], true);
            line_feed(&lines[i]);
        }
        allocations_fail(nth);
        assert_int_equal(backend_of(f)->wait(f->loop, 0), 0);
        allocations_fail(0);
        backend_of(f)->dispatch(f->loop);
        run_iterations(f->loop, 1);
        assert_int_equal(line_heard(&lines[ENTRIES - 1], "ended:EDDY_ENOMEM"), 1);
        assert_int_equal(recorded(NULL), USED);
        recorder_reset();
        for (int i = 0; i < USED; i++)
            lines[i].pending = i == ENTRIES - 1;
        line_receive(&lines[ENTRIES - 1], true);
        lines_check(f);
        lines_close_all(f);
        must(eddy_loop_close(f->loop));
        eddy_loop_unref(f->loop);
        f->loop = loop;
    }
}

/* One filter is in, the other is refused: neither stays, and nothing makes the loop spin. */
static void test_kqueue_takes_back_half_a_change(struct fixture *f)
{
#if defined(EDDY__HAVE_KQUEUE)
    eddy_time start;

    begin(f);
    if (!fixture_backend_is(f, "kqueue"))
        skip();
    memset(lines, 0, sizeof lines);
    line_open(f, 0);
    line_receive(&lines[0], true);
    line_feed(&lines[0]);
    probe_send(lines[0].probe, "y");
    eddy__sys_fail(EDDY__SYS_kevent, 2, ENOMEM);
    run_iterations(f->loop, 1);
    assert_recorded("0.ended:EDDY_ENOMEM", "0.sent:EDDY_ENOMEM");
    start = eddy__clock_now();
    assert_int_equal(backend_of(f)->wait(f->loop, EDDY_MILLISECONDS(1)), 0);
    assert_true(eddy__clock_now() - start >= EDDY_MILLISECONDS(1));
    lines[0].receiving = false;
    lines_close_all(f);
#else
    (void)f;
    skip();
#endif
}

/* The queue itself, its mark for children, its wake-up: what was made before goes again. */
static void test_kqueue_that_cannot_be_made_leaves_nothing(struct fixture *f)
{
#if defined(EDDY__HAVE_KQUEUE)
    static const enum eddy__sys_number calls[] = {EDDY__SYS_kqueue, EDDY__SYS_fcntl,
                                                  EDDY__SYS_kevent};

    begin(f);
    if (!fixture_backend_is(f, "kqueue"))
        skip();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        eddy_loop *loop = NULL;

        eddy__sys_fail(calls[i], 1, EMFILE);
        assert_int_equal(eddy_loop_new(&(eddy_loop_options){.backend = "kqueue"}, &loop),
                         EDDY_EMFILE);
        assert_null(loop);
    }
#else
    (void)f;
    skip();
#endif
}

/* Who closes a descriptor behind the library's back hurts nobody else. */
static void test_closed_descriptor_ends_its_own_order_only(struct fixture *f)
{
    begin(f);
    if (!fixture_backend_is(f, "poll") && !fixture_backend_is(f, "select"))
        skip(); /* epoll and kqueue forget the descriptor themselves, without a word */
    memset(lines, 0, sizeof lines);
    for (int i = 0; i < 3; i++) {
        line_open(f, i);
        line_receive(&lines[i], true);
    }
    run_iterations(f->loop, 1);
    close((int)lines[1].probe->channel.socket);
    line_feed(&lines[0]);
    line_feed(&lines[2]);
    run_iterations(f->loop, 1);
    assert_int_equal(line_heard(&lines[0], "received:x"), 1);
    assert_int_equal(line_heard(&lines[1], "ended:EDDY_EBADF"), 1);
    assert_int_equal(line_heard(&lines[2], "received:x"), 1);
    assert_int_equal(recorded(NULL), 3);
    recorder_reset();
    lines[0].pending = lines[1].receiving = lines[2].pending = false;
    lines_check(f);
    lines_close_all(f);
}

/* A copy of `socket`, which it takes, at the first free number from `least` on. */
static eddy_socket copy_at(eddy_socket socket, int least)
{
    int fd = fcntl((int)socket, F_DUPFD, least);

    close((int)socket);
    return fd;
}

/* select has no room for it and says so at once, the others do not care. */
static void test_descriptor_beyond_the_range_of_select(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_value made;
    struct witness w;
    int error;

    begin(f);
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    sockets[0] = copy_at(sockets[0], FD_SETSIZE);
    if (sockets[0] < 0)
        skip(); /* this process may not have so many */
    witness_init(&w, NULL);
    if (!fixture_backend_is(f, "select")) {
        connect_socket(f, &w, sockets[0]);
        assert_int_equal(send((int)sockets[1], "x", 1, 0), 1);
        run_until_recorded(f->loop, "data:x");
        assert_recorded("made", "data:x");
        return;
    }
    error = eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, witness_factory, &w, NULL, 0,
                                    &(eddy_connection_options){.sock = &sockets[0]}),
        &made);
    close((int)sockets[0]);
    assert_int_equal(error, EDDY_EMFILE);
    assert_non_null(strstr(eddy_error_text(), "select takes only descriptors below"));
    assert_nothing_recorded();
}

static void test_last_descriptor_in_the_range_of_select(struct fixture *f)
{
    struct line *line = &lines[0];
    eddy_socket sockets[2];

    begin(f);
    need_whole_test();
    memset(lines, 0, sizeof lines);
    line_open(f, 1);
    must(backend_of(f)->sockets->pair(f->loop, EDDY_STREAM, sockets));
    sockets[0] = copy_at(sockets[0], FD_SETSIZE - 1);
    if (sockets[0] != FD_SETSIZE - 1)
        skip(); /* this process may not have so many, or has it already */
    snprintf(line->name, sizeof line->name, "0");
    line->probe = probe_open(f, line->name, sockets[0]);
    line->peer = sockets[1];
    for (int i = 0; i < 2; i++) {
        line_receive(&lines[i], true);
        line_feed(&lines[i]);
    }
    lines_check(f);
    line_close(line); /* the range that is looked at shrinks */
    line_feed(&lines[1]);
    lines_check(f);
    lines_close_all(f);
}

/* The wake-up of a loop is a descriptor too. */
static void test_select_is_refused_when_its_range_is_full(struct fixture *f)
{
    static int copies[FD_SETSIZE];
    eddy_loop *loop = NULL;
    int count = 0, error;

    begin(f);
    if (!fixture_backend_is(f, "select"))
        skip();
    do
        copies[count] = fcntl(0, F_DUPFD, 0);
    while (copies[count] >= 0 && copies[count] < FD_SETSIZE - 1 && ++count < FD_SETSIZE);
    error = eddy_loop_new(&(eddy_loop_options){.backend = "select"}, &loop);
    for (int i = 0; i <= count && i < FD_SETSIZE; i++)
        close(copies[i]);
    assert_int_equal(error, EDDY_EMFILE);
    assert_null(loop);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_limits_are_exact_or_rounded_up),
        TEST(test_the_system_is_asked_for_nanoseconds),
        TEST(test_failing_wait_ends_the_run_with_words),
        TEST(test_wake_ups_end_one_wait),
        TEST(test_interrupted_wake_up_is_made_again),
        TEST(test_many_descriptors_come_and_go),
        TEST(test_poll_that_cannot_grow_refuses_one_channel),
        TEST(test_kqueue_takes_back_half_a_change),
        TEST(test_kqueue_that_cannot_be_made_leaves_nothing),
        TEST(test_closed_descriptor_ends_its_own_order_only),
        TEST(test_descriptor_beyond_the_range_of_select),
        TEST(test_last_descriptor_in_the_range_of_select),
        TEST(test_select_is_refused_when_its_range_is_full),
    };

    return run_suite("selector", tests);
}

#else
int main(void)
{
    puts("no tests: they need EDDY_TEST_HOOKS, and a selector of POSIX");
    return 0;
}
#endif

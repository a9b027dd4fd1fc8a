/* SPDX-License-Identifier: MIT */
/* Several addresses for one connection: NET-9..NET-11, NET-13, NET-14. */
#include "common/loop.h"
#include "common/race.h"
#include "common/resolver.h"
#include "support/listener.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>
#if !defined(_WIN32)
#include "posix/sys.h"
#endif

enum { TARGETS_MAX = 6 };

/* Targets by hand, and what became of the race to them. */
struct course {
    struct eddy__live live; /* it goes with the loop, wherever the test ends */
    struct fixture *f;
    eddy_address_list *targets;
    eddy_address_list *locals;
    struct eddy__race *race;
    struct eddy__stream *stream;
    int error;
    bool ended;
};

static void course_drop(struct eddy__live *live)
{
    struct course *course = EDDY__OWNER(live, struct course, live);

    eddy__list_remove(&live->node);
    if (course->stream != NULL)
        eddy__stream_discard(course->stream);
    eddy__race_free(course->race);
    eddy_address_list_free(course->targets);
    eddy_address_list_free(course->locals);
}

/* One at a time. */
static struct course *course_new(struct fixture *f)
{
    static struct course course;

    memset(&course, 0, sizeof course);
    course.f = f;
    course.live.abandon = course_drop;
    eddy__list_append(&f->loop->live, &course.live.node);
    course.targets = eddy__address_list_new(TARGETS_MAX, 0);
    must(course.targets != NULL ? 0 : EDDY_ENOMEM);
    course.targets->count = 0;
    return &course;
}

static void course_add(struct course *course, const eddy_address *address)
{
    course->targets->entries[course->targets->count++] =
        (eddy_addrinfo){.family = eddy_address_family(address),
                        .type = EDDY_STREAM,
                        .protocol = EDDY_TCP,
                        .address = *address};
}

/* Two targets: one that refuses, then one that listens. */
static struct course *course_new_deaf_first(struct fixture *f, eddy_address *deaf,
                                            eddy_address *good)
{
    struct course *course;

    listener_new_deaf(f, deaf);
    listener_new(f, good);
    course = course_new(f);
    course_add(course, deaf);
    course_add(course, good);
    return course;
}

static void course_on_ended(void *arg, struct eddy__stream *stream, int error)
{
    struct course *course = arg;

    course->ended = true;
    course->stream = stream;
    course->error = error;
    record("ended:%s", error != 0 ? eddy_err_name(error) : "0");
}

/* Start; the error of a race that was lost at once. */
static int course_start(struct course *course, eddy_time delay, bool all_errors)
{
    struct eddy__race_options options = {
        .targets = course->targets,
        .locals = course->locals,
        .delay = delay,
        .all_errors = all_errors,
        .on_ended = course_on_ended,
        .arg = course,
    };

    course->race = eddy__race_new(course->f->loop, &options);
    return course->race != NULL ? eddy__race_start(course->race) : EDDY_ENOMEM;
}

/* Start what is lost at once, with `code`; 0, or how else it began. */
static int course_lose(struct course *course, eddy_time delay, bool all_errors, int code)
{
    int error = course_start(course, delay, all_errors);

    assert_int_not_equal(error, 0);
    return error == code ? 0 : error;
}

/* Run until it is over, with `error`. */
static void course_await(struct course *course, int error)
{
    run_until(course->f->loop, &course->ended);
    give_up_if(course->error != error);
    assert_int_equal(course->error, error);
}

static void course_end(struct course *course)
{
    course_drop(&course->live);
    run_for(course->f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(course->f->loop->timers.count, 0);
}

/* Between the loop and its backend: notes what is connected and closed, and holds some back. */
static struct {
    const struct eddy__backend *real;
    int silent_ports[TARGETS_MAX]; /* connects to these never answer by themselves */
    struct eddy__channel *silent[TARGETS_MAX];
    size_t silent_count;
} net;

static void net_connect_start(struct eddy__channel *channel, const eddy_address *address)
{
    record("connect:%d", eddy_address_port(address));
    for (size_t i = 0; i < net.silent_count; i++) {
        if (net.silent_ports[i] == eddy_address_port(address)) {
            net.silent[i] = channel;
            return;
        }
    }
    net.real->connect_start(channel, address);
}

static int net_open(struct eddy_loop *loop, int family, int type, int protocol, eddy_socket *socket)
{
    record("open");
    return net.real->sockets->open(loop, family, type, protocol, socket);
}

static void net_close(eddy_socket socket)
{
    record("close");
    net.real->sockets->close(socket);
}

static void net_begin(struct fixture *f)
{
    struct spy *spy = spy_begin(f->loop);

    memset(&net, 0, sizeof net);
    net.real = spy->real;
    spy->sockets.open = net_open;
    spy->sockets.close = net_close;
    spy->backend.connect_start = net_connect_start;
}

static void net_silence(const eddy_address *address)
{
    net.silent_ports[net.silent_count++] = eddy_address_port(address);
}

/* The connect that was held back ends with `error`. */
static void net_answer(size_t index, int error)
{
    give_up_if(net.silent[index] == NULL);
    net.silent[index]->events->on_connected(net.silent[index], error);
}

/* Three targets that do not answer by themselves. */
static struct course *course_new_silent(struct fixture *f)
{
    struct course *course = course_new(f);
    eddy_address slow[3];

    for (int i = 0; i < 3; i++) {
        listener_new_deaf(f, &slow[i]);
        course_add(course, &slow[i]);
    }
    net_begin(f); /* not before: their sockets are not to be recorded */
    for (int i = 0; i < 3; i++)
        net_silence(&slow[i]);
    return course;
}

/* NET-9: one at a time and in order; a socket that failed is closed before the next attempt. */
static void test_addresses_are_tried_in_order(struct fixture *f)
{
    eddy_address deaf, good;
    struct course *course = course_new_deaf_first(f, &deaf, &good);
    char first[32];
    char second[32];

    snprintf(first, sizeof first, "connect:%d", eddy_address_port(&deaf));
    snprintf(second, sizeof second, "connect:%d", eddy_address_port(&good));
    net_begin(f);
    must(course_start(course, 0, false));
    course_await(course, 0);
    assert_recorded("open", first, "close", "open", second, "ended:0");
    course_end(course);
}

/* NET-9: a list without addresses is lost, and harms nobody (NET-11). */
static void test_no_addresses(struct fixture *f)
{
    struct course *course = course_new(f);

    must(course_lose(course, EDDY_MILLISECONDS(1), true, EDDY_EADDRNOTAVAIL));
    assert_true(strlen(eddy_error_text()) > 0);
    course_end(course);
    assert_nothing_recorded();
}

static void add_local(struct course *course, const eddy_address *address)
{
    if (course->locals == NULL) {
        course->locals = eddy__address_list_new(TARGETS_MAX, 0);
        must(course->locals != NULL ? 0 : EDDY_ENOMEM);
        course->locals->count = 0;
    }
    course->locals->entries[course->locals->count++] =
        (eddy_addrinfo){.family = eddy_address_family(address), .address = *address};
}

/* NET-10: the first local address of the family that works is used. */
static void test_local_address_is_bound(struct fixture *f)
{
    struct course *course;
    eddy_address good, taken, other;
    eddy_address any;
    eddy_address bound;
    eddy_socket accepted;
    eddy_socket listener;

    listener = listener_new(f, &good);
    listener_new(f, &taken);
    must(eddy_address_parse("::1", 0, &other));
    must(eddy_address_parse("127.0.0.1", 0, &any));
    course = course_new(f);
    course_add(course, &good);
    add_local(course, &other);
    add_local(course, &taken);
    add_local(course, &any);
    must(course_start(course, 0, false));
    course_await(course, 0);
    accepted = listener_accept(f, listener);
    must(eddy_socket_peer_address(accepted, &bound));
    assert_true(eddy_address_port(&bound) != eddy_address_port(&taken));
    course_end(course);
}

/* NET-10: all in use: the bind error with the address; none of the family: an error too. */
static void test_local_address_errors(struct fixture *f)
{
    struct course *course;
    eddy_address good, taken, other;
    char text[EDDY_ADDRESS_TEXT_MAX];

    listener_new(f, &good);
    listener_new(f, &taken);
    must(eddy_address_format(&taken, text, sizeof text));
    course = course_new(f);
    course_add(course, &good);
    add_local(course, &taken);
    must(course_lose(course, 0, false, EDDY_EADDRINUSE));
    assert_non_null(strstr(eddy_error_text(), text));
    course_end(course);

    must(eddy_address_parse("::1", 0, &other));
    course = course_new(f);
    course_add(course, &good);
    add_local(course, &other);
    must(course_lose(course, 0, false, EDDY_EADDRNOTAVAIL));
    assert_non_null(strstr(eddy_error_text(), "family"));
    course_end(course);
}

/* NET-10: a local address in use is one failed attempt: the next target is tried. */
static void test_next_target_after_a_bind_error(struct fixture *f)
{
    struct course *course;
    eddy_address good;
    eddy_address taken;

    listener_new(f, &good);
    listener_new(f, &taken);
    course = course_new(f);
    course_add(course, &good);
    course_add(course, &good);
    add_local(course, &taken);
    must(course_lose(course, 0, true, EDDY_EADDRINUSE));
    assert_non_null(strstr(eddy_error_text(), "; "));
    course_end(course);
}

static size_t count_text(const char *text, const char *part)
{
    size_t count = 0;

    while ((text = strstr(text, part)) != NULL) {
        count++;
        text += strlen(part);
    }
    return count;
}

/* NET-11: different errors are joined, equal ones collapse unless all are asked for. */
static void test_errors_are_collected(struct fixture *f)
{
    struct course *course;
    eddy_address deaf[2];
    struct eddy__failure *failure;

    listener_new_deaf(f, &deaf[0]);
    listener_new_deaf(f, &deaf[1]);
    for (int all = 0; all < 2; all++) {
        course = course_new(f);
        course_add(course, &deaf[0]);
        course_add(course, &deaf[0]);
        course_add(course, &deaf[1]);
        must(course_start(course, 0, all != 0));
        course_await(course, EDDY_ECONNREFUSED);
        assert_recorded("ended:EDDY_ECONNREFUSED");
        failure = eddy__race_failure(course->race);
        must(failure != NULL ? 0 : EDDY_ENOMEM);
        assert_int_equal(count_text(failure->text, "cannot connect to"), all ? 3 : 2);
        eddy__free(failure);
        course_end(course);
    }
}

/* NET-11: two equal errors are one, and read like one. */
static void test_equal_errors_are_one(struct fixture *f)
{
    struct course *course;
    eddy_address deaf;
    struct eddy__failure *failure;

    listener_new_deaf(f, &deaf);
    course = course_new(f);
    course_add(course, &deaf);
    course_add(course, &deaf);
    must(course_start(course, 0, false));
    course_await(course, EDDY_ECONNREFUSED);
    failure = eddy__race_failure(course->race);
    must(failure != NULL ? 0 : EDDY_ENOMEM);
    assert_int_equal(strncmp(failure->text, "cannot connect to", 17), 0);
    assert_null(strstr(failure->text, ";"));
    eddy__free(failure);
    course_end(course);
}

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
static int answer_without_addresses(const char *host, const char *service,
                                    const struct addrinfo *hints, struct addrinfo **info)
{
    (void)host;
    (void)service;
    (void)hints;
    *info = NULL;
    return 0;
}

/* NET-11: the error of a host without addresses has words, also in the future. */
static void test_host_without_addresses_is_told(struct fixture *f)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    eddy_future *future;
    int error;

    if (f->sim != NULL)
        skip(); /* it answers from a table of its own */
    real = eddy__sys.getaddrinfo;
    eddy__sys.getaddrinfo = answer_without_addresses;
    future = keep_future(
        f, eddy_loop_create_connection(f->loop, witness_factory, NULL, "nowhere", 9, NULL));
    eddy_future_ref(future);
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    eddy__sys.getaddrinfo = real; /* the thread that has asked may still use the other calls */
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_EADDRNOTAVAIL);
    assert_string_equal(eddy_error_text(), "the host has no address");
    assert_string_equal(eddy_future_error_text(future), "the host has no address");
}
#endif

/* NET-11: a program sees the whole list, and the code of the first error. */
static void test_program_sees_every_error(struct fixture *f)
{
    eddy_connection_options options = {.all_errors = true, .service = "9"};
    eddy_address address;
    eddy_future *future;
    int error;

    if (f->sim == NULL)
        skip(); /* a host with several addresses is needed */
    for (int i = 1; i < 8; i++) {
        char text[32];

        snprintf(text, sizeof text, "10.1.2.%d", i);
        must(eddy_address_parse(text, 0, &address));
        must(eddy_sim_add_host(f->sim, "many.test", &address));
    }
    future = keep_future(
        f, eddy_loop_create_connection(f->loop, witness_factory, NULL, "many.test", 0, &options));
    error = eddy_loop_run_until_complete(f->loop, eddy_future_ref(future), NULL);
    give_up_if(error != EDDY_ECONNREFUSED);
    assert_int_equal(error, EDDY_ECONNREFUSED);
    give_up_if(count_text(eddy_future_error_text(future), "10.1.2.") < 7);
    assert_int_equal(count_text(eddy_future_error_text(future), "10.1.2."), 7);
}

/* NET-13: a slow attempt gets a rival after the delay, and is closed when that one wins. */
static void test_slow_attempt_gets_a_rival(struct fixture *f)
{
    eddy_address slow, good;
    struct course *course = course_new_deaf_first(f, &slow, &good);
    eddy_time start;

    net_begin(f);
    net_silence(&slow);
    start = eddy_loop_time(f->loop);
    must(course_start(course, EDDY_MILLISECONDS(20), false));
    course_await(course, 0);
    assert_true(eddy_loop_time(f->loop) - start >= EDDY_MILLISECONDS(20));
    assert_int_equal(recorded("open"), 2);
    assert_int_equal(recorded("close"), 1);
    course_end(course);
}

/* NET-13: the first attempt is not held up by a delay of its own. */
static void test_failure_starts_the_next_at_once(struct fixture *f)
{
    eddy_address deaf, good;
    struct course *course = course_new_deaf_first(f, &deaf, &good);
    eddy_time start = eddy_loop_time(f->loop);

    must(course_start(course, EDDY_SECONDS(3600), false));
    course_await(course, 0);
    assert_true(eddy_loop_time(f->loop) - start < EDDY_SECONDS(60));
    course_end(course);
}

/* NET-13: only the failure of the last one started counts; an older one changes nothing. */
static void test_failure_of_an_older_attempt_starts_nothing(struct fixture *f)
{
    struct course *course;
    size_t opened;

    need_working_calls();
    course = course_new_silent(f);
    must(course_start(course, EDDY_MILLISECONDS(20), false));
    run_until_true(f->loop, recorded("open") >= 2);
    opened = recorded("open");
    net_answer(0, EDDY_ECONNREFUSED);
    assert_int_equal(recorded("open"), opened);
    net_answer(1, EDDY_ECONNREFUSED);
    assert_int_equal(recorded("open"), 3);
    net_answer(2, EDDY_EHOSTUNREACH);
    assert_true(course->ended);
    assert_int_equal(course->error, EDDY_ECONNREFUSED);
    assert_int_equal(recorded("close"), 3);
    course_end(course);
}

/* NET-13: of several that connect in the same instant one wins, the others are closed. */
static void test_simultaneous_winners(struct fixture *f)
{
    struct course *course;
    eddy_address good[2];
    eddy_socket listeners[2];
    int reached = 0;

    course = course_new(f);
    for (int i = 0; i < 2; i++) {
        listeners[i] = listener_new(f, &good[i]);
        course_add(course, &good[i]);
    }
    net_begin(f);
    /* Both are under way before the loop looks at either. */
    must(course_start(course, 1, false));
    for (int i = 0; i < 1000 && recorded("open") < 2; i++)
        run_iterations(f->loop, course->ended ? 0 : 1);
    course_await(course, 0);
    assert_int_equal(recorded("open"), recorded("close") + 1);
    for (int i = 0; i < 2; i++)
        reached += listener_was_reached(f, listeners[i]);
    assert_true(reached >= 1);
    course_end(course);
}

/* NET-13: without a delay a slow attempt is waited for, however long it takes. */
static void test_no_delay_means_one_at_a_time(struct fixture *f)
{
    eddy_address slow, good;
    struct course *course = course_new_deaf_first(f, &slow, &good);

    net_begin(f);
    net_silence(&slow);
    must(course_start(course, 0, false));
    run_for(f->loop, EDDY_MILLISECONDS(50));
    assert_int_equal(recorded("open"), 1);
    net_answer(0, EDDY_ECONNTIMEDOUT);
    course_await(course, 0);
    course_end(course);
}

/* NET-13, NET-14: giving up closes every attempt, and the timer of the next. */
static void test_giving_up_closes_every_attempt(struct fixture *f)
{
    struct course *course = course_new_silent(f);

    must(course_start(course, EDDY_MILLISECONDS(5), false));
    run_until_true(f->loop, recorded("open") >= 2);
    eddy__race_free(course->race);
    course->race = NULL;
    assert_int_equal(recorded("close"), recorded("open"));
    course_end(course);
    assert_false(course->ended);
}

static int connect_in_time(void *port, eddy_value *result)
{
    (void)result;
    return eddy_await_for(eddy_loop_create_connection(eddy_get_running_loop(), witness_factory,
                                                      NULL, "127.0.0.1", *(int *)port, NULL),
                          EDDY_MILLISECONDS(5), NULL);
}

/* NET-14: a limit that passes while it connects closes the socket. */
static void test_timeout_closes_the_socket(struct fixture *f)
{
    eddy_address slow;
    int port;
    int error;

    listener_new_deaf(f, &slow);
    port = eddy_address_port(&slow);
    net_begin(f);
    net_silence(&slow);
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_task(f->loop, connect_in_time, &port, NULL), NULL);
    must(error == EDDY_ETIMEDOUT ? 0 : error);
    assert_int_equal(error, EDDY_ETIMEDOUT);
    assert_int_equal(recorded("open"), 1);
    assert_int_equal(recorded("close"), 1);
    assert_int_equal(f->loop->timers.count, 0);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_addresses_are_tried_in_order),
        TEST(test_no_addresses),
        TEST(test_local_address_is_bound),
        TEST(test_local_address_errors),
        TEST(test_next_target_after_a_bind_error),
        TEST(test_errors_are_collected),
        TEST(test_equal_errors_are_one),
#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
        TEST(test_host_without_addresses_is_told),
#endif
        TEST(test_program_sees_every_error),
        TEST(test_slow_attempt_gets_a_rival),
        TEST(test_failure_starts_the_next_at_once),
        TEST(test_failure_of_an_older_attempt_starts_nothing),
        TEST(test_simultaneous_winners),
        TEST(test_no_delay_means_one_at_a_time),
        TEST(test_giving_up_closes_every_attempt),
        TEST(test_timeout_closes_the_socket),
    };

    return run_suite("race", tests);
}

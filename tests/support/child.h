/* SPDX-License-Identifier: MIT */
/**
 * Children of the operating system, and a protocol that records what it hears of one.
 *
 * It records "made", "data1:hello", "pipe1:0" or "pipe0:EDDY_EPIPE", "exited:7" (with the return
 * code), "lost:0", "pause", "resume".
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include "support/fixture.h"

enum child_event { CHILD_MADE = 1, CHILD_DATA, CHILD_PIPE_LOST, CHILD_EXITED, CHILD_LOST };

struct child {
    eddy_protocol protocol;
    eddy_transport *transport; /**< from connection_made() to connection_lost() */
    void (*script)(struct child *c, enum child_event event);
    void *arg;
    int result;   /**< of every callback */
    bool quiet;   /**< do not record data, only count and keep it */
    bool is_made; /**< connection_made() was called */
    bool is_lost;
    size_t received[3];
    char text[3][256]; /**< what came first, NUL-terminated */
    int64_t returncode;
};

void child_init(struct child *c);

/** An eddy_protocol_factory. */
eddy_protocol *child_factory(void *child);

/** Options of a child that nobody listens or talks to. */
extern const eddy_subprocess_options child_no_pipes;

/** Skip the test where there are no processes: on a simulated loop. */
void child_or_skip(struct fixture *f);

/** Run `future` to its end: the start of `c`, which is borrowed from then on. Fails as must(). */
void child_made(struct fixture *f, eddy_future *future);

/** Start /bin/sh -c command, and run until it is made. */
void child_shell(struct fixture *f, struct child *c, const char *command,
                 const eddy_subprocess_options *options);

/** An argument vector. */
#define CHILD_ARGV(...)                                                                            \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

/** Begin `c` and start a program; the future of the start. */
eddy_future *child_start(struct fixture *f, struct child *c, const char *const argv[],
                         const eddy_subprocess_options *options);

/** Begin `c`, start a program or a command, and run it to its end. */
void child_run_exec(struct fixture *f, struct child *c, const char *const argv[],
                    const eddy_subprocess_options *options);
void child_run_shell(struct fixture *f, struct child *c, const char *command,
                     const eddy_subprocess_options *options);

/** As child_shell() for who holds other children already: false if there was no memory for it. */
bool child_try_shell(struct fixture *f, struct child *c, const char *command,
                     const eddy_subprocess_options *options);

/** Write to the child's stdin; close it. */
void child_write(struct child *c, const char *text);
void child_close_stdin(struct child *c);

/** Run until connection_lost(). */
void child_run(struct fixture *f, struct child *c);

#endif

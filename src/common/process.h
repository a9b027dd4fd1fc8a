/* SPDX-License-Identifier: MIT */
/**
 * The inside of a subprocess transport, shared by process.c (its life and the transport),
 * process_start.c (the calls that start one) and process_wait.c.
 *
 *   STARTING ─► MAKING ─made─► OPEN ─exit noticed, all pipes ended─► LOSING ─lost─► LOST
 *       └ cancelled   └ refused ─► UNMADE ─reaped, all pipes ended─► LOST
 *
 * The child runs from STARTING on. Whether it has ended, and which pipes have, are facts beside the
 * machine, which come in any order.
 */
#ifndef EDDY_COMMON_PROCESS_H
#define EDDY_COMMON_PROCESS_H

#include "common/child.h"
#include "common/future.h"
#include "common/pipe.h"
#include "common/transport.h"

enum process_life {
    PROCESS_STARTING = 1, /* the protocol is made in this or the next iteration */
    PROCESS_MAKING,       /* inside the protocol factory */
    PROCESS_OPEN,
    PROCESS_UNMADE, /* nobody will hear of it, but who waits for the start */
    PROCESS_LOSING, /* connection_lost() is due */
    PROCESS_LOST
};

/** One of the child's standard streams that is a pipe; it is the protocol of its stream. */
struct process_pipe {
    eddy_protocol protocol; /* first */
    struct eddy__process *process;
    struct eddy__stream *stream;      /* NULL once it has its protocol */
    struct eddy_transport *transport; /* a reference; NULL: no pipe */
    int fd;
    bool is_lost;
};

/** The future of a start. The process holds a reference until it is done. */
struct process_start {
    struct eddy_future future;
    struct eddy__process *process; /* NULL once it is done */
};

struct eddy__process {
    struct eddy_transport transport;
    struct eddy__live live;
    struct eddy__ready step; /* of the start, later of connection_lost() */
    struct eddy__ready exit; /* of the notice */
    struct eddy__list waiters;
    struct process_start *start; /* NULL once it is done */
    eddy_protocol_factory factory;
    void *factory_arg;
    struct eddy__child *child; /* NULL: none yet, or let go */
    struct process_pipe pipes[3];
    struct eddy__failure *failure; /* the words for `error` */
    int error;                     /* for connection_lost(), or for who waits for the start */
    int64_t pid;
    int64_t returncode;
    enum process_life life;
    int exit_steps;    /* iterations until the notice */
    bool has_output;   /* the child was given what it may write to and the loop read from */
    bool is_closing;   /* close() or abort() was called */
    bool is_dead;      /* reaped; `returncode` is set */
    bool has_exited;   /* and the program knows */
    bool is_forgotten; /* while its protocol was being made, the start was cancelled */
};

static inline struct eddy__process *process_of(const struct eddy_transport *transport)
{
    return EDDY__OWNER(transport, struct eddy__process, transport);
}

extern const struct eddy__transport_kind eddy__process_kind;

/** The tables of the pipes as protocols: of stdin, and of the other two. */
extern const eddy_protocol_callbacks eddy__process_input_callbacks;
extern const eddy_protocol_callbacks eddy__process_output_callbacks;

/** The child has ended: for eddy__child_start(). */
void eddy__process_on_exit(void *process, int64_t code);

/** The child runs: the protocol is made in the next iteration. Cannot fail. */
void eddy__process_begin(struct eddy__process *process);

/** There will be no transport: kill the child, and tell the start when it is over. */
void eddy__process_unmake(struct eddy__process *process, int error);

/** The exit was noticed: tell who waits. In process_wait.c. */
void eddy__process_wake(struct eddy__process *process);

/** The loop closes: let go of who waits. */
void eddy__process_forget_waiters(struct eddy__process *process);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * The load generator: it plays the clients, and reads off what a server in another process costs.
 *
 * It is part of no contender and knows none of their libraries. Each job is a closed loop: a
 * connection sends the next message when an answer has come, so that no server can be overrun and
 * all get the same work. What comes back is compared with what was sent.
 *
 * A run ends after a time (warm-up, then the window that is measured) or after exactly so many
 * operations from the first connect on. The latter is for counts: those of a run of 2 n operations
 * less those of a run of n, divided by n, have no start-up in them.
 */
#ifndef EDDY_BENCH_LOAD_H
#define EDDY_BENCH_LOAD_H

#include "histogram.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

struct load_options {
    union {
        struct sockaddr any;
        struct sockaddr_in inet;
        struct sockaddr_in6 inet6;
        struct sockaddr_un local;
    } address;
    socklen_t address_size;
    int connections;
    int idle;         /**< further connections that say nothing */
    int depth;        /**< messages under way on each connection */
    size_t size;      /**< bytes of a message; for streams, of a piece */
    double warm;      /**< seconds */
    double seconds;   /**< of the window */
    uint64_t count;   /**< operations, in place of a time */
    double idle_stay; /**< job idle: how long the connections stay, in seconds */
    unsigned pause;   /**< microseconds before answers are looked at: the server has to wait then */
    bool resume;      /**< job handshake: resume the session of an earlier connection */
    pid_t server;     /**< whose processor time is read; 0: nobody's */
};

/** What was seen within the window. */
struct load_result {
    uint64_t operations;
    uint64_t bytes;
    double seconds;
    double server_cpu;  /**< seconds of processor time of the server, all threads */
    double server_user; /**< its share in user space, by the kernel's ticks: coarse */
    double own_cpu;
    struct histogram latency;
};

typedef void (*load_job)(const struct load_options *options, struct load_result *result);

/** Messages back and forth on lasting connections. An operation is a message and its echo. */
void load_echo(const struct load_options *options, struct load_result *result);

/** Connect, one message and its echo, close. An operation is one connection's life. */
void load_churn(const struct load_options *options, struct load_result *result);

/** A connection in one direction only: to the server, from the server. An operation is a MiB. */
void load_sink(const struct load_options *options, struct load_result *result);
void load_source(const struct load_options *options, struct load_result *result);

/** Datagrams back and forth, each socket `depth` at once. A lost one ends the program. */
void load_datagram(const struct load_options *options, struct load_result *result);

#if defined(BENCH_TLS)
/** As load_echo() over TLS, one message at a time. */
void load_tls(const struct load_options *options, struct load_result *result);

/** As load_churn() over TLS: an operation is a handshake, a message, its echo, and the end. */
void load_handshake(const struct load_options *options, struct load_result *result);

/** As load_idle() over TLS, after a handshake and one message with its echo each. */
void load_tls_idle(const struct load_options *options, struct load_result *result);
#endif

/** Connections that do nothing for a while, for looking at memory. An operation is one of them. */
void load_idle(const struct load_options *options, struct load_result *result);

/*
 * What the jobs share.
 */
/** Nanoseconds of the monotonic clock. */
uint64_t load_now(void);

/** End the program with a message; for a system call, with its error. */
_Noreturn void load_fail(const char *text);

/** Say by a line that the connections are idle now, and stay as long as the options say. */
void load_idle_stay(const struct load_options *options);

/** Sleep as long as the options say; by default not at all. */
void load_pause(const struct load_options *options);

/** A non-blocking socket, connected or about to be. Ends the program if that cannot be. */
int load_connect(const struct load_options *options, int type);

/** `size` bytes that stand at `offset` of every stream: a table of 256 that repeats. */
const unsigned char *load_pattern(uint64_t offset);

/** The longest piece that load_pattern() has. */
enum { LOAD_PIECE_MAX = 256 * 1024 };

/** The window of a run: opened after the warm-up, closed after the time or the count. */
struct load_window {
    const struct load_options *options;
    struct load_result *result;
    enum { LOAD_WARMING, LOAD_MEASURING, LOAD_ENDED } phase;
    uint64_t started; /**< operations that were begun, for runs by count */
    uint64_t changes_ns;
    uint64_t opened_ns;
    double server_cpu;
    double server_user;
    double own_cpu;
};

void load_window_init(struct load_window *window, const struct load_options *options,
                      struct load_result *result);

/** Take note of the time; call it after each wait. True until the run is over. */
bool load_window_step(struct load_window *window, uint64_t now_ns);

/** True if one more operation may begin; it counts as begun then. */
bool load_window_begin(struct load_window *window);

/** An operation has ended. */
void load_window_end(struct load_window *window, size_t bytes, uint64_t latency_ns);

#endif

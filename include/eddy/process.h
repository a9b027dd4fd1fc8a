/* SPDX-License-Identifier: MIT */
/** Child processes (SUB-1..SUB-29). Not on Windows yet: the calls return EDDY_ENOTSUPPORTED. */
#ifndef EDDY_PROCESS_H
#define EDDY_PROCESS_H

#include <eddy/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What one of the child's three standard streams is (SUB-4). */
typedef enum eddy_stdio {
    EDDY_PIPE = 0,  /**< a new pipe to this process; see eddy_transport_get_pipe_transport() */
    EDDY_INHERIT,   /**< the same as here */
    EDDY_DEVNULL,   /**< the null device */
    EDDY_STDOUT,    /**< stderr only: where the child's stdout goes */
    EDDY_DESCRIPTOR /**< a copy of the descriptor in the `_fd` field, which stays the caller's */
} eddy_stdio;

/** The keywords of the two calls; zeroed fields mean the default. Copied by the call. */
typedef struct eddy_subprocess_options {
    eddy_stdio stdin_mode;
    eddy_stdio stdout_mode;
    eddy_stdio stderr_mode;
    eddy_socket stdin_fd; /**< with EDDY_DESCRIPTOR */
    eddy_socket stdout_fd;
    eddy_socket stderr_fd;
    const char *executable;      /**< what to run; argv[0] is then only its name */
    const char *cwd;             /**< the child's working directory; NULL: the one here */
    const char *const *env;      /**< the whole environment, "NAME=value", NULL at the end */
    const eddy_socket *pass_fds; /**< descriptors that the child gets besides 0, 1 and 2 ... */
    size_t pass_fd_count;
    bool keep_fds;          /**< ... and all that are inheritable; not closed as by default */
    bool keep_signals;      /**< leave SIGPIPE and SIGXFSZ ignored if they are so here (SUB-9) */
    bool start_new_session; /**< setsid() */
    bool new_process_group; /**< setpgid(0, 0) */
    int process_group;      /**< > 0: join this group */
    bool set_umask;
    unsigned umask; /**< with set_umask */
    void *reserved[8];
} eddy_subprocess_options;

/**
 * Run a program with the arguments `argv`, NULL at the end; argv[0] is looked for in PATH unless it
 * contains a slash (SUB-1). No shell.
 *
 * The child runs when this returns, or the future has failed with the system's own error, and no
 * protocol was made (SUB-7). Otherwise `factory(arg)` makes one in the next iteration (TR-52), its
 * connection_made() gets the transport, and the future is done: its value is the `transport`, with
 * a reference for who takes it out. Then the protocol hears pipe_data_received(),
 * pipe_connection_lost(), process_exited() and, once the exit was noticed and all pipes have ended,
 * connection_lost(0) (SUB-18).
 *
 * Cancelling kills the child and waits until it is reaped (SUB-8). EDDY_EINVALID, EDDY_ENOMEM,
 * EDDY_EBADSTATE (closed loop), EDDY_ENOTSUPPORTED (Windows so far, simulated loops).
 *
 * Only this child is ever waited for, so that others of the program are left alone (SUB-23). A
 * program that ignores SIGCHLD or waits for any child takes the exit code away: it is 255 then.
 */
EDDY_API eddy_future *eddy_loop_subprocess_exec(eddy_loop *loop, eddy_protocol_factory factory,
                                                void *arg, const char *const argv[],
                                                const eddy_subprocess_options *options);

/** The same with `/bin/sh -c command` (SUB-2). Quoting is the caller's business. */
EDDY_API eddy_future *eddy_loop_subprocess_shell(eddy_loop *loop, eddy_protocol_factory factory,
                                                 void *arg, const char *command,
                                                 const eddy_subprocess_options *options);

/*
 * Calls for subprocess transports. With other kinds they are EDDY_ENOTSUPPORTED, false or NULL.
 *
 * eddy_transport_close() closes the pipes, having written what is queued for stdin, and kills the
 * child if it still runs; the callbacks still come, and it is reaped (SUB-15). abort() is the same
 * without writing. eddy_transport_get_extra_info() knows "subprocess" (`integer`): the process id.
 */

/** The child's process id; the same after its end (SUB-11). */
EDDY_API int64_t eddy_transport_get_pid(const eddy_transport *transport);

/**
 * False until the loop has noticed the exit; then `*returncode` is the exit status, or -N if signal
 * N ended it; 255 if somebody else took the status (SUB-11).
 */
EDDY_API bool eddy_transport_get_returncode(const eddy_transport *transport, int64_t *returncode);

/**
 * The transport of the child's stream 0 (a write pipe), 1 or 2 (read pipes); NULL unless that is
 * EDDY_PIPE. Borrowed; also after it has closed (SUB-12).
 */
EDDY_API eddy_transport *eddy_transport_get_pipe_transport(const eddy_transport *transport, int fd);

/**
 * Send a signal to the child, not to its group (SUB-13). EDDY_ENOPROCESS once the exit was noticed;
 * before that a dead child is no error (SUB-14).
 *
 * Where the system has descriptors of processes (Linux from 5.3 on), no other process is ever
 * reached. Elsewhere that holds as long as nobody else in the program collects the child, by
 * waitpid(-1) or by ignoring SIGCHLD: its number may then be another's.
 */
EDDY_API int eddy_transport_send_signal(eddy_transport *transport, int number);

/** SIGTERM and SIGKILL. */
EDDY_API int eddy_transport_terminate(eddy_transport *transport);
EDDY_API int eddy_transport_kill(eddy_transport *transport);

/**
 * Wait until the exit has been noticed, whether or not the pipes are still open; the value is the
 * return code (`integer`) (SUB-17). Cancelling it leaves the child alone.
 */
EDDY_API eddy_future *eddy_process_wait(eddy_transport *transport);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/**
 * The inside of a simulation: sockets, connections, and the bytes between them.
 *
 * A *socket* is what a program holds a number of. A *connection* has two *ends*, the one that
 * connected (0) and the one that accepted (1). Each end has a queue of segments that come to it;
 * an end outlives its socket, since what was sent before a close still arrives, and exists before
 * it, since data may arrive before accept(). A connection is freed when both ends are closed.
 *
 * What the peer does arrives in order: segments, the end of the stream (FIN), the reset (RST).
 * When the delay is zero and the network is not cut, it arrives within the call that sent it.
 *
 * Everything belongs to the thread of the simulation's loop. Nothing is ordered by a pointer's
 * value and nothing asks a real clock, so a run follows from the seed and the program alone.
 *
 * Datagrams know no connections: each flies by itself from a socket to an address (datagram.c).
 * Unix sockets are streams whose addresses are names: those that are bound, no file is behind them.
 */
#ifndef EDDY_SIM_NETWORK_H
#define EDDY_SIM_NETWORK_H

#include "common/loop.h"
#include "common/reactor.h"
#include "common/thread.h"
#include "sim/event.h"
#include "sim/random.h"
#include "sim/sim.h"

#define EDDY__SIM_BUFFER_SIZE ((size_t)64 * 1024)

/** A piece of what was sent in one call. */
struct eddy__sim_segment {
    struct eddy__list node;
    eddy_time arrival;
    size_t start; /**< bytes below it have been received */
    size_t end;
    size_t capacity;
    unsigned char bytes[];
};

/** One end of a connection, with what comes to it. */
struct eddy__sim_end {
    struct eddy__sim_connection *connection;
    struct eddy__sim_socket *socket; /**< NULL before accept, and after close */
    eddy_address address;

    struct eddy__list flying;  /**< segments on their way here, oldest first */
    struct eddy__list arrived; /**< segments that can be received */
    struct eddy__sim_segment *spare;
    size_t flying_bytes;
    size_t arrived_bytes;
    size_t send_buffer;
    size_t receive_buffer;
    struct eddy__sim_event arrival; /**< of whatever comes here next */
    eddy_time last_arrival;         /**< nothing sent later arrives earlier */
    eddy_time fin_arrival;          /**< EDDY_FOREVER: not sent, or it has arrived */
    eddy_time rst_arrival;

    int error;           /**< to be reported once */
    bool fin_sent;       /**< this end has shut down sending */
    bool fin_received;   /**< the peer's last byte is among `arrived` */
    bool receive_closed; /**< this end has shut down receiving */
    bool broken;         /**< reset: nothing is sent or arrives any more */
    bool closed;
};

struct eddy__sim_connection {
    struct eddy__list node;    /**< sim->connections */
    struct eddy__list pending; /**< in its listener's queue */
    struct eddy_sim *sim;
    struct eddy__sim_event step; /**< the request, then the answer, on its way */
    struct eddy__sim_end ends[2];
    int outcome;       /**< what the answer says */
    unsigned attempts; /**< requests that met a full queue */
    bool established;  /**< the listener has taken the request */
    bool answered;     /**< the connecting end knows */
};

struct eddy__sim_socket {
    struct eddy__list node;  /**< sim->sockets, oldest first */
    struct eddy__list bound; /**< sim->bound, if it was bound by a call */
    struct eddy__list ready; /**< sim->ready */
    struct eddy_sim *sim;
    unsigned references; /**< numbers that name it */
    int family;
    int type;
    int protocol;
    bool has_local;
    eddy_address local;
    int options[EDDY__SOCKET_OPTIONS];

    bool listening;
    size_t backlog;
    struct eddy__list pending; /**< connections to accept */
    size_t pending_count;

    struct eddy__sim_end *end; /**< connecting or connected, else NULL */
    int error;                 /**< of a failed connect or datagram, to be reported once */

    struct eddy__list arrived; /**< datagrams that can be received */
    size_t arrived_bytes;      /**< with what each takes beside its own */
    size_t flying_bytes;       /**< the same, of datagrams that it has sent */
    bool has_peer;             /**< a datagram socket is connected: to `peer` */
    eddy_address peer;
    struct eddy__list groups; /**< joined ones */

    struct eddy__reactor_channel *watcher;
    unsigned interest;
    unsigned events; /**< readiness for `interest` */
};

/** A place for a number; the generation makes numbers of closed sockets invalid. */
struct eddy__sim_slot {
    struct eddy__sim_socket *socket;
    uint32_t generation;
    uint32_t next_free; /**< index + 1; 0: last */
};

/** A name of the host table with one address; several for one name are several entries. */
struct eddy__sim_host {
    struct eddy__list node;
    eddy_address address;
    char name[];
};

struct eddy_sim {
    /* Set once. */
    eddy_loop *loop;
    unsigned index; /**< in the process's table of simulations */
    bool is_private;

    /* Any thread. */
    atomic_bool woken;

    /* The loop's thread. */
    unsigned references; /**< the loop's memory, and the program's eddy_sim_free() to come */
    bool is_open;        /**< sockets can be made */
    bool cut;
    eddy_time now;
    eddy_time looked_at; /**< `now` at the last wait that only looked ... */
    unsigned looks;      /**< ... and how many of those there were in a row */
    struct eddy_sim_options options;
    struct eddy__random random;
    struct eddy__list events;
    struct eddy__list ready;
    struct eddy__list sockets;
    struct eddy__list bound;
    struct eddy__list connections;
    struct eddy__list datagrams; /**< on their way */
    struct eddy__list hosts;
    struct eddy__sim_slot *slots;
    uint32_t slot_count;
    uint32_t slot_capacity;
    uint32_t free_slot; /**< index + 1; 0: none */
    int next_port;
    struct eddy__mutex mutex; /**< only to have something to wait with */
    struct eddy__condition condition;
};

/* number.c: numbers and the process's table of simulations. */

/** Give `sim` a place in the process's table. EDDY_EMFILE when all are taken. */
int eddy__sim_register(struct eddy_sim *sim);
void eddy__sim_unregister(struct eddy_sim *sim);

/** The socket of a number, or NULL. */
struct eddy__sim_socket *eddy__sim_lookup(eddy_socket number);

/** Make a number for `socket`, adding a reference. EDDY_ENOMEM, EDDY_EMFILE. */
int eddy__sim_number_new(struct eddy__sim_socket *socket, eddy_socket *number);

/** Take the number back; its socket, whose reference the caller drops, or NULL. */
struct eddy__sim_socket *eddy__sim_number_free(eddy_socket number);

/* unix.c: names of Unix sockets. */

/** As sim_bind(), of a Unix socket that is not bound yet. */
int eddy__sim_bind_name(struct eddy__sim_socket *socket, const eddy_address *address);

/** The address of a Unix socket without a name. */
int eddy__sim_no_name(eddy_address *address);

/** What becomes of a connect to an address where nobody listens. */
int eddy__sim_refusal(const struct eddy_sim *sim, const eddy_address *address);

/* address.c: which addresses there are, and whose they are. */

bool eddy__sim_is_wildcard(const eddy_address *address);
bool eddy__sim_same_host(const eddy_address *a, const eddy_address *b);

/** True if somebody is there: a loopback or wildcard address, or one of the host table. */
bool eddy__sim_has_address(struct eddy_sim *sim, const eddy_address *address);

/** Change the port; any internet address, in place. */
void eddy__sim_set_port(eddy_address *address, int port);

/** Change "::ffff:a.b.c.d" to IPv4 in place, else leave it; and the way back. */
void eddy__sim_unmap(eddy_address *address);
void eddy__sim_map(eddy_address *address);

/** A port that nobody is bound to; EDDY_EADDRINUSE when there is none. */
int eddy__sim_free_port(struct eddy_sim *sim, int *port);

/** True if `socket` may not be bound to `address`, or listen there. */
bool eddy__sim_conflicts(const struct eddy__sim_socket *socket, const eddy_address *address,
                         bool listening);

/** How well a socket's local address fits what goes to `address`; 0: not at all. */
int eddy__sim_fit(const struct eddy__sim_socket *socket, const eddy_address *address);

/** Whoever listens at `address`, or NULL; of several (EDDY__REUSE_PORT) the least busy. */
struct eddy__sim_socket *eddy__sim_find_listener(struct eddy_sim *sim, const eddy_address *address);

/* stream.c: the bytes of a connection. */

void eddy__sim_end_init(struct eddy__sim_end *end, struct eddy__sim_connection *connection);
void eddy__sim_end_fini(struct eddy__sim_end *end);

/** EDDY__READABLE | EDDY__WRITABLE of an established connection's end. */
unsigned eddy__sim_end_events(struct eddy__sim_end *end);

/** As eddy__socket_ops.receive and .send. */
int64_t eddy__sim_end_receive(struct eddy__sim_end *end, void *buffer, size_t size);
int64_t eddy__sim_end_send(struct eddy__sim_end *end, const struct eddy__span *spans, size_t count);

/** Tell the peer that no more comes. Cannot fail; doing it again does nothing. */
void eddy__sim_end_shutdown(struct eddy__sim_end *end);

/** Tell the peer that the connection is broken. Cannot fail. */
void eddy__sim_end_send_rst(struct eddy__sim_end *end);

/** Break both ends here and now. */
void eddy__sim_end_break(struct eddy__sim_end *end, int error);

/* connection.c: from connect to the last close. */

/** Start connecting `socket` to `address`. EDDY_EINPROGRESS, or an error. */
int eddy__sim_connect(struct eddy__sim_socket *socket, const eddy_address *address);

/** Close an end; reset the peer if something was not received. May free the connection. */
void eddy__sim_end_close(struct eddy__sim_end *end);
void eddy__sim_connection_free(struct eddy__sim_connection *connection);

/** Two sockets' ends, connected. EDDY_ENOMEM. */
int eddy__sim_connect_pair(struct eddy__sim_socket *a, struct eddy__sim_socket *b);

/* datagram.c */

void eddy__sim_datagram_socket_init(struct eddy__sim_socket *socket);
void eddy__sim_datagram_socket_fini(struct eddy__sim_socket *socket);

/** Free what is on its way. */
void eddy__sim_datagrams_fini(struct eddy_sim *sim);

/** EDDY__READABLE | EDDY__WRITABLE of a datagram socket. */
unsigned eddy__sim_datagram_events(const struct eddy__sim_socket *socket);

/** Make `address` the only peer. Done at once. */
int eddy__sim_datagram_connect(struct eddy__sim_socket *socket, const eddy_address *address);

/** Connect two new sockets with each other, at addresses of this machine. */
int eddy__sim_datagram_pair(struct eddy__sim_socket *a, struct eddy__sim_socket *b);

/** As eddy__socket_ops.receive_datagrams and .send_datagrams, of one. */
int64_t eddy__sim_datagram_receive(struct eddy__sim_socket *socket,
                                   struct eddy__incoming *incoming);
int64_t eddy__sim_datagram_send(struct eddy__sim_socket *socket,
                                const struct eddy__outgoing *outgoing);

/** Join or leave a multicast group. */
int eddy__sim_datagram_membership(struct eddy__sim_socket *socket, const eddy_address *address,
                                  bool join);

/* socket_datagram.c: entries of the table of socket calls. */

int64_t eddy__sim_receive_datagrams(eddy_socket number, struct eddy__incoming *list, size_t count);
int64_t eddy__sim_send_datagrams(eddy_socket number, const struct eddy__outgoing *list,
                                 size_t count);
int eddy__sim_set_membership(eddy_socket number, const eddy_address *group,
                             unsigned interface_index, bool join);

/** Of a datagram socket, as the entries of these names; `from`, `to` NULL: its peer. */
int64_t eddy__sim_receive_from(struct eddy__sim_socket *socket, void *buffer, size_t size,
                               eddy_address *from);
int64_t eddy__sim_send_to(struct eddy__sim_socket *socket, const void *data, size_t size,
                          const eddy_address *to);

/* socket.c */

/** Look whether the socket's readiness has changed. NULL is allowed. */
void eddy__sim_update(struct eddy__sim_socket *socket);

/** Close a socket whose last number has gone. */
void eddy__sim_socket_free(struct eddy__sim_socket *socket);

/* host.c */

int eddy__sim_hosts_init(struct eddy_sim *sim);
void eddy__sim_hosts_fini(struct eddy_sim *sim);

/* simulation.c */

/** Close everything of the network and give up its place in the process's table. */
void eddy__sim_close_network(struct eddy_sim *sim);

/** One way through the network, with its jitter. */
static inline eddy_time eddy__sim_delay(struct eddy_sim *sim)
{
    uint64_t choices = (uint64_t)sim->options.jitter + 1;

    return eddy__time_add(sim->options.latency,
                          (eddy_time)eddy__random_below(&sim->random, choices));
}

/** Let `event` happen at `when`: at once if that is now, else from the loop's wait. */
static inline void eddy__sim_happen(struct eddy_sim *sim, struct eddy__sim_event *event,
                                    eddy_time when)
{
    if (when <= sim->now && !sim->cut)
        event->run(event);
    else
        eddy__sim_event_start(&sim->events, event, when);
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * A channel of the backend under test that records what it hears: the seam itself, without any
 * transport above it.
 *
 * With the name "a" it records "a.received:hello", "a.ended:0" or "a.ended:EDDY_ECONNRESET",
 * "a.sent:5", "a.accepted", "a.accept_failed:EDDY_EMFILE", "a.connected:0", "a.closed".
 */
#ifndef TESTS_SUPPORT_PROBE_H
#define TESTS_SUPPORT_PROBE_H

#include "common/loop.h"
#include "support/fixture.h"

struct probe;

struct probe {
    struct fixture *f;
    const char *name;
    void (*script)(struct probe *p); /**< called after each event but closed; may be NULL */
    struct probe *other;             /**< the script's */
    struct eddy__span spans[4];      /**< what get_spans gives */
    size_t span_count;
    struct eddy__span buffer; /**< what get_buffer gives; no data: it skips the receive */
    int buffers_asked;
    struct eddy__channel channel; /**< last: the backend's part follows */
};

/** Open a channel over `socket`, which it takes; freed after "closed". */
struct probe *probe_open(struct fixture *f, const char *name, eddy_socket socket);

/** The same with memory of its own to receive into. */
struct probe *probe_open_buffered(struct fixture *f, const char *name, eddy_socket socket,
                                  void *buffer, size_t size);

/** Close it with its socket. */
void probe_close(struct probe *p);

/** Order to send `text`, borrowed until it was sent. */
void probe_send(struct probe *p, const char *text);

/** Two probes "a" and "b", connected to each other. */
void probe_pair(struct fixture *f, struct probe *pair[2]);

/** A raw socket of the backend that listens on the loopback interface, and its address. */
eddy_socket probe_listener(struct fixture *f, eddy_address *address);

/** A raw socket that begins to connect; kept by the fixture. */
eddy_socket probe_connect_raw(struct fixture *f, const eddy_address *address);

#endif

/* SPDX-License-Identifier: MIT */
#include "support/probe.h"
#include "support/support.h"
#include <string.h>

static struct probe *probe_of(struct eddy__channel *channel)
{
    return EDDY__OWNER(channel, struct probe, channel);
}

static const char *probe_result(int error)
{
    return error == 0 ? "0" : eddy_err_name(error);
}

static void probe_follow_script(struct probe *p)
{
    if (p->script != NULL)
        p->script(p);
}

static int probe_lend_scratch(struct eddy__channel *channel, struct eddy__span *span)
{
    *span = (struct eddy__span){channel->loop->scratch, EDDY__SCRATCH_SIZE};
    return 0;
}

static int probe_get_buffer(struct eddy__channel *channel, struct eddy__span *span)
{
    struct probe *p = probe_of(channel);

    p->buffers_asked++;
    *span = p->buffer;
    return p->buffer.data != NULL ? 0 : EDDY_EBADSTATE;
}

static void probe_received(struct eddy__channel *channel, const void *data, size_t size)
{
    struct probe *p = probe_of(channel);

    record("%s.received:%.*s", p->name, (int)size, (const char *)data);
    probe_follow_script(p);
}

static void probe_ended(struct eddy__channel *channel, int error)
{
    struct probe *p = probe_of(channel);

    record("%s.ended:%s", p->name, probe_result(error));
    probe_follow_script(p);
}

static size_t probe_get_spans(struct eddy__channel *channel, struct eddy__span *spans, size_t max)
{
    struct probe *p = probe_of(channel);

    assert_true(p->span_count <= max);
    memcpy(spans, p->spans, p->span_count * sizeof *spans);
    return p->span_count;
}

static void probe_sent(struct eddy__channel *channel, int64_t result)
{
    struct probe *p = probe_of(channel);

    if (result >= 0)
        record("%s.sent:%d", p->name, (int)result);
    else
        record("%s.sent:%s", p->name, eddy_err_name((int)result));
    probe_follow_script(p);
}

static void probe_accepted(struct eddy__channel *channel, eddy_socket socket,
                           const eddy_address *peer)
{
    struct probe *p = probe_of(channel);

    (void)peer;
    record("%s.accepted", p->name);
    p->f->loop->backend->sockets->close(socket);
    probe_follow_script(p);
}

static void probe_accept_failed(struct eddy__channel *channel, int error)
{
    struct probe *p = probe_of(channel);

    record("%s.accept_failed:%s", p->name, eddy_err_name(error));
    probe_follow_script(p);
}

static void probe_connected(struct eddy__channel *channel, int error)
{
    struct probe *p = probe_of(channel);

    record("%s.connected:%s", p->name, probe_result(error));
    probe_follow_script(p);
}

static void probe_closed(struct eddy__channel *channel)
{
    struct probe *p = probe_of(channel);

    record("%s.closed", p->name);
    eddy__free(p);
}

#define PROBE_EVENTS                                                                               \
    .on_received = probe_received, .on_receive_ended = probe_ended, .get_spans = probe_get_spans,  \
    .on_sent = probe_sent, .on_accepted = probe_accepted, .on_accept_failed = probe_accept_failed, \
    .on_connected = probe_connected, .on_closed = probe_closed

static const struct eddy__channel_events probe_events = {
    PROBE_EVENTS,
    .get_buffer = probe_lend_scratch,
};
static const struct eddy__channel_events probe_buffered_events = {
    PROBE_EVENTS,
    .get_buffer = probe_get_buffer,
};

static struct probe *probe_open_with(struct fixture *f, const char *name, eddy_socket socket,
                                     const struct eddy__channel_events *events)
{
    const struct eddy__backend *backend = f->loop->backend;
    struct probe *p;

    assert_non_null(eddy__loop_scratch(f->loop));
    p = eddy__alloc_zeroed(offsetof(struct probe, channel) + backend->channel_size);
    assert_non_null(p);
    p->f = f;
    p->name = name;
    p->channel.events = events;
    p->channel.loop = f->loop;
    p->channel.socket = socket;
    assert_int_equal(backend->channel_open(&p->channel), 0);
    return p;
}

struct probe *probe_open(struct fixture *f, const char *name, eddy_socket socket)
{
    return probe_open_with(f, name, socket, &probe_events);
}

struct probe *probe_open_buffered(struct fixture *f, const char *name, eddy_socket socket,
                                  void *buffer, size_t size)
{
    struct probe *p = probe_open_with(f, name, socket, &probe_buffered_events);

    p->buffer.data = buffer;
    p->buffer.size = size;
    return p;
}

void probe_close(struct probe *p)
{
    p->f->loop->backend->channel_close(&p->channel, true);
}

void probe_send(struct probe *p, const char *text)
{
    p->spans[0].data = (void *)(uintptr_t)text;
    p->spans[0].size = strlen(text);
    p->span_count = 1;
    p->f->loop->backend->send_start(&p->channel);
}

void probe_pair(struct fixture *f, struct probe *pair[2])
{
    eddy_socket sockets[2];

    must(f->loop->backend->sockets->pair(f->loop, EDDY_STREAM, sockets));
    pair[0] = probe_open(f, "a", sockets[0]);
    pair[1] = probe_open(f, "b", sockets[1]);
}

eddy_socket probe_listener(struct fixture *f, eddy_address *address)
{
    const struct eddy__socket_ops *ops = f->loop->backend->sockets;
    eddy_socket socket;

    assert_int_equal(eddy_address_parse("127.0.0.1", 0, address), 0);
    assert_int_equal(ops->open(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &socket), 0);
    fixture_keep_socket(f, socket);
    assert_int_equal(ops->bind(socket, address), 0);
    assert_int_equal(ops->listen(socket, 16), 0);
    assert_int_equal(ops->local_address(socket, address), 0);
    fixture_drop_socket(f, socket);
    return socket;
}

eddy_socket probe_connect_raw(struct fixture *f, const eddy_address *address)
{
    const struct eddy__socket_ops *ops = f->loop->backend->sockets;
    eddy_socket socket;
    int error;

    assert_int_equal(ops->open(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &socket), 0);
    fixture_keep_socket(f, socket);
    error = ops->connect(socket, address);
    assert_true(error == 0 || error == EDDY_EINPROGRESS);
    return socket;
}

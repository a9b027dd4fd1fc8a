/* SPDX-License-Identifier: MIT */
/**
 * The inside of a stream, shared by its files: stream.c (life), stream_read.c, stream_write.c,
 * stream_file.c, stream_error.c, and by pipe.c. Nobody else includes it.
 *
 * Three small machines, none of which drives another directly:
 *
 *   life     NEW ─start─► STARTING ─make─► MAKING ─ready─► OPEN
 *            OPEN ─close─► DRAINING ─drained─► LOSING ─lost─► LOST
 *              └── end (close without output, abort, error) ──►┘
 *   reading  IDLE ─► ON ◄─► PAUSED, and ENDED after the peer's end of stream
 *   writing  OPEN ─write_eof─► ENDING ─output sent─► ENDED
 *
 * Flow control (TR-29) is one flag beside them: whether the protocol has been told to pause.
 *
 * A server has tens of thousands of them, nearly all idle. What an idle one does not need lies in
 * struct stream_extra, which goes when nothing in it is in use.
 */
#ifndef EDDY_COMMON_STREAM_PARTS_H
#define EDDY_COMMON_STREAM_PARTS_H

#include "common/error.h"
#include "common/flow.h"
#include "common/names.h"
#include "common/output.h"
#include "common/stream.h"
#include <assert.h>

enum stream_life {
    STREAM_NONE, /* so that a row nobody wrote is caught */
    STREAM_NEW,
    STREAM_STARTING,
    STREAM_MAKING, /* inside the protocol factory */
    STREAM_OPEN,
    STREAM_DRAINING,
    STREAM_LOSING,
    STREAM_LOST,
    STREAM_LIVES
};

enum stream_event {
    STREAM_ON_START,   /* the connection is there */
    STREAM_ON_MAKE,    /* make the protocol */
    STREAM_ON_READY,   /* the factory made one */
    STREAM_ON_CLOSE,   /* close() while there is output */
    STREAM_ON_END,     /* close() without output, abort(), an error */
    STREAM_ON_DRAINED, /* the last output was sent */
    STREAM_ON_LOST,    /* connection_lost() has returned, or never will be called */
    STREAM_EVENTS
};

enum stream_reading { STREAM_READ_IDLE, STREAM_READ_ON, STREAM_READ_PAUSED, STREAM_READ_ENDED };
enum stream_writing { STREAM_WRITE_OPEN, STREAM_WRITE_ENDING, STREAM_WRITE_ENDED };

/** What a stream needs while it is being opened, has something to send, or has failed. */
struct stream_extra {
    struct eddy__stream *stream;
    struct eddy__output output;
    struct eddy__flow flow;
    struct stream_file *file;      /* being sent by the system (stream_file.c), or NULL */
    struct eddy__failure *failure; /* the words for the stream's error */
    bool has_limits;               /* the program has set the marks of `flow` */

    /* Until it is made. */
    bool is_opening;
    int error;                /* for on_made, if it cannot be started */
    struct eddy__ready ready; /* of the start */
    struct eddy__transport_setup setup;
    void (*on_connected)(void *arg, int error);
    void *on_connected_arg;
};

struct eddy__stream {
    struct eddy_transport transport;
    struct stream_extra *extra;    /* NULL: nothing in it is needed */
    struct eddy__names *names;     /* NULL: a pipe has none */
    struct eddy__late_error error; /* for connection_lost() */
    uint8_t life;
    uint8_t dropped_writes; /* see eddy__flow_drop() */
    uint8_t reading : 2;
    uint8_t writing : 2;
    bool is_pipe : 1;             /* see eddy__stream_manner */
    bool is_block : 1;            /* of the loop's store of memory */
    bool sending : 1;             /* the backend owes an on_sent */
    bool channel_closed : 1;      /* it owes nothing any more */
    bool forgotten : 1;           /* while the factory ran: close it once it is made */
    bool is_broken : 1;           /* `error` is the system's, of this connection */
    struct eddy__channel channel; /* last: the backend's part follows */
};

static_assert(sizeof(void *) > 8 || offsetof(struct eddy__stream, channel) <= 80,
              "an idle connection is small: docs/ARCHITECTURE.md says how small");

/** The stream of a transport, and of a channel. */
static inline struct eddy__stream *stream_of(const struct eddy_transport *transport)
{
    return EDDY__OWNER(transport, struct eddy__stream, transport);
}

static inline struct eddy__stream *stream_of_channel(const struct eddy__channel *channel)
{
    return EDDY__OWNER(channel, struct eddy__stream, channel);
}

/** Its extra, made if need be; NULL: EDDY_ENOMEM. */
struct stream_extra *eddy__stream_need_extra(struct eddy__stream *stream);

/** Give the extra back if nothing in it is in use. Cannot fail. */
void eddy__stream_trim(struct eddy__stream *stream);

/** Bytes that are queued. */
static inline size_t stream_queue_size(const struct eddy__stream *stream)
{
    return stream->extra != NULL ? stream->extra->output.size : 0;
}

/** Move the life machine; the row's action runs. */
void eddy__stream_step(struct eddy__stream *stream, enum stream_event event);

/** True from the first close, abort, error or unanswered EOF on (TR-3). */
bool eddy__stream_is_closing(const struct eddy__stream *stream);

/** End the connection with `error`, dropping the output (TR-17, TR-25). Later errors are lost. */
void eddy__stream_fail(struct eddy__stream *stream, int error);

/** The same for an error of the system, whose words will have the peer's name in them. */
void eddy__stream_break(struct eddy__stream *stream, int error);

/** Make the words of the error with which it ends current, and return it; 0: without one. */
int eddy__stream_tell_error(const struct eddy__stream *stream);

/**
 * A stream callback of the protocol failed: end the connection, and report it (TR-26). In this
 * order, so that whatever the exception handler does, connection_lost() tells this error.
 */
void eddy__stream_protocol_failed(struct eddy__stream *stream, const char *callback, int error);

/** The same for the callbacks that get data: some kinds only report it (PIPE-4). */
void eddy__stream_data_failed(struct eddy__stream *stream, const char *callback, int error);

/** Part of a write was sent and there is no memory for the rest: end it, and report (TR-25). */
void eddy__stream_no_memory(struct eddy__stream *stream);

/** Debug mode tells of connections (LOOP-33). */
void eddy__stream_log_made(const struct eddy__stream *stream);

/* Of the kinds' tables: those in stream.c, in stream_read.c, in stream_write.c. */
void eddy__stream_close(struct eddy_transport *transport);
void eddy__stream_abort(struct eddy_transport *transport);
bool eddy__stream_kind_is_closing(const struct eddy_transport *transport);
int eddy__stream_set_protocol(struct eddy_transport *transport, eddy_protocol *protocol);
void eddy__stream_forget(struct eddy_transport *transport);
void eddy__stream_free(struct eddy_transport *transport);

int eddy__stream_pause_reading(struct eddy_transport *transport);
int eddy__stream_resume_reading(struct eddy_transport *transport);
bool eddy__stream_has_ended(const struct eddy_transport *transport);
bool eddy__stream_is_reading(const struct eddy_transport *transport);

int eddy__stream_write(struct eddy_transport *transport, const eddy_buffer *buffers, size_t count);
int eddy__stream_write_piece(struct eddy_transport *transport, const void *data, size_t size);
int eddy__stream_write_head(struct eddy_transport *transport, const void *data, size_t size);
int eddy__stream_write_owned(struct eddy_transport *transport, const void *data, size_t size,
                             eddy_release release, void *arg);
int eddy__stream_write_eof(struct eddy_transport *transport);
bool eddy__stream_can_write_eof(const struct eddy_transport *transport);
size_t eddy__stream_get_write_buffer_size(const struct eddy_transport *transport);
int eddy__stream_set_limits(struct eddy_transport *transport, size_t high, size_t low);
void eddy__stream_get_limits(const struct eddy_transport *transport, size_t *low, size_t *high);

/* Of the channel's events. */
int eddy__stream_get_buffer(struct eddy__channel *channel, struct eddy__span *span);
void eddy__stream_on_received(struct eddy__channel *channel, const void *data, size_t size);
void eddy__stream_on_receive_ended(struct eddy__channel *channel, int error);
size_t eddy__stream_get_spans(struct eddy__channel *channel, struct eddy__span *spans, size_t max);
void eddy__stream_on_sent(struct eddy__channel *channel, int64_t result);
void eddy__stream_on_closed(struct eddy__channel *channel);
void eddy__stream_abandon(struct eddy__channel *channel);

/** Begin to receive, unless the protocol paused or closed already (TR-13). */
void eddy__stream_begin_reading(struct eddy__stream *stream);

/** No data or EOF from now on. */
void eddy__stream_stop_reading(struct eddy__stream *stream);

/* In stream_file.c. */

/** For the kind's table: FILE-3. */
bool eddy__stream_can_send_file(const struct eddy_transport *transport);
int64_t eddy__stream_send_file_now(struct eddy_transport *transport,
                                   const struct eddy__file_range *range);
struct eddy_future *eddy__stream_send_file(struct eddy_transport *transport,
                                           struct eddy__file_range *range);
bool eddy__stream_is_writing_paused(const struct eddy_transport *transport);

/** Of the channel's events. */
const struct eddy__file_range *eddy__stream_get_file(struct eddy__channel *channel);

/** What was queued before the file is sent: its turn, unless it has begun. */
void eddy__stream_file_begin(struct eddy__stream *stream);

/** The system took some of it, or none; as on_sent says. */
void eddy__stream_file_on_sent(struct eddy__stream *stream, int64_t result);

/** The channel is being closed: the file goes no further. Cannot fail. */
void eddy__stream_file_drop(struct eddy__stream *stream);

/** Drop what is queued; what the system may still be reading stays until it has let go. */
void eddy__stream_drop_output(struct eddy__stream *stream);

#endif

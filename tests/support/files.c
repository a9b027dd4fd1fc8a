/* SPDX-License-Identifier: MIT */
#include "support/files.h"
#include "common/loop.h"
#include "support/support.h"
#include "support/sweep.h"
#include <string.h>
#if !defined(_WIN32)
#include "posix/sys.h"
#endif

bool files_are_native(struct fixture *f)
{
    return f->loop->backend->send_file_start != NULL &&
           f->loop->backend->sockets->send_file != NULL;
}

#if defined(EDDY_TEST_HOOKS) && defined(__linux__)

static ssize_t refuse_sendfile(int to, int from, off_t *offset, size_t size)
{
    (void)to, (void)from, (void)offset, (void)size;
    errno = ENOSYS;
    return -1;
}

/* Only this entry of the table is changed: threads of the executor use the others. */
static ssize_t (*real_sendfile)(int to, int from, off_t *offset, size_t size);

bool files_refuse(void)
{
    if (eddy__sys.sendfile != refuse_sendfile)
        real_sendfile = eddy__sys.sendfile;
    eddy__sys.sendfile = refuse_sendfile;
    return true;
}

void files_restore(void)
{
    if (real_sendfile != NULL)
        eddy__sys.sendfile = real_sendfile;
}

#else

bool files_refuse(void)
{
    return false;
}

void files_restore(void)
{
}

#endif

void files_both_ways(struct fixture *f, void (*body)(struct fixture *f))
{
    body(f);
    if (!files_are_native(f) || !files_refuse())
        return;
    body(f);
    files_restore();
}

void files_begin(struct fixture *f, struct files *s, size_t size)
{
    memset(s, 0, sizeof *s);
    s->f = f;
    need_whole_test();
    recorder_reset(); /* of what the way before has left */
    witness_init(&s->w, NULL);
    connect_peer(f, &s->w, &s->peer);
    assert_recorded("made");
    s->file = scratch_open("file", size);
}

void files_end(struct files *s)
{
    scratch_close(s->file);
    files_restore();
    if (s->w.transport != NULL) {
        eddy_transport_abort(s->w.transport);
        run_iterations(s->f->loop, 2);
    }
}

eddy_future *files_send(struct files *s, int64_t offset, int64_t count)
{
    return eddy_loop_sendfile(s->f->loop, s->w.transport, s->file, offset, count, NULL);
}

eddy_future *files_send_behind(struct files *s, const char *head, int64_t offset)
{
    eddy_sendfile_options options = {.head = {head, strlen(head)}};

    return eddy_loop_sendfile(s->f->loop, s->w.transport, s->file, offset, 0, &options);
}

void files_expect(struct peer *peer, size_t offset, size_t count)
{
    char buffer[65536];
    eddy_time end = 0;
    size_t have = 0;
    int idle = 0;

    while (have < count) {
        size_t room = count - have < sizeof buffer ? count - have : sizeof buffer;
        int64_t received = peer_receive(peer, buffer, room);

        if (received == EDDY_EAGAIN && fixture_wait_goes_on(eddy_loop_time(peer->f->loop), &end)) {
            run_for(peer->f->loop, EDDY_MILLISECONDS(idle++ < 10 ? 0 : 1));
            continue;
        }
        idle = 0;
        end = 0;
        if (received <= 0)
            fail_msg("%lu of %lu bytes came, then %lld", (unsigned long)have, (unsigned long)count,
                     (long long)received);
        if (!peer_is_filling(buffer, (size_t)received, offset + have))
            fail_msg("wrong bytes behind byte %lu", (unsigned long)(offset + have));
        have += (size_t)received;
    }
}

void files_assert_sent(struct fixture *f, eddy_future *future, int64_t count)
{
    eddy_value value = {.integer = -1};

    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_int_equal(value.integer, count);
}

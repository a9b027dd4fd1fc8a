/* SPDX-License-Identifier: MIT */
#include <eddy/descriptor.h>
#include "common/due.h"
#include "common/error.h"
#include "common/place.h"
#include "common/watcher.h"

static int reader_add(struct eddy_loop *loop, eddy_socket fd, unsigned event,
                      eddy_callback callback, void *arg, void *caller)
{
    uint32_t slot = 0;
    int error = eddy__watcher_check(loop, fd);

    if (error == 0)
        error = eddy__slot_hold(loop, callback, arg, caller, &slot);
    if (error)
        return error;
    error = eddy__watcher_set_slot(loop, fd, event, slot);
    if (error)
        eddy__slot_drop(loop, slot);
    return error;
}

static int reader_remove(struct eddy_loop *loop, eddy_socket fd, unsigned event)
{
    int error;

    if (loop != NULL && eddy_loop_is_closed(loop))
        return 0;
    error = eddy__watcher_check(loop, fd);
    return error ? error : eddy__watcher_drop_slot(loop, fd, event);
}

int eddy_loop_add_reader(eddy_loop *loop, eddy_socket fd, eddy_callback callback, void *arg)
{
    return reader_add(loop, fd, EDDY__READABLE, callback, arg, EDDY__CALLER());
}

int eddy_loop_remove_reader(eddy_loop *loop, eddy_socket fd)
{
    return reader_remove(loop, fd, EDDY__READABLE);
}

int eddy_loop_add_writer(eddy_loop *loop, eddy_socket fd, eddy_callback callback, void *arg)
{
    return reader_add(loop, fd, EDDY__WRITABLE, callback, arg, EDDY__CALLER());
}

int eddy_loop_remove_writer(eddy_loop *loop, eddy_socket fd)
{
    return reader_remove(loop, fd, EDDY__WRITABLE);
}

/* SPDX-License-Identifier: MIT */
/* Waiting for a server: wait_closed() and serve_forever(). */
#include "common/future.h"
#include "common/server.h"
#include <string.h>

struct server_wait {
    struct eddy_future future;
    struct eddy__list node;     /**< in the server's list, which holds a reference */
    struct eddy_server *server; /**< a reference, until the future goes */
    bool is_forever;
    bool cancelled; /**< serve_forever() was: it ends so when the server has come to rest */
    char *message;  /**< of that cancel; may be NULL */
};

static void wait_leave(struct server_wait *wait)
{
    if (wait->is_forever)
        wait->server->has_forever = false;
    eddy__list_remove(&wait->node);
    eddy_future_unref(&wait->future);
}

static void wait_end(struct server_wait *wait)
{
    if (wait->cancelled)
        eddy__future_finish_cancelled(&wait->future, wait->message);
    else
        eddy__future_finish(&wait->future, (eddy_value){0});
    wait_leave(wait);
}

/**
 * SRV-5: serve_forever() closes the server and its clients, and ends when they are gone. A second
 * cancel ends it right away: a peer that never reads must not hold it for ever.
 */
static bool wait_cancel(struct eddy_future *future, const char *message)
{
    struct server_wait *wait = (struct server_wait *)future;
    struct eddy_server *server = wait->server;

    if (!wait->is_forever || wait->cancelled) {
        eddy__future_finish_cancelled(future, message);
        wait_leave(wait);
        return true;
    }
    wait->cancelled = true;
    wait->message = message != NULL ? eddy__copy_text(message, strlen(message)) : NULL;
    eddy_server_close_clients(server);
    /* Maybe the end of all that: this tells the waiters, the future among them. */
    eddy_server_close(server);
    return true;
}

static void wait_fini(struct eddy_future *future)
{
    struct server_wait *wait = (struct server_wait *)future;

    eddy__free(wait->message);
    eddy_server_unref(wait->server);
}

static const struct eddy__future_kind wait_kind = {
    .name = "waiting for a server",
    .cancel = wait_cancel,
    .fini = wait_fini,
};

void eddy__server_tell_waiters(struct eddy_server *server)
{
    while (!eddy__list_is_empty(&server->waiters))
        wait_end(EDDY__OWNER(server->waiters.next, struct server_wait, node));
}

void eddy__server_drop_waiters(struct eddy_server *server)
{
    while (!eddy__list_is_empty(&server->waiters))
        wait_leave(EDDY__OWNER(server->waiters.next, struct server_wait, node));
}

/** A pending future in the server's list; NULL: EDDY_ENOMEM. */
static struct server_wait *wait_new(struct eddy_server *server)
{
    struct eddy_future *future =
        eddy__future_new(server->loop, sizeof(struct server_wait), &wait_kind);
    struct server_wait *wait = (struct server_wait *)future;

    if (future == NULL)
        return NULL;
    wait->server = eddy_server_ref(server);
    eddy__list_append(&server->waiters, &wait->node);
    return wait;
}

eddy_future *eddy_server_wait_closed(eddy_server *server)
{
    struct server_wait *wait = wait_new(server);
    struct eddy_future *future;

    if (wait == NULL)
        return eddy__future_failed(server->loop, EDDY_ENOMEM);
    future = eddy_future_ref(&wait->future);
    if (server->state == EDDY__SERVER_CLOSED && server->connections == 0)
        wait_end(wait);
    return future;
}

eddy_future *eddy_server_serve_forever(eddy_server *server)
{
    struct server_wait *wait;
    int error;

    if (server->has_forever) {
        error = eddy_error(EDDY_EBADSTATE, "serve_forever() is under way already");
        return eddy__future_failed(server->loop, error);
    }
    wait = wait_new(server);
    if (wait == NULL)
        return eddy__future_failed(server->loop, EDDY_ENOMEM);
    error = eddy__server_serve(server);
    if (error) {
        wait_leave(wait);
        return eddy__future_failed(server->loop, error);
    }
    wait->is_forever = true;
    server->has_forever = true;
    return eddy_future_ref(&wait->future);
}

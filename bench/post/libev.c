/* SPDX-License-Identifier: MIT */
/* libev merges calls of ev_async_send(): what is posted lies in a list under a lock. */
#include "post.h"
#include <ev.h>

struct node {
    struct node *next;
    struct poster *poster;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct node *first, **last = &first;
static struct ev_loop *loop;
static ev_async async;

static void on_async(struct ev_loop *of, ev_async *watcher, int events)
{
    struct node *node, *next;

    (void)of;
    (void)watcher;
    (void)events;
    pthread_mutex_lock(&lock);
    node = first;
    first = NULL;
    last = &first;
    pthread_mutex_unlock(&lock);
    for (; node != NULL; node = next) {
        next = node->next;
        post_called(node->poster);
        free(node);
    }
}

static void init(void)
{
    loop = ev_default_loop(0);
    ev_async_init(&async, on_async);
    ev_async_start(loop, &async);
}

static void post(struct poster *poster, unsigned i)
{
    struct node *node = malloc(sizeof *node);

    (void)i;
    micro_need(node == NULL, "memory");
    node->next = NULL;
    node->poster = poster;
    pthread_mutex_lock(&lock);
    *last = node;
    last = &node->next;
    pthread_mutex_unlock(&lock);
    ev_async_send(loop, &async);
}

static void run(void)
{
    ev_run(loop, 0);
}

static void stop(void)
{
    ev_break(loop, EVBREAK_ALL);
}

int main(int argc, char **argv)
{
    static const struct post_script script = {init, post, run, stop};

    return post_main(argc, argv, &script);
}

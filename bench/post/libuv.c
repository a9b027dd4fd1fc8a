/* SPDX-License-Identifier: MIT */
/* libuv merges calls of uv_async_send(): what is posted lies in a list under a lock. */
#include "post.h"
#include <uv.h>

struct node {
    struct node *next;
    struct poster *poster;
};

static uv_mutex_t lock;
static struct node *first, **last = &first;
static uv_async_t async;

static void on_async(uv_async_t *handle)
{
    struct node *node, *next;

    (void)handle;
    uv_mutex_lock(&lock);
    node = first;
    first = NULL;
    last = &first;
    uv_mutex_unlock(&lock);
    for (; node != NULL; node = next) {
        next = node->next;
        post_called(node->poster);
        free(node);
    }
}

static void init(void)
{
    uv_mutex_init(&lock);
    uv_async_init(uv_default_loop(), &async, on_async);
}

static void post(struct poster *poster, unsigned i)
{
    struct node *node = malloc(sizeof *node);

    (void)i;
    micro_need(node == NULL, "memory");
    node->next = NULL;
    node->poster = poster;
    uv_mutex_lock(&lock);
    *last = node;
    last = &node->next;
    uv_mutex_unlock(&lock);
    uv_async_send(&async);
}

static void run(void)
{
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static void stop(void)
{
    uv_stop(uv_default_loop());
}

int main(int argc, char **argv)
{
    static const struct post_script script = {init, post, run, stop};

    return post_main(argc, argv, &script);
}

/* SPDX-License-Identifier: MIT */
#include "support/linger.h"

#if !defined(_WIN32)

#include "common/loop.h"
#include "support/oom.h"
#include "support/sock.h"
#include <unistd.h>

void linger_need(struct fixture *f)
{
    if (f->sim != NULL)
        skip(); /* its sockets are closed by its own calls only */
    need_whole_test();
    need_working_calls();
}

void linger_tick(struct fixture *f)
{
    struct eddy__ready *ready = &f->loop->lingering.tick.ready;

    ready->run(ready);
}

size_t linger_count(struct fixture *f)
{
    size_t count = 0;

    for (struct eddy__list *node = f->loop->lingering.list.next; node != &f->loop->lingering.list;
         node = node->next)
        count++;
    return count;
}

void linger_receive(struct fixture *f, eddy_socket socket, const char *text)
{
    eddy_future *future = eddy_loop_sock_recv(f->loop, socket, 100);

    run_iterations(f->loop, 2);
    assert_true(eddy_future_done(future));
    sock_expect_bytes(f, future, text);
}

void linger_exchange(struct fixture *f, const eddy_socket sockets[2])
{
    eddy_future *future = eddy_loop_sock_recv(f->loop, sockets[0], 100);

    assert_false(eddy_future_done(future));
    run_iterations(f->loop, 1);
    sock_send_text(sockets[1], "message");
    sock_expect_bytes(f, future, "message");
}

void linger_make_busy(struct fixture *f, const eddy_socket sockets[2])
{
    for (int i = 0; i < 4; i++)
        linger_exchange(f, sockets);
    assert_int_equal(linger_count(f), 1);
}

void linger_busy_pair(struct fixture *f, eddy_socket sockets[2])
{
    sock_pair(f, sockets);
    linger_make_busy(f, sockets);
}

void linger_replace(eddy_socket socket, eddy_socket by)
{
    assert_int_equal(dup2((int)by, (int)socket), (int)socket);
}

#endif

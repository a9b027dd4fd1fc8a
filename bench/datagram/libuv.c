/* SPDX-License-Identifier: MIT */
/* libuv: a handle that receives by recvmmsg(), answers by uv_udp_try_send(). */
#include "echo/job.h"
#include <uv.h>

enum { BATCH = 16, DATAGRAM = 64 * 1024 };

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char memory[BATCH * DATAGRAM];

    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(memory, sizeof memory);
}

static void on_received(uv_udp_t *udp, ssize_t n, const uv_buf_t *buffer,
                        const struct sockaddr *from, unsigned flags)
{
    uv_buf_t answer = uv_buf_init(buffer->base, (unsigned)(n > 0 ? n : 0));

    (void)flags;
    if (from != NULL)
        job_need(uv_udp_try_send(udp, &answer, 1, from) < 0, "uv_udp_try_send");
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    uv_udp_t udp;

    job_need(uv_udp_init_ex(uv_default_loop(), &udp, AF_UNSPEC | UV_UDP_RECVMMSG), "uv_udp_init");
    job_need(uv_udp_open(&udp, job.fd), "uv_udp_open");
    job_need(uv_udp_recv_start(&udp, on_alloc, on_received), "uv_udp_recv_start");
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

/* SPDX-License-Identifier: MIT */
/* Asio: a receive and a send in turn. */
#define ASIO_NO_DEPRECATED 1
#include "echo/job.h"
#include <asio.hpp>

using asio::ip::udp;

static char buffer[64 * 1024];
static udp::endpoint from;

static void receive(udp::socket &socket)
{
    socket.async_receive_from(asio::buffer(buffer), from, [&socket](std::error_code, size_t size) {
        socket.async_send_to(asio::buffer(buffer, size), from,
                             [&socket](std::error_code, size_t) { receive(socket); });
    });
}

int main(int argc, char **argv)
{
    job job = job_read(argc, argv);
    asio::io_context context(1);
    udp::socket socket(context);

    socket.assign(udp::v4(), job.fd);
    receive(socket);
    context.run();
    return 0;
}

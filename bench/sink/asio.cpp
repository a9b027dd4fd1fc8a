/* SPDX-License-Identifier: MIT */
/* Asio with completion handlers, one thread. */
#define ASIO_NO_DEPRECATED 1
#include "echo/job.h"
#include <asio.hpp>
#include <memory>

using asio::ip::tcp;

static char buffer[256 * 1024];

static void receive(std::shared_ptr<tcp::socket> socket)
{
    socket->async_read_some(asio::buffer(buffer), [socket](std::error_code error, size_t) {
        if (!error)
            receive(socket);
    });
}

static void accept(tcp::acceptor &listener)
{
    listener.async_accept([&listener](std::error_code error, tcp::socket socket) {
        if (!error)
            receive(std::make_shared<tcp::socket>(std::move(socket)));
        accept(listener);
    });
}

int main(int argc, char **argv)
{
    job job = job_read(argc, argv);
    asio::io_context context(1);
    tcp::acceptor listener(context);

    listener.assign(tcp::v4(), job.fd);
    accept(listener);
    context.run();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Asio with completion handlers, one thread. */
#define ASIO_NO_DEPRECATED 1
#include "job.h"
#include <array>
#include <asio.hpp>
#include <memory>

using protocol = asio::generic::stream_protocol;

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(protocol::socket socket) : socket_(std::move(socket))
    {
    }

    void receive()
    {
        auto self = shared_from_this();
        socket_.async_read_some(asio::buffer(data_), [self](std::error_code error, size_t size) {
            if (!error)
                self->send(size);
        });
    }

private:
    void send(size_t size)
    {
        auto self = shared_from_this();
        asio::async_write(socket_, asio::buffer(data_, size),
                          [self](std::error_code error, size_t) {
                              if (!error)
                                  self->receive();
                          });
    }

    protocol::socket socket_;
    std::array<char, 16 * 1024> data_;
};

template <typename acceptor> void accept(acceptor &listener)
{
    listener.async_accept([&listener](std::error_code error, auto socket) {
        if (!error)
            std::make_shared<session>(protocol::socket(std::move(socket)))->receive();
        accept(listener);
    });
}

int main(int argc, char **argv)
{
    job job = job_read(argc, argv);
    asio::io_context context(1);
    asio::ip::tcp::acceptor tcp(context);
    asio::local::stream_protocol::acceptor local(context);

    if (job.is_unix) {
        local.assign(asio::local::stream_protocol(), job.fd);
        accept(local);
    } else {
        tcp.assign(asio::ip::tcp::v4(), job.fd);
        accept(tcp);
    }
    context.run();
    return 0;
}

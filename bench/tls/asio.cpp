/* SPDX-License-Identifier: MIT */
/* Asio with completion handlers, one thread. */
#define ASIO_NO_DEPRECATED 1
#include "certificate.h"
#include <array>
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <memory>

using asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
public:
    session(tcp::socket socket, asio::ssl::context &context)
        : stream_(std::move(socket), context)
    {
    }

    void start()
    {
        auto self = shared_from_this();
        stream_.async_handshake(asio::ssl::stream_base::server, [self](std::error_code error) {
            if (!error)
                self->receive();
        });
    }

private:
    void receive()
    {
        auto self = shared_from_this();
        stream_.async_read_some(asio::buffer(data_), [self](std::error_code error, size_t size) {
            if (!error)
                self->send(size);
        });
    }

    void send(size_t size)
    {
        auto self = shared_from_this();
        asio::async_write(stream_, asio::buffer(data_, size),
                          [self](std::error_code error, size_t) {
                              if (!error)
                                  self->receive();
                          });
    }

    asio::ssl::stream<tcp::socket> stream_;
    std::array<char, 16 * 1024> data_;
};

static void accept(tcp::acceptor &listener, asio::ssl::context &context)
{
    listener.async_accept([&](std::error_code error, tcp::socket socket) {
        if (!error)
            std::make_shared<session>(std::move(socket), context)->start();
        accept(listener, context);
    });
}

int main(int argc, char **argv)
{
    job job = job_read(argc, argv);
    asio::io_context io(1);
    asio::ssl::context context(asio::ssl::context::tls_server);
    tcp::acceptor listener(io);

    context.use_certificate_chain_file(certificate_file());
    context.use_private_key_file(certificate_file(), asio::ssl::context::pem);
    listener.assign(tcp::v4(), job.fd);
    accept(listener, context);
    io.run();
    return 0;
}

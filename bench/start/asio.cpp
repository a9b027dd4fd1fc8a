/* SPDX-License-Identifier: MIT */
#define ASIO_NO_DEPRECATED 1
#include "micro/micro.h"
#include <asio.hpp>

int main(int argc, char **argv)
{
    micro micro = micro_read(argc, argv);

    micro_begin();
    for (uint64_t i = 0; i < micro.n; i++) {
        asio::io_context context(1);
        asio::steady_timer timer(context); /* without one there is no epoll descriptor */
        asio::post(context, [] {});
        context.run();
    }
    micro_end(micro.n);
    return 0;
}

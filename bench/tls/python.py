# SPDX-License-Identifier: MIT
"""asyncio, or uvloop, over TLS by a protocol: python.py asyncio|uvloop tcp FD"""
import asyncio
import os
import socket
import ssl
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def serve(fd):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.environ["EDDY_BENCH_CERTIFICATE"])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, sock=socket.socket(fileno=fd), backlog=4096,
                                      ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(int(sys.argv[3])))

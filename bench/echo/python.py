# SPDX-License-Identifier: MIT
"""asyncio, or uvloop, by a protocol: python.py asyncio|uvloop tcp|unix FD"""
import asyncio
import socket
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def serve(kind, fd):
    loop = asyncio.get_running_loop()
    sock = socket.socket(fileno=fd)
    create = loop.create_unix_server if kind == "unix" else loop.create_server
    server = await create(Echo, sock=sock, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(sys.argv[2], int(sys.argv[3])))

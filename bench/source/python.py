# SPDX-License-Identifier: MIT
"""Sends the same piece again and again: python.py asyncio|uvloop tcp FD"""
import asyncio
import socket
import sys

PIECE = bytes(256 * 1024)


class Source(asyncio.Protocol):
    paused = False

    def connection_made(self, transport):
        self.transport = transport
        self.write()

    def write(self):
        while not self.paused and not self.transport.is_closing():
            self.transport.write(PIECE)

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        self.write()


async def serve(fd):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Source, sock=socket.socket(fileno=fd))
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(int(sys.argv[3])))

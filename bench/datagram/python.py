# SPDX-License-Identifier: MIT
"""Datagrams by asyncio or uvloop: python.py asyncio|uvloop udp FD"""
import asyncio
import socket
import sys


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def serve(fd):
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Echo, sock=socket.socket(fileno=fd))
    await loop.create_future()


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(int(sys.argv[3])))

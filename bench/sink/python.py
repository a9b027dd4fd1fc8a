# SPDX-License-Identifier: MIT
"""Takes what comes and forgets it: python.py asyncio|uvloop tcp FD"""
import asyncio
import socket
import sys


async def serve(fd):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, sock=socket.socket(fileno=fd))
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(int(sys.argv[3])))

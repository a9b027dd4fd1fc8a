# SPDX-License-Identifier: MIT
"""Sends a file of 16 MiB again and again: python.py asyncio|uvloop tcp FD"""
import asyncio
import os
import socket
import sys


async def send_for_ever(sock, file):
    loop = asyncio.get_running_loop()
    try:
        while True:
            file.seek(0)
            await loop.sock_sendfile(sock, file, fallback=False)
    except OSError:
        sock.close()


async def serve(fd):
    loop = asyncio.get_running_loop()
    listener = socket.socket(fileno=fd)
    listener.setblocking(False)
    file = os.fdopen(os.memfd_create("bench"), "w+b")
    file.write(bytes(16 << 20))
    file.flush()
    tasks = set()
    while True:
        sock, _ = await loop.sock_accept(listener)
        task = asyncio.create_task(send_for_ever(sock, file))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(int(sys.argv[3])))

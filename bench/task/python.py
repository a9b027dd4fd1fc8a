# SPDX-License-Identifier: MIT
"""Tasks and futures of asyncio, on its own loop or on uvloop's."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "micro"))
import micro  # noqa: E402


async def run_await(count):
    loop = asyncio.get_running_loop()
    turns = [None, None]
    left = count

    async def hop(own):
        nonlocal left
        while left > 0:
            left -= 1
            turns[own] = loop.create_future()
            other, turns[1 - own] = turns[1 - own], None
            if other is not None:
                other.set_result(None)
            await turns[own]
        if turns[1 - own] is not None:
            turns[1 - own].set_result(None)
            turns[1 - own] = None

    await asyncio.gather(hop(0), hop(1))


async def run_create(count):
    async def end_at_once():
        pass

    for _ in range(count):
        await asyncio.create_task(end_at_once())


async def run_done(count):
    loop = asyncio.get_running_loop()
    for _ in range(count):
        future = loop.create_future()
        future.set_result(None)
        await future


async def run_callback(count):
    loop = asyncio.get_running_loop()
    end = loop.create_future()
    left = count

    def on_done(_):
        nonlocal left
        left -= 1
        if left <= 0:
            end.set_result(None)
            return
        future = loop.create_future()
        future.add_done_callback(on_done)
        future.set_result(None)

    first = loop.create_future()
    first.add_done_callback(on_done)
    first.set_result(None)
    await end


micro.main({"task-await": run_await, "task-create": run_create, "future-await": run_done,
            "future-callback": run_callback})

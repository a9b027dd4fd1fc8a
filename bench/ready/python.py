# SPDX-License-Identifier: MIT
"""call_soon() of asyncio's loop or uvloop's."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "micro"))
import micro  # noqa: E402


def batches_of(batch):
    async def run(count):
        loop = asyncio.get_running_loop()
        end = loop.create_future()
        left = count + batch

        def on_call():
            pass

        def on_last():
            nonlocal left
            left -= min(left, batch)
            if left == 0:
                end.set_result(None)
                return
            for _ in range(batch - 1):
                loop.call_soon(on_call)
            loop.call_soon(on_last)

        on_last()
        await end

    return run


micro.main({"ready-1000": batches_of(1000), "ready-1": batches_of(1)})

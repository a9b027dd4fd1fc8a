# SPDX-License-Identifier: MIT
"""Children of asyncio's loop or uvloop's."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "micro"))
import micro  # noqa: E402


async def run(count):
    for _ in range(count):
        child = await asyncio.create_subprocess_exec("/bin/true")
        assert await child.wait() == 0


held = None
if sys.argv[2] == "spawn-big":
    held = bytearray(b"\1") * (512 << 20)
micro.main({"spawn": run, "spawn-big": run})

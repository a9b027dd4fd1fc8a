# SPDX-License-Identifier: MIT
"""What the Python programs share that measure themselves: python.py asyncio|uvloop CASE N"""
import json
import resource
import sys
import time


def cpu_ns():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + int((children.ru_utime + children.ru_stime) * 1e9)


async def measure(run, count):
    """Run `run(count)` after a tenth of it, and print what it cost."""
    await run(max(1, count // 10))
    wall, cpu = time.monotonic_ns(), cpu_ns()
    await run(count)
    print(json.dumps({"operations": count, "cpu_ns": cpu_ns() - cpu,
                      "wall_ns": time.monotonic_ns() - wall}))


def main(cases):
    """Run the case that the command line names, on the loop that it names."""
    import asyncio

    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    if sys.argv[2] not in cases:
        sys.exit(77)
    asyncio.run(measure(cases[sys.argv[2]], int(sys.argv[3])))

# SPDX-License-Identifier: MIT
"""What is compared: the cases, the contenders of each, and the marks that eddy is held to."""
from dataclasses import dataclass, field

# Names as they stand in tables; the order is that of the rows.
CONTENDERS = {
    "floor": "floor",
    "eddy_callback": "eddy, callbacks",
    "eddy_future": "eddy, futures",
    "eddy_task": "eddy, tasks",
    "eddy": "eddy",
    "libuv": "libuv",
    "libuv_tuned": "libuv, tuned",
    "libevent": "libevent",
    "libevent_tuned": "libevent, tuned",
    "libev": "libev",
    "asio": "Asio",
    "uvloop": "uvloop",
    "asyncio": "asyncio",
}
PYTHON = ("uvloop", "asyncio")

STREAM = ("floor", "eddy_callback", "eddy_future", "eddy_task", "libuv", "libuv_tuned", "libevent",
          "libevent_tuned", "libev", "asio", "uvloop", "asyncio")

# Processor time against the floor in the same round.
ECHO_MARKS = {"eddy_callback": 1.05, "eddy_task": 1.10}


@dataclass(frozen=True)
class Case:
    """A server under load (job is the generator's), or a program that measures itself (micro)."""

    name: str
    title: str
    folder: str
    job: str = ""
    socket: str = "tcp"
    options: dict = field(default_factory=dict)
    contenders: tuple = STREAM
    unit: str = "message"
    count: int = 0  # operations of a run for counts; another one does twice as many
    exact: int = 0  # the same under callgrind
    marks: dict = field(default_factory=dict)
    figure: str = "cpu"  # what the ratio is made of: cpu or wall
    quick: bool = True


CASES = [
    Case("tcp-1", "TCP echo, 1 connection, 64 B", "echo", "echo",
         options={"connections": 1}, count=4000, exact=2000, marks=ECHO_MARKS),
    Case("tcp-64", "TCP echo, 64 connections, 64 B", "echo", "echo",
         options={"connections": 64}, count=10000, exact=4000, marks=ECHO_MARKS),
    Case("tcp-1000", "TCP echo, 1,000 connections, 64 B", "echo", "echo",
         options={"connections": 1000}, count=10000, exact=4000, marks=ECHO_MARKS),
    Case("tcp-16k", "TCP echo, 64 connections, 16 KiB", "echo", "echo",
         options={"connections": 64, "size": 16384}, count=4000, exact=2000, marks=ECHO_MARKS),
    Case("tcp-deep", "TCP echo, 64 connections, 64 B, 16 deep", "echo", "echo",
         options={"connections": 64, "depth": 16}, count=50000, exact=20000, marks=ECHO_MARKS),
]


def find_cases(wanted):
    """The cases of these names, or whose name begins so; all without names."""
    if not wanted:
        return list(CASES)
    found = [case for case in CASES
             if any(case.name == name or case.name.startswith(name + "-") for name in wanted)]
    for name in wanted:
        if not any(case.name == name or case.name.startswith(name + "-") for case in CASES):
            raise SystemExit(f"no case is named {name}; see --list")
    return found

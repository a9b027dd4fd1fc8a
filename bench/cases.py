# SPDX-License-Identifier: MIT
"""What is compared: the cases, the contenders of each, and the marks that eddy is held to."""
from dataclasses import dataclass, field, replace

# Names as they stand in tables; the order is that of the rows.
CONTENDERS = {
    "floor": "floor",
    "eddy_callback": "eddy, callbacks",
    "eddy_future": "eddy, futures",
    "eddy_task": "eddy, tasks",
    "eddy": "eddy",
    "eddy_inside": "eddy, inside",
    "eddy_gathered": "eddy, gathered",
    "eddy_example": "eddy, examples/file_server",
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

PEERS = ("floor", "eddy", "libuv", "libevent", "libev", "asio")
READY = (*PEERS, "uvloop", "asyncio")
TASKS = ("floor", "eddy", "uvloop", "asyncio")
SPAWN = ("floor", "eddy", "libuv", "uvloop", "asyncio")

TLS = ("floor", "eddy", "libevent", "asio", "uvloop", "asyncio")
DATAGRAM = ("floor", "eddy", "eddy_gathered", "eddy_future", "eddy_task", "libuv", "libevent",
            "libev", "asio", "uvloop", "asyncio")

HTTP = ("floor", "eddy", "eddy_example", "libuv", "libevent")

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
    limits: dict = field(default_factory=dict)  # marks that are nanoseconds, not ratios
    bytes_max: dict = field(default_factory=dict)  # marks that are bytes by malloc
    figure: str = "cpu"  # what the ratio is made of: cpu or wall


def micro(name, title, folder, n, contenders, python=0, threads=False, unit="callback", marks=None,
          limits=None):
    """A case of a program that measures itself; n operations a run, fewer in Python."""
    options = {"case": name, "n": n, **({"python": python} if python else {}),
               **({"threads": True} if threads else {})}
    few = folder == "spawn"
    return Case(name, title, folder, options=options, contenders=contenders, unit=unit,
                count=20 if few else n // 10, exact=10 if few else min(n // 10, 100000),
                marks=marks or {}, limits=limits or {})


def timers(size, n):
    """The four things that are done with timers, n of them."""
    words = {"100k": "100,000", "1m": "1,000,000"}[size]
    marks = {"add": 0.5, "cancel": 0.5, "rearm": 0.75, "fire": 1.0} if size == "1m" else {}
    titles = {"add": "Setting", "cancel": "Cancelling", "rearm": "Setting anew", "fire": "Firing"}
    for verb, title in titles.items():
        case = micro(f"timer-{verb}-{size}", f"{title} {words} timers", "timers", n, PEERS,
                     unit="timer", marks={"eddy": marks[verb]} if verb in marks else {})
        # The size of the heap is the case: it stays for counts, too.
        yield replace(case, count=n, exact=n)


CASES = [
    Case("tcp-1", "TCP echo, 1 connection, 64 B", "echo", "echo",
         options={"connections": 1}, count=1000, exact=1000, marks=ECHO_MARKS),
    Case("tcp-64", "TCP echo, 64 connections, 64 B", "echo", "echo",
         options={"connections": 64}, count=10000, exact=4000, marks=ECHO_MARKS),
    Case("tcp-1000", "TCP echo, 1,000 connections, 64 B", "echo", "echo",
         options={"connections": 1000}, count=10000, exact=4000, marks=ECHO_MARKS),
    Case("tcp-16k", "TCP echo, 64 connections, 16 KiB", "echo", "echo",
         options={"connections": 64, "size": 16384}, count=1000, exact=1000, marks=ECHO_MARKS),
    Case("tcp-deep", "TCP echo, 64 connections, 64 B, 16 deep", "echo", "echo",
         options={"connections": 64, "depth": 16}, count=50000, exact=20000, marks=ECHO_MARKS),
    Case("unix-1", "Unix echo, 1 connection, 64 B", "echo", "echo", "unix",
         options={"connections": 1}, count=1000, exact=1000, marks=ECHO_MARKS),
    Case("unix-64", "Unix echo, 64 connections, 64 B", "echo", "echo", "unix",
         options={"connections": 64}, count=10000, exact=4000, marks=ECHO_MARKS),
    Case("churn", "Connect, echo 64 B, close; 32 at once", "echo", "churn",
         options={"connections": 32}, unit="connection", count=3000, exact=1000,
         marks={"eddy_callback": 1.05}),
    Case("sink", "One big stream to the server", "sink", "sink",
         options={"size": 262144}, unit="MiB", count=300, exact=100,
         contenders=("floor", "eddy", "eddy_future", "eddy_task", "libuv_tuned", "libevent", "asio",
                     "uvloop", "asyncio"),
         marks={"eddy": 1.05}),
    Case("source", "One big stream from the server", "source", "source", unit="MiB", count=300,
         exact=100, contenders=("floor", "eddy", "eddy_future", "eddy_task", "libuv", "libevent",
                                "asio", "uvloop", "asyncio"),
         marks={"eddy": 1.05}),
    Case("sendfile", "A file of 16 MiB, again and again", "file", "source", unit="MiB", count=300,
         exact=100, contenders=("floor", "eddy", "eddy_future", "libevent", "asyncio"),
         marks={"eddy": 1.05}),
    # wrk counts by time: `count` and `exact` are seconds.
    Case("http-small", "HTTP file server under wrk, 64 connections, 1 KiB", "http", "http",
         options={"connections": 64, "path": "small"}, unit="request", count=1, exact=2,
         contenders=HTTP),
    Case("http-big", "HTTP file server under wrk, 64 connections, 256 KiB", "http", "http",
         options={"connections": 64, "path": "big"}, unit="request", count=1, exact=2,
         contenders=HTTP),
    Case("udp-1", "UDP echo, 1 socket, 64 B", "datagram", "datagram", "udp", unit="datagram",
         count=1000, exact=1000, contenders=DATAGRAM),
    Case("udp-deep", "UDP echo, 1 socket, 64 B, 16 deep", "datagram", "datagram", "udp",
         options={"depth": 16}, unit="datagram", count=16000, exact=8000, contenders=DATAGRAM,
         marks={"eddy_gathered": 1.05, "eddy": 1.05}),
    Case("idle-10000", "TCP echo, 64 connections, 64 B, beside 10,000 idle ones", "echo", "echo",
         options={"connections": 64, "idle": 10000, "warm": 0.5}, count=10000),
    # 200 bytes beside the program's own struct, of which malloc makes 40.
    Case("memory", "Memory of an idle TCP connection", "echo", "idle",
         unit="connection", count=1000, bytes_max={"eddy_callback": 240}),
    Case("memory-ipv6", "Memory of an idle TCP connection over IPv6", "echo", "idle", "tcp6",
         unit="connection", count=1000, bytes_max={"eddy_callback": 240}),
    Case("memory-task", "Memory of a task that waits", "task",
         options={"case": "memory-task", "n": 1000, "memory": True}, contenders=("floor", "eddy"),
         unit="task", count=1000, bytes_max={"eddy": 200}),
    Case("tls-64", "TLS echo, 64 connections, 64 B", "tls", "tls",
         options={"connections": 64, "warm": 0.5},
         count=5000, exact=2000, contenders=TLS, marks={"eddy": 1.05}),
    Case("tls-16k", "TLS echo, 64 connections, 16 KiB", "tls", "tls",
         options={"connections": 64, "size": 16384, "warm": 0.5}, count=2000, exact=1000,
         contenders=TLS, marks={"eddy": 1.05}),
    Case("tls-handshake", "TLS: connect, full handshake, echo 64 B, close; 8 at once", "tls",
         "handshake", options={"connections": 8}, unit="connection", count=200, exact=50,
         contenders=TLS, marks={"eddy": 1.05}),
    Case("tls-resumed", "TLS: the same with a resumed session", "tls", "handshake",
         options={"connections": 8, "resume": 1}, unit="connection", count=400, exact=100,
         contenders=TLS, marks={"eddy": 1.05}),
    Case("memory-tls", "Memory of an idle TLS connection", "tls", "tls-idle", unit="connection",
         count=1000, contenders=TLS, marks={"eddy": 1.05}),
    micro("ready-1000", "Ready callbacks, 1,000 a turn", "ready", 1000000, READY,
          python=100000, marks={"eddy": 1.5}),
    micro("ready-1", "Ready callbacks, one a turn", "ready", 1000000, READY, python=20000),
    *timers("100k", 100000),
    *timers("1m", 1000000),
    micro("post-1", "Posting from one other thread", "post", 400000, PEERS, threads=True,
          unit="post", marks={"eddy": 1.3}),
    micro("post-4", "Posting from four other threads", "post", 400000, PEERS, threads=True,
          unit="post", marks={"eddy": 1.3}),
    micro("post-run", "What posting from another thread costs the loop", "post", 400000, PEERS,
          threads=True, unit="post"),
    micro("task-switch", "Bare switch into a stack and back", "task", 2000000,
          ("floor", "eddy_inside"), unit="switch and back", marks={"eddy_inside": 1.2}),
    micro("task-generator", "Advancing a generator", "task", 1000000, ("eddy",)),
    micro("task-await", "eddy_await() between two tasks, through the ready queue", "task", 500000,
          TASKS, python=50000, unit="hop", limits={"eddy": 60}),
    micro("task-create", "Creating a task that ends at once, and awaiting it", "task", 300000,
          TASKS, python=30000, unit="task"),
    micro("future-await", "Making, setting and awaiting a future", "task", 1000000,
          ("eddy", "uvloop", "asyncio"), python=100000, unit="future"),
    micro("future-callback", "Making and setting a future with a callback", "task", 500000,
          ("eddy", "uvloop", "asyncio"), python=50000, unit="future"),
    micro("start", "Making a loop, running one callback, closing it", "start", 5000, PEERS,
          unit="loop"),
    Case("startup", "A program that makes a loop, runs one callback and ends", "start", "program",
         unit="program", count=1, exact=1, contenders=PEERS),
    Case("size", "How large a small program is, and the library", "start", "size",
         unit="library", count=1, contenders=PEERS),
    micro("spawn", "Starting a child and waiting for its end", "spawn", 200, SPAWN,
          python=50, unit="child", marks={"eddy": 1.1}),
    micro("spawn-big", "The same from a parent of 512 MiB", "spawn", 100, SPAWN, python=30,
          unit="child", marks={"eddy": 1.1}),
]

# The rows of README.md, with one operation as the reader would call it.
SHORT = {
    "tcp-64": "message echoed over TCP, 64 B, 64 clients",
    "tcp-16k": "the same, 16 KiB",
    "tcp-deep": "the same, 64 B, 16 at once",
    "unix-64": "message echoed over a Unix socket",
    "churn": "connection made, used once, closed",
    "udp-deep": "datagram echoed, 16 at once",
    "sendfile": "MiB of a file sent",
    "http-small": "HTTP request, 1 KiB file",
    "tls-64": "message echoed over TLS, 64 B",
    "tls-handshake": "TLS connection, full handshake",
    "ready-1000": "callback run, 1,000 a turn",
    "timer-fire-1m": "timer fired, of 1,000,000",
    "post-1": "call posted from another thread",
    "task-await": "hop between two tasks",
    "spawn": "child started and awaited",
}


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

# SPDX-License-Identifier: MIT
"""Runs one contender once: starts it, puts it under load, and brings back figures.

The server is pinned to one processor and the load generator to another.
"""
import json
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

import program
import web
from cases import PYTHON
from server import SERVER_CPU, Failed, Server, load_cpu, pin

CALLS = ("recvfrom", "recvmsg", "recvmmsg", "read", "readv", "sendto", "sendmsg", "sendmmsg",
         "write", "writev", "sendfile64", "splice", "epoll_wait", "epoll_pwait", "epoll_pwait2",
         "poll", "ppoll", "select", "pselect6", "epoll_ctl", "accept4", "close", "futex",
         "ioctl", "rt_sigprocmask", "clock_gettime",
         "mmap", "munmap", "mprotect", "madvise", "brk", "clone", "clone3", "vfork", "wait4",
         "waitid")
TIME_LIMIT = 180
# Of these jobs the memory is looked at, and nothing else.
IDLE_JOBS = ("idle", "tls-idle")


class Bench:
    """Where the programs lie, and what they are started with."""

    def __init__(self, folder, source, backend=None):
        self.folder = folder
        self.source = source
        self.load = os.path.join(folder, "load")
        self.preload = os.path.join(folder, "count_allocations.so")
        self.environment = dict(os.environ)
        if backend:
            self.environment["EDDY_BACKEND"] = backend
        self.environment["EDDY_BENCH_FOLDER"] = web.make_folder(folder)
        self.perf = self._perf_counts_calls()
        self.calls = CALLS
        self.environment["EDDY_BENCH_CERTIFICATE"] = self._make_certificate()

    def _make_certificate(self):
        """A certificate and its key, for the servers that speak TLS."""
        path = os.path.join(self.folder, "certificate.pem")
        if not os.path.exists(path) and shutil.which("openssl"):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-days", "30",
                 "-keyout", path, "-out", path + ".crt"], capture_output=True, check=True)
            with open(path, "a", encoding="utf-8") as file, \
                    open(path + ".crt", encoding="utf-8") as certificate:
                file.write(certificate.read())
        return path

    @staticmethod
    def _perf_counts_calls():
        """Tracepoints count system calls without slowing the server down."""
        if shutil.which("perf") is None:
            return False
        done = subprocess.run(["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"],
                              capture_output=True, text=True)
        return done.returncode == 0 and "not" not in done.stderr

    def python_for(self, contender):
        for python in (sys.executable, "/usr/bin/python3"):
            code = "import uvloop" if contender == "uvloop" else "import asyncio"
            if os.access(python, os.X_OK) and subprocess.run(
                    [python, "-c", code], capture_output=True).returncode == 0:
                return python
        return None

    def command(self, case, contender):
        """What to start; None if it was not built, for want of its library."""
        if contender in PYTHON:
            python = self.python_for(contender)
            script = os.path.join(self.source, case.folder, "python.py")
            if python is None or not os.path.exists(script):
                return None
            return [python, script, contender]
        if case.job == "http" and not web.is_there():
            return None
        program = os.path.join(self.folder, case.folder, contender)
        return [program] if os.access(program, os.X_OK) else None


def run_load(bench, case, target, prefix=(), **options):
    if case.job == "http":
        return web.run(bench.environment["EDDY_BENCH_FOLDER"], case, target, prefix, **options)
    words = [f"{name}={value}" for name, value in {**case.options, **options}.items()]
    done = subprocess.run([*prefix, bench.load, case.job, target.address, *words],
                          capture_output=True, text=True, timeout=TIME_LIMIT,
                          preexec_fn=pin(load_cpu()))
    if done.returncode != 0:
        raise Failed(f"{done.stderr.strip()} {target.complaint()}".strip())
    return json.loads(done.stdout)


def figures(result):
    """A window of the load generator in microseconds per operation."""
    operations = result["operations"]
    if operations == 0:
        raise Failed("no operation ended within the window")
    return {
        "cpu_us": result["server_cpu"] * 1e6 / operations,
        "user_us": result["server_user"] * 1e6 / operations,
        "busy": result["server_cpu"] / result["seconds"],
        "per_second": operations / result["seconds"],
        "bytes_per_second": result["bytes"] / result["seconds"],
        "p50_us": result["p50_ns"] / 1e3,
        "p99_us": result["p99_ns"] / 1e3,
        "p999_us": result["p999_ns"] / 1e3,
    }


def time_server(bench, case, contender, warm, seconds):
    server = Server(bench, case, bench.command(case, contender))
    try:
        warm = max(warm, case.options.get("warm", 0))
        return figures(run_load(bench, case, server, warm=warm, seconds=seconds,
                                server=server.pid))
    finally:
        server.stop()


class Totals:
    """The file in which count_allocations.so keeps its sums."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="eddy-bench-")
        self.file.truncate(mmap.PAGESIZE)
        self.map = mmap.mmap(self.file.fileno(), mmap.PAGESIZE)

    def environment(self, bench):
        return {**bench.environment, "LD_PRELOAD": bench.preload,
                "EDDY_BENCH_ALLOCATIONS": self.file.name}

    def read(self):
        given, _, in_use = struct.unpack_from("qqq", self.map)
        return given, in_use


def read_perf(path):
    counts = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.strip().split(",")
            if len(fields) > 2 and fields[0].isdigit():
                name = fields[2].replace("syscalls:sys_enter_", "")
                counts["all" if name.startswith("raw_") else name] = int(fields[0])
    return counts


def perf_prefix(path, names, pid=None):
    """Counts all calls, and those of some names: each takes a thirtieth of a second to set up."""
    events = ",".join(["raw_syscalls:sys_enter", *(f"syscalls:sys_enter_{c}" for c in names
                       if os.path.isdir(f"/sys/kernel/tracing/events/syscalls/sys_enter_{c}"))])
    target = ["-p", str(pid)] if pid else []
    return ["perf", "stat", "-x,", "-e", events, "-o", path, *target, "--"]


def read_strace(path):
    """The table of strace -c: the number of calls is the fourth word, the name the last."""
    counts = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) >= 5 and words[0].replace(".", "").isdigit() and words[3].isdigit():
                counts["all" if words[-1] == "total" else words[-1]] = int(words[3])
    return counts


def wait_for_strace(path):
    """The tracer writes its table when the server has ended, on its own time."""
    for _ in range(100):
        counts = read_strace(path)
        if "all" in counts:
            return counts
        time.sleep(0.1)
    raise Failed("strace wrote no table")


def count_once(bench, case, contender, count):
    """System calls and allocations of a server for `count` operations, start included."""
    totals = Totals()
    with tempfile.NamedTemporaryFile(prefix="eddy-bench-") as log:
        environment = totals.environment(bench)
        prefix = ()
        if not bench.perf:
            # With -D the tracer stands aside, and the server is our own child as ever.
            preload = environment.pop("LD_PRELOAD")
            prefix = ("strace", "-D", "-c", "-f", "-o", log.name, "-E", f"LD_PRELOAD={preload}")
        server = Server(bench, case, bench.command(case, contender), prefix, environment)
        try:
            prefix = ()
            if bench.perf:
                # The tracer looks on from now on: the server must have started by then.
                run_load(bench, case, server, count=1, connections=1, idle=0)
                prefix = perf_prefix(log.name, bench.calls, server.pid)
            before, _ = totals.read()
            result = run_load(bench, case, server, prefix=prefix, count=count)
            given = totals.read()[0] - before
        finally:
            server.stop()
        calls = read_perf(log.name) if bench.perf else wait_for_strace(log.name)
    return {"allocations": given, **made(case, result),
            **{f"calls:{name}": n for name, n in calls.items()}}


def made(case, result):
    """What wrk has done in its time; the other loads do as much as they are told."""
    return {"operations": result["operations"]} if case.job == "http" else {}


def slope(once, count):
    """Costs of one operation: those of 2 n less those of n, so that no start-up is in them."""
    first, second = once(count), once(2 * count)
    operations = second.pop("operations", 2 * count) - first.pop("operations", count)
    return {name: (second.get(name, 0) - first.get(name, 0)) / operations
            for name in {*first, *second}}


def tidy_counts(raw):
    """Rounded, and without the calls that hardly occur."""
    counts = {"allocations": round(raw["allocations"], 3),
              "syscalls": round(raw.get("calls:all", 0), 3)}
    counts["calls"] = {name[6:]: round(value, 3) for name, value in sorted(raw.items())
                       if name.startswith("calls:") and name != "calls:all" and value >= 0.005}
    return counts


def memory_of_server(bench, case, contender):
    """Bytes that an idle connection keeps allocated, and pages that it keeps touched."""
    seen = {}
    for count in (case.count, 2 * case.count):
        totals = Totals()
        # A floor that can be either is the smallest here, not the fastest.
        server = Server(bench, case, bench.command(case, contender),
                        environment={**totals.environment(bench), "EDDY_BENCH_LEAN": "1"})
        try:
            load = subprocess.Popen(
                [bench.load, case.job, server.address, f"connections={count}", "stay=2"],
                stdout=subprocess.PIPE, preexec_fn=pin(load_cpu()))
            if load.stdout.readline() != b"idle\n":
                raise Failed(f"no connections: {server.complaint()}")
            time.sleep(1)
            seen[count] = totals.read()[1], resident_bytes(server.pid)
            load.communicate()
        finally:
            server.stop()
    (bytes_1, pages_1), (bytes_2, pages_2) = seen[case.count], seen[2 * case.count]
    return {"bytes": round((bytes_2 - bytes_1) / case.count, 1),
            "resident": round((pages_2 - pages_1) / case.count, 1)}


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE


def count_server(bench, case, contender):
    return tidy_counts(slope(lambda n: count_once(bench, case, contender, n), case.count))


def read_callgrind(path):
    total = 0
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(("summary:", "totals:")):
                total = int(line.split()[1])
    if total == 0:
        raise Failed("callgrind wrote no total")
    return total


def callgrind(path):
    return ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={path}"]


# Callgrind counts a string instruction once for each byte that it moves. With this the C library
# copies by loops, whose instructions are what they seem to be.
COPY_BY_LOOPS = {"GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1000000000"}


def exact_once(bench, case, contender, count):
    with tempfile.TemporaryDirectory(prefix="eddy-bench-") as folder:
        path = os.path.join(folder, "out")
        server = Server(bench, case, bench.command(case, contender), prefix=callgrind(path),
                        environment={**bench.environment, **COPY_BY_LOOPS})
        try:
            result = run_load(bench, case, server, count=count)
        finally:
            server.stop()
        return {"instructions": read_callgrind(path), **made(case, result)}


def exact_server(bench, case, contender):
    """Instructions in user space for one operation, by callgrind."""
    return round(slope(lambda n: exact_once(bench, case, contender, n),
                       case.exact)["instructions"], 1)


#
# Programs that measure themselves
#
def run_micro(bench, case, contender, count, prefix=(), environment=None, pinned=True):
    """One run of `PROGRAM CASE N`; None if the contender has nothing for this case."""
    command = [*prefix, *bench.command(case, contender), case.options["case"], str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT,
                          env=environment or bench.environment,
                          preexec_fn=pin(SERVER_CPU) if pinned else None)
    if done.returncode == 77:
        return None
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[-400:])
    return json.loads(done.stdout)


def time_micro(bench, case, contender):
    count = case.options.get("python", case.options["n"]) if contender in PYTHON \
        else case.options["n"]
    # Threads need the processors that a single one would not.
    result = run_micro(bench, case, contender, count, pinned="threads" not in case.options)
    if result is None:
        return None
    return {"cpu_us": result["cpu_ns"] / 1e3 / result["operations"],
            "wall_us": result["wall_ns"] / 1e3 / result["operations"]}


def count_micro(bench, case, contender):
    if contender in PYTHON:
        return {}
    totals = Totals()
    environment = {**totals.environment(bench), "EDDY_BENCH_COUNT": "1"}
    result = run_micro(bench, case, contender, case.count, environment=environment)
    return {name: round(result[name] / result["operations"], 3)
            for name in ("allocations", "syscalls", "bytes", "resident")
            if result and name in result}


def exact_micro(bench, case, contender):
    with tempfile.TemporaryDirectory(prefix="eddy-bench-") as folder:
        path = os.path.join(folder, "out")
        prefix = [*callgrind(path), "--collect-atstart=no"]
        result = run_micro(bench, case, contender, case.exact, prefix=prefix)
        return round(read_callgrind(path) / result["operations"], 1) if result else None


#
# What a case asks for
#
def time_contender(bench, case, contender, arguments):
    """Figures of one round, or None where a contender has nothing for the case."""
    if case.job == "program":
        return program.take_time(bench, case, contender)
    if case.job:
        return time_server(bench, case, contender, arguments.warm, arguments.seconds)
    return time_micro(bench, case, contender)


def has_times(case):
    """Whether there is more to a case than counts."""
    return case.job not in (*IDLE_JOBS, "size") and not case.options.get("memory")


def sized(case, count, options):
    """The case with so many operations in its runs for counts, and options changed."""
    return replace(case, count=count, exact=count, options={**case.options, **options})


def count_contender(bench, case, contender):
    """System calls and allocations of one operation."""
    if case.job in IDLE_JOBS:
        return memory_of_server(bench, case, contender)
    if case.job == "size":
        return program.sizes(bench, contender)
    if case.job == "program":
        return program.count(bench, case, contender, Totals(), read_strace)
    return count_server(bench, case, contender) if case.job else count_micro(bench, case, contender)


def exact_contender(bench, case, contender):
    """Instructions of one operation."""
    if case.job == "program":
        return program.exact(bench, case, contender, callgrind, read_callgrind)
    return exact_server(bench, case, contender) if case.job else exact_micro(bench, case, contender)

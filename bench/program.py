# SPDX-License-Identifier: MIT
"""Whole programs: what it costs to start one, and how large it is."""
import os
import subprocess
import tempfile
import time

from server import SERVER_CPU, Failed, pin

TIMES = 20


def start(command, environment, prefix=()):
    """Run one to its end; its processor time in seconds."""
    process = subprocess.Popen([*prefix, *command], stdout=subprocess.DEVNULL, env=environment,
                               stderr=subprocess.PIPE, preexec_fn=pin(SERVER_CPU))
    complaint = process.stderr.read().decode(errors="replace").strip()
    _, status, usage = os.wait4(process.pid, 0)
    process.stderr.close()
    process.returncode = status
    if status != 0:
        raise Failed(complaint[-400:] or f"status {status}")
    return usage.ru_utime + usage.ru_stime


def command_of(bench, case, contender):
    """A loop, one callback, the end."""
    return [*bench.command(case, contender), "start", "1"]


def take_time(bench, case, contender):
    command = command_of(bench, case, contender)
    begun = time.monotonic()
    cpu = sum(start(command, bench.environment) for _ in range(TIMES))
    return {"cpu_us": cpu * 1e6 / TIMES, "wall_us": (time.monotonic() - begun) * 1e6 / TIMES}


def count(bench, case, contender, totals, read_strace):
    """System calls and allocations from the first to the last."""
    command = command_of(bench, case, contender)
    start(command, totals.environment(bench))
    with tempfile.NamedTemporaryFile(prefix="eddy-bench-") as log:
        start(command, bench.environment, ["strace", "-c", "-f", "-o", log.name])
        return {"allocations": totals.read()[0], "syscalls": read_strace(log.name).get("all", 0)}


def exact(bench, case, contender, callgrind, read_callgrind):
    """Instructions, the dynamic linker's among them."""
    with tempfile.TemporaryDirectory(prefix="eddy-bench-") as folder:
        path = os.path.join(folder, "out")
        start(command_of(bench, case, contender), bench.environment, callgrind(path))
        return read_callgrind(path)


#
# Sizes
#
def stripped(path):
    with tempfile.NamedTemporaryFile(prefix="eddy-bench-") as copy:
        subprocess.run(["strip", "-o", copy.name, path], capture_output=True, check=True)
        return os.path.getsize(copy.name)


def shared_library(bench, contender):
    """The library that the contender's program has loaded; eddy's is built apart."""
    if contender == "eddy":
        path = os.path.join(bench.folder, "..", "..", "bench-shared", "src", "libeddy.so")
        return path if os.path.exists(path) else None
    listed = subprocess.run(["ldd", os.path.join(bench.folder, "start", contender)],
                            capture_output=True, text=True).stdout
    for line in listed.splitlines():
        words = line.split()
        if len(words) > 2 and words[0].startswith(contender):
            return words[2]
    return None


def sizes(bench, contender):
    """The same small program with the library in it, and the library by itself."""
    found = {}
    program = os.path.join(bench.folder, "size", contender)
    if os.path.exists(program):
        found["program"] = stripped(program)
    library = shared_library(bench, contender)
    if library:
        found["library"] = stripped(library)
    return found

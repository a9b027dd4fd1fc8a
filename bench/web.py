# SPDX-License-Identifier: MIT
"""HTTP by wrk, a load generator that others know, too: https://github.com/wg/wrk"""
import json
import os
import shutil
import subprocess
import time

from server import Failed, load_cpu, pin

SIZES = {"small": 1024, "big": 256 * 1024}
TIME_LIMIT = 60
REPORT = """
done = function(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        'JSON{"operations": %d, "seconds": %f, "bytes": %d, "errors": %d, ' ..
        '"p50_ns": %d, "p99_ns": %d, "p999_ns": %d}',
        summary.requests, summary.duration / 1e6, summary.bytes,
        e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50) * 1000,
        latency:percentile(99) * 1000, latency:percentile(99.9) * 1000))
end
"""


def is_there():
    return shutil.which("wrk") is not None


def make_folder(build):
    """What is served, and wrk's script, in the build's folder."""
    folder = os.path.join(os.path.abspath(build), "http", "files")
    if not os.path.isdir(build):
        return folder
    os.makedirs(folder, exist_ok=True)
    for name, size in SIZES.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(bytes(size))
    with open(os.path.join(folder, "report.lua"), "w", encoding="utf-8") as file:
        file.write(REPORT)
    return folder


def server_clock(pid):
    """Seconds of processor time of all threads; the clock that clock_getcpuclockid() names."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def server_user(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        ticks = int(file.read().rsplit(")", 1)[1].split()[11])
    return ticks / os.sysconf("SC_CLK_TCK")


def run_once(folder, case, target, prefix, seconds, connections):
    command = [*prefix, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s",
               os.path.join(folder, "report.lua"),
               f"http://127.0.0.1:{target.address}/{case.options['path']}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT + seconds,
                          preexec_fn=pin(load_cpu()))
    if "JSON{" not in done.stdout:
        raise Failed(f"wrk: {done.stderr.strip() or done.stdout.strip()} {target.complaint()}")
    found = json.loads(done.stdout.split("JSON", 1)[1].splitlines()[0])
    if found["errors"] or not found["operations"]:
        raise Failed(f"wrk: {found['errors']} errors, {found['operations']} requests")
    return found


def run(folder, case, target, prefix=(), seconds=None, count=None, warm=0, connections=None, **_):
    """A window as the other load generator gives one; wrk takes whole seconds only."""
    connections = connections or case.options["connections"]
    if warm >= 0.1:
        run_once(folder, case, target, (), 1, connections)
    pid = target.pid
    cpu, user = server_clock(pid), server_user(pid)
    found = run_once(folder, case, target, prefix, count or max(1, round(seconds)), connections)
    return {**found, "server_cpu": server_clock(pid) - cpu,
            "server_user": server_user(pid) - user}

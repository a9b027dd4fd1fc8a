# SPDX-License-Identifier: MIT
"""Holds the hot paths to what they cost: by counts, which no busy machine can blur.

bench/guard.txt has a line for each path: instructions in user space (callgrind), system calls
(strace) and allocations of one operation, as they were measured. A path that costs more than that
and a small slack fails. `--write` measures anew and writes the file; a change that makes a path
dearer has to say why, and one that makes it cheaper should lower the bar.
"""
import argparse
import os
import platform
import subprocess
import sys
import tempfile

import measure
from cases import CASES

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, "guard.txt")
# Compilers differ: that is not what is looked for here.
SLACK_INSTRUCTIONS = 1.10
# On a busy machine an answer is sometimes there before the server waits: a few calls less.
SLACK_CALLS = 0.25
SLACK_ALLOCATIONS = 0.02
FIELDS = ("instructions", "syscalls", "allocations")
# How many events meet in one turn is chance, and so is a tick of the clock: what seems dearer is
# looked at again before it is called so, and the least of each figure counts.
TRIES = 3

# A server that is given time goes to wait after each answer, however slow it is made by counting.
PATIENT = {"connections": 1, "pause": 2000}
# Few operations suffice: the figure is a difference, or of the measured stretch only.
PATHS = [
    ("tcp-1", "eddy_callback", 100, PATIENT),
    ("tcp-1", "eddy_future", 100, PATIENT),
    ("tcp-1", "eddy_task", 100, PATIENT),
    ("unix-1", "eddy_callback", 100, PATIENT),
    ("udp-1", "eddy", 100, PATIENT),
    ("udp-deep", "eddy", 1600, {"pause": 2000}),
    ("churn", "eddy_callback", 50, PATIENT),
    ("tls-64", "eddy", 400, PATIENT),
    ("tls-16k", "eddy", 400, PATIENT),
    ("ready-1000", "eddy", 20000, {}),
    ("ready-1", "eddy", 5000, {}),
    ("timer-add-100k", "eddy", 20000, {}),
    ("timer-cancel-100k", "eddy", 20000, {}),
    ("timer-rearm-100k", "eddy", 20000, {}),
    ("timer-fire-100k", "eddy", 20000, {}),
    ("post-1", "eddy", 80000, {}),
    ("post-run", "eddy", 80000, {}),
    ("task-switch", "eddy_inside", 20000, {}),
    ("task-await", "eddy", 5000, {}),
    ("task-create", "eddy", 3000, {}),
    ("task-generator", "eddy", 5000, {}),
    ("future-await", "eddy", 5000, {}),
    ("future-callback", "eddy", 5000, {}),
    ("spawn", "eddy", 20, {}),
]
# Where threads race, how often the loop is woken is chance.
NO_CALLS = ("post-1", "post-run")


def strace_micro(bench, case, contender, count):
    with tempfile.NamedTemporaryFile(prefix="eddy-bench-") as log:
        measure.run_micro(bench, case, contender, count,
                          prefix=["strace", "-c", "-f", "-o", log.name])
        return {"syscalls": measure.read_strace(log.name).get("all", 0)}


def measure_path(bench, case, contender, count, options):
    """Instructions, system calls and allocations of one operation."""
    small = measure.sized(case, count, options)
    if case.job:
        counts = measure.count_server(bench, small, contender)
    else:
        counts = measure.count_micro(bench, small, contender)
        counts.update(measure.slope(lambda n: strace_micro(bench, small, contender, n), count))
    counts["instructions"] = measure.exact_contender(bench, small, contender)
    return counts


def measure_again(bench, case, contender, arguments, bar):
    """Counts of a path: the least of several tries if the first one is above the bar."""
    counts = measure_path(bench, case, contender, *arguments)
    for _ in range(TRIES - 1):
        if not complaints(case.name, counts, bar):
            break
        again = measure_path(bench, case, contender, *arguments)
        counts = {field: min(counts[field], again[field]) for field in FIELDS}
    return counts


def read_bars():
    bars = {}
    with open(FILE, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words and not line.startswith("#"):
                bars[words[0], words[1]] = dict(zip(FIELDS, map(float, words[2:])))
    return bars


def write_bars(measured):
    with open(FILE, encoding="utf-8") as file:
        head = [line for line in file if line.startswith("#")]
    with open(FILE, "w", encoding="utf-8") as file:
        file.writelines(head)
        for (case, contender), counts in measured.items():
            file.write(f"{case:18} {contender:14} {counts['instructions']:10.0f} "
                       f"{counts['syscalls']:10.2f} {counts['allocations']:10.2f}\n")


def complaints(case, counts, bar):
    """What is dearer than it was."""
    found = []
    if platform.machine() == "x86_64" and \
            counts["instructions"] > bar["instructions"] * SLACK_INSTRUCTIONS:
        found.append(f"{counts['instructions']:.0f} instructions, {bar['instructions']:.0f} were")
    if case not in NO_CALLS and counts["syscalls"] > bar["syscalls"] + SLACK_CALLS:
        found.append(f"{counts['syscalls']:.2f} system calls, {bar['syscalls']:.2f} were")
    if counts["allocations"] > bar["allocations"] + SLACK_ALLOCATIONS:
        found.append(f"{counts['allocations']:.2f} allocations, {bar['allocations']:.2f} were")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--write", action="store_true", help="measure anew, and write the file")
    arguments = parser.parse_args()
    bench = measure.Bench(os.path.join(arguments.build, "bench"), HERE)
    bench.perf = False  # strace works without rights over the whole machine
    named = {case.name: case for case in CASES}
    bars = read_bars()
    measured = {}
    failed = 0
    skipped = 0
    for name, contender, count, options in PATHS:
        if bench.command(named[name], contender) is None:
            print(f"skipped {name} {contender}: it was not built, for want of OpenSSL?")
            skipped += 1
            continue
        bar = bars.get((name, contender), dict.fromkeys(FIELDS, 0))
        if arguments.write:
            bar = dict.fromkeys(FIELDS, float("inf"))
        try:
            counts = measure_again(bench, named[name], contender, (count, options), bar)
        except (measure.Failed, subprocess.TimeoutExpired) as failure:
            print(f"FAILED {name} {contender}: {failure}")
            failed += 1
            continue
        measured[name, contender] = counts
        found = complaints(name, counts, bar)
        failed += bool(found)
        print(f"{'FAILED' if found else 'ok':6} {name:18} {contender:14} "
              f"{counts['instructions']:8.0f} instructions {counts['syscalls']:6.2f} system calls "
              f"{counts['allocations']:6.2f} allocations  {'; '.join(found)}", flush=True)
    if arguments.write and not failed and not skipped:
        write_bars(measured)
    print(f"{len(PATHS) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT
"""Runs the benchmarks that were built: started by ci/bench.sh. See --help.

Contenders take turns: a round is one run of each, in an order of its own, so that what the machine
does in the meantime meets all of them. Ratios are made within a round.
"""
import argparse
import datetime
import json
import os
import platform
import random
import subprocess
import sys

import docs
import measure
import report
import summary
from cases import CASES, CONTENDERS, PYTHON, find_cases


def read_arguments():
    parser = argparse.ArgumentParser(prog="sh ci/bench.sh", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few short rounds: does it work?")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="this case, or all whose names begin so; may be given again")
    parser.add_argument("--contender", action="append", default=[], metavar="NAME",
                        help="these contenders only, besides the floor")
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--exact", action="store_true",
                        help="count instructions too, by callgrind: takes long")
    parser.add_argument("--counts-only", action="store_true", help="do not take times")
    parser.add_argument("--times-only", action="store_true", help="do not count")
    parser.add_argument("--rounds", type=int, help="rounds of each case (9)")
    parser.add_argument("--seconds", type=float, help="seconds of each run (1)")
    parser.add_argument("--backend", default=os.environ.get("EDDY_BACKEND"),
                        help="eddy's backend (epoll)")
    parser.add_argument("--write-docs", action="store_true",
                        help="put what was found beside what earlier runs found, in "
                        "docs/PERFORMANCE.md and README.md")
    parser.add_argument("--results", metavar="FILE", help="where all figures go, as JSON")
    parser.add_argument("--build", default="build/bench", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.quick and arguments.write_docs:
        parser.error("what --quick finds is not worth writing down")
    if arguments.backend and arguments.write_docs:
        parser.error("the documents are about the backend that eddy chooses by itself")
    return arguments


def read_first(path, prefix):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(prefix):
                return line.split(":", 1)[1].strip().strip('"')
    return "unknown"


def version_of(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def describe_machine(bench, source):
    """What a figure depends on, besides what it is a figure of."""
    python = bench.python_for("uvloop") or sys.executable
    asio = "/usr/include/asio/version.hpp"
    versions = {
        "eddy": version_of(["git", "-C", source, "rev-parse", "--short", "HEAD"]),
        "libuv": version_of(["pkg-config", "--modversion", "libuv"]),
        "libevent": version_of(["pkg-config", "--modversion", "libevent"]),
        "libev": version_of(["sh", "-c", "sed -n 's/.*EV_VERSION_\\(MAJOR\\|MINOR\\) //p'"
                             " /usr/include/ev.h | tr -s ' \\n' '.' | sed 's/^\\.*//;s/\\.*$//'"]),
        "Asio": version_of(["sh", "-c", f"sed -n 's,.*// \\([0-9.]*[0-9]\\)$,\\1,p' {asio}"
                            " | grep '[.].*[.]'"]),
        "uvloop": version_of([python, "-c", "import uvloop; print(uvloop.__version__)"]),
        "Python": version_of([python, "-c", "import platform; print(platform.python_version())"]),
        "compiler": version_of(["cc", "--version"]),
        "C library": " ".join(platform.libc_ver()),
    }
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "kernel": f"{platform.system()} {platform.release()}",
        "processor": read_first("/proc/cpuinfo", "model name"),
        "processors": os.cpu_count(),
        "virtual": "hypervisor" in read_first("/proc/cpuinfo", "flags"),
        "versions": versions,
    }


class Progress:
    """One line that says what runs and how far it is."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.started = datetime.datetime.now()

    def step(self, text):
        self.done += 1
        passed = (datetime.datetime.now() - self.started).total_seconds()
        left = passed / self.done * (self.total - self.done)
        line = f"[{self.done}/{self.total}, {left:.0f} s left] {text}"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{line}")
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def end(self):
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")


def contenders_of(bench, case, arguments):
    wanted = [name for name in case.contenders
              if not arguments.contender or name == "floor"
              or any(name == c or name.startswith(c + "_") for c in arguments.contender)]
    return ([name for name in wanted if bench.command(case, name)],
            [name for name in wanted if not bench.command(case, name)])


def run_round(bench, case, names, results, arguments, progress, number):
    order = list(names)
    random.Random(number).shuffle(order)
    for name in order:
        progress.step(f"{case.name}: round {number + 1} of {arguments.rounds}, {name}")
        try:
            figures = measure.time_contender(bench, case, name, arguments)
        except (measure.Failed, subprocess.TimeoutExpired) as failure:
            results[name].setdefault("failures", []).append(str(failure))
            figures = None
        results[name]["rounds"].append(figures)


def take_counts(bench, case, names, results, arguments, progress):
    if arguments.quick and case.job != "http":
        case = measure.sized(case, min(case.count, max(20, case.count // 10)), {})
    for name in names:
        result = results[name]
        progress.step(f"{case.name}: counting, {name}")
        try:
            if case.count:
                result["counts"] = measure.count_contender(bench, case, name)
            if arguments.exact and case.exact and name not in PYTHON:
                result.setdefault("counts", {})
                result["counts"]["instructions"] = measure.exact_contender(bench, case, name)
        except (measure.Failed, subprocess.TimeoutExpired) as failure:
            result.setdefault("failures", []).append(str(failure))


def briefly(case):
    """The case with a tenth of what a program does that measures itself."""
    return measure.sized(case, case.count, {name: max(1, case.options[name] // 10)
                                            for name in ("n", "python") if name in case.options})


def run_case(bench, case, names, arguments, progress):
    if arguments.quick:
        case = briefly(case)
    results = {name: {"rounds": []} for name in names}
    load = round(os.getloadavg()[0], 2)
    if not arguments.counts_only and measure.has_times(case):
        for number in range(arguments.rounds):
            run_round(bench, case, names, results, arguments, progress, number)
    if not arguments.times_only:
        take_counts(bench, case, names, results, arguments, progress)
    return {"title": case.title, "unit": case.unit, "figure": case.figure, "marks": case.marks,
            "limits": case.limits, "bytes_max": case.bytes_max,
            "by_calls": bool(case.job) or case.folder == "spawn",
            "load": [load, round(os.getloadavg()[0], 2)], "contenders": results}


def list_cases():
    for case in CASES:
        print(f"{case.name:16} {case.title}")


def main():
    arguments = read_arguments()
    if arguments.list:
        list_cases()
        return 0
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 9)
    arguments.seconds = arguments.seconds or (0.2 if arguments.quick else 1.0)
    arguments.warm = min(0.2, arguments.seconds / 2)

    source = os.path.dirname(os.path.abspath(__file__))
    bench = measure.Bench(os.path.join(arguments.build, "bench"), source, arguments.backend)
    if arguments.quick:
        bench.calls = report.WAITS
    path = arguments.results or os.path.join(arguments.build, "results.json")
    chosen = [(case, *contenders_of(bench, case, arguments)) for case in
              find_cases(arguments.only)]
    for name in sorted({name for _, _, missing in chosen for name in missing}):
        print(f"without {CONTENDERS[name]}: not built here")

    rounds = 0 if arguments.counts_only else arguments.rounds
    passes = rounds + (not arguments.times_only)
    progress = Progress(sum(len(names) * passes for _, names, _ in chosen))
    results = {"machine": describe_machine(bench, source), "cases": {}}
    results["run"] = {"rounds": rounds, "seconds": arguments.seconds,
                      "backend": arguments.backend or "epoll"}
    for case, names, _ in chosen:
        results["cases"][case.name] = run_case(bench, case, names, arguments, progress)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    progress.end()
    found = summary.boil(results)
    print(report.markdown(found))
    print(f"all figures: {path}")
    if arguments.write_docs:
        root = os.path.dirname(source)
        known = summary.merge(summary.read(root), found, [case.name for case in CASES])
        summary.write(known, root)
        docs.write(known, root)
    return 1 if report.failures(found) else 0


if __name__ == "__main__":
    sys.exit(main())

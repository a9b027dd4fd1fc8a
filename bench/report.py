# SPDX-License-Identifier: MIT
"""Makes of figures what is read: tables in Markdown. summary.py has what they are made of."""
from cases import CONTENDERS


def times_of(case, contender):
    return case["contenders"][contender].get("times", {})


def failures(summary):
    return [(name, contender, text) for name, case in summary["cases"].items()
            for contender, result in case["contenders"].items()
            for text in result.get("failures", [])]


def figure_key(case):
    return "wall_us" if case["figure"] == "wall" else "cpu_us"


def verdict(case, contender):
    """Whether a mark is met: it is missed when the whole interval lies above it."""
    times = times_of(case, contender)
    mark = case["marks"].get(contender)
    found = times.get("ratio")
    if contender in case.get("limits", {}):
        mark = case["limits"][contender]
        found = [value * 1000 for value in times.get("interval", [])]
    if mark is None or not found:
        return ""
    if found[1] > mark:
        return f"misses {mark:g}"
    return f"meets {mark:g}" if found[2] <= mark else f"open {mark:g}"


WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6")


def calls_but_waits(counts):
    """System calls without waits: how many events meet in one wait is chance."""
    return counts["syscalls"] - sum(counts.get("calls", {}).get(name, 0) for name in WAITS)


def counts_verdict(case, contender):
    """The same by figures that do not wander.

    A program that measures itself is held by instructions. The time of a server, or of starting
    a child, is spent in the kernel: it is held by system calls (but for waits) and allocations,
    which may not be more than the floor's. Where memory is the case, its bytes are held.
    """
    most = case.get("bytes_max", {}).get(contender)
    if most is not None and "bytes" in case["contenders"][contender].get("counts", {}):
        bytes_used = case["contenders"][contender]["counts"]["bytes"]
        return f"{'meets' if bytes_used <= most else 'misses'} {most} B: {bytes_used:.0f}"
    mark = case["marks"].get(contender)
    floor = case["contenders"].get("floor", {}).get("counts", {})
    own = case["contenders"][contender].get("counts", {})
    if mark is None or not floor or not own:
        return ""
    if not case.get("by_calls"):
        if not floor.get("instructions") or not own.get("instructions"):
            return ""
        ratio = own["instructions"] / floor["instructions"]
        return f"{'meets' if ratio <= mark else 'misses'} {mark:g}: {ratio:.2f}"
    if "bytes" in floor and "bytes" in own:
        ratio = own["bytes"] / floor["bytes"]
        return f"{'meets' if ratio <= mark else 'misses'} {mark:g}: {ratio:.2f}"
    if "syscalls" not in floor or "syscalls" not in own:
        return ""
    calls = calls_but_waits(own), calls_but_waits(floor)
    allocations = own["allocations"], floor["allocations"]
    missed = [f"{a - b:+.2f} {text}" for (a, b), text in
              ((calls, "calls"), (allocations, "allocations")) if a > b * 1.05 + 0.05]
    return "misses: " + ", ".join(missed) if missed else "meets"


#
# Tables
#
def plain(value, digits=3):
    """So many digits that count, without powers of ten."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    size = abs(value)
    places = 0
    while size < 10 ** (digits - 1) and places < 4:
        size *= 10
        places += 1
    text = f"{value:,.{places}f}"
    return text


def time_text(us):
    if us is None:
        return ""
    if us < 1:
        return f"{plain(us * 1000)} ns"
    if us < 1000:
        return f"{plain(us)} µs"
    return f"{plain(us / 1000)} ms"


def ratio_text(found):
    return f"{found[0]:.2f} ({found[1]:.2f} to {found[2]:.2f})" if found else ""


def count_text(result, name):
    value = result.get("counts", {}).get(name)
    if value is None:
        return ""
    return f"{value:,.0f}" if name == "instructions" else f"{round(value + 0.0, 2):g}"


def size_text(result, name):
    value = result.get("counts", {}).get(name)
    return "" if value is None else f"{value / 1024:,.0f} KiB"


def plain_count(value):
    return "" if value is None else f"{value:,.0f}"


def has(case, key):
    return any(key in result.get("times", {}) for result in case["contenders"].values())


def columns_of(case):
    key = figure_key(case)

    def time(result, name):
        return result.get("times", {}).get(name)

    columns = [
        ("", lambda name, result: CONTENDERS.get(name, name)),
        ("CPU" if key == "cpu_us" else "time", lambda name, result: time_text(time(result, key))),
        ("÷ floor (95 %)", lambda name, result: ratio_text(time(result, "ratio"))),
        ("instructions", lambda name, result: count_text(result, "instructions")),
        ("system calls", lambda name, result: count_text(result, "syscalls")),
        ("allocations", lambda name, result: count_text(result, "allocations")),
        ("bytes by malloc", lambda name, result: count_text(result, "bytes")),
        ("resident bytes", lambda name, result: count_text(result, "resident")),
        ("small program, stripped", lambda name, result: size_text(result, "program")),
        ("shared library, stripped", lambda name, result: size_text(result, "library")),
    ]
    if has(case, "per_second"):
        columns.append(("per s", lambda name, result: plain_count(time(result, "per_second"))))
    if has(case, "p50_us"):
        columns.append(("p50 / p99 / p99.9", lambda name, result: " / ".join(
            time_text(time(result, key)) for key in ("p50_us", "p99_us", "p999_us")
            if time(result, key) is not None)))
    columns.append(("mark by time", lambda name, result: verdict(case, name)))
    columns.append(("mark by counts", lambda name, result: counts_verdict(case, name)))
    return columns


def table(case):
    order = list(CONTENDERS)
    rows = sorted(case["contenders"].items(), key=lambda item: order.index(item[0]))
    columns = []
    for title, text in columns_of(case):
        cells = [text(name, result) for name, result in rows]
        if any(cells):
            columns.append((title, cells))
    lines = ["| " + " | ".join(title for title, _ in columns) + " |",
             "| --- |" + " ---: |" * (len(columns) - 1)]
    for i in range(len(rows)):
        lines.append("| " + " | ".join(cells[i] for _, cells in columns) + " |")
    return "\n".join(lines)


#
# Where figures are from
#
def versions_text(run):
    return ", ".join(f"{name} {version}" for name, version in run["versions"].items()
                     if name != "eddy")


def run_text(date, run):
    virtual = " (virtual machine)" if run["virtual"] else ""
    rounds = f"{run['rounds']} rounds of {run['seconds']:g} s" if run["rounds"] else "counts only"
    return (f"- {date}: eddy {run['versions']['eddy']} on {run['backend']}; {run['kernel']}; "
            f"{run['processors']} × {run['processor']}{virtual}; {rounds}")


def runs_text(summary):
    """A line for each run that figures are from, and the versions, once if they are the same."""
    lines = []
    for date, run in summary["runs"].items():
        lines.append(run_text(date, run))
    versions = list(dict.fromkeys(versions_text(run) for run in summary["runs"].values()))
    if len(versions) > 1:
        lines = [f"{line}; {versions_text(run)}"
                 for line, run in zip(lines, summary["runs"].values())]
    return "\n".join(lines) + ("\n\n" + versions[0] + "." if len(versions) == 1 else "")


def taken_text(case):
    """When the figures of a case were taken, and how busy the machine was with other things."""
    parts = []
    for kind in ("times", "counts"):
        found = sorted({(part["run"], *part.get("load", ()))
                        for result in case["contenders"].values() if (part := result.get(kind))})
        texts = [run + (f" at a load of {load[0]:.1f} to {load[1]:.1f}" if load else "")
                 for run, *load in found]
        if texts:
            parts.append(f"{kind} of {' and '.join(texts)}")
    return "; ".join(parts)


def markdown(summary, plots=None):
    parts = [runs_text(summary)]
    for name, case in summary["cases"].items():
        parts.append(f"### {case['title']}\n\n`{name}`; one operation is one {case['unit']}; "
                     f"{taken_text(case)}.")
        if plots and name in plots:
            parts.append(f"![{case['title']}]({plots[name]})")
        parts.append(table(case))
    failed = failures(summary)
    if failed:
        parts.append("What failed:\n\n" + "\n".join(
            f"- {name}, {contender}: {text}" for name, contender, text in failed))
    return "\n\n".join(parts) + "\n"

# SPDX-License-Identifier: MIT
"""Makes of figures what is read: ratios with intervals, tables in Markdown, plots in SVG."""
import os
import random
import statistics

from cases import CONTENDERS

BEGIN = "<!-- figures: written by ci/bench.sh --write-docs -->"
END = "<!-- end of figures -->"


def merge_case(cases, name, fresh):
    """Put a case into what there is; what was not measured now stays as it was."""
    old = cases.get(name)
    if old:
        for contender, result in old["contenders"].items():
            new = fresh["contenders"].setdefault(contender, result)
            if not new["rounds"]:
                new["rounds"] = result["rounds"]
            new["counts"] = {**result.get("counts", {}), **new.get("counts", {})}
    cases[name] = fresh


def failures(results):
    return [(name, contender, text) for name, case in results["cases"].items()
            for contender, result in case["contenders"].items()
            for text in result.get("failures", [])]


def values(result, key):
    return [figures[key] for figures in result["rounds"] if figures and key in figures]


def middle(result, key):
    found = values(result, key)
    return statistics.median(found) if found else None


def ratios(case, contender, key):
    """One for each round in which both ran."""
    own, floor = (case["contenders"][name]["rounds"] for name in (contender, "floor"))
    return [a[key] / b[key] for a, b in zip(own, floor) if a and b and b.get(key) and key in a]


def interval(samples, confidence=0.95, draws=2000):
    """The median of samples, and the bootstrap interval of that median."""
    if not samples:
        return None
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(samples, k=len(samples)))
                     for _ in range(draws))
    cut = int((1 - confidence) / 2 * draws)
    return statistics.median(samples), medians[cut], medians[-cut - 1]


def figure_key(case):
    return "wall_us" if case["figure"] == "wall" else "cpu_us"


def ratio_of(case, contender):
    if "floor" not in case["contenders"]:
        return None
    return interval(ratios(case, contender, figure_key(case)))


def verdict(case, contender):
    """Whether a mark is met: it is missed when the whole interval lies above it."""
    mark = case["marks"].get(contender)
    found = ratio_of(case, contender)
    if contender in case.get("limits", {}):
        mark = case["limits"][contender]
        found = interval([value * 1000 for value in
                          values(case["contenders"][contender], figure_key(case))])
    if mark is None or found is None:
        return ""
    if found[1] > mark:
        return f"misses {mark:g}"
    return f"meets {mark:g}" if found[2] <= mark else f"open {mark:g}"


WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")


def calls_but_waits(counts):
    """System calls without waits: how many events meet in one wait is chance."""
    return counts["syscalls"] - sum(counts.get("calls", {}).get(name, 0) for name in WAITS)


def counts_verdict(case, contender):
    """The same by figures that do not wander.

    A program that measures itself is held by instructions. The time of a server, or of starting
    a child, is spent in the kernel: it is held by system calls (but for waits) and allocations,
    which may not be more than the floor's.
    """
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


def plain_count(value):
    return "" if value is None else f"{value:,.0f}"


def has_rounds(result):
    return any(result["rounds"])


def has(case, key):
    return any(values(result, key) for result in case["contenders"].values())


def columns_of(case):
    key = figure_key(case)
    columns = [
        ("", lambda name, result: CONTENDERS.get(name, name)),
        ("CPU" if key == "cpu_us" else "time", lambda name, result:
            time_text(middle(result, key))),
        ("÷ floor (95 %)", lambda name, result: ratio_text(ratio_of(case, name))),
        ("instructions", lambda name, result: count_text(result, "instructions")),
        ("system calls", lambda name, result: count_text(result, "syscalls")),
        ("allocations", lambda name, result: count_text(result, "allocations")),
        ("bytes by malloc", lambda name, result: count_text(result, "bytes")),
        ("resident bytes", lambda name, result: count_text(result, "resident")),
    ]
    if has(case, "per_second"):
        columns.append(("per s", lambda name, result: plain_count(middle(result, "per_second"))))
    if has(case, "p50_us"):
        columns.append(("p50 / p99 / p99.9", lambda name, result: " / ".join(
            time_text(middle(result, key)) for key in ("p50_us", "p99_us", "p999_us")
            if has_rounds(result))))
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


def machine_text(results):
    machine = results["machine"]
    run = results["run"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (f"{machine['date']}; {machine['kernel']}; {machine['processors']} × "
            f"{machine['processor']}{' (virtual machine)' if machine['virtual'] else ''}; load "
            f"{machine['load_before']:.1f} before and {machine.get('load_after', 0):.1f} after; "
            f"{run['rounds']} rounds of {run['seconds']:g} s; eddy on {run['backend']}.\n\n"
            f"{versions}.")


def markdown(results, plots=None):
    parts = [machine_text(results)]
    for name, case in results["cases"].items():
        parts.append(f"### {case['title']}\n\n`{name}`; one operation is one {case['unit']}.")
        if plots and name in plots:
            parts.append(f"![{case['title']}]({plots[name]})")
        parts.append(table(case))
    failed = failures(results)
    if failed:
        parts.append("What failed:\n\n" + "\n".join(
            f"- {name}, {contender}: {text}" for name, contender, text in failed))
    return "\n\n".join(parts) + "\n"


#
# Plots
#
ROW = 22
LEFT = 150
WIDTH = 720
COLOURS = {"floor": "#8c8c8c", "eddy": "#1f77b4", "other": "#c9a227"}


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def colour_of(name):
    return COLOURS.get(name.split("_")[0], COLOURS["other"])


def bar(name, found, top, scale):
    middle_y = top + ROW / 2
    ratio, low, high = found
    right = LEFT + min(ratio, scale[1]) * scale[0]
    return [
        f'<text x="{LEFT - 8}" y="{middle_y + 4}" text-anchor="end">'
        f"{escape(CONTENDERS[name])}</text>",
        f'<rect x="{LEFT}" y="{top + 3}" width="{right - LEFT:.1f}" height="{ROW - 6}" '
        f'fill="{colour_of(name)}"/>',
        f'<line x1="{LEFT + min(low, scale[1]) * scale[0]:.1f}" y1="{middle_y}" '
        f'x2="{LEFT + min(high, scale[1]) * scale[0]:.1f}" y2="{middle_y}" '
        'stroke="#222" stroke-width="1.5"/>',
        f'<text x="{right + 8:.1f}" y="{middle_y + 4}">{ratio:.2f}</text>',
    ]


def svg(case):
    """Bars of the ratios to the floor, with their intervals; a bar past 4 is cut there."""
    found = {name: ratio_of(case, name) for name in CONTENDERS if name in case["contenders"]}
    found = {name: ratio for name, ratio in found.items() if ratio}
    if len(found) < 2:
        return None
    largest = min(4.0, max(ratio[0] for ratio in found.values()))
    scale = ((WIDTH - LEFT - 60) / largest, largest)
    height = ROW * len(found) + 44
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             f'<text x="8" y="18" font-size="13" font-weight="bold">{escape(case["title"])}: '
             "processor time, floor = 1</text>"]
    one = LEFT + scale[0]
    for number, (name, ratio) in enumerate(found.items()):
        lines += bar(name, ratio, 30 + number * ROW, scale)
    lines.append(f'<line x1="{one:.1f}" y1="28" x2="{one:.1f}" y2="{height - 12}" '
                 'stroke="#222" stroke-dasharray="3 3"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def write_docs(results, root):
    """Tables and plots of a run into docs/PERFORMANCE.md, between its two marks."""
    folder = os.path.join(root, "docs", "performance")
    path = os.path.join(root, "docs", "PERFORMANCE.md")
    os.makedirs(folder, exist_ok=True)
    plots = {}
    for name, case in results["cases"].items():
        picture = svg(case)
        if picture:
            plots[name] = f"performance/{name}.svg"
            with open(os.path.join(folder, f"{name}.svg"), "w", encoding="utf-8") as file:
                file.write(picture)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + BEGIN + "\n\n" + markdown(results, plots) + "\n" + END + tail)

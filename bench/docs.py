# SPDX-License-Identifier: MIT
"""Writes what was found into docs/PERFORMANCE.md, its plots, and the short table of README.md."""
import os

import plot
import report
from cases import CONTENDERS, SHORT

STYLES = ("eddy_callback", "eddy")  # whichever a case has: what most programs will use
BEGIN = "<!-- figures: written by ci/bench.sh --write-docs -->"
END = "<!-- end of figures -->"


def replace_between(path, text):
    with open(path, encoding="utf-8") as file:
        whole = file.read()
    head, rest = whole.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + BEGIN + "\n\n" + text + "\n" + END + tail)


def write_plot(root, name, text):
    with open(os.path.join(root, "docs", "performance", f"{name}.svg"), "w",
              encoding="utf-8") as file:
        file.write(text)
    return f"performance/{name}.svg"


def short_rows(summary):
    """The cases of the README: title, case, eddy's contender, and the best other one or None."""
    for name, title in SHORT.items():
        found = summary["cases"].get(name)
        if found is None:
            continue
        ratios = {name: result["times"]["ratio"] for name, result in found["contenders"].items()
                  if "ratio" in result.get("times", {})}
        ours = next((name for name in STYLES if name in ratios), None)
        others = [name for name in ratios if name != "floor" and not name.startswith("eddy")]
        if ours:
            yield title, found, ours, min(others, key=lambda name: ratios[name][0],
                                          default=None)


def ratio_of(case, name):
    return case["contenders"][name]["times"]["ratio"]


def short_table(rows):
    lines = ["| one | floor | eddy | eddy ÷ floor (95 %) | the best of the others ÷ floor |",
             "| --- | ---: | ---: | ---: | ---: |"]
    for title, case, ours, peer in rows:
        key = report.figure_key(case)
        floor, own = (report.time_text(case["contenders"][name]["times"][key])
                      for name in ("floor", ours))
        best = f"{CONTENDERS[peer]} {ratio_of(case, peer)[0]:.2f}" if peer else ""
        lines.append(f"| {title} | {floor} | {own} | "
                     f"{report.ratio_text(ratio_of(case, ours))} | {best} |")
    return "\n".join(lines)


def short_text(summary, root):
    """What stands in README.md."""
    rows = list(short_rows(summary))
    if not rows:
        return "Nothing was measured yet.\n"
    write_plot(root, "overview", plot.overview(
        [(title, (ours, ratio_of(case, ours)), peer and (peer, ratio_of(case, peer)))
         for title, case, ours, peer in rows]))
    runs = {date: run for date, run in summary["runs"].items()
            if any(result.get("times", {}).get("run") == date
                   for _, case, _, _ in rows for result in case["contenders"].values())}
    loads = [result["times"]["load"] for _, case, _, _ in rows
             for result in case["contenders"].values() if "times" in result]
    busiest = max(max(load) for load in loads)
    origin = report.runs_text({"runs": runs})
    return (f"![eddy and the best of the others](docs/performance/overview.svg)\n\n"
            f"{short_table(rows)}\n\n{origin}\n\n"
            f"The load of the machine was {busiest:.1f} at most, the benchmark's own two programs "
            "among it; two equal runs on a virtual machine differ by 15 % easily, and with a load "
            "far over 2 all times are a hint only. "
            "[docs/PERFORMANCE.md](docs/PERFORMANCE.md) has the rest, and the counts that no load "
            "can blur.\n")


def write(summary, root):
    plots = {}
    os.makedirs(os.path.join(root, "docs", "performance"), exist_ok=True)
    for name, case in summary["cases"].items():
        text = plot.case_picture(case)
        if text:
            plots[name] = write_plot(root, name, text)
    replace_between(os.path.join(root, "docs", "PERFORMANCE.md"), report.markdown(summary, plots))
    replace_between(os.path.join(root, "README.md"), short_text(summary, root))

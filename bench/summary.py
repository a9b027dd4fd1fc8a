# SPDX-License-Identifier: MIT
"""Boils a run down to what is published, and keeps it beside what other runs have found.

A long measurement may be made in pieces. docs/performance/figures.json has for each case and each
contender the figures of the last run that took them, and of which run they are.
"""
import json
import os
import random
import statistics

TIMES = ("cpu_us", "wall_us", "per_second", "bytes_per_second", "p50_us", "p99_us", "p999_us")
FILE = os.path.join("docs", "performance", "figures.json")


def values(result, key):
    return [figures[key] for figures in result["rounds"] if figures and key in figures]


def interval(samples, confidence=0.95, draws=2000):
    """The median of samples, and the bootstrap interval of that median."""
    if not samples:
        return None
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(samples, k=len(samples)))
                     for _ in range(draws))
    cut = int((1 - confidence) / 2 * draws)
    return [statistics.median(samples), medians[cut], medians[-cut - 1]]


def figure_key(case):
    return "wall_us" if case["figure"] == "wall" else "cpu_us"


def ratios(case, contender, key):
    """To the floor, one for each round in which both ran."""
    if "floor" not in case["contenders"]:
        return []
    own, floor = (case["contenders"][name]["rounds"] for name in (contender, "floor"))
    return [a[key] / b[key] for a, b in zip(own, floor) if a and b and b.get(key) and key in a]


def rounded(value):
    return float(f"{value:.5g}")


def boil_times(case, contender):
    """Medians of the rounds; intervals of the figure that counts and of its ratio to the floor."""
    result = case["contenders"][contender]
    key = figure_key(case)
    times = {name: rounded(statistics.median(values(result, name)))
             for name in TIMES if values(result, name)}
    if not times:
        return None
    times["interval"] = [rounded(value) for value in interval(values(result, key))]
    ratio = interval(ratios(case, contender, key))
    if ratio:
        times["ratio"] = [rounded(value) for value in ratio]
    return times


def boil_case(case, run):
    """`run` is the name by which the figures say where they are from."""
    kept = {key: value for key, value in case.items() if key not in ("contenders", "load")}
    kept["contenders"] = {}
    for name, result in case["contenders"].items():
        boiled = {}
        times = boil_times(case, name)
        if times:
            boiled["times"] = {**times, "run": run, "load": case["load"]}
        if result.get("counts"):
            boiled["counts"] = {**result["counts"], "run": run}
        if result.get("failures"):
            boiled["failures"] = result["failures"]
        kept["contenders"][name] = boiled
    return kept


def boil(results):
    """All of a run."""
    run = results["machine"]["date"]
    return {"runs": {run: {**results["machine"], **results["run"]}},
            "cases": {name: boil_case(case, run) for name, case in results["cases"].items()}}


def merge_contender(old, fresh):
    """What was not measured anew stays; of who has failed now, nothing does."""
    if "failures" in fresh:
        return fresh
    merged = {**old, **fresh}
    merged.pop("failures", None)
    if "counts" in old and "counts" in fresh:
        merged["counts"] = {**old["counts"], **fresh["counts"]}
    return merged


def runs_of(case):
    return {part["run"] for result in case["contenders"].values()
            for part in (result.get("times"), result.get("counts")) if part}


def merge(old, fresh, order):
    """Put what a run has found beside what there was; `order`: the names of the cases there are."""
    cases = dict(old["cases"])
    for name, case in fresh["cases"].items():
        before = cases.get(name, {"contenders": {}})["contenders"]
        contenders = {**before, **{contender: merge_contender(before.get(contender, {}), result)
                                   for contender, result in case["contenders"].items()}}
        cases[name] = {**case, "contenders": contenders}
    cases = {name: cases[name] for name in order if name in cases}
    used = set().union(*(runs_of(case) for case in cases.values())) if cases else set()
    runs = {**old["runs"], **fresh["runs"]}
    return {"runs": {run: runs[run] for run in sorted(runs) if run in used}, "cases": cases}


def read(root):
    path = os.path.join(root, FILE)
    if not os.path.exists(path):
        return {"runs": {}, "cases": {}}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(summary, root):
    """A line for each contender, so that a change can be read."""
    path = os.path.join(root, FILE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    lines = ["{", ' "runs": {']
    lines.append(",\n".join(f"  {json.dumps(name)}: {json.dumps(run)}"
                            for name, run in summary["runs"].items()))
    lines += [" },", ' "cases": {']
    lines.append(",\n".join(case_lines(name, case) for name, case in summary["cases"].items()))
    lines += [" }", "}"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def case_lines(name, case):
    head = {key: value for key, value in case.items() if key != "contenders"}
    contenders = ",\n".join(f"   {json.dumps(contender)}: {json.dumps(result)}"
                            for contender, result in case["contenders"].items())
    return f"  {json.dumps(name)}: {json.dumps(head)[:-1]}, \"contenders\": {{\n{contenders}}}}}"

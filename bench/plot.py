# SPDX-License-Identifier: MIT
"""Plots in SVG: bars of ratios to the floor, with their intervals."""
from cases import CONTENDERS

ROW = 22
LEFT = 150
WIDTH = 720
CUT = 4.0  # a bar past that is cut there
COLOURS = {"floor": "#8c8c8c", "eddy": "#1f77b4", "other": "#c9a227"}


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def colour_of(name):
    return COLOURS.get(name.split("_")[0], COLOURS["other"])


def bar(label, colour, found, top, left, scale):
    """One row: `found` is a ratio with its interval, `scale` pixels of 1 and the largest ratio."""
    middle_y = top + ROW / 2
    ratio, low, high = (min(value, scale[1]) * scale[0] for value in found)
    return [
        f'<text x="{left - 8}" y="{middle_y + 4}" text-anchor="end">{escape(label)}</text>',
        f'<rect x="{left}" y="{top + 3}" width="{ratio:.1f}" height="{ROW - 6}" fill="{colour}"/>',
        f'<line x1="{left + low:.1f}" y1="{middle_y}" x2="{left + high:.1f}" y2="{middle_y}" '
        'stroke="#222" stroke-width="1.5"/>',
        f'<text x="{left + max(ratio, high) + 8:.1f}" y="{middle_y + 4}">{found[0]:.2f}</text>',
    ]


def picture(title, rows, left):
    """`rows`: label, colour, ratio with its interval."""
    largest = min(CUT, max(found[0] for _, _, found in rows) * 1.1)
    scale = ((WIDTH - left - 60) / largest, largest)
    height = ROW * len(rows) + 44
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             f'<text x="8" y="18" font-size="13" font-weight="bold">{escape(title)}</text>']
    one = left + scale[0]
    for number, (label, colour, found) in enumerate(rows):
        lines += bar(label, colour, found, 30 + number * ROW, left, scale)
    lines.append(f'<line x1="{one:.1f}" y1="28" x2="{one:.1f}" y2="{height - 12}" '
                 'stroke="#222" stroke-dasharray="3 3"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def case_picture(case):
    """All contenders of a case; None if there is nothing to compare."""
    rows = [(CONTENDERS[name], colour_of(name), case["contenders"][name]["times"]["ratio"])
            for name in CONTENDERS
            if "ratio" in case["contenders"].get(name, {}).get("times", {})]
    if len(rows) < 2:
        return None
    return picture(f"{case['title']}: processor time, floor = 1", rows, LEFT)


def overview(rows):
    """eddy and the best of the others over many cases: title, then (name, ratio) of each."""
    bars = []
    for title, eddy, peer in rows:
        bars.append((title, COLOURS["eddy"], eddy[1]))
        if peer:
            bars.append((CONTENDERS[peer[0]], COLOURS["other"], peer[1]))
    return picture("Processor time, floor = 1: eddy (blue), the best of the others", bars, 300)

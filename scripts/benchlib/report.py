# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The table, as Markdown."""
import dataclasses
import datetime
import json
import statistics
import subprocess

from .lab import LINES, ROOT
from .machine import machine
from .rows import ROWS, Figure
from .stalls import WINDOW


def commit():
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() or "unknown"


def value(n):
    if n >= 1e6:
        return "%.2f M" % (n / 1e6)
    if n >= 1e4:
        return "%.0f k" % (n / 1e3)
    return "%.0f" % n


def spread(ratios):
    return "%.2f–%.2f" % (min(ratios), max(ratios)) if len(ratios) > 1 else "once"


def amount(values, unit):
    return value(statistics.median(values)) + ("" if unit.startswith("/") else " ") + unit


def line(figure):
    if not figure.ratios():
        return "| %s | – | %s | – | – | – | – | **no value** |" % (figure.name,
                                                                   figure.counterpart)
    sign = "≤" if figure.lower_is_better else "≥"
    bounds = ["–" if bound is None else "%s %g×" % (sign, bound)
              for bound in (figure.at_least, figure.aim)]
    return "| %s | %s | %s: %s | %.2f× | %s | %s | %s | %s |" % (
        figure.name, amount(figure.ours, figure.unit), figure.counterpart,
        amount(figure.theirs, figure.unit), figure.ratio(), spread(figure.ratios()), *bounds,
        figure.verdict())


def plural(n, what):
    return "%d %s%s" % (n, what, "" if n == 1 else "s")


def remembered(output, figures, args):
    """All rows that were ever measured, with where and when: a run of a few rows replaces those and
    leaves the others in the table. Figures of each row, and how those were made."""
    path = output / "figures.json"
    rows = json.loads(path.read_text()) if path.exists() else {}
    made = "%s, commit %s, %s, %s of %g s" % (
        datetime.date.today().isoformat(), commit(), machine(), plural(args.rounds, "round"),
        args.seconds)
    for name, row in figures.items():
        rows[name] = {"made": made, "figures": [dataclasses.asdict(figure) for figure in row]}
    path.write_text(json.dumps(rows, indent=1) + "\n")
    return {name: ([Figure(**figure) for figure in rows[name]["figures"]], rows[name]["made"])
            for name in ROWS if name in rows}, made


def write(output, figures, failed, args, seconds):
    rows, made = remembered(output, figures, args)
    text = ["# Measurements", "",
            "Made by `scripts/bench` on %s, commit %s, in %.0f minutes." % (
                datetime.date.today().isoformat(), commit(), seconds / 60), "",
            "Machine: %s. Load on one CPU, the server on another; with live frames the XDP "
            "program under test runs on the CPU of the load, as do both crossings of the veth and "
            "the check of every reply. Load, servers and counterparts run at nice -20." % machine(), "",
            "A figure is the median of %s of %g s, ours and the counterpart in turn; the "
            "ratio is the median of the rounds' ratios, the spread their lowest and highest. "
            "Every reply was verified byte for byte." % (plural(args.rounds, "round"),
                                                         args.seconds), "",
            "| figure | ours | counterpart | ratio | spread | at least | aim | met |",
            "|---|---:|---:|---:|---:|---:|---:|---|"]
    figures = [figure for row, _ in rows.values() for figure in row]
    text += [line(figure) for figure in figures]
    older = ["- %s: %s." % (name, when) for name, (_, when) in rows.items() if when != made]
    if older:
        text += ["", "Measured in another run:", ""] + older
    notes = [f for f in figures if f.note]
    if notes:
        text += [""] + ["- %s: %s." % (figure.name, figure.note) for figure in notes]
    if failed:
        text += ["", "Not measured:", ""] + ["- %s: %s" % pair for pair in failed]
    for name, caption in (("sessions", "Throughput against sessions"),
                          ("latency", "Latency against offered load"),
                          ("mix", "TLS 1.3 mix: replies late or lost against offered load")):
        if (output / (name + ".svg")).exists():
            text += ["", "![%s](%s.svg)" % (caption, name)]
    for name, caption in (
            ("costs", "What a GET and a NEW cost against the cache's size, and the cores of a line"),
            ("eviction", "Hit ratio of eviction policies")):
        if (output / (name + ".md")).exists():
            text += ["", "%s: [%s.md](%s.md)." % (caption, name, name)]
    for mode in LINES:
        page = output / ("stalls-%s.md" % mode)
        if page.exists():
            text += ["", "## Do other works of the daemon hold up replies? Mode %s" % mode, "",
                     "20 k GET/s in open loop, or NEWs one after the other until each can be read, "
                     "%g s each with the event in them, in ms; the median (lowest–highest) of the "
                     "repetitions. `scripts/benchlib/stalls.py` says more." % WINDOW, "",
                     page.read_text().strip()]
    path = output / "README.md"
    path.write_text("\n".join(text) + "\n")
    return path, figures

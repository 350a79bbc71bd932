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
from .figure import Figure
from .rows import ROWS
from .stalls import BEFORE, RATE, WINDOW


def git(*command):
    return subprocess.run(["git", "-C", str(ROOT), *command], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout.strip()


def commit():
    """What is measured; to be asked before the run writes results, which are no change of it."""
    name = git("describe", "--always") or "unknown"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/bench",
                  ":!README.md")
    return name + "-dirty" if changed else name


def value(n):
    if n < 10:
        return "%.2f" % n
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
        datetime.date.today().isoformat(), args.commit, machine(), plural(args.rounds, "round"),
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
                datetime.date.today().isoformat(), args.commit, seconds / 60), "",
            "Machine: %s. Load on one CPU, the server on another; with live frames the XDP "
            "program under test runs on the CPU of the load, as do both crossings of the veth and "
            "the check of every reply. Load, servers and counterparts run at nice -20, each in a "
            "session (autogroup) of that priority; but for dpdk mode, whose rows count CPU time. "
            "sessiond listens on every address: in socket mode it asks the kernel for each "
            "datagram's address and answers from it, which the classic server does not." %
            machine(), "",
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
                     "%d k GET/s in open loop, or NEWs one after the other until each can be "
                     "read, in windows of %g s, the event %g s from their beginning. Without the "
                     "event → with it: medians of the windows' p99.9 and maximum; in how many "
                     "windows an answer took over 1 ms, and in how many the server took that "
                     "long, leaving out when the load itself was held up; GETs late or lost, of "
                     "all windows, and those that the server was late for; and how long the "
                     "thread of the daemon that waited longest for a CPU has waited in a window. "
                     "Percentiles are of the GETs answered: those lost are counted beside them. "
                     "`scripts/benchlib/stalls.py` says more." % (RATE // 1000, WINDOW, BEFORE), "",
                     page.read_text().strip()]
    path = output / "README.md"
    path.write_text("\n".join(text) + "\n")
    return path, figures, not older

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


def git(*command):
    """What git prints; nothing if it fails, or is not installed: the tree may be an archive."""
    try:
        return subprocess.run(["git", "-C", str(ROOT), *command], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def commit():
    """The commit that is measured. Called before the run writes results: these are not a change."""
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
    """All measured rows, with place and time. A run of a few rows replaces only these rows in the
    table. Returns the figures of each row and how they were made."""
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
            "`scripts/bench` made this page on %s at commit %s, in %.0f minutes. "
            "[figures.json](figures.json) has the value of every round. "
            "[cost-model.md](../cost-model.md) explains what limits the figures." % (
                datetime.date.today().isoformat(), args.commit, seconds / 60), "",
            "Machine: %s. The load runs on one CPU and the server on another. With live frames the "
            "XDP program under test runs on the CPU of the load, together with both crossings of "
            "the veth and the check of every reply. The GET/s of these rows therefore describe load "
            "and program together; program time is the program alone. Load, servers and "
            "counterparts run at nice -20, each in a session (autogroup) of that priority. The "
            "exception is dpdk mode, whose rows count CPU time." % machine(), "",
            "The bare reflector is an XDP program that only sends each frame back. The classic "
            "server (`tests/bench/classic.c`) stands for earlier servers of this protocol: one "
            "thread, one system call per datagram, an ordered map. sessiond listens on every "
            "address. In socket mode it asks the kernel for the address of each datagram and "
            "replies from this address; the classic server does not.", "",
            "A figure is the median of %s of %g s. Ours and the counterpart take turns. The ratio "
            "is the median of the ratios of all rounds, and the spread is the lowest and the "
            "highest ratio. Ratios can be compared across machines, absolute figures cannot. Every "
            "reply was verified byte for byte." % (plural(args.rounds, "round"), args.seconds), "",
            "| figure | ours | counterpart | ratio | spread | bound | aim | met |",
            "|---|---:|---:|---:|---:|---:|---:|---|"]
    figures = [figure for row, _ in rows.values() for figure in row]
    text += [line(figure) for figure in figures]
    older = ["- %s: %s." % (name, when) for name, (_, when) in rows.items() if when != made]
    if older:
        text += ["", "These rows are from other runs:", ""] + older
    notes = [f for f in figures if f.note]
    if notes:
        text += ["", "Notes:", ""] + ["- %s: %s." % (figure.name, figure.note) for figure in notes]
    if failed:
        text += ["", "Not measured:", ""] + ["- %s: %s" % pair for pair in failed]
    for name, caption in (("sessions", "Throughput against sessions"),
                          ("latency", "Latency against offered load"),
                          ("mix", "TLS 1.3 mix: replies late or lost against offered load")):
        if (output / (name + ".svg")).exists():
            text += ["", "![%s](%s.svg)" % (caption, name)]
    pages = [("costs", "Cost of a GET and a NEW by cache size, and the cores that a line rate needs"),
             ("eviction", "Hit ratio of eviction policies")]
    pages += [("stalls-" + mode, "Replies while the daemon does other work, %s mode" % mode)
              for mode in LINES]
    more = ["- %s: [%s.md](%s.md)" % (caption, name, name) for name, caption in pages
            if (output / (name + ".md")).exists()]
    if more:
        text += ["", "More measurements:", ""] + more
    path = output / "README.md"
    path.write_text("\n".join(text) + "\n")
    return path, figures, not older

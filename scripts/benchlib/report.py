# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The table, as Markdown."""
import dataclasses
import datetime
import json
import statistics
import subprocess

from .bounds import LIMIT, PEER, VALUE
from .figure import Figure
from .lab import LINES, ROOT
from .machine import machine
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


def amount(values, unit):
    return value(statistics.median(values)) + ("" if unit.startswith("/") else " ") + unit


def beside(name, values, unit):
    return "%s: %s" % (name, amount(values, unit)) if values else "–"


def ratio(ratios):
    """The median, with the lowest and the highest."""
    if not ratios:
        return "–"
    spread = " (%.2f–%.2f)" % (min(ratios), max(ratios)) if len(ratios) > 1 else ""
    return "%.2f×%s" % (statistics.median(ratios), spread)


def required(figure, number):
    """A bound, and what it is a bound of."""
    of = figure.bound().of
    what = figure.unit if of == VALUE else "limit" if of == LIMIT else "peer"
    return "%s %g%s %s" % ("≤" if figure.lower_is_better else "≥", number, "" if of == VALUE else "×",
                           what)


def line(figure):
    bound = figure.bound()
    bounds = [required(figure, number) for number in (bound.at_least, bound.aim)] if bound else "––"
    return "| %s |" % " | ".join([
        figure.name, amount(figure.ours, figure.unit),
        beside(figure.limit, figure.limits, figure.unit), ratio(figure.ratios(LIMIT)),
        beside(figure.peer, figure.peers, figure.unit), ratio(figure.ratios(PEER)),
        *bounds, figure.verdict()])


def plural(n, what):
    return "%d %s%s" % (n, what, "" if n == 1 else "s")


def remembered(output, figures, took, args):
    """All measured rows, with place and time. A run of a few rows replaces only these rows in the
    table. Returns what is remembered of each row."""
    path = output / "figures.json"
    rows = json.loads(path.read_text()) if path.exists() else {}
    made = "%s, commit %s, %s, load average %.1f before, %s of %g s" % (
        datetime.date.today().isoformat(), args.commit, machine(), args.load,
        plural(args.rounds, "round"), args.seconds)
    full = all(name in figures for name in ROWS)
    for name, row in figures.items():
        rows[name] = {"made": made, "full": full, "seconds": took.get(name, 0),
                      "figures": [dataclasses.asdict(figure) for figure in row]}
    path.write_text(json.dumps(rows, indent=1) + "\n")
    return {name: rows[name] for name in ROWS if name in rows}


def origin(rows):
    """Which run each row is from, and whether one run made all."""
    full = {row["made"] for row in rows.values() if row["full"]}
    last = max(full) if full else None
    names = [name for name in rows if last and rows[name]["made"] == last]
    others = ["- %s: %s." % (name, row["made"]) for name, row in rows.items() if name not in names]
    if not others:
        return ["All rows are from one run of %.0f minutes: %s." % (
            sum(row["seconds"] for row in rows.values()) / 60, last)], True
    if not names:
        return ["No run of all rows has been made since their definitions changed. These runs made "
                "the rows:", ""] + others, False
    return ["These rows are from the last full run (%s): %s." % (last, ", ".join(names)), "",
            "These rows are from other runs:", ""] + others, False


HEAD = ("| figure | ours | limit | ours / limit | classic server or peer | ratio | at least | aim | met |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|")

METHOD = """\
`scripts/bench` makes this page. [figures.json](figures.json) has the value of every round.
[cost-model.md](../cost-model.md) explains what limits the figures.

The load runs on one CPU and the server on another. With live frames the XDP program under test runs on the
CPU of the load, together with both crossings of the veth and the check of every reply. The GET/s of these
rows therefore describe load and program together; program time is the program alone. Load, servers and
counterparts run at nice -20, each in a session (autogroup) of that priority. The exception is dpdk mode,
whose rows count CPU time.

A **limit** is the least work that gives the right answer on the same memory, map and kernel. It is a
program of its own in `tests/bench`, without any check:

- least program (`least.bpf.c`): looks up the session in sessiond's own map, makes room, copies the value,
  swaps the addresses.
- AF_XDP and the map's batch update (`least_new.c`): receives NEWs and stores them in a map of the same
  size by `BPF_MAP_UPDATE_BATCH`. Nothing is evicted, listed or guarded. It answers GETs as the least program
  does.
- echo (`least_echo.c`): `recvmmsg`, the value from an array, `sendmmsg` with `UDP_SEGMENT`.
- swap and copy, swap and lines, swap and bucket (`least_dpdk.c`): what testpmd's 5tswap does, and the
  memory that an answer needs: 144 bytes of a session; the line that locates the session and its three
  lines, fetched ahead as far as is best on this host; the line that would locate it.

The bare reflector is an XDP program that only sends each frame back. The classic server
(`tests/bench/classic.c`) stands for earlier servers of this protocol: one thread, one system call per
datagram, an ordered map. sessiond listens on every address. In socket mode it asks the kernel for the
address of each datagram and replies from this address; the classic server and the echo do not.

Ours, the limit and the peer take turns in every round. A ratio is the median of the ratios of all rounds,
with the lowest and the highest in brackets. The last columns are bounds of the ratio to the limit or to
the peer, or of the value itself. Ratios can be compared across machines, absolute figures cannot. Every
reply was verified byte for byte."""


def write(output, figures, took, failed, args):
    """`took`: seconds of each row."""
    rows = remembered(output, figures, took, args)
    told, whole = origin(rows)
    listed = [Figure(**figure) for row in rows.values() for figure in row["figures"]]
    text = ["# Measurements", "", METHOD, "", *told, "", *HEAD]
    text += [line(figure) for figure in listed]
    notes = [f for f in listed if f.note]
    if notes:
        text += ["", "Notes:", ""] + ["- %s: %s." % (figure.name, figure.note) for figure in notes]
    if failed:
        text += ["", "Not measured:", ""] + ["- %s: %s" % pair for pair in failed]
    for name, caption in (("sessions", "Throughput against sessions"),
                          ("scale", "Costs against sessions"),
                          ("latency", "Latency against offered load"),
                          ("mix", "TLS 1.3 mix: replies late or lost against offered load")):
        if (output / (name + ".svg")).exists():
            text += ["", "![%s](%s.svg)" % (caption, name)]
    pages = [("costs", "Cost of a GET and a NEW by cache size, and the cores that a line rate needs"),
             ("scale", "What grows with the number of sessions"),
             ("eviction", "Hit ratio of eviction policies")]
    pages += [("stalls-" + mode, "Replies while the daemon does other work, %s mode" % mode)
              for mode in LINES]
    more = ["- %s: [%s.md](%s.md)" % (caption, name, name) for name, caption in pages
            if (output / (name + ".md")).exists()]
    if more:
        text += ["", "More measurements:", ""] + more
    path = output / "README.md"
    path.write_text("\n".join(text) + "\n")
    return path, listed, whole

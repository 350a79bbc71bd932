# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The table, as Markdown."""
import datetime
import os
import platform
import statistics
import subprocess

from .lab import ROOT


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    memory = int(next(line.split()[1] for line in open("/proc/meminfo")
                      if line.startswith("MemTotal"))) / 1024 / 1024
    virtual = " (virtual machine)" if any(
        line.startswith("flags") and " hypervisor" in line for line in open("/proc/cpuinfo")) else ""
    return "%d × %s%s, %.0f GiB, Linux %s" % (
        os.cpu_count(), model, virtual, memory, platform.release().split("-")[0])


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


def line(figure):
    if not figure.ratios():
        return "| %s | – | %s | – | – | – | – | **no value** |" % (figure.name,
                                                                   figure.counterpart)
    if figure.at_least is None:
        return "| %s | %s %s | %s: %s %s | %.2f× | %s | – | – | – |" % (
            figure.name, value(statistics.median(figure.ours)), figure.unit, figure.counterpart,
            value(statistics.median(figure.theirs)), figure.unit, figure.ratio(),
            spread(figure.ratios()))
    sign = "≤" if figure.lower_is_better else "≥"
    return "| %s | %s %s | %s: %s %s | %.2f× | %s | %s %g× | %s %g× | %s |" % (
        figure.name, value(statistics.median(figure.ours)), figure.unit, figure.counterpart,
        value(statistics.median(figure.theirs)), figure.unit, figure.ratio(),
        spread(figure.ratios()), sign, figure.at_least, sign, figure.aim, figure.verdict())


def write(output, figures, failed, args, seconds):
    text = ["# Measurements", "",
            "Made by `scripts/bench` on %s, commit %s, in %.0f minutes." % (
                datetime.date.today().isoformat(), commit(), seconds / 60), "",
            "Machine: %s. Load on one CPU, the server on another; with live frames the XDP "
            "program under test runs on the CPU of the load, as do both crossings of the veth and "
            "the check of every reply." % machine(), "",
            "A figure is the median of %d rounds of %g s, ours and the counterpart in turn; the "
            "ratio is the median of the rounds' ratios, the spread their lowest and highest. "
            "Every reply was verified byte for byte." % (args.rounds, args.seconds), "",
            "| figure | ours | counterpart | ratio | spread | at least | aim | met |",
            "|---|---:|---:|---:|---:|---:|---:|---|"]
    text += [line(figure) for figure in figures]
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
    if (output / "eviction.md").exists():
        text += ["", "Eviction policies: [eviction.md](eviction.md)."]
    for mode in ("xdp", "socket"):
        page = output / ("stalls-%s.md" % mode)
        if page.exists():
            text += ["", "## Do other works of the daemon hold up replies? Mode %s" % mode, "",
                     "20 k GET/s in open loop, or NEWs one after the other until each can be read, "
                     "3 s each with the event in them, in ms; the median (and the worst) of the "
                     "repetitions. `scripts/benchlib/stalls.py` says more.", "",
                     page.read_text().strip()]
    path = output / "README.md"
    path.write_text("\n".join(text) + "\n")
    return path

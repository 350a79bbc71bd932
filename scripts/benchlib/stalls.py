# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""What the daemon's other work does to replies: a steady load, and an event in the middle of it.

Each event has two probes. GETs come in open loop, and latency counts from the time at which each
was due. NEWs come one after the other; each is asked for until it can be read, and latency is the
time that takes. The same load without the event is measured before it: on a machine with few cores
the load, the kernel and the server get in each other's way, which is not the event's doing. On a
virtual machine the host does, too: compare with the line on windows without any event.
"""
import dataclasses
import json
import os
import signal
import socket
import statistics
import subprocess
import time

from .lab import LINES, LabError, run

STEADY = 50000  # sessions that the GETs ask for
RATE = 20000    # GETs a second
WINDOW = 2      # seconds of a probe
BEFORE = 0.5    # of them before the event
FLOOD = 50000   # NEWs a second
LONG_LIST = 1000
PARTS = 20      # in which a crowd that ends at once is stored


class Stage:
    """A daemon of a mode, and what can be done to it."""

    def __init__(self, lab, mode):
        self.lab, self.mode, self.capacity = lab, mode, max(
            lab.args.sessions, 2 * STEADY)
        self.control, self.config = lab.work / (mode + ".sock"), lab.work / "stalls.conf"
        self.seed, self.end, self.down = 100, 0, []
        # Where what is no part of the load runs: not where an lcore never sleeps.
        self.cpu = lab.load_cpu if mode == "dpdk" else lab.server_cpu
        self.write_config(2)
        extra = ["--config", self.config] + (["--keep"] if mode == "xdp" else [])
        self.server = lab.sessiond(mode, self.capacity, extra=extra)
        if mode != "dpdk":
            lab.passing_at(self.server.node)

    def write_config(self, prefixes):
        lines = ["allow = 127.0.0.0/8", "allow = 10.201.0.0/16"]
        lines += ["allow = 192.168.%d.%d/32" % divmod(i, 250) for i in range(prefixes - 2)]
        self.config.write_text("\n".join(lines) + "\n")

    def ctl(self, *command):
        return run(*self.lab.inside("cache", self.cpu, self.lab.build / "sessionctl",
                                    "--control", self.control, *command))

    def stat(self, name):
        return int(dict(line.split()[:2] for line in self.ctl("stats").splitlines())[name])

    def preload(self, sessions, *options):
        self.lab.store(self.server, "--sessions", sessions, *options)

    def load(self, *options):
        return subprocess.Popen(
            self.lab.inside(self.server.node, self.lab.load_cpu, self.lab.build / "sessionbench",
                            "--quiet", "--json", "--no-preload", "--sessions", STEADY, *options,
                            self.server.target),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def fresh(self):
        """The seed of sessions that are not there yet."""
        self.seed += 1
        return "--seed", self.seed

    # States in which events happen

    def full(self):
        self.preload(STEADY)
        missing = self.capacity - self.stat("sessions")
        if missing > 0:
            self.preload(missing, *self.fresh())

    def empty(self):
        self.ctl("flush")
        while self.stat("sessions") > 0:
            time.sleep(0.1)
        self.preload(STEADY)

    def crowd(self):
        """Sessions that all end in the same second, some seconds from now."""
        self.empty()
        part = (self.capacity - STEADY) // PARTS
        began = time.monotonic()
        self.preload(part, *self.fresh())
        self.end = time.monotonic() + 1.5 * PARTS * (time.monotonic() - began) + WINDOW + 4
        for _ in range(PARTS - 1):
            self.preload(part, *self.fresh(), "--lifetime",
                         max(1, round(self.end - time.monotonic())))

    def almost(self):
        time.sleep(max(0, self.end - BEFORE - 1 - time.monotonic()))

    # Events

    def nothing(self):
        pass

    def stats(self):
        until = time.monotonic() + WINDOW - 2 * BEFORE
        while time.monotonic() < until:
            self.ctl("stats")

    def list(self):
        self.ctl("list")

    def flush(self):
        self.ctl("flush")

    def reload(self):
        for prefixes in (LONG_LIST, 2, LONG_LIST, 2):
            self.write_config(prefixes)
            self.ctl("reload")

    def flood(self):
        self.load("--workload", "new", "--rate", FLOOD, "--ports", 4, "--duration",
                  WINDOW - 2 * BEFORE).communicate(timeout=120)

    def restart(self, number):
        began = time.monotonic()
        self.server.restart(number)
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(str(self.control))
                    sock.sendall(b"ping\n")
                    if sock.recv(100).startswith(b"OK"):
                        break
            except OSError:
                pass
            if self.server.process.poll() is not None or time.monotonic() > began + 60:
                raise LabError("sessiond did not come back: %s" % self.server.output())
            time.sleep(0.01)
        self.down.append(time.monotonic() - began)

    def killed(self):
        self.restart(signal.SIGKILL)

    def kept(self):
        self.restart(signal.SIGTERM)

    # Probes

    def window(self, kind, event):
        options = {"get": ("--rate", RATE, "--ports", 8),
                   "new": ("--workload", "new", "--window", 1, "--ports", 1)}[kind]
        load = self.load(*options, "--duration", WINDOW)
        try:
            time.sleep(BEFORE)
            event(self)
            out, err = load.communicate(timeout=120)
        except BaseException:
            load.kill()
            load.communicate()
            raise
        if load.returncode != 0:
            raise LabError("sessionbench: " + (err.strip().splitlines() or ["failed"])[-1])
        result = json.loads(out)
        latency = result["latency_ns"]
        return latency["p99.9"] / 1e6, latency["max"] / 1e6, 100 * result["late_or_lost"]


@dataclasses.dataclass
class Event:
    name: str
    act: object
    before_calm: object = Stage.full
    calm: object = Stage.nothing
    before_act: object = Stage.nothing
    probes: tuple = ("get", "new")
    modes: tuple = ("xdp", "socket", "dpdk")


NOTHING = "nothing at all"
FLOODED = "%d k NEW/s into a full cache; without: into an empty one" % (FLOOD // 1000)
LOADED = (FLOODED,)  # where there is other load without the event, too

EVENTS = (
    Event(NOTHING, Stage.nothing),
    Event("`sessionctl stats` in a loop", Stage.stats),
    Event("`sessionctl list` of a full cache", Stage.list),
    Event("four reloads, two of them with %d allowed prefixes" % LONG_LIST, Stage.reload),
    Event("killed with -9, started again, full cache adopted", Stage.killed, probes=("get",),
          modes=("xdp",)),
    Event("stopped, started again, full cache adopted", Stage.kept, probes=("get",),
          modes=("xdp",)),
    Event(FLOODED, Stage.flood, before_calm=Stage.empty, calm=Stage.flood, before_act=Stage.full,
          probes=("get",)),
    Event("flush of a full cache", Stage.flush),
    Event("all sessions end within one second", Stage.nothing, before_calm=Stage.crowd,
          before_act=Stage.almost),
)


def measure(lab, mode):
    """Rows of the table (mode, event, probe, and windows without and with it: p99.9, max, late),
    and how long the daemon was away, each time."""
    everywhere = os.sched_getaffinity(0)
    stage = Stage(lab, mode)
    os.sched_setaffinity(0, {stage.cpu})  # this very program is no part of the load
    rows = []
    try:
        for event in EVENTS:
            for kind in event.probes if mode in event.modes else ():
                calm, got = [], []
                for _ in range(max(1, lab.args.rounds // 4)):
                    event.before_calm(stage)
                    calm.append(stage.window(kind, event.calm))
                    event.before_act(stage)
                    got.append(stage.window(kind, event.act))
                rows.append((mode, event.name, kind, calm, got))
                print("         %-6s %-55s %s  p99.9 %.2f -> %.2f ms, max %.2f -> %.2f ms" % (
                    mode, event.name, kind, *(
                        statistics.median(w[i] for w in windows)
                        for i in (0, 1) for windows in (calm, got))), flush=True)
    finally:
        stage.server.clean_stop()
        os.sched_setaffinity(0, everywhere)
    return rows, stage.down


def stalls(mode):
    """What makes the part of a mode and writes it to a file of its own."""
    def make(lab, output):
        (output / ("stalls-%s.md" % mode)).write_text(table(*measure(lab, mode)))
    return make


STALLS = {"stalls-" + mode: stalls(mode) for mode in LINES}


def spread(values):
    low, middle, high = min(values), statistics.median(values), max(values)
    return "%.2f" % middle if high - low < 0.005 else "%.2f (%.2f–%.2f)" % (middle, low, high)


def quiet_windows(rows, kind):
    """All windows of a probe in which nothing at all happened."""
    return [window for _, name, probe, calm, got in rows if probe == kind
            for window in (calm + got if name == NOTHING else calm if name not in LOADED else [])]


def table(rows, down):
    def cell(windows, i):
        return spread([window[i] for window in windows])
    text = ["| mode | event | probe | p99.9 without | with | max without | with | late without "
            "| with |", "|---|---|---|---:|---:|---:|---:|---:|---:|"]
    for mode, name, kind, calm, got in rows:
        late = ["%.3f %%" % statistics.median(w[2] for w in windows) if kind == "get" else "–"
                for windows in (calm, got)]
        text.append("| %s | %s | %s | %s | %s | %s | %s | %s | %s |" % (
            mode, name, kind.upper(), cell(calm, 0), cell(got, 0), cell(calm, 1), cell(got, 1),
            *late))
    text.append("")
    for kind in ("get", "new"):
        windows = quiet_windows(rows, kind)
        if windows:
            over = sum(window[1] > 1 for window in windows)
            text.append("Without any event, %s, all %d windows: p99.9 %s ms, maximum %s ms, over "
                        "1 ms in %d of them.\n" % (kind.upper(), len(windows), cell(windows, 0),
                                                  cell(windows, 1), over))
    if down:
        text += ["The daemon was away for %.2f s (median), from the signal until it answered "
                 "on its admin socket with the full cache adopted." % statistics.median(down)]
    return "\n".join(text).rstrip() + "\n"

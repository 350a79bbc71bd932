# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""How the daemon's other work affects replies: a steady load, and an event in the middle of it.

Each event has two probes. GETs come in open loop, and latency counts from the time at which a GET
was due. NEWs come one after the other; latency is the time until a GET finds the session. Both are
watched in many short windows, with the event and without it alternately. One stall decides the
p99.9 and the maximum of its own window only. So the table has medians of the windows, and the
number of windows with an answer that took over a millisecond.

On a machine with few cores the load, the kernel and the server compete for the CPUs. On a virtual
machine the host interferes as well. Neither is caused by the event. So the load reports when it was
held up itself (bench/held.h). A reply that is late even without this time was late because of the
server. The kernel reports how long the daemon's threads waited for a CPU.
"""
import os
import signal
import statistics
import time

from . import schedstat
from .admin import Admin
from .lab import LINES, LabError
from .stalls_table import Window, table

STEADY = 50000  # sessions that the GETs request
RATE = 20000    # GETs per second
FLOOD = 50000   # NEWs per second
WINDOW = 0.5    # seconds of a probe
BEFORE = 0.12   # seconds of the window before the event
CALM = 5        # minimum number of windows without the event
STATS = 50      # per second: a monitor asks every few seconds
LONG_LIST = 1000
PARTS = 20      # number of batches that store sessions with one end time


def waiting(pid):
    """Time that each thread of a process has waited for a CPU, in ns."""
    return {thread: waited for thread, (_, waited) in schedstat.threads(pid).items()}


class Stage:
    """A daemon in one mode, and the events."""

    def __init__(self, lab, mode):
        self.lab, self.mode, self.capacity = lab, mode, max(
            lab.args.sessions, 2 * STEADY)
        self.config, self.admin = lab.work / "stalls.conf", Admin(lab.work / (mode + ".sock"))
        self.seed, self.end, self.left, self.down = 100, 0, 0, []
        self.changed = True  # sessions may be missing
        # CPU for everything except load and server: not the CPU of an lcore, which never sleeps.
        self.cpu = lab.load_cpu if mode == "dpdk" else lab.server_cpu
        self.write_config(2)
        extra = ["--config", self.config] + (["--keep"] if mode == "xdp" else [])
        self.server = lab.sessiond(mode, self.capacity, extra=extra)
        if mode != "dpdk":
            lab.passing_at(self.server.node)

    def close(self):
        self.admin.close()
        self.server.clean_stop()

    def write_config(self, prefixes):
        lines = ["allow = 127.0.0.0/8", "allow = 10.201.0.0/16"]
        lines += ["allow = 192.168.%d.%d/32" % divmod(i, 250) for i in range(prefixes - 2)]
        self.config.write_text("\n".join(lines) + "\n")

    def sessions(self):
        return self.admin.stat("sessions")

    def preload(self, sessions, *options):
        self.lab.store(self.server, "--sessions", sessions, *options)

    def fresh(self):
        """A seed for sessions that are not stored yet."""
        self.seed += 1
        return "--seed", self.seed

    # States in which events happen

    def full(self):
        self.settled()
        if self.changed:
            self.preload(STEADY)
            missing = self.capacity - self.sessions()
            if missing > 0:
                self.preload(missing, *self.fresh())
        self.changed = False

    def settled(self):
        """Waits until nothing of an earlier event is left."""
        if self.admin.asked:
            self.admin.reply()

    def empty(self):
        self.settled()
        self.changed = True
        self.admin.ask("flush")
        self.preload(STEADY)

    def roomy(self):
        if self.sessions() > self.capacity / 2:
            self.empty()

    def crowd(self):
        """Stores sessions that all end in the same second, some seconds from now."""
        self.empty()
        part = (self.capacity - STEADY) // PARTS
        began = time.monotonic()
        self.preload(part, *self.fresh())
        self.end = (time.monotonic() + 1.3 * PARTS * (time.monotonic() - began) +
                    CALM * (WINDOW + 0.1) + 4)
        for _ in range(PARTS - 1):
            self.preload(part, *self.fresh(), "--lifetime",
                         max(1, round(self.end - time.monotonic())))

    def almost(self):
        time.sleep(max(0, self.end - 1 - BEFORE - time.monotonic()))

    # Events

    def nothing(self):
        pass

    def stats(self):
        for i in range(round(STATS * (WINDOW - BEFORE))):
            self.admin.ask("stats")
            time.sleep(1 / STATS)

    def list(self):
        self.admin.ask("list")

    def flush(self):
        self.changed = True
        self.admin.send("flush")

    def flushing(self):
        return self.admin.pending()

    def ending(self):
        """Whether some are left: NEWs of the probe stay."""
        last, self.left = self.left, self.sessions()
        return time.monotonic() < self.end + 1 or self.left < last

    def reload(self):
        for prefixes in (LONG_LIST, 2, LONG_LIST, 2):
            self.write_config(prefixes)
            self.admin.ask("reload")

    def restart(self, number):
        began = time.monotonic()
        self.admin.close()
        self.server.restart(number)
        while not self.admin.answers():
            if self.server.process.poll() is not None or time.monotonic() > began + 60:
                raise LabError("sessiond did not come back: %s" % self.server.output())
            time.sleep(0.01)
        self.down.append(time.monotonic() - began)

    def killed(self):
        self.restart(signal.SIGKILL)

    def kept(self):
        self.restart(signal.SIGTERM)

    # Probes

    def window(self, kind, seconds, act):
        # One process sends the GETs and NEWs of a flood: two processes would wait for each other on
        # their CPU.
        options = {"get": ("--rate", RATE, "--ports", 8),
                   "new": ("--workload", "new", "--window", 1, "--ports", 1),
                   "flood": ("--rate", RATE + FLOOD, "--ports", 8, "--workload", "mix", "--mix",
                             2 * RATE / (RATE + FLOOD))}[kind]
        self.changed |= kind != "get"
        before = waiting(self.server.process.pid)
        load = self.lab.start_bench(self.server, "--no-preload", "--sessions", STEADY, *options,
                                    "--duration", seconds)
        try:
            time.sleep(BEFORE)
            act(self)
            out, err = load.communicate(timeout=120)
        except BaseException:
            load.kill()
            load.communicate()
            raise
        if load.returncode != 0:
            raise LabError("sessionbench: " + (err.strip().splitlines() or ["failed"])[-1])
        after = waiting(self.server.process.pid)
        return Window.of(out, max((after[task] - before[task] for task in after if task in before),
                                  default=0))


class Event:
    """`lots` times: `prepare`, CALM windows in all, `begin`, and a window with `act` in it. With
    `during`, more windows follow while it returns true. Only xdp mode has all probes and lots: the
    other modes share most of its code, and time is limited."""

    def __init__(self, name, act, lots=10, prepare=Stage.full, begin=Stage.nothing, during=None,
                 probes=("get", "new"), elsewhere=("get",), seconds=WINDOW, flood=False):
        self.name, self.act, self.lots, self.prepare, self.begin = name, act, lots, prepare, begin
        self.during, self.probes, self.elsewhere = during, probes, elsewhere
        self.seconds, self.flood = seconds, flood

    def measure(self, stage, kind):
        calm, got = [], []
        lots = self.lots if stage.mode == "xdp" else min(self.lots, 5)
        for lot in range(lots):
            self.prepare(stage)
            while len(calm) < CALM * (lot + 1) / lots:
                calm.append(stage.window(kind, WINDOW, Stage.nothing))
            self.begin(stage)
            with_it = "flood" if self.flood else kind
            got.append(stage.window(with_it, self.seconds, self.act))
            while self.during and self.during(stage):
                got.append(stage.window(with_it, self.seconds, Stage.nothing))
        return calm, got


EVENTS = (
    Event("no event", Stage.nothing, elsewhere=("get", "new")),
    Event("`stats`, %d a second" % STATS, Stage.stats, probes=("get",)),
    Event("`list` of a full cache", Stage.list, lots=5),
    Event("four reloads, two of them with %d allowed prefixes" % LONG_LIST, Stage.reload, lots=8),
    Event("killed with -9, started again, full cache adopted", Stage.killed, lots=3,
          probes=("get",), elsewhere=(), seconds=2),
    Event("stopped, started again, full cache adopted", Stage.kept, lots=3, probes=("get",),
          elsewhere=(), seconds=2),
    Event("%d k NEW/s into a full cache" % (FLOOD // 1000), Stage.nothing, probes=("get",),
          flood=True),
    Event("%d k NEW/s into an empty cache" % (FLOOD // 1000), Stage.nothing,
          prepare=Stage.roomy, probes=("get",), flood=True),
    Event("flush of a full cache", Stage.flush, lots=1, during=Stage.flushing,
          elsewhere=("get", "new")),
    Event("all sessions end within one second", Stage.nothing, lots=1, prepare=Stage.crowd,
          begin=Stage.almost, during=Stage.ending),
)


def measure(lab, mode):
    """Rows of the table (mode, event, probe, and windows without and with it), and how long the
    daemon was away, each time."""
    everywhere = os.sched_getaffinity(0)
    stage = Stage(lab, mode)
    os.sched_setaffinity(0, {stage.cpu})  # this program is not part of the load
    rows = []
    try:
        for event in EVENTS:
            for kind in event.probes if mode == "xdp" else event.elsewhere:
                began = time.monotonic()
                calm, got = event.measure(stage, kind)
                rows.append((mode, event.name, kind, calm, got))
                print("         %-6s %-55s %s %3.0f s " % (
                    mode, event.name, kind, time.monotonic() - began), *(
                    "%.2f" % statistics.median(getattr(w, what) for w in windows)
                    for what in ("p999", "most", "served") for windows in (calm, got)),
                      flush=True)
        stage.settled()
    finally:
        stage.close()
        os.sched_setaffinity(0, everywhere)
    return rows, stage.down


INTRODUCTION = """\
# Replies while the daemon does other work: %s mode

`scripts/bench stalls-%s` makes this page; `scripts/benchlib/stalls.py` describes the method.

The load sends %d k GET/s in open loop, or NEWs one after the other, each until a GET finds it. It is
watched in windows of %g s. The event starts %g s after the beginning of a window. A cell has the
value without the event, then the value with it.

- p99.9 and maximum are medians of the windows, of the GETs that were answered.
- "over 1 ms" counts windows with an answer that took longer; "late" is the share of all GETs that were
  answered later or not at all.
- "by the server" leaves out the time for which the load itself was held up.
- "daemon waited" is how long the thread of the daemon that waited longest for a CPU waited in a window.

"""


def page(mode, text):
    return INTRODUCTION % (mode, mode, RATE // 1000, WINDOW, BEFORE) + text


def stalls(mode):
    """Measures one mode and writes a page of its own."""
    def make(lab, output):
        (output / ("stalls-%s.md" % mode)).write_text(page(mode, table(*measure(lab, mode))))
    return make


STALLS = {"stalls-" + mode: stalls(mode) for mode in LINES}

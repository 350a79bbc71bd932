# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""What grows with the number of sessions, in xdp mode: a page and a plot. Everything is a cost per session
or per request. Per session, nothing may grow. A request may wait for memory where fewer sessions were in a
cache, as the least program does."""
import dataclasses
import datetime
import signal
import statistics
import time

from .admin import Admin
from .costs import NEWS, measure_new
from .lab import LabError
from .machine import machine
from .memory import map_memory
from .plots import draw, save
from .starts import PATIENCE, restarted

SIZES = (1000, 100000, 1000000, 4000000, 16000000)

# Bytes a session, at most, of kernel and daemon; the rest of the machine's memory is for others.
NEEDED = 450
SHARE = 0.8

ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class Cost:
    name: str
    unit: str
    most: float  # growth from one size to the next that is not flagged
    why: str


COSTS = (
    Cost("GET hit", "ns", None, ""),  # see hit_growth
    Cost("least program, GET hit", "ns", None, ""),
    Cost("NEW, CPU of the daemon", "ns", 1.5, "a NEW waits for memory, too"),
    Cost("start", "ns a session", 1.25, ""),
    Cost("start with adoption", "ns a session", 1.25, ""),
    Cost("list", "ns a session", 1.25, ""),
    Cost("flush", "ns a session", 1.25, ""),
    Cost("memory", "B a session", 1.25, ""),
)
HIT, LEAST = 0, 1
HIT_MOST = 1.15  # growth of a hit's ratio to the least program


def available():
    """Bytes."""
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def listed(admin):
    """Seconds that a list takes. Its text may be larger than the memory of this process should be."""
    began, tail = time.monotonic(), b""
    admin.send("list")
    while not tail.endswith(b"\n.\n"):
        part = admin.sock.recv(1 << 20)
        if not part:
            raise LabError("the daemon closed its admin socket")
        tail = (tail + part)[-16:]
    admin.asked = False
    return time.monotonic() - began


def timed(act, *arguments):
    began = time.monotonic()
    act(*arguments)
    return time.monotonic() - began


def begun(server, admin):
    """Seconds of a start without pinned sessions."""
    admin.close()
    server.end(signal.SIGTERM)
    server.lab.remove_pins(server)
    began = time.monotonic()
    server.begin()
    while not admin.answers():
        if server.process.poll() is not None or time.monotonic() > began + PATIENCE:
            raise LabError("sessiond does not start: %s" % server.output())
        time.sleep(0.005)
    return time.monotonic() - began


def measure(lab, size):
    """The costs, in their order."""
    server = lab.sessiond("xdp", size + 2 * NEWS, extra=["--keep"])
    admin = Admin(lab.work / "xdp.sock")
    try:
        lab.preload(server, size)
        held = (server.resident() + map_memory(server.process.pid)) / (size + 2 * NEWS)
        options = ("--sessions", size, "--require-hits")
        with lab.least(server) as least:
            hits, leasts = zip(*((lab.frames(server, *options, *lab.program_of(server))["program_ns"],
                                  least(*options)) for _ in range(ROUNDS)))
        list_seconds = listed(admin)
        adopted = restarted(server, admin, size)
        new = measure_new(lab, server, size)[1]
        stored = admin.stat("sessions")
        flushed = timed(admin.ask, "flush")
        fresh = begun(server, admin)
    finally:
        admin.close()
        server.clean_stop()
    return [statistics.median(hits), statistics.median(leasts), new, fresh * 1e9 / (size + 2 * NEWS),
            adopted * 1e9 / size, list_seconds * 1e9 / size, flushed * 1e9 / stored, held]


def growth(rows):
    """A line for each cost that grows faster than it must, from one size to the next."""
    found = []
    for (small, before), (large, after) in zip(rows, rows[1:]):
        where = "from {:,} to {:,} sessions".format(small, large)
        ratios = [costs[HIT] / costs[LEAST] for costs in (before, after)]
        if ratios[1] > HIT_MOST * ratios[0]:
            found.append("%s, a GET hit grows from %.2f to %.2f times the least program" % (
                where, *ratios))
        for cost, a, b in zip(COSTS, before, after):
            if cost.most and b > cost.most * a:
                found.append("%s, %s grows from %.0f to %.0f %s" % (where, cost.name, a, b, cost.unit))
    return found


def table(rows):
    head = "| sessions | " + " | ".join("%s, %s" % (cost.name, cost.unit) for cost in COSTS) + " |"
    return [head, "|---:|" + "---:|" * len(COSTS)] + [
        "| {:,} | ".format(size) + " | ".join("%.0f" % value for value in costs) + " |"
        for size, costs in rows]


INTRODUCTION = """\
# What grows with the number of sessions

`scripts/bench scale` made this page on %s at commit %s: %s.

xdp mode, values of 144 bytes, a capacity of the sessions and %s more. A GET hit is the program's time; "start" is
a start with new maps, and "start with adoption" one that finds the sessions of the last daemon, both until
the admin socket answers. "list" is the whole reply. All are costs per session or per request: "start" and
memory per session of the capacity, a flush per session that it deletes. With few sessions, what a process
or a command costs by itself is the larger part.
"""


def page(rows, skipped, commit):
    found = growth(rows)
    text = [INTRODUCTION % (datetime.date.today().isoformat(), commit, machine(), "{:,}".format(2 * NEWS)),
            *table(rows), ""]
    if found:
        text += ["**Grows faster than it must:**", ""] + ["- %s." % one for one in found]
    else:
        text += ["Nothing grows faster than it must: from one size to the next, no cost per session by more "
                 "than a quarter, a NEW by no more than a half (it waits for memory, too), and a GET hit "
                 "by no more than the least program and 15 %."]
    if skipped:
        text += ["", "Not measured:", ""] + ["- %s" % one for one in skipped]
    return "\n".join(text) + "\n"


def scale(lab, output):
    rows, skipped = [], []
    for size in SIZES:
        needed, room = size * NEEDED, SHARE * available()
        if size > lab.args.scale_to:
            skipped.append("{:,} sessions: --scale-to is {:,}".format(size, lab.args.scale_to))
        elif needed > room:
            skipped.append("{:,} sessions: they need {:.1f} GB, and {:.1f} GB are available here".format(
                size, needed / 1e9, room / 1e9))
        else:
            began = time.monotonic()
            rows.append((size, measure(lab, size)))
            print("         {:,} sessions: {:.0f} s".format(size, time.monotonic() - began), flush=True)
    save(output / "scale.dat", {"sessions; " + "; ".join("%s, %s" % (cost.name, cost.unit)
                                                         for cost in COSTS):
                                [(size, *costs) for size, costs in rows]})
    (output / "scale.md").write_text(page(rows, skipped, lab.args.commit))
    lines = ", ".join("'%s' using 1:%d title '%s, %s' linewidth 2" % (
        output / "scale.dat", 2 + i, cost.name, cost.unit) for i, cost in enumerate(COSTS))
    draw(output / "scale.svg", """
set title 'Costs per session or request, xdp mode, 144-byte values'
set logscale xy
set xlabel 'sessions in the cache'
set ylabel 'nanoseconds, or bytes'
set format x '%.0s%c'
set yrange [10:100000]
set xrange [700:25000000]
plot """ + lines + "\n")

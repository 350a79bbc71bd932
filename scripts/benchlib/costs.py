# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The cost model: the measured cost of a GET and a NEW in xdp mode by cache size, and the calculated
number of cores that a line rate needs."""
import datetime
import statistics

from . import schedstat
from .machine import machine
from .plots import SIZES, save

VALUE = 144
NEWS, NEW_RATE = 50000, 100000

# Bytes of a frame on an Ethernet wire: preamble and start of frame, check sequence, gap.
WIRE_OVERHEAD = 8 + 4 + 12
REQUEST = 14 + 20 + 8 + 36
REPLY = REQUEST + VALUE
GIGABITS = (10, 25, 40, 100)


def cpu_ns(pid):
    """Run time of all threads of a process."""
    return sum(ran for ran, _ in schedstat.threads(pid).values())


def measure_size(lab, server, size):
    hits, misses, bares = [], [], []
    for _ in range(min(lab.args.rounds, 3)):  # the table's ratios have more rounds
        bares.append(lab.reflector()["program_ns"])
        hits.append(lab.frames(server, "--sessions", size, *lab.program_of(server),
                               "--require-hits")["program_ns"])
        misses.append(lab.frames(server, "--workload", "miss",
                                 *lab.program_of(server))["program_ns"])
    return tuple(statistics.median(values) for values in (bares, hits, misses))


def measure_new(lab, server, size):
    """NEWs with new keys, at a rate that the daemon handles without loss."""
    before = cpu_ns(server.process.pid)
    result = lab.frames(server, "--workload", "new", "--sessions", size, "--rate", NEW_RATE,
                        "--count", NEWS, *lab.program_of(server), seconds=NEWS / NEW_RATE)
    landed = result["landed_per_second"] * result["seconds"]
    spent = cpu_ns(server.process.pid) - before
    return result["program_ns"], spent / landed if landed else float("nan")


def wire_limit(gigabits):
    """GETs per second if all hit: replies are longer than requests, so they fill the line first."""
    return gigabits * 1e9 / 8 / (REPLY + WIRE_OVERHEAD)


def table(rows):
    text = ["## Measured", "",
            "| sessions | bare reflector, ns | hit, ns | hit / bare | miss, ns | miss / hit | "
            "NEW: program, ns | NEW: daemon's CPU, ns |", "|---:|" + "---:|" * 7]
    for size, bare, hit, miss, new, daemon in rows:
        text.append("| %s | %.0f | %.0f | %.1f | %.0f | %.2f | %.0f | %.0f |" % (
            "{:,}".format(size), bare, hit, hit / bare, miss, miss / hit, new, daemon))
    text += ["", "## Calculated", "",
             "| line | wire's limit, GETs/s | " + " | ".join(
                 "cores at {:,} sessions".format(row[0]) for row in rows) + " |",
             "|---|---:|" + "---:|" * len(rows)]
    for gigabits in GIGABITS:
        limit = wire_limit(gigabits)
        text.append("| %d GbE | %.1f M | %s |" % (gigabits, limit / 1e6, " | ".join(
            "%.1f" % (limit * row[2] / 1e9) for row in rows)))
    return "\n".join(text) + "\n"


def costs(lab, output):
    rows = []
    for size in SIZES:
        if size > lab.args.most_sessions:
            break
        # A cache of that size, and room for the NEWs, so that nothing is evicted.
        server = lab.sessiond("xdp", size + 2 * NEWS)
        print("         %d sessions" % size, flush=True)
        try:
            lab.preload(server, size)
            rows.append((size, *measure_size(lab, server, size), *measure_new(lab, server, size)))
            # For plot-sessions, without the kernel's time measurement: here because the cache has
            # this size now.
            lab.sizes[size] = lab.frames(server, "--sessions", size)["replies_per_second"]
        finally:
            server.stop()
    save(output / "costs.dat", {"sessions; ns: bare, hit, miss, NEW program, NEW daemon": rows})
    (output / "costs.md").write_text(
        "# Cost of GET and NEW in xdp mode\n\n`scripts/bench costs` made this page on %s: %s. "
        "[cost-model.md](../cost-model.md) explains the figures.\n\n%s" % (
            datetime.date.today().isoformat(), machine(), table(rows)))

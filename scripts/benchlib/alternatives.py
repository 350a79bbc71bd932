# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The rows of the alternatives: memcached and Redis."""
import os
import shutil
import statistics

from .figure import Figure, in_turn
from .lab import LabError

SESSIONS = 100000
MEMCACHED, REDIS = 21211, 26379

COMMANDS = {
    MEMCACHED: ["memcached", "-u", "nobody", "-p", MEMCACHED, "-U", MEMCACHED, "-t", 1, "-m", 1024],
    REDIS: ["redis-server", "--port", REDIS, "--save", "", "--appendonly", "no",
            "--protected-mode", "no"],
}


def busy(cpus):
    """Busy seconds of these CPUs, summed: programs, system calls and interrupts."""
    ticks = 0
    for line in open("/proc/stat"):
        name, *fields = line.split()
        if name in ("cpu%d" % cpu for cpu in cpus):
            user, nice, system, _, _, irq, softirq = (int(field) for field in fields[:7])
            ticks += user + nice + system + irq + softirq
    return ticks / os.sysconf("SC_CLK_TCK")


class Side:
    """Rounds of one side: its rate, CPU time, latency and losses."""

    def __init__(self, lab):
        self.lab, self.rounds = lab, []

    def add(self, measure):
        before = busy((self.lab.load_cpu, self.lab.server_cpu))
        result = measure()
        spent = busy((self.lab.load_cpu, self.lab.server_cpu)) - before
        seconds = result.get("seconds", self.lab.args.seconds)
        latency = result.get("latency_ns", result)
        lost = result["counters"]["lost"] if "counters" in result else result["lost"]
        self.rounds.append((1e6 * spent / (seconds * result["replies_per_second"]),
                            latency["p50"] / 1e3, latency["p99"] / 1e3, lost))
        return result["replies_per_second"]

    def each(self, i):
        return [one[i] for one in self.rounds]

    def text(self):
        return "p50 %.0f µs, p99 %.0f µs, %d lost" % (
            statistics.median(self.each(1)), statistics.median(self.each(2)), sum(self.each(3)))


def alternatives(lab):
    """Closed loop over the same kind of line, with the same number of outstanding requests. The
    client uses one system call per batch on UDP, and pipelines many requests per segment on TCP,
    the best case for TCP. In xdp mode the client's CPU also does the server's work, so CPU time is
    reported too."""
    figures = []
    server = lab.sessiond("xdp", SESSIONS)
    try:
        lab.preload(server, SESSIONS)
        for name, kind, port in (("memcached, UDP", "memcached-udp", MEMCACHED),
                                 ("memcached, TCP", "memcached", MEMCACHED),
                                 ("Redis", "redis", REDIS)):
            if not shutil.which(COMMANDS[port][0]):
                raise LabError("%s is not installed" % COMMANDS[port][0])
            other, ours, theirs = lab.process(COMMANDS[port]), Side(lab), Side(lab)
            try:
                lab.alternative(kind, port, SESSIONS, "--store-only")
                rates = in_turn(
                    lab,
                    lambda: ours.add(lambda: lab.sockets(
                        server, "--sessions", SESSIONS, "--window", 16, "--ports", 4)),
                    lambda: theirs.add(lambda: lab.alternative(
                        kind, port, SESSIONS, "--no-store")),
                    most=3)
            finally:
                lab.end(other)
            figures += [
                Figure("GET/s over sockets, closed loop, 64 in flight, xdp mode", "/s", rates[0],
                       peer=name, peers=rates[1],
                       note="%s; %s: %s" % (ours.text(), name, theirs.text())),
                Figure("CPU time per GET in the row above: client, server, kernel, both CPUs", "µs",
                       ours.each(0), peer=name, peers=theirs.each(0), lower_is_better=True)]
    finally:
        server.stop()
    return figures

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The rows of the table: each measures ours and its counterpart in turn."""
import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess

from .lab import ROOT, LabError, kernel_memory, map_memory, run_to_end, settled_kernel_memory

SMALL = 1000


@dataclasses.dataclass
class Figure:
    """One line of the table. `ours` and `theirs` have a value a round."""
    name: str
    unit: str
    counterpart: str
    ours: list
    theirs: list
    at_least: float  # None: nothing was promised
    aim: float
    lower_is_better: bool = False
    note: str = ""

    def ratios(self):
        return [a / b for a, b in zip(self.ours, self.theirs) if b > 0]

    def ratio(self):
        return statistics.median(self.ratios()) if self.ratios() else float("nan")

    def verdict(self):
        ratio = self.ratio()
        if self.at_least is None:
            return "–"
        if self.lower_is_better:
            met, aimed = ratio <= self.at_least, ratio <= self.aim
        else:
            met, aimed = ratio >= self.at_least, ratio >= self.aim
        return "aim" if aimed else "at least" if met else "**missed**"


def in_turn(lab, ours, theirs, most=None):
    """Rounds of both, A B A B; `most` where each takes long."""
    a, b = [], []
    for _ in range(min(lab.args.rounds, most or lab.args.rounds)):
        a.append(ours())
        b.append(theirs())
    return a, b


def program_time(lab):
    server = lab.sessiond("xdp", lab.args.sessions)
    figures = []
    try:
        for sessions, at_least, aim in ((SMALL, 2.6, 1.8), (lab.args.sessions, 11, 5)):
            lab.preload(server, sessions)

            def hit():
                return lab.frames(server, "--sessions", sessions, *lab.program_of(server),
                                  "--require-hits")["program_ns"]

            def miss():
                return lab.frames(server, "--workload", "miss",
                                  *lab.program_of(server))["program_ns"]
            ours, bare = in_turn(lab, hit, lambda: lab.reflector()["program_ns"])
            figures.append(Figure(
                "XDP program time of a GET hit, 144 B, %s sessions" % count(sessions), "ns",
                "bare reflector", ours, bare, at_least, aim, True))
        misses, hits = in_turn(lab, miss, hit)
        figures.append(Figure("XDP program time of a miss, %s sessions" % count(lab.args.sessions),
                              "ns", "hits", misses, hits, 1.0, 0.6, True))
    finally:
        server.stop()
    return figures


def xdp_get(lab):
    server, classic = lab.sessiond("xdp", lab.args.sessions), lab.classic(lab.args.sessions)
    figures = []
    try:
        for sessions in (SMALL, lab.args.sessions):
            lab.preload(server, sessions)
            lab.preload(classic, sessions)
            ours, theirs = in_turn(
                lab,
                lambda: lab.frames(server, "--sessions", sessions)["replies_per_second"],
                lambda: lab.frames(classic, "--sessions", sessions)["replies_per_second"])
            figures.append(Figure(
                "XDP GET/s through native veth, %s sessions" % count(sessions), "/s",
                "classic server", ours, theirs, 8, 15))
    finally:
        server.stop()
        classic.stop()
    return figures


def xdp_mix(lab):
    # Room for what the mix adds, or a run would measure evictions too.
    server = lab.sessiond("xdp", 4 * lab.args.sessions)
    landed = []
    try:
        lab.preload(server, 100000)

        def mixed():
            result = lab.frames(server, "--sessions", 100000, "--workload", "mix", "--mix", 1)
            landed.append(result["landed_per_second"] / result["news_per_second"])
            return result["replies_per_second"]
        ours, alone = in_turn(
            lab, mixed, lambda: lab.frames(server, "--sessions", 100000)["replies_per_second"])
    finally:
        server.stop()
    return [Figure("XDP GET/s while as many NEWs arrive, 100k sessions", "/s", "without NEWs",
                   ours, alone, 0.6, 0.9,
                   note="%.1f %% of the NEWs landed" % (100 * statistics.median(landed)))]


def xdp_new(lab):
    """Both are offered more NEWs than they can store; what is there afterwards is counted. Each
    round begins with an empty cache, or a later one would measure evictions too, and any of a
    round's NEWs may be asked for: --sessions newest ones, which are all. Of the newest million
    alone a round showed how it had ended, and not how it went."""
    capacity = 4 * lab.args.sessions
    options = ("--workload", "new", "--sessions", capacity)

    def landed(start):
        server = start()
        try:
            return lab.frames(server, *options)["landed_per_second"]
        finally:
            server.stop()
    ours, theirs = in_turn(lab, lambda: landed(lambda: lab.sessiond("xdp", capacity)),
                           lambda: landed(lambda: lab.classic(capacity)))
    return [Figure("NEW/s landing in xdp mode, one daemon core", "/s", "classic server", ours,
                   theirs, 3, 10)]


def busy_poll(lab):
    """Daemons with and without take turns: an interface has room for one program."""
    def one(*extra):
        server = lab.sessiond("xdp", lab.args.sessions, extra=extra)
        try:
            # The one after the other: how long until it can be read.
            alone = lab.sockets(server, "--workload", "new", "--window", 1, "--ports", 1)
            full = lab.frames(server, "--workload", "new", "--sessions", 100000)
            return alone["latency_ns"]["p50"] / 1e3, full["landed_per_second"]
        finally:
            server.stop()
    ours, theirs = in_turn(lab, lambda: one("--busy-poll"), one, most=3)
    return [Figure(name, unit, "without", [pair[i] for pair in ours], [pair[i] for pair in theirs],
                   None, None, i == 0)
            for i, (name, unit) in enumerate((
                ("from a NEW to the GET that finds it, median, xdp mode with --busy-poll", "µs"),
                ("NEW/s landing in xdp mode with --busy-poll, one daemon core", "/s")))]


def socket_get(lab):
    server, classic = lab.sessiond("socket", lab.args.sessions), lab.classic(lab.args.sessions)
    figures = []
    try:
        for sessions in (SMALL, lab.args.sessions):
            lab.preload(server, sessions)
            lab.preload(classic, sessions)
            # Replies to one port can leave in one message; stunnel asks from a new one each time.
            for ports, clients in ((4, "4 client sockets"), (10000, "a client socket a request")):
                options = ("--sessions", sessions, "--ports", ports)
                ours, theirs = in_turn(
                    lab,
                    lambda: lab.frames(server, *options)["replies_per_second"],
                    lambda: lab.frames(classic, *options)["replies_per_second"])
                figures.append(Figure(
                    "socket GET/s per thread, %s sessions, %s" % (count(sessions), clients), "/s",
                    "classic server", ours, theirs, 1.5, 2.5))
    finally:
        server.stop()
        classic.stop()
    return figures


# What the classic server that was in use before took a session: design section 6.
CLASSIC_BYTES = 418


def memory(lab):
    sessions = lab.args.sessions

    def bytes_a_session(start):
        before = settled_kernel_memory()
        server = start()
        try:
            lab.preload(server, sessions)
            # What the kernel grew by takes in its allocators' rounding, and whatever else went on;
            # what it says of the maps does neither. The larger one counts.
            kernel = max(kernel_memory() - before, map_memory(server.process.pid))
            return (server.resident() + kernel) / sessions
        finally:
            server.stop()
    xdp = bytes_a_session(lambda: lab.sessiond("xdp", sessions))
    socket = bytes_a_session(lambda: lab.sessiond("socket", sessions))
    classic = bytes_a_session(lambda: lab.classic(sessions))
    note = "the small classic server of tests/bench takes %.0f B" % classic
    where = "resident bytes a session, %s of 144 B, " % count(sessions)
    return [Figure(where + "xdp mode", "B", "classic server in use before (418 B, a constant)",
                   [xdp], [CLASSIC_BYTES], 1.0, 0.7, True, note),
            Figure(where + "socket mode", "B", "classic server in use before (418 B, a constant)",
                   [socket], [CLASSIC_BYTES], 1.0, 0.7, True, note)]


def dpdk(lab):
    """A program of its own that prints a figure a line: name, unit, counterpart, ours (values
    separated by blanks), theirs, at least, aim, note; separated by tabs."""
    program = ROOT / "tests" / "bench" / "dpdk"
    if not os.access(program, os.X_OK):
        raise LabError("tests/bench/dpdk is not there: the rows of dpdk mode were not measured")
    code, out = run_to_end([program, lab.build, min(lab.args.rounds, 3), lab.args.seconds],
                           600)  # its rounds differ by a hundredth or two
    if code != 0:
        raise LabError("tests/bench/dpdk: exit code %d" % code)
    figures = []
    for line in out.splitlines():
        name, unit, counterpart, ours, theirs, at_least, aim, note = line.split("\t")
        figures.append(Figure(name, unit, counterpart, [float(v) for v in ours.split()],
                              [float(v) for v in theirs.split()], float(at_least), float(aim),
                              note=note))
    return figures


def eviction(lab):
    """Its table stands by itself: it has no counterpart, and the machine does not matter."""
    done = subprocess.run([str(pathlib.Path(lab.build) / "tests/bench/eviction"), "40000", "400"],
                          stdout=subprocess.PIPE, text=True, timeout=600, check=True)
    (lab.args.output / "eviction.md").write_text(
        "# Hit ratio of eviction policies\n\n"
        "Made by `scripts/bench eviction`; the traffic is described in "
        "`tests/bench/eviction.c`.\n\n" + done.stdout)
    return []


def count(n):
    for unit, size in (("M", 1000000), ("k", 1000)):
        if n >= size and n % size == 0:
            return "%d%s" % (n // size, unit)
    return str(n)


def alternatives(lab):
    """Closed loop over the same kind of line, with as many requests under way. The client takes a
    system call a batch on UDP and packs many requests in one segment on TCP: at these rates it is
    the client's CPU that is full, and TCP with pipelining is at its best."""
    sessions = 100000
    pairs = (("memcached, UDP", "memcached-udp", 21211), ("memcached, TCP", "memcached", 21211),
             ("Redis", "redis", 26379))
    commands = {21211: ["memcached", "-u", "nobody", "-p", 21211, "-U", 21211, "-t", 1, "-m", 1024],
                26379: ["redis-server", "--port", 26379, "--save", "", "--appendonly", "no",
                        "--protected-mode", "no"]}
    server = lab.sessiond("xdp", sessions)
    figures = []
    try:
        lab.preload(server, sessions)
        for name, kind, port in pairs:
            if not shutil.which(commands[port][0]):
                raise LabError("%s is not installed" % commands[port][0])
            other = lab.process(commands[port])
            try:
                ours, theirs = in_turn(
                    lab,
                    lambda: lab.sockets(server, "--sessions", sessions, "--window", 16,
                                        "--ports", 4)["replies_per_second"],
                    lambda: lab.alternative(kind, port, sessions)["replies_per_second"],
                    most=3)
            finally:
                lab.end(other)
            figures.append(Figure("GET/s over sockets in closed loop, 64 under way, xdp mode",
                                  "/s", name, ours, theirs, None, None))
    finally:
        server.stop()
    return figures


ROWS = {
    "program-time": program_time,
    "xdp-get": xdp_get,
    "xdp-mix": xdp_mix,
    "xdp-new": xdp_new,
    "busy-poll": busy_poll,
    "socket-get": socket_get,
    "dpdk": dpdk,
    "memory": memory,
    "alternatives": alternatives,
    "eviction": eviction,
}

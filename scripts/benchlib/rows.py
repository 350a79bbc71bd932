# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The rows of the table: each measures ours and its counterpart in turn."""
import os
import pathlib
import statistics
import subprocess

from .alternatives import alternatives
from .clients import clients
from .figure import Figure, count, in_turn
from .lab import ROOT, LabError, run_to_end
from .memory import memory
from .news import busy_poll, xdp_mix, xdp_new

SMALL = 1000

# Workloads that ask for each session once.
TAKE = ("--workload", "take")
EACH = ("--keys", "each")


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
            # A lower bound for any program that answers from this map.
            with lab.least(server) as least:
                ours, bare = in_turn(lab, lambda: least(sessions),
                                     lambda: lab.reflector()["program_ns"])
            figures.append(Figure(
                "the same by a minimal program on the same map, without checks", "ns",
                "bare reflector", ours, bare, None, None, True))
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


def take(lab):
    """TAKEs and GETs in the same state: each session once, in the same order, after the daemon stored
    all of them anew. A TAKE can hit a session only once, so a run is short. It begins with warm caches,
    after GETs of the same sessions that are not counted, or with cold ones: the daemon has written the
    sessions on the other CPU, and the frames' own code and pages are cold as well."""
    server = lab.sessiond("xdp", lab.args.sessions)
    warm_up, few, enough = 20000, 5, 0.7
    once = "each session is asked for once, in the same order, after the daemon on the other CPU " \
        "stored all of them anew"
    notes = {"caches warm": once + "; %d GETs of them go before, in the same run, and are not "
                                   "counted" % warm_up,
             "just stored, caches cold": once}
    figures = []

    def each(workload, sessions, *options):
        return lab.frames(server, *workload, *options, "--sessions", sessions, "--count", sessions,
                          *lab.program_of(server), "--require-hits")

    def stored(workload, sessions, *options):
        for _ in range(20):
            server.filled = 0
            lab.preload(server, sessions)
            got = each(workload, sessions, *options)
            if workload != TAKE:
                each(TAKE, sessions)  # a NEW would not replace what is there
            # The thread that notices the end of the warm-up may have been held up.
            if enough * sessions <= got["program_frames"] <= sessions:
                return got
        raise LabError("the machine was too busy to measure %d requests" % sessions)

    def middle(workload, *options):
        # Few requests: the middle of several measurements.
        return statistics.median(stored(workload, SMALL, *options)["program_ns"] for _ in range(few))

    try:
        for name, options in (("caches warm", ("--warm-up", warm_up)), ("just stored, caches cold", ())):
            ours, gets = in_turn(lab, lambda: middle(TAKE, *options), lambda: middle(EACH, *options))
            figures.append(Figure("XDP program time of a TAKE, 144 B, %s sessions, %s" % (
                count(SMALL), name), "ns", "a GET of each, same state", ours, gets, 1.25, 1.0, True,
                note=notes[name]))
        sessions = lab.args.sessions
        ours, gets = in_turn(lab, lambda: stored(TAKE, sessions), lambda: stored(EACH, sessions))
        for name, unit, key, *bounds in (
                ("XDP program time of a TAKE, 144 B, %s sessions", "ns", "program_ns", 1.1, 1.0, True),
                ("XDP TAKE/s through native veth, %s sessions", "/s", "replies_per_second", 0.8, 1.0)):
            figures.append(Figure(name % count(sessions), unit, "a GET of each, same state",
                                  [run[key] for run in ours], [run[key] for run in gets], *bounds))
    finally:
        server.stop()
    return figures


def socket_get(lab):
    server, classic = lab.sessiond("socket", lab.args.sessions), lab.classic(lab.args.sessions)
    figures = []
    try:
        for sessions in (SMALL, lab.args.sessions):
            lab.preload(server, sessions)
            lab.preload(classic, sessions)
            # Replies to one port can leave in one message. stunnel uses a new port per request.
            for ports, clients in ((4, "4 client sockets"), (10000, "one client socket per request")):
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


def dpdk(lab):
    """Runs a separate program. It prints one figure per line, separated by tabs: name, unit,
    counterpart, ours and theirs (values separated by spaces), bound and aim (or -), note, and what was noted
    in each round (separated by semicolons)."""
    program = ROOT / "tests" / "bench" / "dpdk"
    if not os.access(program, os.X_OK):
        raise LabError("tests/bench/dpdk is missing: the rows of dpdk mode were not measured")
    code, out = run_to_end([program, lab.build, lab.args.rounds, lab.args.seconds], 900)
    if code != 0:
        raise LabError("tests/bench/dpdk: exit code %d" % code)
    figures = []
    for line in out.splitlines():
        name, unit, counterpart, ours, theirs, at_least, aim, note, rounds = line.split("\t")
        at_least, aim = (None if v == "-" else float(v) for v in (at_least, aim))
        figures.append(Figure(name, unit, counterpart, [float(v) for v in ours.split()],
                              [float(v) for v in theirs.split()], at_least, aim,
                              note=note, by_round=rounds.split("; ") if rounds else []))
    return figures


def eviction(lab):
    """Has a page of its own: there is no counterpart, and the machine does not matter."""
    done = subprocess.run([str(pathlib.Path(lab.build) / "tests/bench/eviction"), "40000", "400"],
                          stdout=subprocess.PIPE, text=True, timeout=600, check=True)
    (lab.args.output / "eviction.md").write_text(
        "# Hit ratio of eviction policies\n\n"
        "`scripts/bench eviction` makes this page. `tests/bench/eviction.c` describes the traffic."
        "\n\n" + done.stdout)
    return []


ROWS = {
    "program-time": program_time,
    "xdp-get": xdp_get,
    "take": take,
    "xdp-mix": xdp_mix,
    "xdp-new": xdp_new,
    "busy-poll": busy_poll,
    "socket-get": socket_get,
    "dpdk": dpdk,
    "memory": memory,
    "alternatives": alternatives,
    "clients": clients,
    "eviction": eviction,
}

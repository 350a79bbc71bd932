# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The rows of the table: each measures ours, its limit and its peer in turn."""
import os
import pathlib
import statistics
import subprocess

from .alternatives import alternatives
from .clients import clients
from .farm import farm
from .figure import Figure, count, in_turn
from .lab import ROOT, LabError, run_to_end
from .memory import memory
from .news import busy_poll, xdp_mix, xdp_new
from .starts import start

SMALL = 1000

# Workloads that ask for each session once.
TAKE = ("--workload", "take")
EACH = ("--keys", "each")


def program_time(lab):
    """Hits and misses of the program, of the least program that answers from the same map, and the bare
    reflector."""
    server = lab.sessiond("xdp", lab.args.sessions)
    figures = []

    def ours(*options):
        return lab.frames(server, *options, *lab.program_of(server))["program_ns"]
    try:
        for sessions in (SMALL, lab.args.sessions):
            lab.preload(server, sessions)
            for what, options in (("a GET hit, 144 B", ("--sessions", sessions, "--require-hits")),
                                  ("a miss", ("--workload", "miss"))):
                with lab.least(server) as least:
                    rounds = in_turn(lab, lambda: ours(*options), lambda: least(*options),
                                     lambda: lab.reflector()["program_ns"])
                figures.append(Figure(
                    "XDP program time of %s, %s sessions" % (what, count(sessions)), "ns", rounds[0],
                    "least program", rounds[1], "bare reflector", rounds[2], True))
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
                "XDP GET/s through native veth, %s sessions" % count(sessions), "/s", ours,
                peer="classic server", peers=theirs))
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
    warm_up, few, most, enough = 20000, 3, 3, 0.7  # to store all anew takes most of the time
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
            ours, gets = in_turn(lab, lambda: middle(TAKE, *options), lambda: middle(EACH, *options),
                                 most=most)
            figures.append(Figure("XDP program time of a TAKE, 144 B, %s sessions, %s" % (
                count(SMALL), name), "ns", ours, peer="a GET of each, same state", peers=gets,
                lower_is_better=True, note=notes[name]))
        sessions = lab.args.sessions
        ours, gets = in_turn(lab, lambda: stored(TAKE, sessions), lambda: stored(EACH, sessions),
                             most=most)
        for name, unit, key in (
                ("XDP program time of a TAKE, 144 B, %s sessions", "ns", "program_ns"),
                ("XDP TAKE/s through native veth, %s sessions", "/s", "replies_per_second")):
            figures.append(Figure(name % count(sessions), unit, [run[key] for run in ours],
                                  peer="a GET of each, same state", peers=[run[key] for run in gets],
                                  lower_is_better=unit == "ns"))
    finally:
        server.stop()
    return figures


def socket_get(lab):
    server, classic = lab.sessiond("socket", lab.args.sessions), lab.classic(lab.args.sessions)
    echo = lab.least_echo(lab.args.sessions)
    figures = []
    try:
        for sessions in (SMALL, lab.args.sessions):
            lab.preload(server, sessions)
            lab.preload(classic, sessions)
            # Replies to one port can leave in one message. stunnel uses a new port per request.
            for ports, clients in ((4, "4 client sockets"), (10000, "one client socket per request")):
                options = ("--sessions", sessions, "--ports", ports, "--require-hits")
                ours, least, theirs = in_turn(lab, *(
                    lambda server=one: lab.frames(server, *options)["replies_per_second"]
                    for one in (server, echo, classic)))
                figures.append(Figure(
                    "socket GET/s per thread, %s sessions, %s" % (count(sessions), clients), "/s", ours,
                    "echo", least, "classic server", theirs))
    finally:
        for one in (server, classic, echo):
            one.stop()
    return figures


def dpdk(lab):
    """Runs a separate program. It prints one figure per line, separated by tabs: name, unit, ours, limit
    and its values, peer and its values (separated by spaces; a name may be empty), note, and what was
    noted in each round (separated by semicolons)."""
    program = ROOT / "tests" / "bench" / "dpdk"
    if not os.access(program, os.X_OK):
        raise LabError("tests/bench/dpdk is missing: the rows of dpdk mode were not measured")
    code, out = run_to_end([program, lab.build, lab.args.rounds, lab.args.seconds], 900)
    if code != 0:
        raise LabError("tests/bench/dpdk: exit code %d" % code)
    figures = []
    for line in out.splitlines():
        name, unit, ours, limit, limits, peer, peers, note, rounds = line.split("\t")
        ours, limits, peers = ([float(v) for v in values.split()] for values in (ours, limits, peers))
        figures.append(Figure(name, unit, ours, limit, limits, peer, peers, note=note,
                              by_round=rounds.split("; ") if rounds else []))
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
    "start": start,
    "alternatives": alternatives,
    "clients": clients,
    "farm": farm,
    "eviction": eviction,
}

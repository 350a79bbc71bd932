# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The rows of NEWs: how many are stored, and how they slow GETs."""
import statistics

from .admin import Admin
from .figure import Figure, in_turn

STORED = 100000  # sessions that the GETs of the mix request
ROOMY = 4        # times as many sessions as the large cache: nothing is evicted
WARM = 0.3       # seconds of NEWs before a full cache is measured
MOST = 3         # rounds of rows without a requirement


def gets_beside_news(lab, server):
    """GETs per second alone and then with as many NEWs, and the share of the NEWs that were stored."""
    alone = lab.frames(server, "--sessions", STORED, "--require-hits")
    mixed = lab.frames(server, "--sessions", STORED, "--workload", "mix", "--mix", 1)
    return (mixed["replies_per_second"], alone["replies_per_second"],
            mixed["landed_per_second"] / mixed["news_per_second"])


def mix_round(lab, *extra):
    """Each round has a new daemon, because NEWs fill the map, and GETs take longer in a fuller one.
    `extra` may make it refuse NEWs: then it adopts sessions that another daemon stored. Also returns
    the number of elements of the map."""
    capacity = ROOMY * lab.args.sessions
    server = lab.sessiond("xdp", capacity, extra=["--keep"])
    try:
        lab.preload(server, STORED)
        if extra:
            server.stop()
            server = lab.sessiond("xdp", capacity, extra=["--keep", *extra])
        return (*gets_beside_news(lab, server), lab.elements(server))
    finally:
        server.clean_stop()


def least_mix_round(lab, elements):
    server = lab.least_new(elements)
    try:
        lab.preload(server, STORED)
        return gets_beside_news(lab, server)
    finally:
        server.stop()


def xdp_mix(lab):
    rounds, least = [], []
    for _ in range(lab.args.rounds):
        rounds.append(mix_round(lab))
        least.append(least_mix_round(lab, rounds[-1][-1]))
    ours, alone, landed, _ = zip(*rounds)
    limits, least_alone, least_landed = zip(*least)
    figures = [Figure(
        "XDP GET/s while as many NEWs arrive, 100k sessions", "/s", list(ours),
        "least program, AF_XDP and the map's batch update", list(limits), "without NEWs", list(alone),
        note="%.1f %% of the NEWs were stored. The limit itself reaches %.2f of its GET/s without NEWs "
             "(%.1f %% stored)" % (
                 100 * statistics.median(landed),
                 statistics.median(a / b for a, b in zip(limits, least_alone)),
                 100 * statistics.median(least_landed)))]
    rounds = [mix_round(lab, "--rate-limit", "0/1") for _ in range(min(lab.args.rounds, MOST))]
    ours, alone, landed, _ = zip(*rounds)
    figures.append(Figure(
        "the same, with the NEWs dropped by the XDP program (--rate-limit)", "/s", list(ours),
        peer="without NEWs", peers=list(alone),
        note="%.1f %% of the NEWs were stored. This bounds the row above: the load, both crossings of "
             "the veth and the program's work on a NEW share one CPU with the GETs" % (
                 100 * statistics.median(landed))))
    return figures


def into_empty(lab, start, look=None):
    """NEWs per second stored in an empty cache: the share of all NEWs that can be read afterwards.
    The newest NEWs alone would only show the end of a round. `look` is given the server."""
    server = start()
    try:
        if look:
            look(server)
        return lab.frames(server, "--workload", "new", "--sessions",
                          ROOMY * lab.args.sessions)["landed_per_second"]
    finally:
        server.stop()


def into_full(lab, start, stored=None):
    """The same when each NEW replaces another session. `stored` asks the server how many it has
    stored; without it, those that can be read afterwards count, provided that all stored ones
    fit."""
    server = start()
    try:
        lab.preload(server, lab.args.sessions)
        lab.frames(server, "--workload", "new", seconds=WARM)
        before = stored() if stored else 0
        result = lab.frames(server, "--workload", "new", "--sessions", lab.args.sessions)
        return ((stored() - before) / result["seconds"] if stored
                else result["landed_per_second"])
    finally:
        server.stop()


def xdp_new(lab):
    """Both get more NEWs than they can store, and are restarted for each round."""
    admin = Admin(lab.work / "xdp.sock")

    def stored():
        try:
            return admin.stat("new_stored")
        finally:
            admin.close()
    roomy, sessions, elements = ROOMY * lab.args.sessions, lab.args.sessions, []
    empty, least, classic = in_turn(
        lab, lambda: into_empty(lab, lambda: lab.sessiond("xdp", roomy),
                                lambda server: elements.append(lab.elements(server))),
        lambda: into_empty(lab, lambda: lab.least_new(elements[-1])),
        lambda: into_empty(lab, lambda: lab.classic(roomy)))
    full, classic_full = in_turn(lab, lambda: into_full(lab, lambda: lab.sessiond("xdp", sessions), stored),
                   lambda: into_full(lab, lambda: lab.classic(sessions)), most=MOST)
    return [Figure("NEW/s stored in xdp mode, one daemon core", "/s", empty,
                   "AF_XDP and the map's batch update", least, "classic server", classic),
            Figure("NEW/s stored in a full cache (each evicts a session), xdp mode", "/s", full,
                   peer="classic server", peers=classic_full)]


def busy_poll(lab):
    """Daemons with and without --busy-poll run one after the other: an interface can have only one
    program, and a daemon that never sleeps would slow the other one down."""
    def one_after_the_other(*extra):
        server = lab.sessiond("xdp", lab.args.sessions, extra=extra)
        try:
            # Time until each NEW can be read.
            alone = lab.sockets(server, "--workload", "new", "--window", 1, "--ports", 1)
            return alone["latency_ns"]["p50"] / 1e3
        finally:
            server.stop()

    def landing(*extra):
        return into_empty(lab, lambda: lab.sessiond("xdp", ROOMY * lab.args.sessions,
                                                    extra=extra))

    def seldom(*extra):
        server = lab.sessiond("socket", lab.args.sessions, extra=extra)
        try:
            lab.preload(server, 1000)
            return lab.sockets(server, "--rate", 2000)["latency_ns"]["p50"] / 1e3
        finally:
            server.stop()
    figures = []
    for name, unit, measure in (
            ("median time from a NEW to the GET that finds it, xdp mode with --busy-poll", "µs",
             one_after_the_other),
            ("NEW/s stored in xdp mode with --busy-poll, one daemon core", "/s", landing),
            ("median latency at 2k GET/s, socket mode with --busy-poll", "µs", seldom)):
        ours, theirs = in_turn(lab, lambda: measure("--busy-poll"), measure, most=MOST)
        figures.append(Figure(name, unit, ours, peer="without", peers=theirs,
                              lower_is_better=unit == "µs"))
    return figures

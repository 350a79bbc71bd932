# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""What the figures have to reach: at least, and as an aim. A bound is a ratio to the limit, which is
measured in the same rounds, to the peer, or a value in the figure's unit. Whether less or more is better
is the figure's."""
import dataclasses

LIMIT, PEER, VALUE = "limit", "peer", "value"
TWO = 2  # CPUs: one for the load, one for the server


@dataclasses.dataclass(frozen=True)
class Bound:
    of: str
    at_least: float
    aim: float
    cpus: int = TWO  # that it takes, one for each busy thread


def _sockets():
    return {"socket GET/s per thread, %s sessions, %s" % (sessions, ports): Bound(LIMIT, 0.85, 0.95)
            for sessions in ("1k", "1M")
            for ports in ("4 client sockets", "one client socket per request")}


def _httpd():
    return {"look-up within httpd's handshake, %s, sealed, xdp mode" % what: Bound(PEER, 0.5, 0.25)
            for what in ("p50", "p99")}


def farm():
    bounds = {
        # The load, the writer, the farm's thread, and the engines.
        "NEW/s stored in a farm, xdp mode": Bound(PEER, 0.7, 0.9, 5),
        # What that is for a writer with a core of its own.
        "the writer's CPU time for such a NEW": Bound(PEER, 1 / 0.7, 1 / 0.9),
        # What that is if the cache has one core, and the engines have others.
        "CPU time of all threads of the cache for such a NEW": Bound(PEER, 1 / 0.7, 1 / 0.9),
        "NEW at one cache to a GET hit at the other, p99": Bound(VALUE, 5, 2),
        # Writer and farm's thread of both caches, a reader, the engines, and the load.
        "the same at 100k NEW/s, p99": Bound(VALUE, 5, 2, 8),
        "GETs late or lost while both engines are stopped for 10 s": Bound(VALUE, 0, 0),
        "resident memory that this takes more": Bound(VALUE, 32, 16),
    }
    for mode in ("xdp", "socket"):
        bounds["GET/s in a farm, %s mode, 100k sessions" % mode] = Bound(PEER, 0.95, 1)
        bounds["p99 of 20k GET/s in a farm, %s mode" % mode] = Bound(PEER, 1.1, 1)
    for mode in ("xdp", "socket", "dpdk"):
        bounds["warm-up of 1M sessions, %s mode" % mode] = Bound(VALUE, 0.5e6, 1e6)
        bounds["longest GET during the warm-up, %s mode" % mode] = Bound(VALUE, 1, 1)
    for what in ("a cache is killed with -9", "one of two engines is killed with -9",
                 "a cache joins, with one engine left"):
        bounds["sessions lost: " + what] = Bound(VALUE, 0, 0)
    return bounds


# By name, or by name and peer.
BOUNDS = {
    "XDP program time of a GET hit, 144 B, 1k sessions": Bound(LIMIT, 1.30, 1.15),
    "XDP program time of a GET hit, 144 B, 1M sessions": Bound(LIMIT, 1.08, 1.03),
    "XDP program time of a miss, 1k sessions": Bound(LIMIT, 1.30, 1.15),
    "XDP GET/s through native veth, 1k sessions": Bound(PEER, 8, 15),
    "XDP GET/s through native veth, 1M sessions": Bound(PEER, 8, 15),
    "XDP program time of a TAKE, 144 B, 1k sessions, caches warm": Bound(PEER, 1.25, 1.0),
    "XDP program time of a TAKE, 144 B, 1k sessions, just stored, caches cold": Bound(PEER, 1.25, 1.0),
    "XDP program time of a TAKE, 144 B, 1M sessions": Bound(PEER, 1.1, 1.0),
    "XDP TAKE/s through native veth, 1M sessions": Bound(PEER, 0.8, 1.0),
    "XDP GET/s while as many NEWs arrive, 100k sessions": Bound(PEER, 0.70, 0.85),
    "NEW/s stored in xdp mode, one daemon core": Bound(LIMIT, 0.7, 0.9),
    **_sockets(),
    "dpdk mode, one lcore: GET hits, 1 thousand sessions": Bound(PEER, 0.80, 0.90),
    "dpdk mode, one lcore: GET misses, 1 thousand sessions": Bound(PEER, 0.7, 0.9),
    "dpdk mode, one lcore: half GETs, half NEWs, 1 thousand sessions": Bound(PEER, 0.7, 0.9),
    "dpdk mode, one lcore: GET hits, 1 million sessions": Bound(LIMIT, 0.85, 0.95),
    "resident bytes per session, 1M of 144 B, xdp mode": Bound(VALUE, 370, 330),
    "resident bytes per session, 1M of 144 B, socket mode": Bound(PEER, 1.0, 0.7),
    "start and adoption of 10M sessions, xdp mode": Bound(VALUE, 10, 4),
    **_httpd(),
    **farm(),
    ("resumed TLS 1.3 handshakes/s, one nginx worker, sealed, single use", "its own shared cache"):
        Bound(PEER, 0.9, 1.0),
    "look-up, silent cache, until the breaker opens, median": Bound(PEER, 1.4, 1.05),
    "look-up, silent cache, until the breaker opens, p99": Bound(PEER, 1.0, 0.8),
    "look-up, silent cache, the longest, less what it waited for its CPU": Bound(PEER, 1.0, 0.8),
    "look-up, open breaker, p99": Bound(PEER, 1.0, 0.1),
}

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The tables of docs/scale.md: a model of one to a hundred caches, from measured costs, and the
simulation of tests/bench/scaling.c. Nothing is measured here."""
import json
import statistics
import subprocess

from .costs import REPLY, REQUEST, WIRE_OVERHEAD
from .lab import ROOT

PAGE = ROOT / "docs" / "scale.md"
MARK = "<!-- table: %s -->\n"

# The load: TLS 1.3 with stateful tickets. A resumption is a GET and a NEW, a full handshake two NEWs.
RESUMED = 0.8
GETS, NEWS = RESUMED, 2 - RESUMED
LIFETIME = 300  # seconds: stunnel's default, and that of most servers
SLOTS = 1 << 26  # SESSD_SLOT_LIMIT
VALUE = REPLY - REQUEST

# Measured on 2 CPUs in November 2026 with 180-byte sessions, 64 to an entry, over a Unix socket: the
# middle of the spread, nanoseconds a session.
ENGINE_TAKES, ENGINE_GIVES = (167 + 201) / 2, (95 + 221) / 2
NODE_SEALS, NODE_OPENS = (125 + 131) / 2, (140 + 162) / 2
ENGINE_BYTES = 120  # beyond the value; farm-of-caches.md

NODES = (1, 2, 4, 8)
CACHES = (2, 4, 8, 16, 32, 64, 100)
GIGABITS = (10, 25, 100)


class Costs:
    """What is measured: docs/bench."""

    def __init__(self, folder):
        rows = json.loads((folder / "figures.json").read_text())

        def median(row, name):
            values = [one["ours"] for one in rows[row]["figures"] if one["name"] == name]
            return statistics.median(values[0])
        self.hit = median("program-time", "XDP program time of a GET hit, 144 B, 1M sessions")
        self.stored = median("xdp-new", "NEW/s stored in a full cache (each evicts a session), xdp mode")
        self.bytes = median("memory", "resident bytes per session, 1M of 144 B, xdp mode")
        lines = (folder / "costs.dat").read_text().splitlines()
        self.new = next(float(line.split()[4]) for line in lines if line.startswith("1e+06 "))


def amount(n):
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= size:
            return "%.3g %s" % (n / size, unit)
    return "%.3g" % n


def percent(share):
    return "%.3g %%" % (100 * share)


def rows_of(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)] +
                     ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def news_held():
    """NEWs per second of one cache whose sessions all live for LIFETIME."""
    return SLOTS / LIFETIME


def node(costs):
    rows = []
    taken = GETS * (REQUEST + WIRE_OVERHEAD) + NEWS * (REPLY + WIRE_OVERHEAD)
    for gigabits in GIGABITS:
        rows.append(("the wire, %d Gbit/s, in" % gigabits, amount(gigabits * 1e9 / 8 / taken)))
    rows.append(("one core for the XDP program", amount(1e9 / (GETS * costs.hit + NEWS * costs.new))))
    rows.append(("the writer's core, cache full", amount(costs.stored / NEWS)))
    rows.append(("%s sessions that live %d s, %.0f GB" % (amount(SLOTS), LIFETIME,
                                                         SLOTS * costs.bytes / 1e9),
                 amount(news_held() / NEWS)))
    rows.append(("1 M sessions (the default) that live %d s, %.1f GB" % (LIFETIME, costs.bytes / 1e3),
                 amount(1e6 / LIFETIME / NEWS)))
    return rows_of(("bound", "handshakes/s"), rows)


def farm(costs):
    rows = []
    news = news_held()
    for count in NODES:
        engine = ENGINE_TAKES + (count - 1) * ENGINE_GIVES
        thread = NODE_SEALS / count + NODE_OPENS * (count - 1) / count
        bound = min(costs.stored, 1e9 / engine if count > 1 else costs.stored)
        rows.append((str(count), amount(bound / NEWS),
                     "engine" if bound < costs.stored else "writer",
                     percent(news * engine / 1e9) if count > 1 else "–",
                     percent(news * thread / 1e9) if count > 1 else "–",
                     "%.0f GB" % (count * SLOTS * (VALUE + ENGINE_BYTES) / 1e9) if count > 1 else "–",
                     amount(count * 1e9 / costs.hit)))
    return rows_of(("nodes", "handshakes/s, all together", "bound by", "an engine's core*",
                    "a farm thread's core*", "an engine's memory*", "GET/s, a core each"), rows)


def simulated(build, *sessions):
    """One dictionary per number of caches."""
    text = subprocess.run([build / "tests/bench/scaling", *sessions], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    words = [line.split() for line in text.splitlines()]
    return [{name: float(value) for name, value in zip(line[::2], line[1::2])} for line in words]


def placement(runs):
    rows = []
    for run in runs:
        rows.append(("%.0f" % run["caches"], "%.3f–%.3f" % (run["held_least"], run["held_most"]),
                     "%.3f" % run["asked_most"], percent(run["one_copy_left"]),
                     "%.3f" % run["asked_after_most"],
                     "%s, %s" % (percent(run["lost_by_two"]), percent(run["lost_by_two_most"])),
                     percent(run["moved"]), percent(run["added_misses"])))
    return rows_of(("caches", "sessions held", "GETs, most", "one lost: sessions with one copy left",
                    "then GETs, most", "two lost: sessions gone", "one added: copies that move",
                    "then misses"), rows)


def shards(costs, runs):
    rows = []
    by_count = {int(run["caches"]): run for run in runs}
    for count in CACHES:
        held, asked = by_count[count]["held_most"], by_count[count]["asked_most"]
        lone, pair = count / 2 / held, count / asked
        rows.append((str(count), amount(lone * SLOTS), amount(lone * news_held() / NEWS),
                     amount(lone * costs.stored / NEWS), percent(by_count[count]["lost_by_two"]),
                     str(2 * count), amount(pair * SLOTS), amount(pair * news_held() / NEWS)))
    return rows_of(("caches", "sessions", "handshakes/s, sessions live %d s" % LIFETIME,
                    "handshakes/s, short lives", "lost with two caches", "as pairs: nodes", "sessions",
                    "handshakes/s, %d s" % LIFETIME), rows)


def tables(folder, runs):
    costs = Costs(folder)
    return {"node": node(costs), "farm": farm(costs), "placement": placement(runs),
            "shards": shards(costs, runs)}


def rewritten(text, made):
    """The page's text with each table replaced."""
    for name, table in made.items():
        before, mark, rest = text.partition(MARK % name)
        _, end, after = rest.partition("\n\n")
        if not mark or not end:
            raise ValueError("docs/scale.md has no table '%s'" % name)
        text = before + mark + table + "\n" + after
    return text


def write(folder, build):
    made = tables(folder, simulated(build))
    PAGE.write_text(rewritten(PAGE.read_text(), made))


def many_caches(lab, _):
    """The tables, printed. scripts/bench writes the page at its end, when all costs are known."""
    made = tables(ROOT / "docs" / "bench", simulated(lab.args.build))
    print("\n".join("%s\n\n%s" % one for one in made.items()), flush=True)

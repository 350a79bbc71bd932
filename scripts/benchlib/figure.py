# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""A line of the table, and how its rounds are run."""
import dataclasses
import os
import statistics

from .bounds import BOUNDS, LIMIT, PEER


@dataclasses.dataclass
class Figure:
    """One line of the table. Each list has one value per round, or is empty. `limit` is the least work
    that gives the right answer, on the same machine and in the same rounds; `peer` a classic server, or
    something else to compare with."""
    name: str
    unit: str
    ours: list
    limit: str = ""
    limits: list = dataclasses.field(default_factory=list)
    peer: str = ""
    peers: list = dataclasses.field(default_factory=list)
    lower_is_better: bool = False
    note: str = ""
    by_round: list = dataclasses.field(default_factory=list)  # one text per round, for figures.json

    def ratios(self, of):
        others = {LIMIT: self.limits, PEER: self.peers}[of]
        return [a / b for a, b in zip(self.ours, others) if b > 0]

    def bound(self):
        return BOUNDS.get((self.name, self.peer)) or BOUNDS.get(self.name)

    def bounded(self):
        """The value that has to meet the bound; None if it was not measured."""
        of = self.bound().of
        values = self.ratios(of) if of in (LIMIT, PEER) else self.ours
        return statistics.median(values) if values else None

    def verdict(self):
        bound = self.bound()
        if bound is None:
            return "–"
        value = self.bounded()
        if value is None:
            return "not measured"
        if self.lower_is_better:
            met, aimed = value <= bound.at_least, value <= bound.aim
        else:
            met, aimed = value >= bound.at_least, value >= bound.aim
        if not met and bound.cpus > os.cpu_count():
            return "**missed**; it takes %d CPUs" % bound.cpus
        return "aim" if aimed else "bound" if met else "**missed**"


def in_turn(lab, *measures, most=None):
    """Rounds of each, A B C A B C. `most` limits their number for long rounds. Returns a list of values
    per measure."""
    values = [[] for _ in measures]
    for _ in range(min(lab.args.rounds, most or lab.args.rounds)):
        for measure, into in zip(measures, values):
            into.append(measure())
    return values


def count(n):
    for unit, size in (("M", 1000000), ("k", 1000)):
        if n >= size and n % size == 0:
            return "%d%s" % (n // size, unit)
    return str(n)

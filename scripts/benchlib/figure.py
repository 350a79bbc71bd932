# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""A line of the table, and how its rounds are run."""
import dataclasses
import statistics


@dataclasses.dataclass
class Figure:
    """One line of the table. `ours` and `theirs` have one value per round."""
    name: str
    unit: str
    counterpart: str
    ours: list
    theirs: list
    at_least: float  # None: no requirement
    aim: float
    lower_is_better: bool = False
    note: str = ""
    by_round: list = dataclasses.field(default_factory=list)  # one text per round, for figures.json

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
        return "aim" if aimed else "bound" if met else "**missed**"


def in_turn(lab, ours, theirs, most=None):
    """Rounds of both, A B A B. `most` limits their number for long rounds."""
    a, b = [], []
    for _ in range(min(lab.args.rounds, most or lab.args.rounds)):
        a.append(ours())
        b.append(theirs())
    return a, b


def count(n):
    for unit, size in (("M", 1000000), ("k", 1000)):
        if n >= size and n % size == 0:
            return "%d%s" % (n // size, unit)
    return str(n)

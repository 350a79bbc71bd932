# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The table of README.md's chapter 'Measured': the figures of which something was promised."""
import statistics

from .lab import ROOT
from .report import amount

HEAD = "| figure | ours | counterpart | ratio | at least |"


def line(figure):
    missed = "" if figure.verdict() in ("aim", "at least") else ", missed"
    return "| %s | %s | %s: %s | %.2f× | %s %g×%s |" % (
        figure.name, amount(figure.ours, figure.unit), figure.counterpart,
        amount(figure.theirs, figure.unit), statistics.median(figure.ratios()),
        "≤" if figure.lower_is_better else "≥", figure.at_least, missed)


def write(figures):
    path = ROOT / "README.md"
    before, _, rest = path.read_text().partition(HEAD + "\n")
    _, end, after = rest.partition("\n\n")
    if not end:
        raise ValueError("README.md has no table that begins with " + HEAD)
    rows = [line(figure) for figure in figures
            if figure.at_least is not None and figure.ratios()]
    path.write_text(before + "\n".join([HEAD, "|---|---:|---:|---:|---:|"] + rows) + "\n\n" + after)

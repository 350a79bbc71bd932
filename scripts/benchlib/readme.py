# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""README.md's chapter 'Measured': how it was measured, and the figures of which something was
promised."""
import datetime
import statistics

from .lab import ROOT
from .machine import machine
from .report import amount, plural

CHAPTER = "## Measured\n\n"
HEAD = "| figure | ours | counterpart | ratio | at least |"


def line(figure):
    missed = "" if figure.verdict() in ("aim", "at least") else ", missed"
    return "| %s | %s | %s: %s | %.2f× | %s %g×%s |" % (
        figure.name, amount(figure.ours, figure.unit), figure.counterpart,
        amount(figure.theirs, figure.unit), statistics.median(figure.ratios()),
        "≤" if figure.lower_is_better else "≥", figure.at_least, missed)


def introduction(args, whole):
    """What changes from run to run, in lines as short as README's. `whole`: every row is of this
    run."""
    day = datetime.date.today().isoformat()
    made = ("Made by `scripts/bench` on %s, commit %s,\nin %s of %g s a figure" % (
        day, args.commit, plural(args.rounds, "round"), args.seconds) if whole else
            "Made by several runs of `scripts/bench`, the last on %s;\n"
            "docs/bench says which row is of which" % day)
    return "%s, on %s.\n\n" % (made, machine())


def rewritten(text, figures, args, whole):
    """README's text with the chapter's first paragraph and table made anew."""
    before, chapter, rest = text.partition(CHAPTER)
    _, end, rest = rest.partition("\n\n")
    prose, head, rest = rest.partition(HEAD + "\n")
    _, after_table, after = rest.partition("\n\n")
    if not (chapter and end and head and after_table):
        raise ValueError("README.md has no chapter 'Measured' with a paragraph and a table that "
                         "begins with " + HEAD)
    rows = [line(figure) for figure in figures
            if figure.at_least is not None and figure.ratios()]
    return (before + CHAPTER + introduction(args, whole) + prose +
            "\n".join([HEAD, "|---|---:|---:|---:|---:|"] + rows) + "\n\n" + after)


def write(figures, args, whole):
    path = ROOT / "README.md"
    path.write_text(rewritten(path.read_text(), figures, args, whole))

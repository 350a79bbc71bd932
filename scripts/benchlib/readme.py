# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""README.md's chapter 'Measured': when and where it was measured, and five rows of the table."""
import datetime

from . import report
from .bounds import LIMIT, PEER
from .lab import ROOT
from .machine import machine
from .report import plural

CHAPTER = "## Measured\n\n"
HEAD = "| figure | ours | ours / limit | classic server or peer | ratio | at least |"
RULE = "|---|---:|---:|---:|---:|---:|"

# What a user decides by: GETs, NEWs and memory in xdp mode, and the other two modes. Large caches where
# there is a choice.
FIGURES = ("XDP GET/s through native veth, 1M sessions",
           "NEW/s stored in xdp mode, one daemon core",
           "resident bytes per session, 1M of 144 B, xdp mode",
           "socket GET/s per thread, 1M sessions, one client socket per request",
           "dpdk mode, one lcore: GET hits, 1 million sessions")


def line(figure):
    bound, verdict = figure.bound(), figure.verdict()
    required = "–" if bound is None else report.required(figure, bound.at_least) + (
        "" if verdict in ("aim", "bound") else ", " + verdict.strip("*"))
    return "| %s | %s | %s | %s | %s | %s |" % (
        figure.name, report.amount(figure.ours, figure.unit), report.ratio(figure.ratios(LIMIT)),
        report.beside(figure.peer, figure.peers, figure.unit), report.ratio(figure.ratios(PEER)), required)


def introduction(args, whole):
    """The text that changes from run to run, in README's line length. `whole`: every row is from
    this run."""
    day = datetime.date.today().isoformat()
    made = ("Measured by `scripts/bench` on %s at commit %s,\nin %s of %g s per figure" % (
        day, args.commit, plural(args.rounds, "round"), args.seconds) if whole else
            "Measured by several runs of `scripts/bench`, the last on %s" % day)
    return "%s,\non %s.\n\n" % (made, machine())


def chosen(figures, names=FIGURES):
    return [figure for figure in figures if figure.name in names]


def rewritten(text, figures, args, whole, names=FIGURES):
    """README's text with the chapter's first paragraph and table replaced."""
    before, chapter, rest = text.partition(CHAPTER)
    _, end, rest = rest.partition("\n\n")
    prose, head, rest = rest.partition(HEAD + "\n")
    _, after_table, after = rest.partition("\n\n")
    if not (chapter and end and head and after_table):
        raise ValueError("README.md has no chapter 'Measured' with a paragraph and a table that "
                         "begins with " + HEAD)
    rows = [line(figure) for figure in chosen(figures, names)]
    return (before + CHAPTER + introduction(args, whole) + prose +
            "\n".join([HEAD, RULE] + rows) + "\n\n" + after)


def write(figures, args, whole):
    path = ROOT / "README.md"
    path.write_text(rewritten(path.read_text(), figures, args, whole))

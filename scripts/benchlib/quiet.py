# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""Rounds in which somebody else took a CPU.

The longest of some thousand GETs says nothing of the cache if the host of a virtual machine stopped a CPU
meanwhile. Nor does it if another program ran on the CPU of an lcore: an lcore never sleeps, and gets its
CPU back at the kernel's next tick. Such a round is run again."""
import pathlib

from . import schedstat

AGAIN = 4        # times at most
WAITED = 200000  # ns for which an lcore may wait for its CPU


def stolen():
    """What the host took from all CPUs so far, in ticks of 10 ms."""
    return int(pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[8])


def waited(server):
    """For how long the server's busiest thread has waited for a CPU so far, in ns."""
    return max(schedstat.threads(server.process.pid).values())[1]


class Quiet:
    """From here on; `lcore`: a server whose busiest thread should have a CPU for itself."""

    def __init__(self, lcore=None):
        self.lcore, self.ticks = lcore, stolen()
        self.wait = waited(lcore) if lcore else 0

    def kept(self):
        return stolen() == self.ticks and (
            not self.lcore or waited(self.lcore) - self.wait < WAITED)


class Rounds:
    """Runs rounds again that were disturbed, and counts them."""

    def __init__(self):
        self.again = self.disturbed = 0

    def undisturbed(self, measure):
        """The values of `measure`, which also returns whether it was quiet."""
        values, kept = measure()
        for _ in range(AGAIN):
            if kept:
                break
            self.again += 1
            values, kept = measure()
        self.disturbed += not kept
        return values

    def note(self):
        if not self.again:
            return ""
        return "%d rounds were run again, because the host or another program took a CPU%s" % (
            self.again, "; %d were no better then" % self.disturbed if self.disturbed else "")

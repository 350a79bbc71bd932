# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""Windows of a probe, and their table."""
import dataclasses
import json
import statistics

LATE = 1  # ms: no client waits longer


@dataclasses.dataclass
class Window:
    """What a probe measured, in ms. `served` leaves out the time for which the load was held up."""
    p999: float
    most: float
    served: float       # the longest
    sent: int           # GETs
    late: int           # or lost
    late_served: int
    held: float         # the longest time that the load was held up
    waited: float       # by the daemon's thread that waited longest for a CPU

    @staticmethod
    def of(text, waited_ns):
        result = json.loads(text)
        latency, counters = result["latency_ns"], result["counters"]
        return Window(latency["p99.9"] / 1e6, latency["max"] / 1e6,
                      result["served_ns"]["max"] / 1e6, counters["get_sent"],
                      counters["late"] + counters["lost"],
                      counters["late_served"] + counters["lost"],
                      result["held_up"]["longest_ns"] / 1e6, waited_ns / 1e6)


def median(windows, what):
    return "%.2f" % statistics.median(getattr(window, what) for window in windows)


def over(windows, what):
    return "%d of %d" % (sum(getattr(window, what) > LATE for window in windows), len(windows))


def share(windows, what):
    sent = sum(window.sent for window in windows)
    return "%.3f %%" % (100 * sum(getattr(window, what) for window in windows) / sent)


# The columns, each for windows without the event and with it.
COLUMNS = (("p99.9, ms", median, "p999"), ("maximum, ms", median, "most"),
           ("over 1 ms", over, "most"), ("by the server", over, "served"),
           ("late", share, "late"), ("by the server", share, "late_served"),
           ("daemon waited, ms", median, "waited"))


def row(mode, name, kind, calm, got):
    cells = ["–" if tell is share and kind != "get" else
             "%s → %s" % (tell(calm, what), tell(got, what)) for _, tell, what in COLUMNS]
    return "| %s | %s | %s | %s |" % (mode, name, kind.upper(), " | ".join(cells))


def table(rows, down):
    text = ["| mode | event | probe | " + " | ".join(title for title, _, _ in COLUMNS) + " |",
            "|---|---|---|" + "---:|" * len(COLUMNS)]
    text += [row(*one) for one in rows] + [""]
    for kind in ("get", "new"):
        quiet = [window for _, _, probe, calm, _ in rows if probe == kind for window in calm]
        if quiet:
            held = [window.held for window in quiet]
            text.append(
                "All %d windows without an event, %s: p99.9 %s ms and maximum %s ms (medians). The "
                "longest answer took %.2f ms, and %.2f ms by the server. The load was held up in "
                "%d windows, for at most %.2f ms.\n" % (
                    len(quiet), kind.upper(), median(quiet, "p999"), median(quiet, "most"),
                    max(window.most for window in quiet), max(window.served for window in quiet),
                    sum(ms > 0 for ms in held), max(held)))
    if down:
        text += ["The daemon was away for %.2f s (median): from the signal until it had adopted the "
                 "full cache and answered on its admin socket." % statistics.median(down)]
    return "\n".join(text).rstrip() + "\n"

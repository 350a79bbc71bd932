# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""What the kernel's scheduler counts for the threads of a process."""
import pathlib


def threads(pid):
    """For how long each thread ran and waited for a CPU, in ns, by its number, the oldest first."""
    times = {}
    for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
        try:
            ran, waited, _ = (task / "schedstat").read_text().split()
        except (OSError, ValueError):  # it has ended
            continue
        times[int(task.name)] = (int(ran), int(waited))
    return dict(sorted(times.items()))

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""The row of memory: bytes per session, including kernel memory."""
import pathlib
import time

from .figure import Figure, count
from .lab import LabError

# Bytes per session of the classic server.
CLASSIC_BYTES = 418


def kernel_memory():
    """Bytes of the kernel's slab, vmalloc and per-CPU memory, which BPF maps use."""
    wanted = ("Slab:", "VmallocUsed:", "Percpu:")
    return sum(int(line.split()[1]) * 1024 for line in open("/proc/meminfo")
               if line.startswith(wanted))


def settled_kernel_memory():
    """The same, once it is stable: the maps of an ended server are freed much later, and would
    falsify the next measurement."""
    last, still = kernel_memory(), 0
    for _ in range(120):
        time.sleep(0.5)
        now = kernel_memory()
        still = still + 1 if abs(now - last) < 1 << 20 else 0
        last = now
        if still == 6:
            return last
    raise LabError("the kernel's memory does not stand still: is something else running?")


def map_memory(pid):
    """Bytes of a process's BPF maps as the kernel reports them, each map once."""
    maps = {}
    for path in pathlib.Path("/proc/%d/fdinfo" % pid).iterdir():
        try:
            info = dict(line.split(":", 1) for line in path.read_text().splitlines()
                        if ":" in line)
        except FileNotFoundError:
            continue
        if "map_id" in info and "memlock" in info:
            maps[info["map_id"]] = int(info["memlock"])
    return sum(maps.values())


def memory(lab):
    sessions = lab.args.sessions

    def bytes_a_session(start):
        before = settled_kernel_memory()
        server = start()
        try:
            lab.preload(server, sessions)
            # The growth of kernel memory includes the rounding of its allocators, and unrelated
            # changes; the maps' own figures include neither. The larger one counts.
            kernel = max(kernel_memory() - before, map_memory(server.process.pid))
            return (server.resident() + kernel) / sessions
        finally:
            server.stop()
    xdp = bytes_a_session(lambda: lab.sessiond("xdp", sessions))
    socket = bytes_a_session(lambda: lab.sessiond("socket", sessions))
    classic = bytes_a_session(lambda: lab.classic(sessions))
    note = "the classic server of tests/bench takes %.0f B" % classic
    where = "resident bytes per session, %s of 144 B, " % count(sessions)
    return [Figure(where + mode, "B", [ours], peer="classic server used before (constant)",
                   peers=[CLASSIC_BYTES], lower_is_better=True, note=note)
            for mode, ours in (("xdp mode", xdp), ("socket mode", socket))]

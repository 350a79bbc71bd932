# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""A description of the machine."""
import os
import pathlib
import platform


def machine():
    cpu = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in cpu
                  if line.startswith("model name")), platform.machine())
    memory = int(next(line.split()[1]
                      for line in pathlib.Path("/proc/meminfo").read_text().splitlines()
                      if line.startswith("MemTotal"))) / 1024 / 1024
    virtual = " (virtual machine)" if any(
        line.startswith("flags") and " hypervisor" in line for line in cpu) else ""
    return "%d × %s%s, %.0f GiB, Linux %s" % (
        os.cpu_count(), model, virtual, memory, platform.release().split("-")[0])

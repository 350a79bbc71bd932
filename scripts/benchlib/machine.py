# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
"""What the figures were measured on, in words."""
import os
import platform


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    memory = int(next(line.split()[1] for line in open("/proc/meminfo")
                      if line.startswith("MemTotal"))) / 1024 / 1024
    virtual = " (virtual machine)" if any(
        line.startswith("flags") and " hypervisor" in line for line in open("/proc/cpuinfo")) else ""
    return "%d × %s%s, %.0f GiB, Linux %s" % (
        os.cpu_count(), model, virtual, memory, platform.release().split("-")[0])

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Every thread of the daemon has a short time slice, where the kernel knows them.

. "$(dirname "$0")/lib.sh"

python3 - <<'END' || skip "this kernel has no time slices of single threads (Linux 6.12)"
import ctypes, platform, re, struct, sys
number = {"x86_64": 314, "aarch64": 274}.get(platform.machine())
wanted = struct.pack("=IIQiIQQQ", 48, 0, 0, 0, 0, 300000, 0, 0)
if number is None or ctypes.CDLL(None).syscall(number, 0, wanted, 0) != 0:
    sys.exit(1)
try:
    text = open("/proc/self/sched").read()
except OSError:
    sys.exit(1)
sys.exit(not re.search(r"^se\.slice *: *300000$", text, re.M))
END

start up -m socket -t 2 -n 1000 7251 || finish
cases=$((cases + 1))
threads=0
# shellcheck disable=SC2154 # lib.sh sets it
for task in "/proc/$started/task"/*; do
	threads=$((threads + 1))
	grep -q '^se.slice *: *100000$' "$task/sched" || fail "$(cat "$task/comm"): $(grep '^se.slice' "$task/sched")"
done
[ "$threads" -ge 4 ] || fail "only $threads threads"
finish

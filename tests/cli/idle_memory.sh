#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# An idle daemon with room for a million sessions holds a tenth of what they take; it takes the rest as it
# fills, with huge pages. In xdp mode the kernel has the memory of its map from the start, and the daemon
# little.

. "$(dirname "$0")/lib.sh"

grep -qE 'b_sanitize.*(address|thread)' "$SESSIOND_BUILD/meson-private/cmd_line.txt" &&
	skip "sanitizers take memory of their own"

# resident PID: MiB.
resident() {
	awk '$1 == "VmRSS:" { print int($2 / 1024) }' "/proc/$1/status"
}

# most NAME PID MIB
most() {
	cases=$((cases + 1))
	echo "$1: $(resident "$2") MiB"
	[ "$(resident "$2")" -le "$3" ] || fail "$1 holds $(resident "$2") MiB, not $3"
}

start socket -m socket -t 2 7471 || finish
grep -q 'room for 1000000 sessions' "$folder/socket.log" || fail "the default capacity: $(cat "$folder/socket.log")"
most "an idle daemon in socket mode" "$started" 27
python3 - <<'END'
import socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", 7471))
for i in range(200000):
    s.send(struct.pack(">BBH32s", 1, 0, 600, i.to_bytes(32, "little")) + b"v" * 144)
    if i % 50 == 0:
        time.sleep(0.0005)
END
sessions=$("$sessionctl" -C "$folder/socket.sock" stats | awk '$1 == "sessions" { print $2 }')
[ "$sessions" -gt 50000 ] || fail "$sessions sessions are stored"
least=$((sessions * 256 / 1048576))
[ "$(resident "$started")" -ge "$least" ] || fail "$sessions sessions in $(resident "$started") MiB"
most "one with $sessions sessions" "$started" $((sessions * 290 / 1048576 + 45))
stop socket "$started"

if [ "${SESSIOND_XDP:-yes}" = yes ] && [ "$(id -u)" = 0 ] && make_peer && mkdir "$folder/bpf" &&
	unshare -m mount -t bpf none "$folder/bpf" 2>/dev/null; then
	mount -t bpf -o mode=0700 none "$folder/bpf"
	trap 'umount -l "$folder/bpf" 2>/dev/null; cleanup' EXIT
	start xdp -m xdp --xdp-mode generic -i cli0 --pin-dir "$folder/bpf/pins" 7472 || finish
	most "an idle daemon in xdp mode" "$started" 40
	kernel=$(cat /proc/"$started"/fdinfo/* | awk '$1 == "memlock:" { n += $2 } END { print int(n / 1048576) }')
	echo "its maps: $kernel MiB"
	[ "$kernel" -ge 200 ] || fail "the maps hold $kernel MiB: docs/farm.md says that the kernel takes them at start"
	stop xdp "$started"
else
	echo "xdp mode is left out: not built, or no BPF file system can be mounted here"
fi
finish

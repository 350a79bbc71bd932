#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Starts of dpdk mode with a port that needs nothing of the host (net_null, which receives
# continuously): which lcores poll, and errors of EAL: one line, exit code 2.

. "$(dirname "$0")/../cli/lib.sh"

[ "$(nproc)" -ge 2 ] || skip "two CPUs are needed"
last=$(($(nproc) - 1))
common="--no-pci --no-huge --file-prefix start-$$"

# With libmicrohttpd, what it exports is what docs/metrics.md says.
metrics=
"$sessiond" --check --metrics 9532 >/dev/null 2>&1 && metrics="--metrics $folder/metrics.sock"

stat() {
	"$sessionctl" -C "$folder/$1.sock" stats | awk -v name="$2" '$1 == name { n = $2 } END { print n + 0 }'
}

# served NAME LCORE: only that lcore polls the port.
served() {
	cases=$((cases + 1))
	[ "$(stat "$1" dpdk_lcores)" -eq 1 ] || fail "$1: $(stat "$1" dpdk_lcores) lcores, not one"
	for _ in $(seq 50); do
		[ "$(stat "$1" "dpdk_lcore$2_rx_packets")" -gt 0 ] && break
		sleep 0.1
	done
	[ "$(stat "$1" "dpdk_lcore$2_rx_packets")" -gt 0 ] || fail "$1: lcore $2 receives nothing"
	[ "$(stat "$1" dpdk_port0_queues)" -eq 1 ] || fail "$1: the port has more queues than lcores"
}

# reloads NAME: a reload waits until every lcore uses the new allow list.
reloads() {
	cases=$((cases + 1))
	timeout 5 "$sessionctl" -C "$folder/$1.sock" reload >/dev/null || fail "$1: no reload"
}

daemon() {
	name=$1
	shift
	# shellcheck disable=SC2086 # $metrics is two words, or none
	start "$name" -m dpdk -l 10.0.0.1 -n 1000 $metrics --dpdk-args "$common --vdev net_null0 $*" || finish
}

# One of several CPUs, as set by a container or taskset: EAL also numbers the other CPUs.
sessiond_of_all=$sessiond
cat >"$folder/on-last" <<-END
	#!/bin/sh
	exec taskset -c $last "$sessiond" "\$@"
END
chmod +x "$folder/on-last"
sessiond=$folder/on-last
daemon taskset
served taskset "$last"
reloads taskset
if [ -n "$metrics" ]; then
	http_get "$folder/metrics.sock" /metrics >"$folder/page"
	sed 1d "$folder/page" >"$folder/metrics.page"
	documented_metrics "$folder/metrics.page" dpdk
fi
stop taskset "$started"
sessiond=$sessiond_of_all

# A service core is not used as an lcore.
daemon service -l 0,1 -s 0x2
served service 0
reloads service
stop service "$started"
daemon service2 -l 0,1 --main-lcore 1 -S 0
served service2 1
reloads service2
stop service2 "$started"

# Without hugepages all memory is locked. If that is not allowed, the daemon warns.
swappable='^sessions may be swapped to disk'
daemon locked -l 0
! grep -q "$swappable" "$folder/locked.log" || fail "locked memory is warned of"
locked=$(awk '/^VmLck/ { print $2 }' "/proc/$started/status")
[ "$locked" -ge 65536 ] || fail "of DPDK's memory, $locked kB are locked"
stop locked "$started"
cat >"$folder/unlocked" <<-END
	#!/bin/sh
	exec prlimit --memlock=65536 setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock "$sessiond" "\$@"
END
chmod +x "$folder/unlocked"
sessiond=$folder/unlocked
daemon unlocked -l 0
grep -q "$swappable" "$folder/unlocked.log" || fail "memory that is not locked is not warned of"
stop unlocked "$started"
sessiond=$sessiond_of_all

# Errors that only EAL detects.
refused() {
	code=$1 pattern=$2
	shift 2
	expect "$code" "--dpdk-args: .*$pattern" "$sessiond" -m dpdk -l 10.0.0.1 -n 1000 -C "$folder/s" --dpdk-args "$*"
}
refused 2 'lcore' "$common -l 4000"
refused 2 "unrecognized option '--frobnicate'" "$common --frobnicate"
# A missing device may exist at the next try.
refused 1 'net_there_is_none' "$common -l 0 --vdev net_there_is_none0"
refused 2 "does not know what to do with 'stray'" "$common -l 0 --vdev net_null0 stray"

# Without hugepages there is little memory, and the error says how to get more.
common="$common -l 0 --vdev net_null0 --"
expect 1 'no memory for its packet buffers: .*-m in --dpdk-args' \
	"$sessiond" -m dpdk -l 10.0.0.1 -n 1000 -C "$folder/s" --dpdk-args "$common --mbufs 100000"
expect 1 'ring of 1048576 updates .*-m in --dpdk-args' \
	"$sessiond" -m dpdk -l 10.0.0.1 -n 1000 -C "$folder/s" --dpdk-args "$common --updates 1048576"

# With hugepages the table must fit into them; the error names the table separately. A table of 1 GiB: what
# else it needs is there on any machine, and would be a second error.
if [ "$(awk '/^HugePages_Free/ { n = $2 } /^Hugepagesize/ { print int(n * $2 / 1024) }' /proc/meminfo)" -lt 900 ]
then
	expect 1 '--capacity 4000000: needs [0-9]+ MiB of hugepages, [0-9]+ MiB are free: raise vm.nr_hugepages' \
		"$sessiond" --check -m dpdk -l 10.0.0.1 -n 4000000 --dpdk-args '--no-pci'
fi

finish

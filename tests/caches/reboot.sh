#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# reboot.sh socket|xdp|dpdk: a pair of caches is rebooted one after the other, and has every session all
# the while. In xdp mode the maps are gone as after a reboot; in dpdk mode nothing survives a kill
# anyway: the streams of both refill it. Prints how many sessions, and in what time. 20,000
# sessions from clients of each, or 500,000 with scripts/test --long.

mode=${1:?socket, xdp or dpdk}

. "$(dirname "$0")/lib.sh"

each=20000
[ -z "${SESSIOND_LONG:-}" ] || each=500000
capacity=$((each * 5 / 2))
sessionbench=$SESSIOND_BUILD/sessionbench

[ "$mode" != xdp ] || [ "${SESSIOND_XDP:-yes}" = yes ] || skip "sessiond is built without xdp mode"
[ "$mode" != dpdk ] || [ "${SESSIOND_DPDK:-no}" = yes ] || skip "sessiond is built without dpdk mode"
if [ -z "${FARM_TEST_MOUNT:-}" ]; then
	rm -rf "$folder"
	FARM_TEST_MOUNT=1 exec unshare -m "$0" "$@"
fi

# The clients' host has a line to each cache: a0 to a, b0 to b.
unshare -n sleep 900 &
peer=$!
daemons="$daemons $peer"
await 5 "the clients' namespace is there" sh -c \
	"[ \"\$(readlink /proc/$peer/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]"
line() {
	ip link add "$1" type veth peer name "$1" netns "$peer" || skip "no veth pair can be made"
	[ "$mode" = dpdk ] || ip addr add "$2.1/24" dev "$1"
	ip link set "$1" up
	nsenter -t "$peer" -n ip addr add "$2.2/24" dev "$1"
	nsenter -t "$peer" -n ip link set "$1" up
	nsenter -t "$peer" -n ethtool -K "$1" tx off >/dev/null
}
line a0 10.98.1
line b0 10.98.2
mkdir "$folder/bpf"
[ "$mode" != xdp ] || mount -t bpf none "$folder/bpf" 2>/dev/null || skip "no BPF file system can be mounted"
trap 'umount -l "$folder/bpf" 2>/dev/null; cleanup' EXIT

engine one && engine two || finish
address() {
	[ "$1" = a ] && echo 10.98.1.1 || echo 10.98.2.1
}
# boot NAME PORT
boot() {
	boot_name=$1 boot_port=$2
	case $mode in
	socket) set -- --mode socket --threads 1 ;;
	xdp) set -- --mode xdp --xdp-mode generic --interface "${boot_name}0" --pin-dir "$folder/bpf/$boot_name" ;;
	dpdk) set -- --mode dpdk --dpdk-args "-l 0 --no-huge --no-pci --file-prefix $boot_name$$ --vdev \
net_af_packet0,iface=${boot_name}0" ;;
	esac
	start "$boot_name" "$boot_port" "$@" --listen "$(address "$boot_name")" --capacity "$capacity" \
		--farm "unix://$folder/one.redis" --farm "unix://$folder/two.redis" --farm-key "$folder/key" \
		--farm-node "$boot_name" || finish
	eval "pid_$boot_name=$started"
}
ready() {
	nsenter -t "$peer" -n "$sessionctl" check "$(address "$1"):$2"
}
bench() {
	nsenter -t "$peer" -n "$sessionbench" --quiet --sessions "$each" --lifetime 3600 "$@"
}
# has_all NAME PORT WHEN: every session, byte for byte.
has_all() {
	cases=$((cases + 1))
	for seed in 1 2; do
		bench --no-preload --keys each --count "$each" --seed "$seed" --require-hits --patience 3s \
			"$(address "$1"):$2" >"$folder/bench" 2>&1 || {
			fail "$3: $1 does not answer every session"
			cat "$folder/bench"
		}
	done
}
boot a 7001
boot b 7002
await 35 "a is ready" ready a 7001
await 35 "b is ready" ready b 7002
bench --preload-only --threads 4 --seed 1 "$(address a):7001" || fail "a does not store all sessions"
bench --preload-only --threads 4 --seed 2 "$(address b):7002" || fail "b does not store all sessions"
await 60 "a has the sessions of both" has a sessions eq $((2 * each))
await 60 "b has the sessions of both" has b sessions eq $((2 * each))

# reboot NAME PORT PID OTHER PORT
reboot() {
	kill -9 "$3"
	ended "$3"
	rm -rf "$folder/bpf/$1"
	has_all "$4" "$5" "while $1 is down"
	boot "$1" "$2"
	await 60 "$1 is ready" ready "$1" "$2"
	await 10 "its warm-up is over" has "$1" farm_warm_up_percent eq 100
	await 60 "$1 has all sessions" has "$1" sessions eq $((2 * each))
	[ "$(stat "$1" sessions_adopted)" -eq 0 ] || fail "$1 adopted sessions: that is no reboot"
	echo "$mode: $1 was refilled with $(stat "$1" farm_warm_up_sessions) sessions in $(stat "$1" farm_warm_up_ms) ms"
	has_all "$1" "$2" "after the reboot"
}
reboot a 7001 "$pid_a" b 7002
reboot b 7002 "$pid_b" a 7001
# Once more: what they have now is of earlier runs only.
reboot a 7001 "$pid_a" b 7002
finish

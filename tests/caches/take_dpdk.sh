#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# TAKE at a cache in dpdk mode and one in socket mode at once (--take farm): the lcore keeps the packet
# of a TAKE until the arbiter has decided. Of 10,000 sessions each is given once.

. "$(dirname "$0")/lib.sh"

[ "${SESSIOND_DPDK:-no}" = yes ] || skip "sessiond is built without dpdk mode"

# The clients' host has a line to each cache: x0 to x, b0 to b.
unshare -n sleep 380 &
peer=$!
daemons="$daemons $peer"
await 5 "the clients' namespace is there" sh -c \
	"[ \"\$(readlink /proc/$peer/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]"
line() {
	ip link add "$1" type veth peer name "$1" netns "$peer" || skip "no veth pair can be made"
	ip link set "$1" up
	nsenter -t "$peer" -n ip addr add "$2.2/24" dev "$1"
	nsenter -t "$peer" -n ip link set "$1" up
	nsenter -t "$peer" -n ethtool -K "$1" tx off >/dev/null
}
line x0 10.98.1
line b0 10.98.2
ip addr add 10.98.2.1/24 dev b0

engine one || finish
farm="--farm unix://$folder/one.redis --farm-key $folder/key --take farm --capacity 50000"
# shellcheck disable=SC2086
start x 7001 --mode dpdk --listen 10.98.1.1 --farm-node x $farm --dpdk-args \
	"-l 0 --no-huge --no-pci --file-prefix take$$ --vdev net_af_packet0,iface=x0" || finish
# shellcheck disable=SC2086
start b 7002 --mode socket --threads 1 --listen 10.98.2.1 --farm-node b $farm || finish
far() {
	nsenter -t "$peer" -n "$udpclient" "$@" >"$folder/client" 2>&1
}
# shellcheck source=tests/caches/lib_take.sh
. "$(dirname "$0")/lib_take.sh"

near="nsenter -t $peer -n" both="10.98.1.1 7001 10.98.2.1 7002" names="x b"
ready() {
	nsenter -t "$peer" -n "$sessionctl" check "$1"
}
store() {
	cases=$((cases + 1))
	far store 10.98.1.1 7001 --count "$1" --seed "$2" --rate 5000 --confirm || fail "store: $(cat "$folder/client")"
	await 20 "b has them" far fetch 10.98.2.1 7002 --count "$1" --seed "$2"
}
await 35 "x is ready" ready 10.98.1.1:7001
await 35 "b is ready" ready 10.98.2.1:7002
store 300 1
at_once - 300 1 none || fail "a TAKE was answered while the engine is younger than the window"
await 90 "the engine is up for the window" decides x
await 10 "b knows it" decides b

store 10000 2
once "$folder/given" 10000 2
echo "x: $("$sessionctl" -C "$folder/x.sock" stats | grep -E '^(farm_take_|take_|drop_tx|drop_ring)' | tr '\n' ' ')"
[ "$(stat x take_hits)" -gt 100 ] || fail "x gave $(stat x take_hits) sessions"
at_once "$folder/given" 10000 2 any || fail "a session was given again"
"$sessionctl" -C "$folder/x.sock" farm
finish

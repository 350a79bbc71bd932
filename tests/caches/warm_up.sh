#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# warm_up.sh socket|xdp|dpdk: a cache that begins without any session reads those of another one. Its
# health key says that it warms up, then that it is ready; GETs are answered meanwhile; then it has
# every session, byte for byte. 100,000 sessions, or a million in scripts/test --long.
# `scripts/bench farm` measures how long GETs take meanwhile.

mode=${1:?socket, xdp or dpdk}

. "$(dirname "$0")/lib.sh"

count=100000 capacity=150000
[ -z "${SESSIOND_LONG:-}" ] || { count=1000000 capacity=1200000; }
sessionbench=$SESSIOND_BUILD/sessionbench
PEER_SECONDS=900
there=

case $mode in
socket) target=127.0.0.1:7001 ;;
xdp)
	. "$(dirname "$0")/lib_xdp.sh"
	target=10.99.0.1:7001 there="nsenter -t $peer -n"
	;;
dpdk)
	[ "${SESSIOND_DPDK:-no}" = yes ] || skip "sessiond is built without dpdk mode"
	make_peer "$PEER_SECONDS" || skip "no veth pair can be made"
	ip address flush dev cli0
	target=10.99.0.1:7001 there="nsenter -t $peer -n"
	;;
esac

engine one || finish
one=$started
engine two || finish
two=$started
farm="--farm unix://$folder/one.redis --farm unix://$folder/two.redis --farm-key $folder/key"
# The last --capacity counts.
start_new() {
	# shellcheck disable=SC2086 # several options
	case $mode in
	socket) cache x 7001 $farm --capacity "$capacity" ;;
	xdp) start_x --capacity "$capacity" ;;
	dpdk) start x 7001 --mode dpdk --listen 10.99.0.1 --capacity "$capacity" --farm-node x $farm \
		--dpdk-args "-l 0 --no-huge --no-pci --file-prefix warm$$ --vdev net_af_packet0,iface=cli0" ;;
	esac
}
health() {
	# shellcheck disable=SC2086 # a command
	$there "$sessionctl" check "$target"
}
warms_up() {
	health 2>&1 | grep -q warming-up
}
# shellcheck disable=SC2086
cache a 7002 $farm --capacity "$capacity" || finish
await 35 "a is ready" is_ready 7002
cases=$((cases + 1))
"$sessionbench" --quiet --preload-only --threads 4 --sessions "$count" --lifetime 3600 127.0.0.1:7002 ||
	fail "a does not have all sessions"
has a farm_drop_queue_full eq 0 || fail "a's queue was full"
published() {
	has a farm_published ge "$count" && "$sessionctl" -C "$folder/a.sock" farm --json |
		python3 -c 'import json, sys; sys.exit(any(e["queued"] for e in json.load(sys.stdin)["engines"]))'
}
await 60 "the engines have all sessions" published

# Until the engines go on, for at most 3 s, it has nothing to read, and says so.
kill -STOP "$one" "$two"
start_new || {
	kill -CONT "$one" "$two"
	finish
}
began=$(date +%s)
seen=no
while [ $(($(date +%s) - began)) -lt 3 ]; do
	warms_up && seen=yes && break
	sleep 0.02
done
# shellcheck disable=SC2086 # a command
$there "$sessionbench" --quiet --json --no-preload --workload miss --rate 1000 --duration 4 --patience 3s "$target" \
	>"$folder/gets" 2>"$folder/gets.error" &
gets=$!
kill -CONT "$one" "$two"
if [ "$seen" = no ]; then
	fail "the health key did not say that it warms up: $(health 2>&1)"
fi
await 40 "x is ready" health
await 60 "its warm-up is over" has x farm_warm_up_percent eq 100
await 60 "x has every session" has x sessions eq "$count"
echo "$mode: $(stat x farm_warm_up_sessions) sessions in $(stat x farm_warm_up_ms) ms"
wait "$gets" || fail "GETs during the warm-up: $(cat "$folder/gets.error")"
cases=$((cases + 1))
python3 - "$folder/gets" <<-'END' || fail "GETs were not answered during the warm-up"
	import json, sys
	r = json.load(open(sys.argv[1]))
	c = r["counters"]
	print("GETs meanwhile: %d, lost %d, longest %.1f ms; the load was held up for at most %.1f ms" % (
	    c["get_sent"], c["lost"], r["latency_ns"]["max"] / 1e6, r["held_up"]["longest_ns"] / 1e6))
	sys.exit(c["get_sent"] < 1000 or c["lost"] > 0)
END
cases=$((cases + 1))
# shellcheck disable=SC2086 # a command
$there "$sessionbench" --quiet --no-preload --keys each --sessions "$count" --count "$count" --require-hits \
	--patience 3s "$target" || fail "x does not answer every session byte for byte"
has x sessions eq "$count" || fail "x has $(stat x sessions) sessions"
has x farm_received eq "$count" || fail "x received $(stat x farm_received) records"
finish

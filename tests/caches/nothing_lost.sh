#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# nothing_lost.sh socket|xdp: two hosts with a cache and an engine each, behind a virtual address that the
# real keepalived moves with the shipped configuration and check. Sessions of synthetic clients and of
# real stunnels are stored there, and in the middle the first host's cache is killed with -9, and its
# engine; in xdp mode its keepalived too, and the link is cut. The other has every session that was there
# 100 ms before, byte for byte, and GETs are unanswered only while VRRP decides. 20,000 sessions at
# 10,000 NEWs a second, or with scripts/test --long 100,000 at 50,000.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh" "$*"

mode=${1:?socket or xdp}
count=20000 rate=10000 tls=50
[ -z "${SESSIOND_LONG:-}" ] || count=100000 rate=50000 tls=200

[ "$mode" = socket ] || need_xdp
need_lab
need_tls
need_program keepalived
need_program redis-server
need_program "$TOOLS/xdppass"
witness=$BUILD/tests/caches/witness
need_program "$witness"

vip=10.0.0.5
name=lost-$$
sessionctl=$BUILD/sessionctl
PIDS=()
AT_SECRETS=$(mktemp -d)

inside()
{
	lab_exec "$name" "$@"
}

# run NODE LOG COMMAND...: RUN is its process.
run()
{
	local node=$1 log=$2

	shift 2
	nsenter --net="/run/netns/$name-$node" -- "$@" >>"$log" 2>&1 </dev/null &
	RUN=$!
	PIDS+=("$RUN")
}

cleanup()
{
	local pid node

	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait
	for node in c1 c2; do
		umount "$LOGS/$node/bpf" 2>/dev/null
	done
	for node in c1 c2 t switch; do
		ip netns del "$name-$node" 2>/dev/null
	done
	rm -rf "$AT_SECRETS"
}
AT_END+=(cleanup)

# A host at the bridge; its interface is eth1.
attach()
{
	local node=$1 address=$2

	ip netns add "$name-$node"
	inside "$node" ip link set lo up
	inside switch ip link add name "$node" type veth peer name eth1 netns "$name-$node"
	inside switch ip link set dev "$node" master br0 up
	# A veth delivers replies from XDP only if it has a program.
	[ "$mode" = socket ] || inside switch "$TOOLS/xdppass" "$node"
	inside "$node" ip address add "$address/24" dev eth1
	inside "$node" ip link set eth1 up
}

ctl()
{
	local node=$1

	shift
	"$sessionctl" -C "$LOGS/$node/control.sock" "$@"
}

stat_of()
{
	ctl "$1" stats | awk -v name="$2" '$1 == name { n = $2 } END { print n + 0 }'
}

engine()
{
	local node=$1 address=$2

	mkdir -p "$LOGS/$node"
	run "$node" "$LOGS/$node/redis.log" redis-server --bind "$address" --port 6379 --protected-mode no \
		--save '' --appendonly no --maxmemory-policy noeviction --dir "$LOGS/$node"
	printf -v "engine_$node" %s "$RUN"
	farm_wait 10 inside "$node" redis-cli -h "$address" PING || fail "the engine of $node does not answer"
}

ready()
{
	inside "$1" "$sessionctl" check 127.0.0.1
}

cache()
{
	local node=$1 dir=$LOGS/$1 how=(--mode socket --threads 1)

	if [ "$mode" = xdp ]; then
		mkdir -p "$dir/bpf"
		mount -t bpf "$name" "$dir/bpf"
		how=(--mode xdp --xdp-mode native -i eth1 --pin-dir "$dir/bpf")
	fi
	run "$node" "$LOGS/sessiond.log" "$BUILD/sessiond" "${how[@]}" --user root -n 150000 -C "$dir/control.sock" \
		--farm redis://10.0.0.11:6379 --farm redis://10.0.0.12:6379 --farm-key "$AT_SECRETS/farm.key" \
		--farm-node "$node"
	printf -v "daemon_$node" %s "$RUN"
	farm_wait 40 ready "$node" || fail "sessiond is not ready on $node"
}

balance()
{
	local node=$1 priority=$2 dir=$LOGS/$1

	sed -e "s|/usr/sbin/sessionctl check|$sessionctl check|" \
		-e "s|priority 100|priority $priority|" \
		"$SOURCE/dist/keepalived/keepalived.conf" >"$dir/keepalived.conf"
	run "$node" "$dir/keepalived.log" keepalived --dont-fork --log-console --vrrp \
		--use-file "$dir/keepalived.conf" --pid "$dir/keepalived.pid" \
		--vrrp_pid "$dir/vrrp.pid"
	printf -v "keepalived_$node" %s "$RUN"
}

has_vip()
{
	inside "$1" ip -o address show dev eth1 | grep " $vip/" >/dev/null
}

# terminator LETTER PORT: a stunnel on host t that asks the virtual address.
terminator()
{
	local letter=$1 port=$2

	cat >"$LOGS/stunnel-$letter.conf" <<-END
		foreground = yes
		pid =
		syslog = no
		debug = info
		[farm]
		accept = 10.0.0.21:$port
		connect = 127.0.0.1:4434
		cert = $AT_SECRETS/terminator.pem
		sessiond = $vip:54321
	END
	run t "$LOGS/stunnel-$letter.log" stunnel4 "$LOGS/stunnel-$letter.conf"
	farm_wait 10 grep -q 'Configuration successful' "$LOGS/stunnel-$letter.log" ||
		fail "stunnel $letter does not run"
}

tls()
{
	inside t "$TOOLS/tlsclient" --threads 2 --count "$tls" "$@"
}

hits_of_c2()
{
	stat_of c2 get_hits
}

step "two hosts with a cache and an engine each, one virtual address"
ip netns add "$name-switch"
inside switch ip link add br0 type bridge
inside switch ip link set br0 up
attach c1 10.0.0.11
attach c2 10.0.0.12
attach t 10.0.0.21
"$sessionctl" key new "$AT_SECRETS/farm.key" >/dev/null
engine c1 10.0.0.11
engine c2 10.0.0.12
cache c1
cache c2
balance c1 100
farm_wait 20 has_vip c1 || fail "c1 does not take the address"
balance c2 90
sleep 2
has_vip c1 || fail "c2 has taken the address from c1"
# The daemon sees the address a moment later.
farm_wait 20 inside t "$sessionctl" check "$vip" || fail "the virtual address does not answer"
farm_certificate "$AT_SECRETS/terminator.pem" farm.example
run t /dev/null "$TOOLS/echod" 4434
terminator a 4443
terminator b 4444

step "$tls sessions of TLS 1.2 and of TLS 1.3, made at stunnel a"
for version in 1.2 1.3; do
	note "$(tls --tls "$version" --make 10.0.0.21:4443 --save "$AT_SECRETS/$version.pem")"
done
sleep 0.2

step "$count sessions at $rate NEWs a second; c1 is killed in the middle"
victims=$daemon_c1,$engine_c1
[ "$mode" = socket ] || victims=$victims,$keepalived_c1
run t "$LOGS/witness.log" "$witness" store "$vip" 54321 "$LOGS/witness" --count "$count" --rate "$rate" \
	--kill "$victims"
watching=$RUN
farm_wait 60 grep -q '^killed' "$LOGS/witness.log" || fail "nothing was killed: $(cat "$LOGS/witness.log")"
[ "$mode" = socket ] || inside switch ip link set c1 down
code=0
wait "$watching" || code=$?
while read -r line; do
	note "$line"
done <"$LOGS/witness.log"
[ "$code" -eq 0 ] || fail "GETs were unanswered, or wrong, although VRRP had decided"
has_vip c2 || fail "c2 does not have the address"
silence=$(sed -n 's/^silence_ms \([0-9]*\) .*/\1/p' "$LOGS/witness.log")
note "GETs were unanswered for $silence ms, while VRRP decided"
[ "${silence:-99999}" -lt 8000 ] || fail "the address did not move, or too late"

step "c2 has everything"
inside t "$witness" check "$vip" 54321 "$LOGS/witness" --count "$count" >"$LOGS/checked" || code=$?
note "$(cat "$LOGS/checked")"
[ "$code" -eq 0 ] || fail "sessions were lost"
for version in 1.2 1.3; do
	resume_set "$TOOLS" "$LOGS" hits_of_c2 "$tls" tls --tls "$version" --load "$AT_SECRETS/$version.pem" \
		--resume 10.0.0.21:4444 >"$LOGS/resumed" || code=$?
	while read -r line; do
		note "TLS $version: $line"
	done <"$LOGS/resumed"
	[ "$code" -eq 0 ] || fail "sessions of TLS $version were not resumed"
done
note "$(ctl c2 farm | head -n 2 | tr '\n' ' ')"

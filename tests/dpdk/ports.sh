#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# ports.sh af_packet|af_packet_2|af_xdp|tap huge|no-huge: dpdk mode over real ports. Two terminators,
# each with a veth to the cache's node, where the kernel has no address; the cache uses both veths as
# ports (af_packet, af_xdp), or one tap that a bridge joins to them. Checks neighbour replies (ping,
# arping, IPv6, a VLAN, announcements), the corpus that all modes must answer with the same bytes, on
# the fast path and the general path, two real stunnels, reloads under load, links that go down,
# statistics, another user, and that nothing is left behind.
#
# Exit codes: 0 passed, 1 failed, 77 skipped. Logs are kept in BUILD/e2e-logs/dpdk-*.
set -eu -o pipefail

SOURCE=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
BUILD=$(readlink -f "${SESSIOND_BUILD:-$SOURCE/build}")
TOOLS=${SESSIOND_TOOLS:-$BUILD/tests/e2e}
# shellcheck source=scripts/resume.sh
. "$SOURCE/scripts/resume.sh"
DRIVER=$1
MEMORY=$2
LOGS=$BUILD/e2e-logs/dpdk-$DRIVER-$MEMORY
LAB=dpdk-$$
PORT=54321
IP4=10.88.0.1
IP6=fd88::1
STEP=start
PIDS=()

mkdir -p "$LOGS"
rm -f "$LOGS"/*

skip()
{
	echo "skipped: $*"
	exit 77
}

fail()
{
	echo "FAILED in step '$STEP': $*"
	exit 1
}

step()
{
	STEP=$*
	printf '%s %s\n' "$(date +%T)" "$*"
}

finish()
{
	local code=$? pid node

	set +e
	trap '' EXIT INT TERM
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	for node in cache t1 t2 client; do
		ip netns del "$LAB-$node" 2>/dev/null
	done
	[ -z "${PAGES:-}" ] || sysctl -qw "vm.nr_hugepages=$PAGES"
	rm -rf "$SECRETS" "/var/run/dpdk/$LAB" "/var/run/dpdk/$LAB-b"
	if [ "$code" -ne 0 ] && [ "$code" -ne 77 ]; then
		echo "failed in step '$STEP' with code $code; the last lines of sessiond.log:"
		tail -n 15 "$LOGS/sessiond.log"
	fi
	exit "$code"
}
SECRETS=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ "$(id -u)" -eq 0 ] || skip "namespaces and ports need root"
for program in ip nsenter ping arping stunnel4 openssl tcpdump ethtool dpdk-telemetry.py; do
	command -v "$program" >/dev/null || skip "there is no $program here"
done
for program in tlsclient echod udpclient heldup differential; do
	[ -x "$TOOLS/$program" ] || skip "there is no $program in $TOOLS"
done
[ "$DRIVER" != tap ] || [ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
ip netns add "$LAB-cache" 2>/dev/null || skip "no network namespaces here"

in_ns()
{
	nsenter "--net=/run/netns/$LAB-$1" -- "${@:2}"
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for()
{
	local end=$((SECONDS + $1 + 1))

	until "${@:2}" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

ctl()
{
	"$BUILD/sessionctl" -C "$SECRETS/control.sock" "$@"
}

stat()
{
	ctl stats | awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }'
}

_stat_is()
{
	# shellcheck disable=SC1072,SC1073 # the operator is an argument
	test "$(stat "$1")" "-$2" "$3"
}

# Within two seconds, because counters are read while the lcores count.
expect()
{
	wait_for 2 _stat_is "$@" || fail "$1 is $(stat "$1"), not $2 $3"
}

step "a laboratory"
for node in t1 t2 client; do
	ip netns add "$LAB-$node"
done
for node in cache t1 t2 client; do
	ip -n "$LAB-$node" link set lo up
	in_ns "$node" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		2>/dev/null || true
done
for i in 1 2; do
	ip link add "t$i" netns "$LAB-cache" type veth peer name cache netns "$LAB-t$i"
	ip link add "t$i" netns "$LAB-client" type veth peer name client netns "$LAB-t$i"
	ip -n "$LAB-t$i" address add "10.88.0.1$i/24" dev cache
	ip -n "$LAB-t$i" address add "fd88::1$i/64" dev cache nodad
	ip -n "$LAB-t$i" address add "10.87.$i.2/24" dev client
	ip -n "$LAB-client" address add "10.87.$i.1/24" dev "t$i"
	ip -n "$LAB-t$i" link set cache up
	ip -n "$LAB-t$i" link set client up
	ip -n "$LAB-client" link set "t$i" up
	# The node's kernel must not answer.
	in_ns cache sysctl -qw "net.ipv6.conf.t$i.disable_ipv6=1" 2>/dev/null || true
	ip -n "$LAB-cache" link set "t$i" up
done
# One terminator sends full checksums, as over a wire. The other offloads checksums to hardware that
# does not exist: its GETs take the general path, except over tap, where the bridge computes them.
in_ns t1 ethtool -K cache tx off >/dev/null || skip "checksums of a veth cannot be switched"
case $DRIVER in
af_packet | af_xdp)
	VDEVS="--vdev net_${DRIVER}0,iface=t1 --vdev net_${DRIVER}1,iface=t2"
	;;
af_packet_2) # two queues per port, for two lcores
	VDEVS="--vdev net_af_packet0,iface=t1,qpairs=2 --vdev net_af_packet1,iface=t2,qpairs=2"
	LCORES=0-1
	[ "$(nproc)" -ge 2 ] || skip "two CPUs are needed"
	;;
tap)
	VDEVS="--vdev net_tap0,iface=port"
	;;
*)
	fail "unknown driver $DRIVER"
	;;
esac

ARGS="-l ${LCORES:-$(($(nproc) - 1))} --no-pci --file-prefix $LAB $VDEVS"
if [ "$MEMORY" = huge ]; then
	PAGES=$(sysctl -n vm.nr_hugepages)
	sysctl -qw "vm.nr_hugepages=$((PAGES + 128))"
	FREE=$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)
	[ "$FREE" -ge 128 ] || skip "256 MB of hugepages are unavailable"
else
	ARGS="$ARGS --no-huge"
fi
ARGS="$ARGS -- --vlan 100 --vlan 100.101"

daemon()
{
	nsenter "--net=/run/netns/$LAB-cache" -- "$BUILD/sessiond" --mode dpdk --listen "$IP4" \
		--listen "$IP6" --capacity 20000 -C "$SECRETS/control.sock" -c "$SECRETS/conf" \
		--dpdk-args "$ARGS" "$@" >>"$LOGS/sessiond.log" 2>&1 &
	DAEMON=$!
	PIDS=("$DAEMON" "${PIDS[@]}")
	wait_for 20 running || fail "sessiond does not run"
	if [ "$DRIVER" = tap ]; then
		ip -n "$LAB-cache" link show bridge >/dev/null 2>&1 || {
			ip -n "$LAB-cache" link add bridge type bridge mcast_snooping 0
			in_ns cache sysctl -qw net.ipv6.conf.bridge.disable_ipv6=1 2>/dev/null || true
			ip -n "$LAB-cache" link set bridge up
			ip -n "$LAB-cache" link set t1 master bridge
			ip -n "$LAB-cache" link set t2 master bridge
		}
		# The tap's kernel end has the port's MAC address, and the bridge must not take it as
		# its own.
		in_ns cache sysctl -qw net.ipv6.conf.port.disable_ipv6=1 2>/dev/null || true
		ip -n "$LAB-cache" link set port address 02:00:00:00:00:77 up
		ip -n "$LAB-cache" link set port master bridge
	fi
	wait_for 5 in_ns t1 ping -qc 1 -W 1 "$IP4" || fail "no ping is answered"
}

running()
{
	ctl version || ! kill -0 "$DAEMON"
}

stop()
{
	local code=0

	kill "-$1" "$DAEMON"
	wait "$DAEMON" 2>/dev/null || code=$?
	[ "$1" = KILL ] || [ "$code" -eq 0 ] || fail "sessiond's exit code is $code"
}

# allow ADDR...: sets the allow list in the configuration file.
allow()
{
	printf 'allow = %s\n' "$@" >"$SECRETS/conf"
}
allow 10.88.0.0/24 fd88::/64

step "start; both neighbours are told"
if [ "$DRIVER" != tap ]; then
	in_ns t2 timeout 60 tcpdump -Uni cache -w "$LOGS/announced.pcap" 'arp or icmp6' 2>/dev/null &
	PIDS+=($!)
	sleep 0.7
fi
daemon
cat "$LOGS/sessiond.log"
if [ "$DRIVER" != tap ]; then
	heard()
	{
		tcpdump -nr "$LOGS/announced.pcap" 2>/dev/null | grep -q "$1"
	}
	wait_for 5 heard "Request who-has $IP4 (.*) tell $IP4\|Request who-has $IP4 tell $IP4" ||
		fail "no gratuitous ARP"
	wait_for 5 heard "$IP6 > ff02::1: ICMP6, neighbor advertisement, tgt is $IP6" ||
		fail "no unsolicited neighbour advertisement"
fi

# pings NODE OPTION...: all are answered; a busy machine may need another try.
pings()
{
	in_ns "$1" ping -qc 5 -i 0.05 -W 1 "${@:2}" | grep -q ' 0% packet loss'
}

step "manners: ping, arping, IPv6, VLAN"
for node in t1 t2; do
	wait_for 10 pings "$node" "$IP4" || fail "ping $node"
	wait_for 10 pings "$node" -s 1400 "$IP6" || fail "ping6 $node"
	wait_for 10 in_ns "$node" arping -qc 2 -w 2 -I cache "$IP4" || fail "arping $node"
	in_ns "$node" ip neigh flush all
	wait_for 10 in_ns "$node" ping -qc 1 -W 1 "$IP6" || fail "neighbour discovery $node"
	! in_ns "$node" ping -qc 1 -W 0.2 10.88.0.2 >/dev/null || fail "someone is 10.88.0.2"
done
# The kernel here may not support VLANs: the test builds frames with one tag and with two.
for node in t1 t2; do
	wait_for 10 in_ns "$node" ping -qc 1 -W 1 "$IP4" || fail "ping $node"
	MAC=$(in_ns "$node" ip neigh show "$IP4" | grep -o 'lladdr [^ ]*' | cut -d' ' -f2)
	IFACE=cache MAC=$MAC IP4=$IP4 in_ns "$node" "$BUILD/tests/dpdk/tagged" >"$LOGS/tagged.log" 2>&1 ||
		fail "VLAN: $(cat "$LOGS/tagged.log")"
done
expect dpdk_echo_replies ge 20
expect dpdk_arp_replies ge 4
expect dpdk_neighbour_replies ge 2

step "sessions stored at one node are at the other: IPv4, IPv6"
seed=1
for way in "$IP4" "$IP6"; do
	in_ns t1 "$TOOLS/udpclient" store "$way" $PORT --count 300 --seed $seed --confirm ||
		fail "store $way"
	in_ns t2 "$TOOLS/udpclient" fetch "$way" $PORT --count 300 --seed $seed || fail "fetch $way"
	seed=$((seed + 1))
done
in_ns t1 "$TOOLS/udpclient" remove "$IP4" $PORT --count 300 --seed 1
sleep 0.2
in_ns t2 "$TOOLS/udpclient" fetch "$IP6" $PORT --count 300 --seed 1 --expect miss ||
	fail "they were not removed"
expect dpdk_new_queued ge 600
expect dpdk_remove_queued eq 300

step "IPv4 GETs and NEWs with a sum take the plain way"
gets=$(stat dpdk_plain_gets) updates=$(stat dpdk_plain_updates)
in_ns t1 "$TOOLS/udpclient" store "$IP4" $PORT --count 200 --seed 3 --confirm || fail "store"
in_ns t1 "$TOOLS/udpclient" fetch "$IP4" $PORT --count 200 --seed 3 || fail "fetch"
expect dpdk_plain_gets ge $((gets + 400))
expect dpdk_plain_updates eq $((updates + 200))
gets=$(stat dpdk_plain_gets)
# An unfinished sum is right by chance for one source port in 65536 per session: not from this port.
ports=$(in_ns t2 sysctl -n net.ipv4.ip_local_port_range)
in_ns t2 sysctl -qw net.ipv4.ip_local_port_range='40000 40000'
in_ns t2 "$TOOLS/udpclient" fetch "$IP4" $PORT --count 200 --seed 3 || fail "fetch without a sum"
in_ns t2 sysctl -qw net.ipv4.ip_local_port_range="$ports"
in_ns t1 "$TOOLS/udpclient" fetch "$IP6" $PORT --count 200 --seed 3 || fail "fetch over IPv6"
if [ "$DRIVER" != tap ]; then
	expect dpdk_plain_gets eq "$gets"
fi

step "the corpus of all modes: the same bytes plain, with IP options, and by both families"
in_ns t1 "$TOOLS/differential" "udp:$IP4" "options:$IP4" $PORT || fail "IPv4 options differ"
in_ns t2 "$TOOLS/differential" "udp:$IP6" "options:$IP6" $PORT || fail "IPv6 extensions differ"
in_ns t1 "$TOOLS/differential" "udp:$IP4" "udp:$IP6" $PORT || fail "IPv4 and IPv6 differ"
expect take_hits ge 400
expect take_misses ge 800

step "two stunnels"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=farm.example \
	-keyout "$SECRETS/key" -out "$SECRETS/crt" 2>/dev/null
cat "$SECRETS/key" "$SECRETS/crt" >"$SECRETS/terminator.pem"
for i in 1 2; do
	cat >"$SECRETS/stunnel-$i.conf" <<-END
	foreground = yes
	pid =
	syslog = no
	debug = info
	[farm]
	accept = 10.87.$i.2:4433
	connect = 127.0.0.1:4434
	cert = $SECRETS/terminator.pem
	sessiond = $IP4:$PORT
	END
	nsenter "--net=/run/netns/$LAB-t$i" -- "$TOOLS/echod" 4434 >/dev/null 2>&1 &
	PIDS+=($!)
	nsenter "--net=/run/netns/$LAB-t$i" -- stunnel4 "$SECRETS/stunnel-$i.conf" >"$LOGS/stunnel-$i.log" 2>&1 &
	PIDS+=($!)
	wait_for 10 grep -q 'Configuration successful' "$LOGS/stunnel-$i.log" || fail "no stunnel"
done

get_hits()
{
	stat get_hits
}

resume()
{
	echo "TLS $1:"
	resume_set "$TOOLS" "$LOGS" get_hits 200 in_ns client "$TOOLS/tlsclient" --tls "$1" \
		--count 200 --threads 2 --delay 300 --make 10.87.1.2:4433 --resume 10.87.2.2:4433 ||
		fail "TLS $1: not every session was resumed"
}
# What is watched meanwhile: GETs and NEWs of both terminators, and both in top.
ctl watch >"$LOGS/watch.log" 2>&1 &
WATCH=$!
PIDS=("$WATCH" "${PIDS[@]}")
wait_for 5 grep -q '^# ' "$LOGS/watch.log" || fail "watch does not begin: $(cat "$LOGS/watch.log")"
resume 1.2
resume 1.3
ctl top --once >"$LOGS/top.log" 2>&1 || fail "top: $(cat "$LOGS/top.log")"
kill "$WATCH" && wait "$WATCH" 2>/dev/null || true
for event in 'NEW stored 10.88.0.11' 'GET hit 10.88.0.12'; do
	grep -q " $event [0-9a-f]* 1.[23] farm$" "$LOGS/watch.log" ||
		fail "watch shows no $event: $(head -50 "$LOGS/watch.log")"
done
for node in 1 2; do
	grep -q "^10.88.0.1$node  *[0-9]" "$LOGS/top.log" || fail "top: $(cat "$LOGS/top.log")"
done

step "SIGHUP under load: who may ask changes, and others notice nothing"
logged()
{
	[ "$(grep -c "$1" "$LOGS/sessiond.log")" -gt "$2" ]
}
nsenter "--net=/run/netns/$LAB-t1" -- "$TOOLS/udpclient" fetch "$IP4" $PORT --count 200 --seed 3 \
	--forever --rate 3000 >"$LOGS/load.log" &
LOAD=$!
PIDS=("$LOAD" "${PIDS[@]}")
for expected in silence hit silence hit; do
	reloads=$(grep -c '^reloaded' "$LOGS/sessiond.log" || true)
	if [ "$expected" = hit ]; then
		allow 10.88.0.0/24 fd88::/64
	else
		allow 10.88.0.11
	fi
	kill -HUP "$DAEMON"
	wait_for 5 logged '^reloaded' "$reloads" || fail "no reload"
	refused=$(stat drop_not_allowed)
	in_ns t2 "$TOOLS/udpclient" fetch "$IP4" $PORT --count 5 --seed 3 --expect $expected ||
		fail "the new allow list is not in use"
	# One at least: a full queue of the port may lose others on a busy machine.
	[ "$expected" = hit ] || [ "$(stat drop_not_allowed)" -gt "$refused" ] ||
		fail "nothing was refused"
done
kill "$LOAD"
wait "$LOAD" || true
cat "$LOGS/load.log"
# If the machine takes the CPU away, a GET may be late and counts as lost.
awk '{ exit !($2 > 100 && $6 + $8 == 0 && $10 <= $2 / 50) }' "$LOGS/load.log" ||
	fail "who was allowed all the time noticed: $(cat "$LOGS/load.log")"

step "malformed and refused packets are counted"
before=$(stat drop_short)
in_ns t1 bash -c "printf x >/dev/udp/$IP4/$PORT"
expect drop_short gt "$before"
before=$(stat dpdk_drop_other_port)
in_ns t1 bash -c "printf x >/dev/udp/$IP4/9"
expect dpdk_drop_other_port gt "$before"

step "figures: of the ports, of the lcores, and in DPDK's telemetry"
for name in dpdk_port0_rx_packets dpdk_port0_tx_packets dpdk_port0_link dpdk_lcores dpdk_ports \
	dpdk_rx_packets; do
	expect "$name" gt 0
done
for name in dpdk_port0_imissed dpdk_port0_rx_nombuf dpdk_drop_ring_full; do
	ctl stats | grep -q "^$name " || fail "no $name in the statistics"
done
telemetry()
{
	echo "$1" | dpdk-telemetry.py -f "$LAB" >"$LOGS/telemetry" 2>&1 || true
	grep -q "$2" "$LOGS/telemetry" || fail "DPDK's telemetry has no $2 in $1"
}
telemetry /sessiond/stats '"dpdk_rx_packets": [1-9]'
telemetry /sessiond/stats '"get_hits": [1-9]'
telemetry /sessiond/ports '\[0'
telemetry /sessiond/ports,0 '"dpdk_port0_rx_packets": [1-9]'
lcore=${LCORES:-$(($(nproc) - 1))}
lcore=${lcore%%-*}
telemetry /sessiond/lcores "\\[$lcore"
telemetry "/sessiond/lcores,$lcore" "\"dpdk_lcore${lcore}_rx_packets\": [1-9]"
telemetry /sessiond/lcores,9999 null

step "a link goes down, and comes up"
ups=$(grep -c 'link up' "$LOGS/sessiond.log")
if [ "$DRIVER" = tap ]; then
	ip -n "$LAB-cache" link set port down
else
	in_ns t1 ip link set cache down
	in_ns t2 "$TOOLS/udpclient" fetch "$IP4" $PORT --count 50 --seed 2 || fail "the other port"
fi
# The other drivers always report a port as up.
if [ "$DRIVER" = tap ]; then
	wait_for 4 logged 'link down' 0 || fail "that the link is down was not seen"
fi
if [ "$DRIVER" = tap ]; then
	ip -n "$LAB-cache" link set port up
else
	in_ns t1 ip link set cache up
fi
if [ "$DRIVER" = tap ]; then
	wait_for 4 logged 'link up' "$ups" || fail "that the link is up was not seen"
fi
wait_for 10 in_ns t1 "$TOOLS/udpclient" fetch "$IP4" $PORT --count 50 --seed 2 ||
	fail "no answers after the link came up"

if [ -z "${LCORES:-}" ]; then
	step "idle costs little, but for the lcore"
	sleep 1
	# shellcheck disable=SC2010,SC2046 # names of tasks are numbers
	cpu() { awk '{ s += $1 } END { print s }' $(ls -d /proc/"$DAEMON"/task/*/schedstat | grep -v "/$1/"); }
	busy=$(for t in /proc/"$DAEMON"/task/*; do echo "$(cut -d' ' -f1 "$t/schedstat") ${t##*/}"; done |
		sort -n | tail -1 | cut -d' ' -f2)
	first=$(cpu "$busy")
	sleep 2
	used=$((($(cpu "$busy") - first) / 20000000))
	echo "all threads but the lcore: $used percent of a CPU"
	[ "$used" -le 5 ] || fail "an idle daemon takes $used percent of a CPU"
else
	for lcore in 0 1; do
		expect "dpdk_lcore${lcore}_rx_packets" gt 100
	done
fi

step "stop, start at once, kill, start at once"
stop TERM
[ ! -e "/var/run/dpdk/$LAB" ] || fail "/var/run/dpdk/$LAB was left: $(ls "/var/run/dpdk/$LAB")"
# The kernel frees an AF_XDP socket's pinned memory a little later.
free()
{
	[ "$MEMORY" != huge ] || [ "$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)" -ge "$FREE" ]
}
wait_for 5 free || fail "hugepages were not given back"
daemon
stop KILL
wait_for 5 free || fail "hugepages were not given back after SIGKILL"
step "as another user"
daemon --user nobody
[ "$(awk '$1 == "Uid:" { print $2 }' /proc/"$DAEMON"/task/*/status | sort -u)" = "$(id -u nobody)" ] ||
	fail "not every thread runs as nobody"
in_ns t1 "$TOOLS/udpclient" store "$IP4" $PORT --count 10 --seed 9 --confirm || fail "no answers"

step "a second instance, by --file-prefix"
other="-l $(($(nproc) - 1)) --no-pci --file-prefix $LAB-b --vdev net_null0"
[ "$MEMORY" = huge ] || other="$other --no-huge"
"$BUILD/sessiond" --mode dpdk --listen 10.90.0.1 --capacity 1000 -C "$SECRETS/b.sock" \
	--dpdk-args "$other" >"$LOGS/second.log" 2>&1 &
SECOND=$!
PIDS+=("$SECOND")
wait_for 20 "$BUILD/sessionctl" -C "$SECRETS/b.sock" version || fail "the second does not run"
kill "$SECOND"
wait "$SECOND" || fail "the second's exit code is $?"
in_ns t1 "$TOOLS/udpclient" fetch "$IP4" $PORT --count 10 --seed 9 || fail "the first suffered"
stop TERM
echo passed

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# xdp mode in the driver: requests over IPv4 and IPv6, several queues, restarts, and what operators and
# drivers do to an interface meanwhile.
# Guests: igb virtio vmxnet3
# Seconds: 600
. tests/nics/lib.sh

if [ "$GUEST" = vmxnet3 ] && [ "$(printf '6.6\n%s\n' "$(uname -r)" | sort -V | head -n 1)" != 6.6 ]; then
	not_here native "vmxnet3 has XDP from Linux 6.6 on"
	exit 0
fi

# Generic XDP is refused, and the doctor agrees with the driver.
native()
{
	sessionctl doctor eth0
	serve --interface eth0 --xdp-mode native
	said 'native XDP on eth0'
	sessionctl doctor eth0 | grep -A 1 problem && fail "doctor sees a problem"
	return 0
}

# packets_by_queue: what each receive queue has received, by the driver's own count
packets_by_queue()
{
	ethtool -S eth0 | sed -nE 's/^ *(rx_queue_[0-9]+_packets|rx[0-9]+(_xdp)?_packets): //p
		/^Rx Queue#/,/^ *ucast pkts rx/s/^ *ucast pkts rx: //p'
}

# Many flows reach more than one queue, and no NEW of any is lost. QEMU's vmxnet3 delivers all to one.
queues()
{
	local before after used

	# igb hashes UDP by addresses only, unless it is told.
	ethtool -N eth0 rx-flow-hash udp4 sdfn || echo "the driver has no choice of hash"
	before=$(packets_by_queue)
	by_xdp many_flows
	after=$(packets_by_queue)
	used=$(paste <(echo "$before") <(echo "$after") | awk '$2 - $1 > 3' | wc -l)
	echo "queues used: $used"
	ethtool -S eth0
	[ "$used" -ge 2 ] || [ "$GUEST" = vmxnet3 ] || fail "$used receive queues had packets"
}

many_flows()
{
	c "$BUILD/sessionbench" --sessions 64 --ports 32 --window 1 --count 600 --quiet --patience 2s \
		--require-hits $S || fail "sessionbench over 32 ports"
	traffic $S
}

# vmxnet3 loses the program when it sets up its device again, which is noticed while packets keep coming.
packets_come()
{
	[ "$GUEST" != vmxnet3 ] || [ "$1" -eq 0 ] ||
		c timeout 20 "$client" fetch $S 54321 --expect any --count 400 --rate 50 --seconds "$1"
}

answers()
{
	local i

	reachable
	for i in 0 6 3 6 12 12; do
		packets_come $i
		(by_xdp traffic $S) && return
		echo "not yet"
		sleep 1
	done
	fail "XDP does not answer again"
}

# again COMMAND...: a change that the driver may refuse in words; XDP answers in either case
again()
{
	if ! "$@" 2>/run/words; then
		cat /run/words
		[ -s /run/words ] || fail "refused without a word: $*"
		ip link set eth0 up
	fi
	answers
}

# The kernel refuses to take a queue from an AF_XDP socket. So this needs the daemon stopped.
fewer_queues()
{
	again ethtool -L eth0 combined 1
	stop
	ethtool -L eth0 combined 1 || [ "$GUEST" = vmxnet3 ] || fail "refused without sessiond, too"
	serve --interface eth0 --xdp-mode native
	said 'NEWs by a ring from'
	answers
}

# The new queue has no AF_XDP socket until a restart. That is told, and no flow is lost meanwhile.
more_queues()
{
	if ethtool -L eth0 combined 2; then
		said 'receive queues now, and AF_XDP sockets at'
	else
		[ "$GUEST" != igb ] || fail "igb refuses a second queue"
	fi
	reachable
	many_flows
	stop USR2
	serve --interface eth0 --xdp-mode native
	answers
}

link_down_and_up()
{
	ip link set eth0 down
	sleep 1
	ip link set eth0 up
	answers
	ip addr replace $S6/64 dev eth0 nodad
	by_xdp traffic $S6
}

# The fast path answers without the daemon, and the next one adopts the sessions.
adopted()
{
	by_xdp traffic $S
	stop "$1"
	stored $S
	serve --interface eth0 --xdp-mode native
	said 'adopted'
	stored $S
	by_xdp traffic $S
}

# With this MTU the program runs, or the driver refuses the MTU, or a line says that sockets answer.
mtu()
{
	ip link set eth0 mtu "$1" || echo "the driver refuses an MTU of $1"
	if [ "$GUEST:$1" = vmxnet3:9000 ]; then
		# The driver takes it, and runs no program with it.
		packets_come 9
		said 'SLOW: the XDP program on eth0 still sees no packet'
		traffic $S
	else
		answers
	fi
	ip link set eth0 mtu 1500 || fail "the driver refuses the old MTU"
	answers
	ip addr replace $S6/64 dev eth0 nodad
}

too_large()
{
	stop
	ip link set eth0 mtu 9000
	refused MTU --mode xdp --interface eth0 --xdp-mode native
	serve --interface eth0
	said 'SLOW\|GENERIC XDP on eth0'
	reachable
	traffic $S
	stop
	ip link set eth0 mtu 1500
	ip addr replace $S6/64 dev eth0 nodad
}

unbound_and_bound()
{
	local device driver hits

	device=$(basename "$(readlink /sys/class/net/eth0/device)")
	driver=$(readlink -f /sys/class/net/eth0/device/driver)
	# virtio_net hangs the kernel if it is unbound with a program: docs/operations.md says so.
	[ "$GUEST" != virtio ] || stop
	echo "$device" >"$driver/unbind" || fail "cannot unbind $device"
	until_true "eth0 did not go" test ! -e /sys/class/net/eth0
	sleep 1
	[ "$GUEST" = virtio ] || running || fail "the daemon ended: $(tail -n 1 $daemon_log)"
	echo "$device" >"$driver/bind" || fail "cannot bind $device"
	until_true "eth0 did not come back" test -e /sys/class/net/eth0
	[ "$GUEST" != virtio ] || serve --interface eth0 --xdp-mode native
	ip link set eth0 up
	ip addr add $S/24 dev eth0
	ip addr add $S6/64 dev eth0 nodad
	reachable
	hits=$(counter xdp_get_hits)
	traffic $S
	[ "$(counter xdp_get_hits)" -ge $((hits + sessions)) ] || fail "XDP does not answer GETs"
	if [ "$GUEST" != virtio ]; then
		# AF_XDP needs a privilege that the daemon has dropped.
		said "another interface now.*native XDP on it"
		said "until sessiond is restarted"
		stop USR2
		serve --interface eth0 --xdp-mode native
	fi
	answers
	by_xdp traffic $S6
}

clean_stop()
{
	running || serve --interface eth0
	stop
	ip link show eth0
	! ip link show eth0 | grep -q xdp || fail "a program is left on eth0"
	# libxdp leaves its own.
	[ ! -e /sys/fs/bpf/sessiond ] || fail "pins are left: $(ls -R /sys/fs/bpf/sessiond)"
}

no_complaint()
{
	! dmesg | grep -E 'BUG|WARNING:|Oops|Call Trace|Tx Unit Hang|NETDEV WATCHDOG' || fail "the kernel complains"
}

wire
need native native
row get-new-ipv4 by_xdp traffic $S
row get-new-ipv6 by_xdp traffic $S6
row queues queues
row restart-usr2 adopted USR2
row restart-kill adopted KILL
row link-down-up link_down_and_up
row ethtool-L-fewer fewer_queues
row ethtool-L-more more_queues
row ethtool-G-128 again ethtool -G eth0 rx 128 tx 128
row ethtool-G-256 again ethtool -G eth0 rx 256 tx 256
row ethtool-K-gro again ethtool -K eth0 gro off
row ethtool-K-rx again ethtool -K eth0 rx off
row ethtool-K-tx again ethtool -K eth0 tx off
row ethtool-K-back again ethtool -K eth0 rx on tx on gro on
row mtu-1400 mtu 1400
row mtu-3000 mtu 3000
row mtu-9000 mtu 9000
row unbind-bind unbound_and_bound
row clean-stop clean_stop
row mtu-too-large too_large
row kernel no_complaint
exit 0

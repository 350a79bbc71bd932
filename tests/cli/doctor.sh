#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# `sessionctl doctor` on this host, with interfaces that the test creates: it reads ethtool, netlink and
# the kernel correctly. tests/unit/test_doctor.c tests the checks themselves.

# /sys shows the interfaces of the network namespace in which it was mounted.
if [ -z "${DOCTOR_MOUNTS:-}" ]; then
	unshare -nm true 2>/dev/null || {
		echo "SKIPPED: no namespaces can be made: run as root"
		exit 77
	}
	DOCTOR_MOUNTS=1 CLI_TEST_NAMESPACE=1 exec unshare -nm "$0" "$@"
fi
mount -t sysfs sysfs /sys || {
	echo "SKIPPED: /sys cannot be mounted again"
	exit 77
}
. "$(dirname "$0")/lib.sh"

ip link add doc0 type veth peer name doc1 2>/dev/null || skip "no veth can be made"
ip link set doc0 up
ip link set doc1 up
doctor="$sessionctl -C $folder/none --pin-dir $folder/pins doctor"

# finding INTERFACE CHECK: prints the severities, in one line.
finding() {
	$doctor --json "$1" >"$folder/json"
	code=$?
	python3 - "$folder/json" "$1" "$2" "$code" <<-'END'
		import json, sys
		rows = json.load(open(sys.argv[1]))
		for row in rows:
		    assert set(row) == {"check", "severity", "interface", "finding", "advice"}, row
		    assert row["severity"] == "good" or row["advice"], row
		order = ["good", "note", "warning", "problem"]
		worst = max(order.index(row["severity"]) for row in rows)
		assert int(sys.argv[4]) == [0, 0, 3, 4][worst], (worst, sys.argv[4])
		print(" ".join(row["severity"] for row in rows
		               if row["check"] == sys.argv[3] and row["interface"] in ("", sys.argv[2])))
	END
}

# is INTERFACE CHECK SEVERITY
is() {
	cases=$((cases + 1))
	got=$(finding "$1" "$2")
	[ "$got" = "$3" ] || {
		fail "$2 of $1 is '$got', not '$3'"
		$doctor "$1"
	}
}

is doc0 driver good
is doc0 bpffs problem
is doc0 pins good
is doc9 driver problem
if command -v ethtool >/dev/null; then
	ethtool -K doc1 gro off
	is doc0 veth problem
	ethtool -K doc1 gro on
	is doc0 veth warning
	ethtool -K doc0 rxvlan off 2>/dev/null && is doc0 vlan good
fi
ip link set doc0 mtu 500
is doc0 mtu warning
ip link set doc0 mtu 1500
is doc0 mtu good
# The kernel refuses a program on doc0 because of doc1's MTU, at the same limit as doctor.
pass=$SESSIOND_BUILD/tests/e2e/xdppass
for mtu in 3506 3507; do
	ip link set doc1 mtu $mtu
	if [ $mtu -eq 3506 ] || [ "$(getconf PAGESIZE)" -ne 4096 ]; then
		is doc0 mtu good
		[ ! -x "$pass" ] || "$pass" doc0 || fail "the kernel refuses XDP at an MTU of $mtu"
		ip link set doc0 xdpdrv off
	else
		is doc0 mtu problem
		[ ! -x "$pass" ] || ! "$pass" doc0 2>"$folder/err" ||
			fail "the kernel takes XDP at an MTU of $mtu"
	fi
done
ip link set doc1 mtu 1500
ip link set doc0 down
is doc0 link warning
ip link add doc2 type dummy 2>/dev/null && ip link set doc2 up && is doc2 driver warning

# The other end of a veth is found in its namespace, even if an interface here has the same index.
unshare -n sleep 60 &
away=$!
daemons="$daemons $away"
for _ in $(seq 50); do
	[ "$(readlink "/proc/$away/ns/net")" != "$(readlink /proc/self/ns/net)" ] && break
	sleep 0.1
done
index=$(cat /sys/class/net/doc1/ifindex)
if ip link add doc3 type veth peer name doc4 index "$index" netns "$away"; then
	is doc3 veth warning
	$doctor doc3 | grep -q 'veth: doc3: its other end, doc4 in another namespace, has no XDP program' ||
		fail "doc3's other end: $($doctor doc3 | grep veth:)"
	if [ -x "$pass" ] && nsenter --net="/proc/$away/ns/net" "$pass" doc4; then
		is doc3 veth good
	fi
else
	echo "a veth into another namespace is left out: it cannot be made"
fi

# An impossible interface name.
expect 2 'doctor a23456789abcdef0: no such interface' $doctor a23456789abcdef0
is a23456789abcdef driver problem

# The port is the one of the running daemon, unless --port names another.
start other -m socket -n 1000 7411 || finish
mkdir -p "$folder/ports/7411" "$folder/ports/54321"
"$sessionctl" -C "$folder/other.sock" --pin-dir "$folder/ports" doctor doc0 >"$folder/out"
grep -q '^problem  pins: port 7411: ' "$folder/out" || fail "the port: $(grep pins "$folder/out")"
grep -q '^warning  pins: port 54321: ' "$folder/out" || fail "the port: $(grep pins "$folder/out")"
"$sessionctl" -C "$folder/other.sock" --pin-dir "$folder/ports" --port 54321 doctor doc0 >"$folder/out"
grep -q '^problem  pins: port 54321: ' "$folder/out" || fail "--port: $(grep pins "$folder/out")"
stop other "$started"

# The port is an ephemeral port until it is reserved, and another process may hold it.
reserved=$(cat /proc/sys/net/ipv4/ip_local_reserved_ports)
sysctl -q -w net.ipv4.ip_local_port_range='32768 60999' net.ipv4.ip_local_reserved_ports= 2>/dev/null
is doc0 port note
$doctor doc0 | grep -A1 ' port: ' | grep -q 'sysctl -w net.ipv4.ip_local_reserved_ports=54321$' ||
	fail "no remedy: $($doctor doc0 | grep -A1 ' port: ')"
sysctl -q -w net.ipv4.ip_local_reserved_ports=54321 && is doc0 port good
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 54321))
print("bound", flush=True)
time.sleep(60)' >"$folder/bound" &
daemons="$daemons $!"
for _ in $(seq 50); do
	[ -s "$folder/bound" ] && break
	sleep 0.1
done
is doc0 port "good problem"
sysctl -q -w net.ipv4.ip_local_reserved_ports="$reserved"

# Without --json: a line per finding, with advice below it.
$doctor doc0 >"$folder/out"
[ $? -eq 4 ] || fail "the exit code"
grep -q '^problem  bpffs: ' "$folder/out" || fail "text: $(cat "$folder/out")"
grep -q '^         -> mount -t bpf' "$folder/out" || fail "text: $(cat "$folder/out")"
grep -Eq '^(good|note) +tick: the kernel ticks every [0-9]+ ms \(HZ=[0-9]+\)' "$folder/out" ||
	fail "text: $(cat "$folder/out")"
finish

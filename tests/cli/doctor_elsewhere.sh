#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# `sessionctl doctor` asks the daemon behind -C where it is: two daemons here, with pins of their own; one
# in another network namespace; one in other network and mount namespaces, as in a container. It checks
# the daemon's interfaces there, and never calls the daemon's own program a stranger.

. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to enter namespaces"
[ -r /proc/self/status ] || skip "/proc is not mounted"
"$sessiond" --mode xdp -i lo --check >/dev/null 2>"$folder/err" ||
	skip "this build has no xdp mode: $(cat "$folder/err")"
[ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" = bpf_fs ] ||
	mount -t bpf bpf /sys/fs/bpf 2>/dev/null || skip "there is no bpffs on /sys/fs/bpf"
pins=/sys/fs/bpf/doctor-$$
tidy() {
	cleanup
	for one in a b c; do
		"$sessionctl" --pin-dir "$pins-$one" detach >/dev/null 2>&1
		rmdir "$pins-$one" 2>/dev/null
	done
}
trap tidy EXIT

ip link add doca0 type veth peer name doca1 2>/dev/null || skip "no veth can be made"
ip link add docb0 type veth peer name docb1
for interface in doca0 doca1 docb0 docb1; do
	ip link set $interface up
done
options="--user nobody -m xdp --xdp-mode generic -n 1000"
# shellcheck disable=SC2086 # options are words
start a $options -i doca0 --pin-dir "$pins-a" 7461 ||
	skip "no XDP program can be attached here: $(tail -n 1 "$folder/a.log")"
# shellcheck disable=SC2086
start b $options -i docb0 --pin-dir "$pins-b" 7462 || finish

# elsewhere NAME UNSHARE SETUP: a daemon in namespaces of its own, with doc0, whose admin socket is here.
elsewhere() {
	unshare "$2" sh -c "ip link set lo up
		ip link add doc0 type veth peer name doc1
		ip link set doc0 up
		ip link set doc1 up
		$3
		exec '$sessiond' $options -i doc0 --pin-dir '$pins-$1' -C '$folder/$1.sock' 7461" \
		>"$folder/$1.log" 2>&1 </dev/null &
	started=$!
	daemons="$daemons $started"
	for _ in $(seq 100); do
		"$sessionctl" -C "$folder/$1.sock" version >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	fail "no daemon elsewhere: $(cat "$folder/$1.log")"
}
elsewhere c -n :
elsewhere d -nm "mount --make-rprivate /; mount -t bpf bpf /sys/fs/bpf"

# says NAME PATTERN...: doctor with the daemon's socket, and no other option, has a line like each.
says() {
	"$sessionctl" -C "$folder/$1.sock" doctor >"$folder/out" 2>"$folder/err"
	[ -s "$folder/err" ] && fail "$1: $(cat "$folder/err")"
	name=$1
	shift
	for pattern in "$@"; do
		cases=$((cases + 1))
		grep -Eq -- "$pattern" "$folder/out" || fail "$name: no line is like $pattern: $(cat "$folder/out")"
	done
	# Nothing is wrong with it, and no interface of another namespace or daemon is looked at.
	grep -Eq "^(warning|problem) +(program|$pins_fault|namespace|link|driver): " "$folder/out" &&
		[ "$name" != d ] && fail "$name: $(grep -E '^(warning|problem)' "$folder/out")"
	grep -Eq '^problem ' "$folder/out" && fail "$name: $(grep -E '^problem' "$folder/out")"
}
# In a container, /sys/fs/bpf may end with it, and doctor says so.
pins_fault='pins|bpffs'
[ "$(stat -L -c %i /proc/self/ns/pid)" = 4026531836 ] || pins_fault=bpffs
own="the XDP program of port 746[12]'s sessiond is on it"
says a "^good +program: doca0: $own" '^good +pins: port 7461: the pins of a running sessiond'
grep -q docb0 "$folder/out" && fail "a: the other daemon's interface is checked"
says b "^good +program: docb0: $own" '^good +pins: port 7462: '
grep -q doca0 "$folder/out" && fail "b: the other daemon's interface is checked"
for name in c d; do
	says $name '^good +namespace: the daemon, process [0-9]+, has a network namespace' \
		"^good +program: doc0: $own" '^good +pins: port 7461: ' \
		'(good|note|warning) +(driver|mtu): doc0: '
	grep -Eq 'doca0|docb0' "$folder/out" && fail "$name: interfaces of this namespace are checked"
done

# Pins that are named wrongly do not make it a stranger.
"$sessionctl" -C "$folder/b.sock" --pin-dir "$pins-a" doctor docb0 >"$folder/out"
grep -Eq "^good +program: docb0: $own" "$folder/out" || fail "wrong pins: $(cat "$folder/out")"

# Who may not see pins and programs is told so, here and in another namespace.
for name in b c; do
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$sessionctl" -C "$folder/$name.sock" doctor >"$folder/out" 2>"$folder/err"
	[ -s "$folder/err" ] && fail "unprivileged: $(cat "$folder/err")"
	grep -q 'another XDP program' "$folder/out" && fail "a stranger: $(cat "$folder/out")"
	if [ $name = b ]; then
		grep -Eq "^note +program: docb0: an XDP program is on it; it is unknown" "$folder/out"
	else
		grep -Eq '^note +namespace: .*: its interfaces were not checked' "$folder/out"
	fi || fail "unprivileged, $name: $(cat "$folder/out")"
done
finish

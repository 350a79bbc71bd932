#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Failures of xdp mode, and sessionctl with the pins of an ended daemon. A veth pair to a second network
# namespace carries the requests, because loopback has no native XDP.

. "$(dirname "$0")/lib.sh"

[ -r /proc/self/status ] || skip "/proc is not mounted"

"$sessiond" --mode xdp -i lo --check >/dev/null 2>"$folder/err" ||
	skip "this build has no xdp mode: $(cat "$folder/err")"
[ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" = bpf_fs ] ||
	mount -t bpf bpf /sys/fs/bpf 2>/dev/null || skip "there is no bpffs on /sys/fs/bpf"

pins=/sys/fs/bpf/sessiond-cli-$$
unpin_and_cleanup() {
	cleanup
	"$sessionctl" --pin-dir "$pins" detach >/dev/null 2>&1
	[ -d "$pins" ] && rmdir "$pins"
}
trap unpin_and_cleanup EXIT

make_peer || skip "no veth pair can be made"

has_program() {
	ip link show dev cli0 | grep -q xdp
}

probe() {
	"$sessiond" -m xdp -i cli0 --xdp-mode generic -n 1000 --pin-dir "$pins" \
		-C "$folder/probe.sock" 7100 >"$folder/probe.log" 2>&1 &
	pid=$!
	for _ in $(seq 50); do
		has_program && break
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	has_program
	found=$?
	kill $pid 2>/dev/null
	wait $pid
	return $found
}
probe || skip "no XDP program can be attached here: $(tail -n 1 "$folder/probe.log")"
[ -d "$pins/7100" ] && fail "a clean stop leaves $pins/7100"

# An interface without native XDP.
expect 1 'lo.*native|native.*lo' "$sessiond" -m xdp -i lo --xdp-mode native -n 1000 \
	--pin-dir "$pins" -C "$folder/s" 7100
ip link show dev lo | grep -q xdp && fail "a failed start leaves its program on lo"
[ -d "$pins/7100" ] && fail "a failed start leaves $pins/7100"

# A pin folder that is not on a bpffs.
expect 1 'not on a bpffs' "$sessiond" -m xdp -i cli0 --xdp-mode generic -n 1000 \
	--pin-dir "$folder/pins" -C "$folder/s" 7100

# No privileges.
mkdir "$folder/nobody" && chown 65534:65534 "$folder/nobody"
cp "$sessiond" "$folder/sessiond"
if setpriv --reuid 65534 --regid 65534 --clear-groups "$folder/sessiond" --version >/dev/null; then
	expect 1 'CAP_BPF|privilege|root' setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$folder/sessiond" -m xdp -i cli0 --xdp-mode generic -n 1000 --pin-dir "$pins" \
		-C "$folder/nobody/s" 7100
else
	fail "setpriv cannot run the daemon unprivileged"
fi

# It warns of replies that are larger than the interface's packets.
ip link set cli0 mtu 1280
for bytes in 1196 1197; do
	start "mtu$bytes" -m xdp -i cli0 --xdp-mode generic -n 1000 --pin-dir "$pins" \
		--max-session $bytes 7100 || finish
	stop "mtu$bytes" "$started"
done
grep -q 'MTU of cli0' "$folder/mtu1196.log" && fail "a warning of an MTU that is enough"
grep -q 'MTU of cli0 is 1280: replies with sessions of more than 1196 bytes' "$folder/mtu1197.log" ||
	fail "no warning of the MTU: $(cat "$folder/mtu1197.log")"
ip link set cli0 mtu 1500

# An interface without Ethernet headers: the sockets answer all requests.
if ip tuntap add cli-tun mode tun 2>/dev/null; then
	ip link set cli-tun up
	start tun -m xdp -i cli-tun -i cli0 --xdp-mode generic -n 1000 --pin-dir "$pins" 7100 || finish
	stop tun "$started"
	ip link del cli-tun
	grep -q '^SLOW: packets on cli-tun have no Ethernet header' "$folder/tun.log" ||
		fail "no warning of an interface without Ethernet: $(cat "$folder/tun.log")"
	grep -q 'mode xdp: SOCKETS on cli-tun, GENERIC XDP on cli0' "$folder/tun.log" ||
		fail "it says that XDP answers on a tun: $(cat "$folder/tun.log")"
else
	echo "no tun interface can be made here: XDP on one is not tried"
fi

# A tunnel that would lose XDP's replies.
if ip link add cli-vx type vxlan external dstport 4789 2>/dev/null; then
	ip link set cli-vx up
	expect 1 'tunnel cli-vx .*external.* remove it from --interface' timeout 10 \
		"$sessiond" -m xdp -i cli-vx -n 1000 --pin-dir "$pins" -C "$folder/s" 7100
	ip link del cli-vx
	ip link add cli-vx type vxlan id 5 remote 192.0.2.9 dstport 4789 && ip link set cli-vx up
	start vx -m xdp -i cli-vx -n 1000 --pin-dir "$pins" 7100 || finish
	stop vx "$started"
	ip link del cli-vx
else
	echo "no vxlan can be made here: XDP on one is not tried"
fi

# detach refuses the pins of a running daemon.
pin_options="--pin-dir $pins"
start up -m xdp -i cli0 --xdp-mode generic -n 1000 --keep $pin_options 7101 || finish
first=$started
has_program || fail "no program on cli0"
expect 1 'holds|running' "$sessionctl" $pin_options detach
has_program || fail "detach took the program of a running daemon away"
expect 1 'holds|in use|running' "$sessiond" -m xdp -i cli0 --xdp-mode generic -n 1000 $pin_options \
	-C "$folder/s" 7101
# With auto, if the interface has another program, the daemon falls back to sockets, and logs it.
start auto -m auto -i cli0 -n 1000 $pin_options 7103 || finish
grep -q '^SLOW: falling back to mode socket.*cli0 already has' "$folder/auto.log" ||
	fail "auto says: $(cat "$folder/auto.log")"
has_program || fail "auto took another daemon's program away"
stop auto "$started"
expect 0 '' "$sessionctl" -C "$folder/up.sock" stats
documented "$folder/out" xdp
grep -Eq '^xdp_get_hits [0-9]+$' "$folder/out" || fail "stats lack xdp_get_hits"
cp "$folder/out" "$folder/live"

# After it is killed, the fast path's counters can still be read, with the same names.
kill -9 "$first"
wait "$first" 2>/dev/null
has_program || fail "the program ended with the daemon"
nsenter -t "$peer" -n python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
for i in range(3):
    s.sendto(b"\x01\x01\0\0" + b"k" * 32, ("10.99.0.1", 7101))
    assert s.recv(99)[1] == 0x80' || fail "the fast path does not answer without the daemon"
for options in '' '--port 7101'; do
	"$sessionctl" -C "$folder/up.sock" $pin_options $options stats \
		>"$folder/out" 2>"$folder/err" || fail "stats without the daemon fail"
	[ "$(wc -l <"$folder/err")" -eq 1 ] || fail "stats without the daemon say: $(cat "$folder/err")"
	grep -qx 'xdp_get_misses 3' "$folder/out" || fail "no three misses: $(cat "$folder/out")"
	cut -d ' ' -f 1 "$folder/out" | while read -r name; do
		grep -q "^$name " "$folder/live" || echo "$name"
	done >"$folder/odd"
	[ -s "$folder/odd" ] && fail "not what a running daemon calls them: $(cat "$folder/odd")"
done
"$sessionctl" -C "$folder/up.sock" $pin_options --json stats 2>/dev/null | python3 -c '
import json, sys
assert json.load(sys.stdin)["xdp_get_misses"] == 3' || fail "stats --json without the daemon"
expect 1 'no sessiond answers' "$sessionctl" -C "$folder/up.sock" $pin_options --port 7102 stats

# Another mode on the same port is refused, because the pinned program would answer from its own
# sessions. With auto, an interface that xdp mode cannot use is an error then, and the pins stay.
left='earlier daemon.s XDP program.*answers on cli0.*sessionctl --pin-dir .* --port 7101 detach$'
expect 1 "$left" "$sessiond" -m socket -n 1000 $pin_options -C "$folder/s" 7101
expect 1 "$left" "$sessiond" -n 1000 $pin_options -C "$folder/s" 7101
start holder -m xdp -i lo --xdp-mode generic -n 1000 $pin_options 7104 || finish
holder=$started
"$sessiond" -i cli0 -i lo -n 1000 $pin_options -C "$folder/s" --user root 7101 2>"$folder/err"
code=$?
[ $code -eq 1 ] || fail "auto beside what is pinned ends with $code"
tail -n 1 "$folder/err" | grep -Eq "mode xdp failed .*lo already has.* $left" ||
	fail "auto with existing pins says: $(cat "$folder/err")"
stop holder "$holder"
has_program || fail "a failed start removed an ended daemon's program"
# It is not refused on another port, nor in another network namespace, where the same index is another
# interface.
start beside -m socket -n 1000 $pin_options 7102 || finish
stop beside "$started"
printf '#!/bin/sh\nexec nsenter -t %s -n "%s" "$@"\n' "$peer" "$sessiond" >"$folder/there"
chmod +x "$folder/there"
here=$sessiond sessiond=$folder/there
start there -m socket -n 1000 $pin_options 7101 || finish
grep -q 'earlier daemon' "$folder/there.log" && fail "another namespace's pins are warned of"
stop there "$started"
sessiond=$here

# Detach removes everything and reports it; a second detach has nothing to do.
expect 0 '' "$sessionctl" $pin_options --port 7102 detach
grep -q "^nothing to detach: there is no $pins/7102$" "$folder/out" || fail "$(cat "$folder/out")"
[ -d "$pins/7101" ] || fail "detach of another port took 7101 away"
expect 0 '' "$sessionctl" $pin_options detach
grep -Eq "^detached port 7101: removed 1 link and [0-9]+ maps from $pins/7101$" "$folder/out" ||
	fail "detach says: $(cat "$folder/out")"
for _ in $(seq 20); do
	has_program || break
	sleep 0.1
done
has_program && fail "the program is still on cli0 after detach"
[ -e "$pins" ] && fail "detach leaves $pins"
expect 0 '' "$sessionctl" $pin_options detach
grep -q '^nothing to detach' "$folder/out" || fail "a second detach says: $(cat "$folder/out")"

# A program of somebody else is named, with the command that detaches it; and that command does.
if "$SESSIOND_BUILD/tests/e2e/xdppass" cli0; then
	expect 1 'cli0 already has an XDP program, pass: .*\(ip link set dev cli0 xdp off\), or use --mode' \
		"$sessiond" -m xdp -i cli0 -n 1000 $pin_options -C "$folder/s" --user root 7101
	ip link set dev cli0 xdp off
	has_program && fail "the program is still on cli0"
else
	fail "xdppass attaches nothing"
fi

# doctor asks the interface which program is attached, because a pin does not prove that. Without a
# daemon, which would attach the program again.
doctor_says() {
	cases=$((cases + 1))
	"$sessionctl" -C "$folder/none.sock" --pin-dir "$1" doctor cli0 >"$folder/out" 2>&1
	grep -Eq "$2" "$folder/out" || fail "doctor says not: $2: $(grep program "$folder/out")"
}
start gone -m xdp -i cli0 --xdp-mode generic -n 1000 $pin_options 7105 || finish
kill -9 "$started"
wait "$started" 2>/dev/null
nsenter -t "$peer" -n ping -q -i 0.01 -c 200 10.99.0.1 >/dev/null &
pings=$!
doctor_says "$pins" "^good +program: cli0: the XDP program of port 7105's sessiond is on it, and runs"
kill "$pings" 2>/dev/null
doctor_says "$pins-none" '^problem +program: cli0: the XDP program of a sessiond is on it, id [0-9]+, whose pins'
doctor_says "$pins-none" 'sessionctl detach --interface cli0$'
if command -v bpftool >/dev/null; then
	bpftool link detach pinned "$(echo "$pins"/7105/link-*)" || fail "bpftool detaches nothing"
	doctor_says "$pins" '^problem +program: cli0: port 7105 has a link pinned for it, but no XDP program'
else
	echo "a link detached by bpftool is left out: it is not installed"
fi
expect 0 '' "$sessionctl" $pin_options detach

# It unlinks files only on a BPF file system.
mkdir -p "$folder/root/7101"
: >"$folder/root/7101/link-1"
expect 1 'not on a BPF file system' "$sessionctl" --pin-dir "$folder/root" detach
[ -f "$folder/root/7101/link-1" ] || fail "detach removed a file that is not a pin"

finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# All ways to observe a daemon work after it has changed its user, dropped its capabilities and
# installed its system call filter, as its unit runs it: a scrape, sources in top, list, show, doctor, a
# line of statistics; in xdp mode also the program's histogram. The filter refuses no call.

. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to become another user"
[ -r /proc/self/status ] || skip "/proc is not mounted"
[ "$(id -u nobody)" = 65534 ] || skip "there is no user nobody"
"$sessiond" --check --metrics 9532 >/dev/null 2>&1 || skip "sessiond is built without libmicrohttpd"
make_peer || skip "no veth pair can be made"

# Builds with a sanitizer have no filter, because sanitizers make calls that it forbids.
filtered=2
grep -qE 'b_sanitize.*(address|thread)' "$SESSIOND_BUILD/meson-private/cmd_line.txt" && filtered=0

is() {
	cases=$((cases + 1))
	[ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"
}

# says PATTERN COMMAND...: the command succeeds, and a line of its output matches the pattern.
says() {
	wanted=$1
	shift
	expect 0 '' "$@"
	grep -Eq -- "$wanted" "$folder/out" ||
		fail "$*: no line is like $wanted: $(cat "$folder/out")"
}

# ask PORT TIMES [PAUSE]: stores a session, and requests it and an unknown one that many times, from the
# peer. $folder/asking exists once the session is found.
ask() {
	nsenter -t "$peer" -n python3 - "$folder/asking" "$@" <<-'END'
		import socket, struct, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(5)
		s.connect(("10.99.0.1", int(sys.argv[2])))
		def get(key):
		    s.send(struct.pack(">BBH32s", 1, 1, 0, key))
		    return s.recv(2000)
		s.send(struct.pack(">BBH32s", 1, 0, 300, b"k") + b"v" * 144)
		for _ in range(100):
		    if get(b"k")[1] == 0x81:
		        break
		    time.sleep(0.05)
		open(sys.argv[1], "w").close()
		for _ in range(int(sys.argv[3])):
		    assert get(b"k")[36:] == b"v" * 144
		    assert get(b"n")[1] == 0x80
		    time.sleep(float(sys.argv[4]) if len(sys.argv) > 4 else 0)
	END
}

# observe NAME PORT METRICS: observes the daemon $started.
observe() {
	is "the user" "$(awk '$1 == "Uid:" { print $2, $3 }' "/proc/$started/status")" "65534 65534"
	is "CapEff" "$(awk '$1 == "CapEff:" { print $2 }' "/proc/$started/status")" 0000000000000000
	is "Seccomp" "$(awk '$1 == "Seccomp:" { print $2 }' "/proc/$started/status")" "$filtered"
	# The first request starts the counting of sources.
	rm -f "$folder/asking"
	ask "$2" 800 0.005 &
	asking=$!
	for _ in $(seq 200); do
		[ -e "$folder/asking" ] && break
		sleep 0.05
	done
	"$sessionctl" -C "$folder/$1.sock" top >"$folder/top" || fail "top ends with $?"
	wait "$asking" || fail "$1: a session is not found"
	grep -Eq '^10\.99\.0\.2 +[1-9]' "$folder/top" || fail "$1: no source in top: $(cat "$folder/top")"
	key=6b00000000000000000000000000000000000000000000000000000000000000
	says "^$key [0-9]+ 144 [0-9]+ opaque 10.99.0.2 -$" "$sessionctl" -C "$folder/$1.sock" list
	says '"length": 144' "$sessionctl" -C "$folder/$1.sock" --json show $key
	says '^pid ' "$sessionctl" -C "$folder/$1.sock" stats
	"$sessionctl" -C "$folder/$1.sock" --pin-dir "$folder/bpf/root" --port "$2" doctor cli0 \
		>"$folder/out" 2>"$folder/err"
	got=$?
	[ "$got" -eq 0 ] || [ "$got" -eq 3 ] || [ "$got" -eq 4 ] || fail "doctor ends with $got"
	[ -s "$folder/err" ] && fail "doctor: $(cat "$folder/err")"
	grep -Eq '^good +pins: ' "$folder/out" || fail "doctor says of pins: $(cat "$folder/out")"
	# Twice, to see counters grow.
	for _ in 1 2; do
		http_get "$3" /metrics >"$folder/$1.page"
		grep -q '^200 text/plain' "$folder/$1.page" || fail "no scrape: $(cat "$folder/$1.page")"
	done
	cp "$folder/$1.page" "$folder/page"
	grep -Eq '^sessiond_gets_total\{path="'"$4"'",outcome="hits"\} [89][0-9][0-9]$' \
		"$folder/page" || fail "$1: GETs: $(grep gets_total "$folder/page")"
	grep -Eq '^sessiond_insert_seconds_count [1-9]' "$folder/page" || fail "inserts are not measured"
	kill -USR1 "$started"
	for _ in $(seq 50); do
		grep -q 'statistics: 1 of 1000 sessions' "$folder/$1.log" && break
		sleep 0.1
	done
	grep -q 'statistics: 1 of 1000 sessions' "$folder/$1.log" || fail "$1: no line of statistics"
	kill -HUP "$started"
}

# refused PID: its system calls that the kernel logged as refused.
refused() {
	dmesg 2>/dev/null | grep 'type=1326' | grep " pid=$1 "
}

start socket --user nobody -m socket -n 1000 --metrics "$folder/metrics.sock" 7451 || finish
is "the metrics socket" "$(stat -c %U:%a "$folder/metrics.sock")" nobody:660
observe socket 7451 "$folder/metrics.sock" daemon
grep -q '^sessiond_xdp_answer_seconds' "$folder/page" && fail "socket mode has an XDP program's times"
pid=$started
stop socket "$pid"
is "what the filter refused" "$(refused "$pid")" ''

if [ "${SESSIOND_XDP:-yes}" = yes ] && mkdir "$folder/bpf" &&
	unshare -m mount -t bpf none "$folder/bpf" 2>/dev/null; then
	mount -t bpf -o mode=0700 none "$folder/bpf"
	trap 'umount -l "$folder/bpf" 2>/dev/null; cleanup' EXIT
	mkdir "$folder/bpf/root" && chown nobody "$folder/bpf/root"
	start xdp --user nobody -m xdp --xdp-mode generic -i cli0 -n 1000 --metrics 9532 \
		--xdp-histogram --pin-dir "$folder/bpf/root" 7452 || finish
	observe xdp 7452 9532 xdp
	sed 1d "$folder/page" >"$folder/metrics.page"
	documented_metrics "$folder/metrics.page" xdp --xdp-histogram
	# Every reply of the program is in its histogram.
	python3 - "$folder/page" <<-'END' || fail "the histogram: $(grep xdp_answer "$folder/page")"
		import re, sys
		page = open(sys.argv[1]).read()
		value = lambda name: float(re.search("^" + re.escape(name) + " (.*)$", page, re.M)[1])
		answers = sum(float(n) for n in re.findall(
		    r'^sessiond_gets_total\{path="xdp",.*\} (.*)$', page, re.M))
		name = "sessiond_xdp_answer_seconds"
		assert answers >= 1600 and value(name + "_count") == answers, answers
		buckets = [float(n) for n in re.findall("^" + name + r"_bucket\{.*\} (.*)$", page, re.M)]
		assert len(buckets) > 10 and buckets == sorted(buckets) and buckets[-1] == answers
		assert 1e-8 < value(name + "_sum") / answers < 1e-3
	END
	if command -v promtool >/dev/null; then
		sed 1d "$folder/page" | timeout 60 promtool check metrics >"$folder/out" 2>&1 ||
			fail "promtool check metrics: $(cat "$folder/out")"
		[ -s "$folder/out" ] && fail "promtool check metrics: $(cat "$folder/out")"
	fi
	pid=$started
	stop xdp "$pid"
	is "what the filter refused" "$(refused "$pid")" ''
	is "what is left" "$(ls "$folder/bpf/root")" ''
	# Without the option there is no histogram.
	start plain --user nobody -m xdp --xdp-mode generic -i cli0 -n 1000 --metrics 9532 \
		--pin-dir "$folder/bpf/root" 7452 || finish
	ask 7452 10
	http_get 9532 /metrics | grep -q '^sessiond_xdp_answer_seconds' &&
		fail "a histogram without the option"
	stop plain "$started"
else
	echo "xdp mode is left out: not built, or no BPF file system can be mounted here"
fi
finish

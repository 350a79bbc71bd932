#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A host with 100,000 addresses that come and go: reading them all does not block the main thread. The
# admin socket keeps answering, a new address is served, and the daemon stops on a signal.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

place_for xdp

# each COUNT COMMAND: runs the command for that many interfaces, with '#' for the number
each()
{
	for ((i = 0; i < $1; i++)); do
		echo "${2//'#'/$i}"
	done | farm_in cache ip -batch -
}

step "100,000 addresses"
each 200 'link add many# type veth peer name other#'
for ((i = 0; i < 200; i++)); do
	for ((k = 0; k < 500; k++)); do
		echo "addr add 10.$((20 + i / 128)).$((i % 128 * 2 + k / 250)).$((k % 250))/32 dev many$i"
	done
done | farm_in cache ip -batch -

step "a start"
began=$EPOCHREALTIME
daemon_for xdp
took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
note "after $took seconds it answers"
udp store --count 100 --confirm
farm_in t1 ip route replace 10.20.0.9 via 10.201.1.1
before=$(farm_stat xdp_get_hits)
TO=10.20.0.9 udp fetch --count 100
expect_stat xdp_get_hits ge $((before + 100))

# Asks while the process $1 runs; prints the longest time of an answer.
longest()
{
	farm_in cache python3 - "$1" "$FARM_ADMIN" "$BUILD/sessionctl" <<-'END'
		import os, subprocess, sys, time
		longest, asked = 0, 0
		while os.path.exists("/proc/" + sys.argv[1]) and \
		        open("/proc/" + sys.argv[1] + "/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
		    start = time.monotonic()
		    subprocess.run([sys.argv[3], "-C", sys.argv[2], "version"], check=True, timeout=60,
		                   stdout=subprocess.DEVNULL)
		    longest, asked = max(longest, time.monotonic() - start), asked + 1
		    time.sleep(0.01)
		print("%.3f seconds, of %d" % (longest, asked))
		sys.exit(longest > 5) # when it read the list in one go, it did not answer for 20 seconds
	END
}

step "addresses come, one after another"
for ((i = 0; i < 40; i++)); do
	farm_in cache ip address add "10.30.0.$i/32" dev lo
	sleep 0.05
done &
changes=$!
answer=$(longest "$changes") || fail "the admin socket did not answer for $answer"
wait "$changes"
note "the longest answer: $answer"
farm_in t1 ip route replace 10.30.0.39 via 10.201.1.1
served()
{
	local before

	before=$(farm_stat xdp_get_hits)
	TO=10.30.0.39 udp fetch --count 1 && [ "$(farm_stat xdp_get_hits)" -gt "$before" ]
}
farm_wait 10 served || fail "a new address is not served"

step "half of them go"
each 100 'link del many#' &
changes=$!
answer=$(longest "$changes") || fail "the admin socket did not answer for $answer"
wait "$changes"
note "the longest answer: $answer"
served || fail "an address that stays is not served"

step "the end, while the other half goes"
for ((i = 100; i < 200; i++)); do
	echo "link del many$i"
done | farm_in cache ip -batch - &
sleep 0.2
farm_end "$FARM_DAEMON" || fail "exit code $?"
wait

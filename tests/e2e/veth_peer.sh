#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A veth whose other end, in another namespace, has no XDP program, as in containers: the kernel would
# lose the replies of native XDP. auto takes generic XDP, native logs SLOW, and the daemon notices if
# the program is removed later.
. "$(dirname "$0")/lib.sh"

place_for xdp
need_program "$TOOLS/xdppass"
need_program ethtool
# Generic XDP leaves packets without a finished checksum to the sockets.
farm_in t1 ethtool -K cache tx off >/dev/null

# programs on|off: at the other ends of the cache's interfaces
programs()
{
	for node in t1 t2; do
		farm_in "$node" ip link set dev cache xdp off
		[ "$1" = off ] || farm_in "$node" "$TOOLS/xdppass" cache
	done
}

# start MODE INTERFACE...; `logs` looks at what was logged since
start()
{
	local mode=$1

	shift
	FROM_LINE=$(($(wc -l 2>/dev/null <"$LOGS/sessiond.log" || echo 0) + 1))
	farm_daemon --mode xdp --xdp-mode "$mode" "$@" --capacity 100000
}

logs()
{
	tail -n "+$FROM_LINE" "$LOGS/sessiond.log" | grep "$1" >/dev/null
}

by_xdp()
{
	local before

	before=$(farm_stat xdp_get_hits)
	udp fetch --count 100
	expect_stat xdp_get_hits ge $((before + 100))
}

programs off
step "auto"
start auto "${FARM_INTERFACES[@]}"
logs 'answers in mode xdp: GENERIC XDP on t1, GENERIC XDP on t2' || fail "it is not generic"
logs 'the other end of the veth t1 has no XDP program and would lose' || fail "it does not say why"
udp store --count 100 --confirm
by_xdp
farm_end "$FARM_DAEMON" || fail "exit code $?"

step "native"
start native -i t1
logs '^SLOW: the other end of the veth t1 has no XDP program, so the kernel loses' || fail "no warning"
farm_end "$FARM_DAEMON" || fail "exit code $?"

for interfaces in '-i t1' '-i t1 -i t2'; do
	step "the program is removed while the daemon runs: $interfaces"
	programs on
	# shellcheck disable=SC2086 # words
	start auto $interfaces
	logs 'answers in mode xdp: native XDP on t1' || fail "it is not native"
	! logs 'other end' || fail "it warns"
	udp store --count 100 --confirm
	by_xdp
	programs off
	noticed()
	{
		udp fetch --count 100 || true
		logs '^SLOW: GENERIC XDP on t1 from now on'
	}
	farm_wait 5 noticed || fail "it is not noticed"
	by_xdp
	udp store --count 50 --seed 2 --confirm
	step "killed: it answers on, and is adopted as it is"
	farm_end "$FARM_DAEMON" KILL || true
	udp fetch --count 100
	# shellcheck disable=SC2086
	start auto $interfaces
	expect_stat sessions_adopted eq 150
	by_xdp
	farm_end "$FARM_DAEMON" || fail "exit code $?"
done

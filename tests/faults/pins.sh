#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Contents of the pin folder at the start: no BPF file system, a read-only one, pins of another version,
# a set in which any pin is missing or foreign. The daemon reports it in one line and ends, or starts
# with new pins and serves; it never adopts unknown pins.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

need_program bpftool
place_for xdp

# refused OPTION...: ends in time with exit code 1 and one line, and leaves nothing
refused()
{
	local code=0

	farm_in cache timeout 20 "$BUILD/sessiond" "$FARM_PORT" --mode xdp -C "$FARM_ADMIN" \
		--capacity 1000 "${FARM_INTERFACES[@]}" "$@" 2>"$LOGS/refused" || code=$?
	note "exit code $code: $(cat "$LOGS/refused")"
	[ "$code" -eq 1 ] || fail "exit code $code, expected 1"
	# A private BPF file system, as in a container, adds the warning PRIVATE.
	[ "$(grep -vc '^PRIVATE: ' "$LOGS/refused")" -eq 1 ] || fail "not one line"
	if farm_in cache ip -details link show | grep -q 'prog/xdp'; then
		fail "a program was left on an interface"
	fi
}

step "no BPF file system"
mkdir -p "$LOGS/plain"
refused --pin-dir "$LOGS/plain/pins"

step "a BPF file system that cannot be written"
mkdir -p "$LOGS/readonly"
mount -t bpf "ro-$$" "$LOGS/readonly"
AT_END+=("umount '$LOGS/readonly'")
mount -o remount,ro "$LOGS/readonly"
if mkdir "$LOGS/readonly/try" 2>/dev/null; then
	note "this kernel writes to it all the same: not tested"
	rmdir "$LOGS/readonly/try"
else
	refused --pin-dir "$LOGS/readonly/pins"
fi

step "pins of another version"
daemon_for xdp
udp store --count 200 --confirm
farm_end "$FARM_DAEMON" KILL || true
udp fetch --count 200
config=$(bpftool -j map lookup pinned "$LOGS/bpf/$FARM_PORT/config" key hex 0 0 0 0 |
	python3 -c 'import json, sys
bytes = json.load(sys.stdin)["value"]
bytes[0] = "0xfe"
print(*[b[2:] for b in bytes])')
# shellcheck disable=SC2086
bpftool map update pinned "$LOGS/bpf/$FARM_PORT/config" key hex 0 0 0 0 value hex $config
daemon_for xdp
expect_stat sessions eq 0
expect_stat sessions_adopted eq 0
udp store --count 200 --seed 2 --confirm
udp fetch --count 200 --seed 1 --expect miss

step "a set of which one is missing"
pins=$(cd "$LOGS/bpf/$FARM_PORT" && ls)
note "$(echo $pins)"
for pin in $pins; do
	udp store --count 100 --seed 3 --confirm
	farm_end "$FARM_DAEMON" KILL || true
	rm "$LOGS/bpf/$FARM_PORT/$pin"
	daemon_for xdp || fail "it does not start without the pin '$pin'"
	sessions=$(farm_stat sessions)
	note "without '$pin': $sessions sessions"
	udp store --count 100 --seed 4 --confirm
	udp fetch --count 100 --seed 4
	[ "$(cd "$LOGS/bpf/$FARM_PORT" && ls)" = "$pins" ] || fail "the set is not whole again"
done

step "a set of which one is another map"
for pin in sessions config; do
	farm_end "$FARM_DAEMON" KILL || true
	rm "$LOGS/bpf/$FARM_PORT/$pin"
	bpftool map create "$LOGS/bpf/$FARM_PORT/$pin" type hash key 4 value 8 entries 10 name foreign
	daemon_for xdp || fail "it does not start with a foreign pin '$pin'"
	udp store --count 100 --seed 5 --confirm
done

step "a clean stop leaves nothing"
farm_end "$FARM_DAEMON" || fail "exit code $?"
[ ! -e "$LOGS/bpf/$FARM_PORT" ] || fail "pins are left: $(ls "$LOGS/bpf/$FARM_PORT")"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A cache in xdp mode and one in socket mode share sessions: the XDP program answers what the other's
# clients stored. The daemon in xdp mode is killed: the program answers, and the next daemon adopts the
# sessions and reads what it missed.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_xdp.sh"

engine one || finish
farm="--farm unix://$folder/one.redis --farm-key $folder/key"
start_x || finish
x=$started
# shellcheck disable=SC2086
cache b 7002 $farm || finish
await 35 "x is ready" ready_x
await 35 "b is ready" is_ready 7002
client store 7002 --count 5000 --seed 1 --confirm
await 15 "the XDP program has what b's clients stored" quiet --count 5000 --seed 1
hits=$(stat x xdp_get_hits)
far fetch --count 5000 --seed 1
hits=$(($(stat x xdp_get_hits) - hits))
[ "$hits" -ge 5000 ] || fail "the XDP program answered $hits of 5000"
# Of every length, also those in the overflow map.
far store --count 5000 --seed 2 --confirm
await 15 "b has what x's clients stored" try fetch 7002 --count 5000 --seed 2
client remove 7002 --count 1000 --seed 2
await 15 "the XDP program has lost what was removed at b" quiet --count 1000 --seed 2 --expect miss
take=$("$sessionctl" -C "$folder/x.sock" list | head -n 1 | cut -d ' ' -f 1)
expect 0 '' "$sessionctl" -C "$folder/x.sock" take "$take"
gone() {
	! "$sessionctl" -C "$folder/b.sock" show "$take" 2>/dev/null
}
await 15 "what was taken at x is gone at b" gone

kill -9 "$x"
ended "$x"
quiet --count 5000 --seed 1 --expect any >"$folder/client" 2>&1
echo "while x is dead: $(cat "$folder/client")"
hits=$(sed -n 's/.* hit \([0-9]*\) .*/\1/p' "$folder/client")
[ "${hits:-0}" -ge 4900 ] || fail "the XDP program answers hardly a session without its daemon"
client store 7002 --count 3000 --seed 3 --confirm
start_x || finish
await 35 "x is ready again" ready_x
[ "$(stat x sessions_adopted)" -ge 8900 ] || fail "x adopted $(stat x sessions_adopted) sessions"
await 15 "x has what b's clients stored meanwhile" quiet --count 3000 --seed 3
[ "$(stat x farm_received)" -lt 6000 ] || fail "x read $(stat x farm_received) records, and missed 3000"
"$sessionctl" -C "$folder/x.sock" farm
expect 0 '' "$sessionctl" -C "$folder/b.sock" flush
await 20 "x is empty" has x sessions eq 0
far fetch --count 3000 --seed 3 --expect miss
finish

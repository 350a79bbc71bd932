#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# TAKE at a cache in xdp mode and one in socket mode at once (--take farm): the XDP program hands TAKEs
# to the daemon, which asks the arbiter, and answers GETs as ever. Of 10,000 sessions each is given
# once; none twice when the daemon in xdp mode is killed in the middle and its successor adopts.

. "$(dirname "$0")/lib.sh"

PEER_SECONDS=380
# shellcheck source=tests/caches/lib_xdp.sh
. "$(dirname "$0")/lib_xdp.sh"

engine one || finish
farm="--farm unix://$folder/one.redis --farm-key $folder/key --take farm"
start_x || finish
x=$started
# shellcheck disable=SC2086
start b 7002 --mode socket --threads 2 --listen 10.99.0.1 --capacity 50000 --farm-node b $farm || finish
ask() {
	nsenter -t "$peer" -n "$udpclient" "$@" >"$folder/client" 2>&1
}
# shellcheck source=tests/caches/lib_take.sh
. "$(dirname "$0")/lib_take.sh"

near="nsenter -t $peer -n" both="10.99.0.1 7001 10.99.0.1 7002" names="x b"
ready() {
	nsenter -t "$peer" -n "$sessionctl" check "10.99.0.1:$1"
}
store() {
	cases=$((cases + 1))
	ask store 10.99.0.1 7001 --count "$1" --seed "$2" --confirm || fail "store: $(cat "$folder/client")"
	await 20 "b has them" ask fetch 10.99.0.1 7002 --count "$1" --seed "$2"
}
await 35 "x is ready" ready 7001
await 35 "b is ready" ready 7002
nsenter -t "$peer" -n "$sessionctl" check 10.99.0.1:7001 | grep -q 'exclusive=farm' || fail "the status does not say it"
store 300 1
at_once - 300 1 none || fail "a TAKE was answered while the engine is younger than the window"
await 90 "the engine is up for the window" decides x
await 10 "b knows it" decides b

store 10000 2
once "$folder/given2" 10000 2
at_once "$folder/given2" 10000 2 any || fail "a session was given again"
[ "$(stat x xdp_take_hits)" -eq 0 ] || fail "the XDP program answered a TAKE"
[ "$(stat x slow_take_hits)" -gt 100 ] || fail "x gave $(stat x slow_take_hits) sessions"
hits=$(stat x xdp_get_hits)
store 3000 3
ask fetch 10.99.0.1 7001 --count 3000 --seed 3 || fail "fetch: $(cat "$folder/client")"
[ "$(($(stat x xdp_get_hits) - hits))" -ge 3000 ] || fail "the XDP program does not answer GETs"
echo "x: $("$sessionctl" -C "$folder/x.sock" stats | grep farm_take_ | tr '\n' ' ')"

(
	sleep 0.15
	kill -9 "$x"
) &
at_once "$folder/given" 3000 3 any || fail "TAKE while x is killed"
wait $!
ended "$x"
start_x || finish
await 35 "x is ready again" ready 7001
await 10 "x decides again" decides x
at_once "$folder/given" 3000 3 any || fail "TAKE after x was killed"
store 500 4
once - 500 4
"$sessionctl" -C "$folder/x.sock" farm
finish

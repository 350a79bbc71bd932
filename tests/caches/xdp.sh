#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A cache in xdp mode and one in socket mode share sessions: the XDP program answers what the other's
# clients stored. The daemon in xdp mode is killed: the program answers, and the next daemon adopts the
# sessions and reads what it missed.

. "$(dirname "$0")/lib.sh"

[ "${SESSIOND_XDP:-yes}" = yes ] || skip "sessiond is built without xdp mode"
if [ -z "${FARM_TEST_MOUNT:-}" ]; then
	rm -rf "$folder"
	FARM_TEST_MOUNT=1 exec unshare -m "$0" "$@"
fi
make_peer || skip "no veth pair can be made"
mkdir "$folder/bpf"
mount -t bpf none "$folder/bpf" 2>/dev/null || skip "no BPF file system can be mounted"
trap 'umount -l "$folder/bpf" 2>/dev/null; cleanup' EXIT

engine one || finish
farm="--farm unix://$folder/one.redis --farm-key $folder/key"
start_x() {
	# shellcheck disable=SC2086
	start x 7001 --mode xdp --xdp-mode generic --interface cli0 --pin-dir "$folder/bpf/s" \
		--capacity 50000 --farm-node x $farm
}
start_x || finish
x=$started
# shellcheck disable=SC2086
cache b 7002 $farm || finish
# From the peer's side, through the driver.
far() {
	cases=$((cases + 1))
	far_command=$1
	shift
	nsenter -t "$peer" -n "$udpclient" "$far_command" 10.99.0.1 7001 "$@" >"$folder/client" 2>&1 || {
		fail "$far_command $*: $(cat "$folder/client")"
		return 1
	}
	echo "$far_command at x $*: $(cat "$folder/client")"
}
quiet() {
	nsenter -t "$peer" -n "$udpclient" fetch 10.99.0.1 7001 "$@"
}
ready_x() {
	nsenter -t "$peer" -n "$sessionctl" check 10.99.0.1:7001
}
await 35 "x is ready" ready_x
await 35 "b is ready" is_ready 7002
client store 7002 --count 5000 --seed 1 --confirm
await 15 "the XDP program has what b's clients stored" quiet --count 5000 --seed 1
hits=$(stat x xdp_get_hits)
far fetch --count 5000 --seed 1
[ $(($(stat x xdp_get_hits) - hits)) -eq 5000 ] || fail "the XDP program did not answer all of them"
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
"$sessionctl" -C "$folder/x.sock" farm
expect 0 '' "$sessionctl" -C "$folder/b.sock" flush
await 20 "x is empty" has x sessions eq 0
far fetch --count 3000 --seed 3 --expect miss
finish

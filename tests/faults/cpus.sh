#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A container may see other CPUs than the kernel has, or none: the XDP program's counters are still
# complete, from the daemon and from the pins, and reading them overruns no buffer.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

possible=/sys/devices/system/cpu/possible
[ "$(cat "$possible")" != 0 ] || skip "this kernel has only one CPU"
place_for xdp

# shown NAME: prints a command that runs its arguments with a changed /sys
shown()
{
	local hide

	case $1 in
	nothing) hide='mount -t tmpfs none /sys' ;;
	*)
		echo "$1" >"$LOGS/cpus-$1"
		hide="mount --bind '$LOGS/cpus-$1' $possible"
		;;
	esac
	cat >"$LOGS/in-$1" <<-END
	#!/bin/sh
	exec unshare --mount sh -c '$hide && exec "\$@"' sh "\$@"
	END
	chmod +x "$LOGS/in-$1"
}

for cpus in 0 0-511 nothing; do
	step "/sys shows: $cpus"
	shown "$cpus"
	printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$LOGS/in-$cpus" "$BUILD/sessiond" >"$LOGS/sessiond"
	chmod +x "$LOGS/sessiond"
	# Freed bytes are overwritten, so that an overrun is noticed.
	export FARM_SESSIOND=$LOGS/sessiond MALLOC_PERTURB_=165
	daemon_for xdp --xdp-histogram --metrics 127.0.0.1:9463
	unset MALLOC_PERTURB_
	udp store --count 100 --confirm
	before=$(farm_stat xdp_get_hits)
	for cpu in $(seq 0 $(($(nproc) - 1))); do
		farm_in t1 taskset -c "$cpu" "$TOOLS/udpclient" fetch "$FARM_CACHE" "$FARM_PORT" --count 100
		farm_stat xdp_get_hits >/dev/null
	done
	expect_stat xdp_get_hits eq $((before + 100 * $(nproc)))
	for _ in $(seq 50); do
		farm_ctl stats >/dev/null
	done
	times=$(farm_in cache python3 -c 'import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:9463/metrics").read().decode())' |
		awk '/^sessiond_xdp_answer.*_count/ { print $2 }')
	[ "${times%.*}" -ge $((100 * $(nproc))) ] || fail "the histogram has $times answers"
	! grep -q 'shown as 0' "$LOGS/sessiond.log" || fail "the daemon does not know its counters"

	step "and without the daemon"
	farm_end "$FARM_DAEMON" KILL || true
	udp fetch --count 100
	hits=$("$LOGS/in-$cpus" "$BUILD/sessionctl" -C "$FARM_ADMIN" --pin-dir "$LOGS/bpf" stats |
		awk '$1 == "xdp_get_hits" { print $2 }')
	[ "$hits" -eq $((before + 100 * $(nproc) + 100)) ] || fail "the pins have $hits hits"
	daemon_for xdp
	farm_end "$FARM_DAEMON" || fail "exit code $?"
done

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# faults.sh MODE: whatever happens to the cache, the way to it or the key file, no handshake of nginx
# fails, and resumption comes back by itself. A stores at the cache; B looks up there, or through
# tests/client/meddle, which loses, delays and falsifies. What a fault costs is in B's log, by the
# library's own clock: it is printed, and checked as far as a busy machine lets. scripts/bench clients has
# the strict figures.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"
. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/nginxes.sh"

place "$1"
nginx_probe
count=40
deadline_ms=20

cache_start() {
	# shellcheck disable=SC2086 # words
	start up $cache_options -n 100000 7330 || finish
	echo "$started" >"$folder/cache"
}

# both LINES PORT: A at the cache, B at PORT, which is the cache's or that of meddle.
both() {
	nginx_stop
	nginx_configure a "ssl_session_cache none; $1" 'server { listen 127.0.0.1:7341 ssl; return 200 ok; }'
	(
		[ "$2" = 7330 ] || cache_at=127.0.0.1
		NGINX_CACHE=$2 NGINX_DEADLINE=${deadline_ms}ms nginx_configure b "ssl_session_cache none; $1" \
			'server { listen 127.0.0.1:7351 ssl; return 200 ok; }'
	)
	nginx_start a
	nginx_start b
}

# meddle COMMAND: and waits until it holds. A program, because the client of the test runs it too.
cat >"$folder/meddle" <<-END
	#!/bin/sh
	before=\$(wc -l <"$folder/meddle.log")
	echo "\$*" >"$folder/commands"
	for _ in \$(seq 200); do
		[ "\$(wc -l <"$folder/meddle.log")" -eq "\$before" ] || exit 0
		sleep 0.02
	done
	echo "meddle does not answer: \$(cat "$folder/meddle.log")"
	exit 1
END
chmod 755 "$folder/meddle"

# end SIGNAL: to the cache, and waits until it has stopped or ended.
cat >"$folder/end" <<-END
	#!/bin/sh
	cache=\$(cat "$folder/cache")
	kill -\$1 "\$cache"
	while grep -q '^State:.*[RSD] ' "/proc/\$cache/status" 2>/dev/null; do
		sleep 0.05
	done
END
chmod 755 "$folder/end"

# look_ups: what the look-ups of B since the last call came to: "STATUS COUNT SHORT LONG", the two
# times in us: that of the fastest tenth, and the longest.
look_ups() {
	tail -n "+$((seen + 1))" "$folder/b/access.log" >"$folder/log"
	seen=$(wc -l <"$folder/b/access.log")
	for status in hit miss timeout off; do
		awk -v status=$status '$2 == status { print int($3 * 1e6 + 0.5) }' "$folder/log" | sort -n |
			awk -v status=$status '{ us[NR] = $1 }
				END { if (NR) print status, NR, us[1 + int(NR / 10)], us[NR] }'
	done
}

# under WHAT STATUSES LEAST MOST [RESUME_MANY-OPTION...]: both versions under a fault. All handshakes
# succeed, LEAST to MOST of $count are resumed, and look-ups come to no other STATUSES than these. A
# look-up that waits in vain ends at the deadline.
under() {
	local what=$1 statuses=$2 least=$3 most=$4 tries=1 version said bad

	shift 4
	[ "$least" -lt $count ] || tries=100
	for version in 1.2 1.3; do
		cases=$((cases + 1))
		seen=$(wc -l <"$folder/b/access.log")
		said=$("$resume_many" "$@" $version $count 7341 7351 $tries 2>&1)
		[[ $said == *" of $count resumed" && ${said%% *} -ge $least && ${said%% *} -le $most ]] ||
			fail "$what, TLS $version: $said, expected $least to $most"
		look_ups >"$folder/ups"
		echo "$what, TLS $version: $said; look-ups: $(tr '\n' ';' <"$folder/ups")"
		while read -r status number short _; do
			[[ " $statuses " == *" $status "* ]] || fail "$what: $number look-ups end with $status"
			# One alone may have been held up by the machine. A second wait would show in all.
			[ "$number" -ge 5 ] || continue
			[ "$status" != timeout ] || [ "$short" -lt $((2 * deadline_ms * 1000)) ] ||
				fail "$what: look-ups take $short us at least"
			# Nobody asks a cache that is known to be down.
			[ "$status" != off ] || [ "$short" -lt 1000 ] || fail "$what: an open breaker takes $short us"
		done <"$folder/ups"
		recovers
	done
}

# That a fault which has ended is over. The breaker tries again after 100 ms to 6 s.
recovers() {
	[ -z "$ends" ] || $ends
	said=$("$resume_many" 1.3 1 7341 7351 400 2>&1)
	[ "$said" = '1 of 1 resumed' ] || fail "resumption does not come back: $said"
}
honest="$folder/meddle honest"

cache_start
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"
mkfifo "$folder/commands"
exec 9<>"$folder/commands"
: >"$folder/meddle.log"
"$SESSIOND_BUILD/tests/client/meddle" 7331 "$cache_at" 7330 <"$folder/commands" >"$folder/meddle.log" 2>&1 9>&- &
daemons="$daemons $!"
$honest || fail "meddle does not run"

sealed="sessiond_key $folder/key; sessiond_scope www;"
for lines in "$sealed" ''; do
	both "$lines" 7331
	ends=$honest
	kind=${lines:+sealed}
	kind=${kind:-plain}
	# On a busy machine an honest answer may be late, too.
	under "$kind, honest" 'hit miss timeout off' $count $count
	for fault in swapped truncated ${lines:+forged}; do
		under "$kind, $fault" 'miss timeout off' 0 0 -x "$folder/meddle $fault"
	done
	for fault in replayed key version 'delay 50'; do
		under "$kind, $fault" 'timeout off' 0 0 -x "$folder/meddle $fault"
	done
	under "$kind, loss" 'hit miss timeout off' 0 $count -x "$folder/meddle loss 30"
	[ "$(awk '$2 == "timeout"' "$folder/b/access.log" | wc -l)" -gt 0 ] || fail "nothing was lost"
	under "$kind, noise" 'hit miss timeout off' $count $count -x "$folder/meddle noise"
done

# The cache itself.
both "$sealed" 7330
cache_goes_on() {
	kill -CONT "$(cat "$folder/cache")"
}
ends=cache_goes_on
if [ "$mode" = xdp ]; then
	# The XDP program answers without the daemon, also after its death.
	under 'SIGSTOP' 'hit miss timeout off' $count $count -x "sleep 1; $folder/end STOP"
else
	under 'SIGSTOP' 'timeout off' 0 0 -x "$folder/end STOP"
fi
cache_starts_again() {
	local pid rest=

	for pid in $daemons; do
		[ "$pid" = "$(cat "$folder/cache")" ] || rest="$rest $pid"
	done
	wait "$(cat "$folder/cache")"
	daemons=$rest
	cache_start
}
ends=cache_starts_again
for signal in KILL TERM; do
	if [ "$mode" = xdp ] && [ $signal = KILL ]; then
		under "SIG$signal" 'hit miss timeout off' $count $count -x "sleep 1; $folder/end $signal"
	else
		under "SIG$signal" 'timeout off' 0 0 -x "$folder/end $signal"
	fi
done

# The key file, at reloads: what cannot be read changes nothing, and is told.
ends=
cp "$folder/key" "$folder/good"
chmod 600 "$folder/good"
for wrong in missing damaged open folder; do
	cases=$((cases + 1))
	rm -rf "$folder/key"
	case $wrong in
	damaged) head -c 40 "$folder/good" >"$folder/key" && chmod 600 "$folder/key" ;;
	open) cp "$folder/good" "$folder/key" && chmod 644 "$folder/key" ;;
	folder) mkdir "$folder/key" ;;
	esac
	told=$(grep -c '\[emerg\].*sessiond: .*/key' "$folder/b/error.log")
	under "the key file is $wrong" 'hit miss timeout off' $count $count \
		-x "kill -HUP $(cat "$folder/a/pid") $(cat "$folder/b/pid")"
	for _ in $(seq 200); do
		[ "$(grep -c '\[emerg\].*sessiond: .*/key' "$folder/b/error.log")" -eq "$told" ] || break
		sleep 0.05
	done
	[ "$(grep -c '\[emerg\].*sessiond: .*/key' "$folder/b/error.log")" -gt "$told" ] ||
		fail "the key file is $wrong: not told"
done
rm -rf "$folder/key"
cp "$folder/good" "$folder/key"
nginx_reload a
nginx_reload b
under 'the key file is back' 'hit miss timeout off' $count $count

! grep -E 'exited on signal|\[(alert|crit)\]' "$folder"/[ab]/error.log || fail "nginx complains"
finish

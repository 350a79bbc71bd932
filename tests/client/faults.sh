#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# faults.sh nginx|httpd|haproxy|hitch MODE: whatever happens to the cache, the way to it or the key file, no
# handshake of the server fails, and resumption comes back by itself. A stores at the cache; B looks up there,
# or through tests/client/meddle, which loses, delays and falsifies. What a fault costs is in nginx's log, by
# the library's own clock, for the others in the time of handshakes: it is printed, and checked as far as a
# busy machine lets. scripts/bench clients has the strict figures. The others than nginx take the most
# important faults, and all with SESSIOND_LONG.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"
. "$(dirname "$0")/pair.sh"

place "$2"
pair_probe "$1"
count=40
deadline_ms=20

all=${SESSIOND_LONG:-}
[ "$server" != nginx ] || all=yes

cache_start() {
	# shellcheck disable=SC2086 # words
	start up $cache_options -n 100000 7330 || finish
	echo "$started" >"$folder/cache"
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

# check_times WHAT: look-ups that wait in vain end at the deadline, and nobody asks a cache that is known to
# be down. One alone may have been held up by the machine; a second wait would show in all.
check_times() {
	local what=$1 status number short waits

	while read -r status number short _; do
		[ "$number" -ge 5 ] || continue
		if [ "$server" != nginx ]; then
			# All of the handshake; a client needs some of the time as well.
			case $status in
			timeout) waits=$((3 * deadline_ms * 1000)) ;;
			off) waits=$((deadline_ms * 1000)) ;;
			*) continue ;;
			esac
			short=$(sort -n "$folder/times" | awk '{ us[NR] = $1 } END { print us[1 + int(NR / 10)] }')
		elif [ "$status" = timeout ]; then
			waits=$((2 * deadline_ms * 1000))
		elif [ "$status" = off ]; then
			waits=1000
		else
			continue
		fi
		[ "$short" -lt $waits ] || fail "$what: $status, and $short us at least"
	done <"$folder/ups"
}

# under WHAT STATUSES LEAST MOST [RESUME_MANY-OPTION...]: both versions under a fault. All handshakes
# succeed, LEAST to MOST of $count are resumed, and look-ups come to no other STATUSES than these.
under() {
	local what=$1 statuses=$2 least=$3 most=$4 tries=1 version said status number

	shift 4
	[ "$least" -lt $count ] || tries=100
	for version in 1.2 1.3; do
		cases=$((cases + 1))
		pair_seen
		rm -f "$folder/times"
		said=$("$resume_many" -t "$folder/times" "$@" $version $count $port_a $port_b $tries 2>&1)
		[[ $said == *" of $count resumed" && ${said%% *} -ge $least && ${said%% *} -le $most ]] ||
			fail "$what, TLS $version: $said, expected $least to $most"
		pair_look_ups >"$folder/ups"
		echo "$server, $what, TLS $version: $said; look-ups: $(tr '\n' ';' <"$folder/ups")"
		while read -r status number _; do
			[[ " $statuses " == *" $status "* ]] || fail "$what: $number look-ups end with $status"
		done <"$folder/ups"
		check_times "$what"
		recovers
	done
}

# That a fault which has ended is over. The breaker tries again after 100 ms to 6 s.
recovers() {
	[ -z "$ends" ] || $ends
	said=$("$resume_many" 1.3 1 $port_a $port_b 400 2>&1)
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

for kind in sealed plain; do
	[ $kind = sealed ] || [ -n "$all" ] || continue
	pair_start $kind 7331
	ends=$honest
	# On a busy machine an honest answer may be late, too.
	under "$kind, honest" 'hit miss timeout off' $count $count
	for fault in swapped truncated forged; do
		[ "$kind $fault" != 'plain forged' ] || continue
		[ $fault = forged ] || [ -n "$all" ] || continue
		# Only nginx's log says that OpenSSL, or mod_ssl, did not take what was found.
		found=
		[ "$kind" = sealed ] || [ "$server" = nginx ] || found=hit
		under "$kind, $fault" "$found miss timeout off" 0 0 -x "$folder/meddle $fault"
	done
	for fault in replayed key version; do
		[[ $fault != key && $fault != version ]] || [ -n "$all" ] || continue
		under "$kind, $fault" 'timeout off' 0 0 -x "$folder/meddle $fault"
	done
	# A server that is held up for as long finds the answer there: some on a busy machine.
	under "$kind, delay 50" 'hit timeout off' 0 $((count / 4)) -x "$folder/meddle delay 50"
	under "$kind, loss" 'hit miss timeout off' 0 $count -x "$folder/meddle loss 30"
	if [ "$server" = nginx ]; then
		[ "$(awk '$2 == "timeout"' "$folder/b/access.log" | wc -l)" -gt 0 ] || fail "nothing was lost"
	fi
	[ -n "$all" ] || continue
	under "$kind, noise" 'hit miss timeout off' $count $count -x "$folder/meddle noise"
done

# The cache itself.
pair_start sealed 7330
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
	[ $signal = KILL ] || [ -n "$all" ] || continue
	if [ "$mode" = xdp ] && [ $signal = KILL ]; then
		under "SIG$signal" 'hit miss timeout off' $count $count -x "sleep 1; $folder/end $signal"
	else
		under "SIG$signal" 'timeout off' 0 0 -x "$folder/end $signal"
	fi
done

# The key file. What nginx and httpd cannot read at a reload changes nothing; HAProxy and hitch, which start
# anew, go on without sharing. Both are told.
ends=
cp "$folder/key" "$folder/good"
chmod 600 "$folder/good"
spoil() {
	rm -rf "$folder/key"
	case $1 in
	damaged) head -c 40 "$folder/good" >"$folder/key" && chmod 600 "$folder/key" ;;
	open) cp "$folder/good" "$folder/key" && chmod 644 "$folder/key" ;;
	folder) mkdir "$folder/key" ;;
	esac
}
mend() {
	rm -rf "$folder/key"
	cp "$folder/good" "$folder/key"
}
told_more_than() {
	for _ in $(seq 200); do
		[ "$(pair_told)" -eq "$1" ] || return 0
		sleep 0.05
	done
	fail "$2: not told"
}
for wrong in missing damaged open folder; do
	[[ $wrong = missing || $wrong = open ]] || [ -n "$all" ] || continue
	what="the key file is $wrong"
	told=$(pair_told)
	case $server in
	nginx)
		spoil $wrong
		under "$what" 'hit miss timeout off' $count $count -x "kill -HUP $(cat "$folder/a/pid") $(cat "$folder/b/pid")"
		;;
	httpd)
		spoil $wrong
		! pair_reload || fail "$what: it is accepted"
		under "$what" 'hit miss timeout off' $count $count
		;;
	*)
		spoil $wrong
		pair_reload
		told=0
		for version in 1.2 1.3; do
			cases=$((cases + 1))
			said=$("$resume_many" $version $count $port_a $port_b 2>&1)
			# hitch may give no session at all.
			[[ $said == "0 of $count resumed" || $said == *'made no session' ]] || fail "$what: $said"
			echo "$server, $what, TLS $version: $said"
		done
		;;
	esac
	told_more_than "$told" "$what"
done
mend
pair_reload || fail "the key file is back, and refused"
under 'the key file is back' 'hit miss timeout off' $count $count

# It rotates, at both before the next step, while clients come: hitch's would be refused meanwhile.
cases=$((cases + 1))
rotate() {
	local before=$failures

	for _ in 1 2 3; do
		"$sessionctl" key rotate "$folder/key" >/dev/null
		pair_reload || fail "a rotated key is refused"
		sleep 0.5
	done
	[ "$failures" -eq "$before" ]
}
rounds=0
if [ -n "$pair_cuts" ]; then
	rotate
else
	rotate &
	while kill -0 $! 2>/dev/null; do
		pair_seen
		said=$("$resume_many" 1.3 20 $port_a $port_b 100 2>&1)
		# A busy machine may open the breaker. What a key cannot open is a miss.
		[ "$said" = "20 of 20 resumed" ] || pair_look_ups | grep -qE '^(timeout|off) ' ||
			fail "while the key rotates: $said"
		rounds=$((rounds + 1))
	done
	wait $! || fail "the key does not rotate"
	echo "$server: $rounds rounds while the key rotates"
fi
# A process that executes itself anew leaves no file of counters behind: HAProxy's master opens two each time.
[ "$server" != haproxy ] || [ "$(find "$folder/clients.b" -type f | wc -l)" -le 4 ] ||
	fail "files of counters are left: $(ls "$folder/clients.b")"
# That master is marked, and its worker, which looks up, is not.
if [ "$server" = haproxy ]; then
	"$sessionctl" clients "$folder/clients.b" | grep -vE '^  ' >"$folder/listed"
	cat "$folder/listed"
	[ "$(grep -c ' (master)$' "$folder/listed")" -eq 1 ] && grep -qv ' (master)$' "$folder/listed" ||
		fail "the master is not told from its worker: $(cat "$folder/listed")"
fi
under 'the key has rotated' 'hit miss timeout off' $count $count

! grep -E 'exited on signal|\[(alert|crit)\]|exited with code (13|[2-9])' "$folder"/[ab]/error.log "$folder"/[ab].out 2>/dev/null ||
	fail "$server complains"
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Engines with each wrong setting: `sessiond --check`, the daemon's log, `sessionctl doctor` and the
# figures name it, and not what is right. An engine that does not answer fails no check, nor delays it.

. "$(dirname "$0")/lib.sh"

acl='resetchannels -@all +ping +hello +auth +info +time +xadd +xread +xrevrange +xinfo|stream +expire +set'

# lines URL: what --check prints about an engine, into $folder/said, and how long it takes.
lines() {
	began=$(date +%s%N)
	expect 0 '' "$sessiond" --check --user root --farm "$1" --farm-key "$folder/key" --farm-node x
	took=$((($(date +%s%N) - began) / 1000000))
	grep -q 'the configuration is good' "$folder/out" || fail "--check does not say that $1 is good"
	grep '^sessiond: engine ' "$folder/out" >"$folder/said"
	echo "$1, $took ms: $(sed 's/^sessiond: engine [^ ]* *//' "$folder/said" | tr '\n' ';')"
}

# faults URL PATTERN...: --check names these, and no others.
faults() {
	url=$1
	shift
	lines "$url"
	[ "$(wc -l <"$folder/said")" -eq $# ] || fail "$url: $# faults expected: $(cat "$folder/said")"
	for pattern in "$@"; do
		grep -q -e "$pattern" "$folder/said" || fail "$url: --check does not say '$pattern'"
	done
}

# Users of each width, on one engine that is right.
# shellcheck disable=SC2086 # the ACL is many words
users() {
	set -- ask_engine "$1" ACL SETUSER
	"$@" narrow on '>secret' '~sd:*' $acl >/dev/null
	"$@" keys on '>secret' '~*' $acl >/dev/null
	"$@" commands on '>secret' '~sd:*' +@all >/dev/null
}
right() {
	engine "$@" --maxmemory 64mb && users "$1"
}
unix() {
	echo "unix://$1:secret@$folder/$2.redis"
}

right good || finish
faults "$(unix narrow good)"
faults "$(unix keys good)" 'keys that are not'
faults "$(unix commands good)" 'more commands'
faults "unix://$folder/good.redis" 'keys that are not' 'more commands'
# The trials that a narrow ACL refuses are what docs/farm-of-caches.md says.
ask_engine good ACL LOG | grep -A 1 '^object$' | grep -v -e '^object$' -e '^--$' | sort -u | tr '\n' ' ' >"$folder/log"
[ "$(cat "$folder/log")" = 'config|get sessiond-tries-a-key-outside-sd ' ] ||
	fail "ACL LOG has $(cat "$folder/log")"

right saves --save '900 1' || finish
faults "$(unix commands saves)" 'more commands' 'snapshots'
faults "$(unix narrow saves)"
ask_engine saves BGSAVE >/dev/null
saved() {
	ask_engine saves INFO persistence | grep -q '^rdb_saves:[1-9]'
}
await 20 "a snapshot is written" saved
faults "$(unix narrow saves)" 'snapshots'
right appends --appendonly yes || finish
faults "$(unix narrow appends)" 'logs every change'
right evicts --maxmemory-policy allkeys-lru || finish
faults "$(unix narrow evicts)" 'may evict'
engine endless && users endless || finish
faults "$(unix narrow endless)" 'has no limit'

# Behind a network, without TLS; and on this host's own address, which no wire sees.
make_peer 300 || skip "no veth can be made"
far_engine() {
	nsenter -t "$peer" -n "$engine_program" --bind 10.99.0.2 --port 6379 --protected-mode no --save '' \
		--maxmemory 64mb --maxmemory-policy noeviction --unixsocket "$folder/far.redis" --dir "$folder" \
		>"$folder/far.redis.log" 2>&1 </dev/null &
	daemons="$daemons $!"
	await 20 "an engine in the other namespace answers" redis-cli -h 10.99.0.2 PING && users far
}
far_engine || finish
faults redis://narrow:secret@10.99.0.2 'no TLS'
engine_at near 6401 --bind '127.0.0.1 10.99.0.1' --protected-mode no --maxmemory 64mb && users near || finish
faults redis://narrow:secret@127.0.0.1:6401
faults redis://narrow:secret@10.99.0.1:6401
faults redis://narrow:secret@localhost:6401

# No answer.
faults redis://10.99.0.1:6400 'was not checked: cannot connect: Connection refused'
[ "$took" -lt 1000 ] || fail "a refused connection takes $took ms"
faults redis://narrow:wrong@127.0.0.1:6401 'was not checked: WRONGPASS'
! grep -q -e wrong -e secret "$folder/out" || fail "a password is told: $(cat "$folder/out")"
faults redis://10.99.0.77:6379 'was not checked: no answer within 1000 ms'
[ "$took" -lt 4000 ] || fail "an address that does not answer takes $took ms"
ask_engine near CLIENT PAUSE 20000 ALL >/dev/null
faults redis://narrow:secret@127.0.0.1:6401 'was not checked: no answer within 1000 ms'

# The daemon: one engine is wrong in four ways, the other is right.
ask_engine evicts CONFIG SET maxmemory 0 >/dev/null
cache a 7001 --farm "unix://$folder/evicts.redis" --farm "$(unix narrow good)" || finish
await 15 "the faults are counted" has a farm_engine_faults eq 4
await 15 "the log says that both engines are up" grep -q "engine unix://$folder/good.redis is up" "$folder/a.log"
await 15 "the log names the eviction" grep -q "engine unix://$folder/evicts.redis: it may evict" "$folder/a.log"
for words in 'has no limit' 'more commands' 'keys that are not'; do
	grep -q "engine unix://$folder/evicts.redis: .*$words" "$folder/a.log" || fail "the log lacks '$words'"
done
! grep -q "good.redis: " "$folder/a.log" || fail "the log finds fault with the engine that is right"
"$sessionctl" -C "$folder/a.sock" doctor lo >"$folder/doctor" 2>&1
grep ' farm: ' "$folder/doctor"
for words in 'may evict' 'has no limit' 'more commands' 'keys that are not'; do
	grep -q "^warning  farm: engine unix://$folder/evicts.redis: .*$words" "$folder/doctor" ||
		fail "doctor lacks '$words'"
done
! grep -q 'good.redis:' "$folder/doctor" || fail "doctor finds fault with the engine that is right"
"$sessionctl" -C "$folder/a.sock" farm >"$folder/farm"
grep -q 'wrong settings: evicts endless commands keys;' "$folder/farm" || fail "farm lacks the faults"

# Put right: known at the next connection, or within a minute.
users evicts
ask_engine evicts CONFIG SET maxmemory 64mb >/dev/null
ask_engine evicts CONFIG SET maxmemory-policy noeviction >/dev/null
ask_engine evicts CLIENT KILL TYPE normal >/dev/null
await 15 "two faults are left" has a farm_engine_faults eq 2
pid=$(ask_engine good --user commands --pass secret --no-auth-warning INFO server | sed -n 's/^process_id:\([0-9]*\).*/\1/p')
kill -9 "$pid"
await 20 "the log says that an engine is down" grep -q "engine unix://$folder/good.redis is down: " "$folder/a.log"
ended "$pid"
finish

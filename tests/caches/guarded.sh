#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Caches as their unit runs them, as an unprivileged user under the filter of system calls, over the
# engine that dist/redis (or dist/valkey) configures, with its password and ACL: once by name and once by
# TLS. The filter and the ACL refuse nothing, and no password or key is told.

. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to become another user"
[ "$(id -u nobody)" = 65534 ] || skip "there is no user nobody"
command -v openssl >/dev/null || skip "openssl is not installed"

conf=dist/redis/sessiond-farm.conf
[ "${engine_program##*/}" != valkey-server ] || conf=dist/valkey/sessiond-farm.conf
if [ -r "$SESSIOND_BUILD/../$conf" ]; then
	conf=$SESSIOND_BUILD/../$conf
else
	conf=$(dirname "$0")/../../$conf
fi
sed -e 's/CHANGE-THIS-TOO/operator-secret/; s/CHANGE-THIS/cache-secret/' "$conf" >"$folder/farm.conf"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
	-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$folder/tls.key" -out "$folder/tls.crt" \
	2>/dev/null || skip "no certificate can be made"

# Not engine_run: nobody may ask this one without a password.
guarded_engine() {
	engine_name=$1
	shift
	"$engine_program" "$folder/farm.conf" --unixsocket "$folder/$engine_name.redis" --bind 127.0.0.1 \
		--dir "$folder" --daemonize no "$@" >"$folder/$engine_name.redis.log" 2>&1 </dev/null &
	daemons="$daemons $!"
	for _ in $(seq 100); do
		ask_engine "$engine_name" --user operator --pass operator-secret --no-auth-warning PING 2>/dev/null |
			grep -q PONG && return 0
		sleep 0.1
	done
	fail "engine $engine_name does not answer"
	cat "$folder/$engine_name.redis.log"
	return 1
}
guarded_engine one --port 6401 || finish
guarded_engine two --port 0 --tls-port 6402 --tls-cert-file "$folder/tls.crt" --tls-key-file "$folder/tls.key" \
	--tls-ca-cert-file "$folder/tls.crt" --tls-auth-clients no || finish
chown nobody "$folder/key"
guarded() {
	start "$1" "$2" --user nobody --mode socket --threads 1 --listen 127.0.0.1 --capacity 20000 \
		--farm-key "$folder/key" --farm-node "$1" --farm-ca "$folder/tls.crt" \
		--farm redis://sessiond:cache-secret@localhost:6401 \
		--farm rediss://sessiond:cache-secret@localhost:6402
}
guarded a 7001 || finish
a=$started
guarded b 7002 || finish
b=$started
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002
await 15 "a uses both engines" has a farm_engines_up eq 2
await 15 "b uses both engines" has b farm_engines_up eq 2
client store 7001 --count 1000 --seed 1 --confirm
await 10 "b has what a's clients stored" try fetch 7002 --count 1000 --seed 1
client remove 7002 --count 500 --seed 1
await 10 "a has lost what was removed at b" try fetch 7001 --count 500 --seed 1 --expect miss
await 10 "the second copy was seen" has b farm_copies gt 0
expect 0 '' "$sessionctl" -C "$folder/a.sock" farm
cat "$folder/out"
has a farm_engine_faults eq 0 || fail "a finds fault with these engines: $(cat "$folder/out")"
has b farm_engine_faults eq 0 || fail "b finds fault with these engines"

# Each engine alone.
for name in one two; do
	# But for the two trials of what the user may do (engine_check.h).
	ask_engine "$name" --user operator --pass operator-secret --no-auth-warning ACL LOG >"$folder/acl"
	grep -A 1 '^object$' "$folder/acl" | grep -v -e '^object$' -e '^--$' \
		-e '^config|get$' -e '^sessiond-tries-a-key-outside-sd$' >"$folder/denied"
	[ ! -s "$folder/denied" ] || fail "the ACL of engine $name refused: $(cat "$folder/acl")"
	ask_engine "$name" --user operator --pass operator-secret --no-auth-warning CONFIG GET save >"$folder/save"
	[ "$(tr -d '\n' <"$folder/save")" = save ] || fail "engine $name saves: $(cat "$folder/save")"
done
# Without clone3: its flags cannot be checked, and the C library does without.
clone3=435
dmesg 2>/dev/null | grep 'type=1326' | grep -E " pid=($a|$b) " | grep -v " syscall=$clone3 " >"$folder/refused"
[ ! -s "$folder/refused" ] || fail "the filter refused: $(cat "$folder/refused")"
expect 0 '' "$sessionctl" -C "$folder/a.sock" reload
stop a "$a"
stop b "$b"
secret=$(sed -n 's/^1://p' "$folder/key" | cut -c 1-16)
grep -l -e cache-secret -e "$secret" "$folder"/*.log "$folder/out" >"$folder/told"
[ ! -s "$folder/told" ] || fail "a secret is in $(cat "$folder/told")"
[ -z "$(find "$folder" -name '*.rdb' -o -name '*aof*')" ] || fail "an engine wrote to the disk"
finish

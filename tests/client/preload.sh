#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# preload.sh haproxy|hitch MODE: two servers that know nothing of sessiond share its cache through
# libsessiond-preload.so: 1000 sessions made at A, resumed at B, TLS 1.2 and 1.3, sealed and plain. Never
# for another host (SNI), with a certificate of its own or without. Without it they share none. While the
# cache is stopped or ended, and without a key file, handshakes go on.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"

server=$1
PATH=$PATH:/usr/sbin
for program in haproxy "$server" openssl; do
	command -v "$program" >/dev/null || skip "$program is not installed"
done
preload=$SESSIOND_BUILD/client/preload/libsessiond-preload.so
resume_many=$SESSIOND_BUILD/tests/client/resume_many
export LD_LIBRARY_PATH=$SESSIOND_BUILD/client${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export SESSIOND_CLIENT_CONF=$folder/client.conf SESSIOND_DEADLINE_US=1000000
count=1000
place "$2"

cert=$folder/cert.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -days 1 \
	-keyout "$cert.key" -out "$cert.crt" 2>/dev/null || fail "no certificate can be made"
cat "$cert.key" "$cert.crt" >"$cert"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other.example -days 1 \
	-keyout "$folder/other.key" -out "$folder/other.crt" 2>/dev/null || fail "no certificate can be made"
cat "$folder/other.key" "$folder/other.crt" >"$folder/other.pem"
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# listens PORT...: waits until somebody does.
listens() {
	local port

	for port; do
		for _ in $(seq 200); do
			(: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && continue 2
			sleep 0.05
		done
		fail "nobody listens on $port: $(cat "$folder"/*.out)"
		finish
	done
}

haproxy_conf() {
	cat <<-END
		global
		    nbthread 2
		    log stdout format raw local0 warning
		defaults
		    mode http
		    timeout client 20s
		    timeout server 20s
		    timeout connect 20s
		frontend $1
		    bind 127.0.0.1:$2 $3
		    http-request return status 200 content-type text/plain string ok
	END
}

# run NAME PORT LD_PRELOAD
run() {
	if [ "$server" = haproxy ]; then
		haproxy_conf "$1" "$2" "ssl crt $cert crt $folder/other.pem no-tls-tickets" >"$folder/$1.cfg"
		LD_PRELOAD=$3 haproxy -db -f "$folder/$1.cfg" >"$folder/$1.out" 2>&1 &
	else
		LD_PRELOAD=$3 hitch --workers=2 --user=nobody --group=nogroup --backend='[127.0.0.1]:7389' \
			--frontend="[127.0.0.1]:$2" "$folder/other.pem" "$cert" >"$folder/$1.out" 2>&1 &
	fi
	daemons="$daemons $!"
	servers="$servers $!"
}
servers=

# both [LD_PRELOAD]: A on 7381 and B on 7382, a new start.
both() {
	local pid port

	for pid in $servers; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	servers=
	# hitch's workers may outlive it by a moment.
	for port in 7381 7382; do
		for _ in $(seq 200); do
			(: </dev/tcp/127.0.0.1/"$port") 2>/dev/null || break
			sleep 0.05
		done
	done
	run a 7381 "$1"
	run b 7382 "$1"
	listens 7381 7382
}

# expect_resumed WHAT VERSION AT-LEAST AT-MOST OF [RESUME_MANY-OPTION...]
expect_resumed() {
	local said tries=1 what=$1 version=$2 least=$3 most=$4 of=$5

	shift 5
	cases=$((cases + 1))
	[ "$least" -eq 0 ] || tries=100
	said=$("$resume_many" "$@" "$version" "$of" 7381 7382 $tries 2>&1)
	echo "$server, $what, TLS $version: $said"
	[[ $said == *" of $of resumed" && ${said%% *} -ge $least && ${said%% *} -le $most ]] ||
		fail "$server, $what, TLS $version: $said, expected $least to $most"
}

# shellcheck disable=SC2086 # words
start up $cache_options -n 100000 7380 || finish
cache=$started
if [ "$server" = hitch ]; then
	haproxy_conf backend 7389 '' >"$folder/backend.cfg"
	haproxy -db -f "$folder/backend.cfg" >"$folder/backend.out" 2>&1 &
	daemons="$daemons $!"
	listens 7389
fi

: >"$folder/client.conf"
both ''
for version in 1.2 1.3; do
	"$resume_many" $version 20 7381 7382 >"$folder/said" 2>&1
	# hitch, without it, may give no session at all.
	grep -qE '^0 of 20 resumed|made no session' "$folder/said" || fail "$version, without: $(cat "$folder/said")"
done

echo "caches = $cache_at:7380" >"$folder/client.conf"
both "$preload"
for version in 1.2 1.3; do
	expect_resumed plain $version $count $count $count
done
printf 'caches = %s:7380\nkey = %s\nscope = www\n' "$cache_at" "$folder/key" >"$folder/client.conf"
both "$preload"
for version in 1.2 1.3; do
	expect_resumed sealed $version $count $count $count
	for name in other.example unknown.example; do
		expect_resumed "host $name" $version 20 20 20 -n $name
		expect_resumed "$name for test" $version 0 0 20 -n $name -m test
		expect_resumed "test for $name" $version 0 0 20 -n test -m $name
		expect_resumed "no name for $name" $version 0 0 20 -m $name
	done
done
"$sessionctl" -C "$folder/up.sock" stats | grep '^remove_' >"$folder/removes"
grep -q '^remove_done 0$' "$folder/removes" || fail "sessions were removed: $(cat "$folder/removes")"
answered up $((4 * count))

# A cache that is stopped costs deadlines, until the breaker opens; then it is found again. In xdp mode the
# XDP program answers meanwhile.
export SESSIOND_DEADLINE_US=20000
both "$preload"
for version in 1.2 1.3; do
	kill -STOP "$cache"
	expect_resumed 'the cache is stopped' $version 0 20 20
	kill -CONT "$cache"
	expect_resumed 'the cache goes on' $version 20 20 20
done

kill "$cache"
wait "$cache"
for version in 1.2 1.3; do
	expect_resumed 'the cache is down' $version 0 0 20
done

# What is wrong is told in one line, and the server runs.
printf 'caches = %s:7380\nkey = /nowhere/key\nscope = www\n' "$cache_at" >"$folder/client.conf"
both "$preload"
grep -q 'sessiond-preload: .*/nowhere/key.*: cannot read it: ' "$folder/a.out" || fail "not told: $(cat "$folder/a.out")"
for version in 1.2 1.3; do
	"$resume_many" $version 20 7381 7382 >"$folder/said" 2>&1
	grep -qE '^0 of 20 resumed|made no session' "$folder/said" || fail "$version, no key: $(cat "$folder/said")"
done
echo 'cashes = 127.0.0.1:7380' >"$folder/client.conf"
both "$preload"
grep -q 'sessiond-preload: .*/client.conf: cashes: expected one of' "$folder/a.out" || fail "not told: $(cat "$folder/a.out")"
finish

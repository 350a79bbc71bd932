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
. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/preloads.sh"

server=$1
servers_need haproxy "$server"
export SESSIOND_CLIENT_CONF=$folder/client.conf SESSIOND_DEADLINE_US=1000000
count=1000
place "$2"

preload_certificate "$folder/cert.pem" test
preload_certificate "$folder/other.pem" other.example
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# both [LD_PRELOAD]: A on 7381 and B on 7382, a new start.
both() {
	preload_stop 7381 7382
	preload_start a 7381 "$1"
	preload_start b 7382 "$1"
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
preload_backend
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

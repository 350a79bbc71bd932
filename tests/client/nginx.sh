#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# nginx.sh MODE: two nginx that share a cache and nothing else, each with its own shared cache or without
# one: 1000 sessions made at A, resumed at B, TLS 1.2 and 1.3, sealed and plain; by http and by stream.
# Never across scopes. A reload loses nothing. Without a cache handshakes go on.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"

. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/nginxes.sh"

[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || skip "nginx's stream module is not installed"
nginx_probe
count=1000
place "$1"
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# configure NAME PORT LINES [LINES-OF-2ND [LINES-OF-HTTP]]: a configuration, with servers on PORT and, with
# lines of its own, PORT + 1; on PORT + 2 without TLS, and on PORT + 3 a stream to that.
configure() {
	nginx_configure "$1" "$3 ${5:-}" "
		server { listen 127.0.0.1:$2 ssl; return 200 ok; }
		server { listen 127.0.0.1:$(($2 + 1)) ssl; ${4:-} return 200 ok; }
		server {
			listen 127.0.0.1:$(($2 + 2));
			location / { return 200 ok; }
			location = /sessions { sessiond_status; }
		}" "load_module /usr/lib/nginx/modules/ngx_stream_module.so;
		load_module $SESSIOND_BUILD/client/nginx/ngx_stream_sessiond_module.so;" "
		stream {
			log_format sessiond '\$ssl_session_reused \$sessiond_status \$sessiond_time';
			access_log $folder/$1/stream.log sessiond;
			ssl_certificate $cert;
			ssl_certificate_key $cert.key;
			ssl_protocols TLSv1.2 TLSv1.3;
			ssl_session_tickets off;
			sessiond $cache_at:7330;
			sessiond_deadline 1s;
			$3
			server { listen 127.0.0.1:$(($2 + 3)) ssl; proxy_pass 127.0.0.1:$(($2 + 2)); }
		}"
}

# both LINES [LINES-OF-2ND [LINES-OF-HTTP]]: A on 7341 and B on 7351 with these lines, a new start.
both() {
	nginx_stop
	rm -rf "$folder/a" "$folder/b"
	configure a 7341 "$1" "${2:-}" "${3:-}"
	configure b 7351 "$1" "${2:-}" "${3:-}"
	nginx_start a
	nginx_start b
}

# expect_resumed WHAT VERSION COUNT OF PORT PORT
expect_resumed() {
	local said tries=1

	cases=$((cases + 1))
	[ "$3" -eq 0 ] || tries=100
	said=$("$resume_many" "$2" "$4" "$5" "$6" $tries 2>&1)
	echo "$1, TLS $2: $said"
	[ "$said" = "$3 of $4 resumed" ] && return
	fail "$1, TLS $2: $said, expected $3. Look-ups of B: $(cut -d ' ' -f 1,2 "$folder/b/access.log" | sort | uniq -c)"
	tail -n 3 "$folder/b/error.log"
	"$sessionctl" -C "$folder/up.sock" stats | grep -E '^(new|get|drop|update)_' | grep -v ' 0$'
}

export SESSIOND_CLIENTS=$folder/clients
mkdir "$SESSIOND_CLIENTS"
# shellcheck disable=SC2086 # words
start up $cache_options -n 100000 7330 || finish
cache=$started

sealed="sessiond_key $folder/key; sessiond_scope www;"
for lines in 'ssl_session_cache none;' "$sealed ssl_session_cache none;"; do
	both "$lines"
	for version in 1.2 1.3; do
		expect_resumed "$lines" $version $count $count 7341 7351
	done
	for version in 1.2 1.3; do
		expect_resumed "stream, $lines" $version $count $count 7344 7354
	done
	[ "$(grep -cE '^r hit [0-9]+\.[0-9]{6}$' "$folder/b/stream.log")" -eq $((2 * count)) ] ||
		fail "the stream log of B says: $(sort "$folder/b/stream.log" | cut -c 1-6 | uniq -c)"
	# The counters, of all workers.
	cases=$((cases + 1))
	http_get 7353 /sessions >"$folder/status"
	"$sessionctl" --json clients "$SESSIOND_CLIENTS" >"$folder/clients.json"
	python3 - "$folder/status" "$folder/clients.json" "$(cat "$folder/b/pid")" <<-END || fail "the counters are wrong: $(cat "$folder/status" "$folder/clients.json")"
		import json, sys
		head, body = open(sys.argv[1]).read().split("\n", 1)
		assert head == "200 application/json", head
		client, = json.loads(body)["clients"]
		assert client["hits"] == 2 * $count and client["caches"] == "$cache_at:7330", client
		assert client["sealed"] == ("$lines" != "ssl_session_cache none;"), client
		rows = [json.loads(line) for line in open(sys.argv[2])]
		assert len(rows) == 4, len(rows) # http and stream of A and B
		assert sorted(r["counters"]["hits"] for r in rows) == [0, 0, 2 * $count, 2 * $count], rows
		assert {r["program"] for r in rows} == {"nginx"}, rows
		assert sum(r["pid"] == int(sys.argv[3]) for r in rows) == 2, rows
	END
	# Once for each resumption, and it took some time.
	[ "$(grep -cE '^r hit [0-9]+\.[0-9]{6}$' "$folder/b/access.log")" -eq $((2 * count)) ] ||
		fail "the log of B says: $(sort "$folder/b/access.log" | cut -c 1-6 | uniq -c)"
	! grep -E '\[(warn|error|alert|emerg)\]' "$folder/a/error.log" || fail "nginx complains"
done

# Beside nginx's own cache, which is asked first.
both "$sealed" '' 'ssl_session_cache shared:s:1m;'
for version in 1.2 1.3; do
	expect_resumed 'with a shared cache' $version 20 20 7341 7351
	expect_resumed 'with a shared cache, at home' $version 20 20 7341 7341
done

# Scopes are apart, also with TLS 1.2 and one certificate.
both "$sealed ssl_session_cache none;" 'sessiond_scope shop;'
for version in 1.2 1.3; do
	expect_resumed 'another scope' $version 0 20 7341 7352
	expect_resumed 'the same scope' $version 20 20 7342 7352
done

# Reloads while clients come, with a key that rotates, lose nothing: each step is at both before the next.
(
	before=$failures
	for _ in 1 2 3; do
		"$sessionctl" key rotate "$folder/key" >/dev/null
		for name in a b; do
			nginx_reload $name
		done
		sleep 0.5
	done
	[ "$failures" -eq "$before" ]
) &
rotation=$!
rounds=0
while kill -0 $rotation 2>/dev/null; do
	said=$("$resume_many" 1.3 20 7341 7351 100 2>&1)
	[ "$said" = "20 of 20 resumed" ] || fail "during a reload: $said"
	rounds=$((rounds + 1))
done
wait $rotation || fail "a reload fails"
echo "$rounds rounds during reloads"
expect_resumed 'after reloads' 1.3 20 20 7341 7351
"$sessionctl" -C "$folder/up.sock" stats | grep '^remove_' >"$folder/removes"
grep -q '^remove_done 0$' "$folder/removes" || fail "stats have no remove_done"
! grep -v ' 0$' "$folder/removes" || fail "a reload removed sessions"

# What is wrong is told, in one line, before anything starts.
wrong() {
	cases=$((cases + 1))
	configure wrong 7361 "$1"
	nginx -t -p "$folder/wrong" -c "$folder/wrong/nginx.conf" -e "$folder/wrong/error.log" >"$folder/out" 2>&1 &&
		fail "nginx takes: $1"
	grep -q "sessiond: .*$2" "$folder/out" || fail "$1: not told: $2: $(cat "$folder/out")"
}
wrong 'sessiond_key /nowhere/key; sessiond_scope www;' 'cannot read it: No such file'
wrong "sessiond_key $folder/key;" 'scope: expected 1 to 255 bytes'
wrong 'sessiond_copies 7;' 'copies 7: expected 1 to 2'

answered up $((8 * count))

# Without a cache: full handshakes, none fails.
kill "$cache"
wait "$cache"
for version in 1.2 1.3; do
	expect_resumed 'the cache is down' $version 0 20 7341 7351
done
grep -q "sessiond: cache $cache_at:7330 does not answer" "$folder/b/error.log" || fail "nobody told of it"
finish

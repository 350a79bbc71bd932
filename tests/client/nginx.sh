#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Two nginx that share a cache and nothing else, each with its own shared cache or without one: 1000
# sessions made at A, resumed at B, TLS 1.2 and 1.3, sealed and plain. Never across scopes. A reload
# loses nothing. Without a cache handshakes go on.

. "$(dirname "$0")/../cli/lib.sh"

PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || skip "nginx is not installed"
command -v openssl >/dev/null || skip "openssl is not installed"
module=$SESSIOND_BUILD/client/nginx/ngx_http_sessiond_module.so
resume_many=$SESSIOND_BUILD/tests/client/resume_many
export LD_LIBRARY_PATH=$SESSIOND_BUILD/client${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
count=1000

cert=$folder/cert.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -days 1 \
	-keyout "$cert.key" -out "$cert" 2>/dev/null || fail "no certificate can be made"
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# configure NAME PORT LINES: a configuration, with servers on PORT and PORT + 1, the second of another
# scope.
configure() {
	local dir=$folder/$1

	mkdir -p "$dir"
	cat >"$dir/nginx.conf" <<-END
		load_module $module;
		daemon off;
		user root;
		pid $dir/pid;
		error_log $dir/error.log notice;
		worker_processes 2;
		events { worker_connections 512; }
		http {
			log_format sessiond '\$ssl_session_reused \$sessiond_status \$sessiond_time';
			access_log $dir/access.log sessiond;
			client_body_temp_path $dir/tmp; proxy_temp_path $dir/tmp; fastcgi_temp_path $dir/tmp;
			uwsgi_temp_path $dir/tmp; scgi_temp_path $dir/tmp;
			ssl_certificate $cert;
			ssl_certificate_key $cert.key;
			ssl_protocols TLSv1.2 TLSv1.3;
			ssl_session_tickets off;
			sessiond 127.0.0.1:7330;
			sessiond_deadline 1s;
			$3
			server { listen 127.0.0.1:$2 ssl; return 200 ok; }
			server { listen 127.0.0.1:$(($2 + 1)) ssl; ${4:-} return 200 ok; }
		}
	END
}

# run NAME: starts nginx, and waits until it listens.
run() {
	nginx -p "$folder/$1" -c "$folder/$1/nginx.conf" -e "$folder/$1/error.log" >"$folder/$1/out" 2>&1 &
	daemons="$daemons $!"
	for _ in $(seq 200); do
		[ -s "$folder/$1/pid" ] && grep -q 'start worker process' "$folder/$1/error.log" && return
		sleep 0.05
	done
	fail "nginx does not start: $(cat "$folder/$1/out" "$folder/$1/error.log")"
	finish
}

# both LINES: A on 7341 and B on 7351 with these lines, a new start.
both() {
	local pid

	for pid in $nginxes; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$folder/a" "$folder/b"
	nginxes=
	configure a 7341 "$1" "${2:-}"
	configure b 7351 "$1" "${2:-}"
	run a
	nginxes="$nginxes ${daemons##* }"
	run b
	nginxes="$nginxes ${daemons##* }"
}
nginxes=

# late: look-ups of B that took longer than its second, since it started.
late() {
	grep -c ' timeout ' "$folder/b/access.log"
}

# expect_resumed WHAT VERSION COUNT OF PORT PORT: a look-up that a busy machine delays for longer than a
# second is a full handshake, and B logs it as such.
expect_resumed() {
	local said resumed before

	cases=$((cases + 1))
	before=$(late)
	said=$("$resume_many" "$2" "$4" "$5" "$6" 2>&1)
	echo "$1, TLS $2: $said"
	resumed=${said%% of "$4" resumed}
	if [[ $resumed =~ ^[0-9]+$ ]]; then
		[ "$resumed" -eq "$3" ] && return
		[ "$resumed" -lt "$3" ] && [ $((resumed + $(late) - before)) -eq "$3" ] && return
	fi
	fail "$1, TLS $2: $said, expected $3. Look-ups of B: $(cut -d ' ' -f 1,2 "$folder/b/access.log" | sort | uniq -c)"
	tail -n 3 "$folder/b/error.log"
	"$sessionctl" -C "$folder/up.sock" stats | grep -E '^(new|get|drop|update)_' | grep -v ' 0$'
}

start up -m socket -n 100000 7330 || finish
cache=$started

sealed="sessiond_key $folder/key; sessiond_scope www;"
for lines in 'ssl_session_cache none;' "$sealed ssl_session_cache shared:s:1m;"; do
	both "$lines"
	for version in 1.2 1.3; do
		expect_resumed "$lines" $version $count $count 7341 7351
	done
	# Once for each resumption, and it took some time.
	[ $(($(grep -cE '^r hit [0-9]+\.[0-9]{6}$' "$folder/b/access.log") + $(late))) -eq $((2 * count)) ] ||
		fail "the log of B says: $(sort "$folder/b/access.log" | cut -c 1-6 | uniq -c)"
	! grep -E '\[(warn|error|alert|emerg)\]' "$folder/a/error.log" || fail "nginx complains"
done

# Scopes are apart, also with TLS 1.2 and one certificate.
both "$sealed ssl_session_cache none;" 'sessiond_scope shop;'
for version in 1.2 1.3; do
	expect_resumed 'another scope' $version 0 20 7341 7352
	expect_resumed 'the same scope' $version 20 20 7342 7352
done

# Reloads while clients come, with a key that rotates, lose nothing: sessions of before are resumed.
(
	for _ in 1 2 3; do
		"$sessionctl" key rotate "$folder/key" >/dev/null
		kill -HUP "$(cat "$folder/a/pid")" "$(cat "$folder/b/pid")"
		sleep 1
	done
) &
rotation=$!
rounds=0
while kill -0 $rotation 2>/dev/null; do
	said=$("$resume_many" 1.3 20 7341 7351 2>&1)
	[ "$said" = "20 of 20 resumed" ] || echo "during a reload: $said"
	case $said in
	*' of 20 resumed') ;;
	*) fail "a handshake fails during a reload: $said" ;;
	esac
	rounds=$((rounds + 1))
done
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

# Without a cache: full handshakes, none fails.
kill "$cache"
wait "$cache"
for version in 1.2 1.3; do
	expect_resumed 'the cache is down' $version 0 20 7341 7351
done
grep -q 'sessiond: cache 127.0.0.1:7330 does not answer' "$folder/b/error.log" || fail "nobody told of it"
finish

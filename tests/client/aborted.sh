#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Handshakes that clients leave, 5000 of each version, with SESSIOND_LONG 100,000: nginx's memory stays as
# it was after the first tenth, and so do its descriptors.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"
. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/nginxes.sh"

nginx_probe
count=5000
[ -z "${SESSIOND_LONG:-}" ] || count=100000
growth_kib=192

# shellcheck disable=SC2086 # words
start up $cache_options -n 100000 7330 || finish
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# of_worker: its anonymous memory in KiB, and its descriptors.
of_worker() {
	local worker

	worker=$(pgrep -P "$(cat "$folder/a/pid")") || fail "the worker has ended"
	echo "$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$worker/status") $(find "/proc/$worker/fd" -type l | wc -l)"
}

for lines in '' 'sessiond_single_use on;'; do
	nginx_stop
	NGINX_WORKERS=1 nginx_configure a \
		"sessiond_key $folder/key; sessiond_scope www; ssl_session_cache none; access_log off; $lines" \
		'server { listen 127.0.0.1:7341 ssl; return 200 ok; }'
	nginx_start a
	for version in 1.2 1.3; do
		cases=$((cases + 1))
		"$SESSIOND_BUILD/tests/client/abort_many" $version $((count / 10)) 7341 || fail "abort_many failed"
		read -r kib descriptors < <(of_worker)
		"$SESSIOND_BUILD/tests/client/abort_many" $version $((count - count / 10)) 7341 ||
			fail "abort_many failed"
		# It closes connections that were reset in its own time.
		for _ in $(seq 100); do
			read -r kib_now descriptors_now < <(of_worker)
			[ "$descriptors_now" -gt "$descriptors" ] || break
			sleep 0.05
		done
		echo "TLS $version, ${lines:-used again}: $kib KiB, $descriptors descriptors; after $count handshakes" \
			"$kib_now KiB, $descriptors_now descriptors"
		[ $((kib_now - kib)) -le $growth_kib ] || fail "$((kib_now - kib)) KiB more"
		[ "$descriptors_now" -le "$descriptors" ] || fail "more descriptors"
		resumes 'afterwards' 10 10 $version 10 7341 7341 100
	done
done
# To nginx the alert of a client that aborts is critical with OpenSSL 3.5, which names it otherwise.
! grep -v 'SSL_do_handshake() failed .*:record layer failure' "$folder/a/error.log" |
	grep -E 'exited on signal|\[(alert|crit)\]' || fail "nginx complains"
finish

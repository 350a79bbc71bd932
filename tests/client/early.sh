#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# early.sh MODE: 0-RTT with single use: early data that is sent to two nginx at once, and to both again,
# 200 times, with SESSIOND_LONG 1000, is accepted once at most. With shared ticket keys instead, both
# accept it: so the test would see it.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"
. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/nginxes.sh"

place "$1"
nginx_probe
count=200
[ -z "${SESSIOND_LONG:-}" ] || count=1000

# shellcheck disable=SC2086 # words
start up $cache_options -n 100000 7330 || finish
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"
head -c 80 /dev/urandom >"$folder/tickets"

# replay COUNT LINES-OF-SERVER: $once is then the number of requests that were accepted as early data once, $twice
# that of those that were accepted more often, $most the highest number.
replay() {
	local name

	nginx_stop
	for name in a b; do
		nginx_configure $name "ssl_session_cache none; ssl_early_data on;" \
			"log_format early '\$ssl_early_data \$request_uri'; access_log $folder/early-$name.log early;
			server { listen 127.0.0.1:$([ $name = a ] && echo 7341 || echo 7351) ssl; $2 return 200 ok; }"
		rm -f "$folder/early-$name.log"
		nginx_start $name
	done
	cases=$((cases + 1))
	"$SESSIOND_BUILD/tests/client/early_twice" "$1" 7341 7351 >"$folder/said" 2>&1 ||
		fail "$2: $(cat "$folder/said")"
	read -r once twice most < <(cat "$folder"/early-[ab].log | awk '$1 == 1 && $2 ~ /^\/[0-9]+$/ { n[$2]++ }
		END { for (i in n) { if (n[i] == 1) once++; else twice++; if (n[i] > most) most = n[i] }
			print once + 0, twice + 0, most + 0 }')
	echo "${2%%;*}: of $1 each sent four times $once were accepted once, $twice more often, $most times at most"
}

replay $count "sessiond_key $folder/key; sessiond_scope www; sessiond_single_use on;"
[ "$twice" -eq 0 ] || fail "early data was accepted more than once"
# A busy machine may store a session late.
[ "$once" -ge $((count / 2)) ] || fail "hardly any early data was accepted"
[ "$(grep -c ' /full$' "$folder/early-a.log")" -eq $count ] || fail "the log of A lacks visits"

replay 20 "sessiond off; ssl_session_tickets on; ssl_session_ticket_key $folder/tickets;"
[ "$twice" -ge 10 ] || fail "the test would not see early data that two servers accept"
! grep -E 'exited on signal|\[(alert|crit)\]' "$folder"/[ab]/error.log || fail "nginx complains"
finish

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Reloads and binary upgrades (USR2, WINCH, QUIT) of both nginx while clients come: no handshake fails, no
# session is lost, also of those made before, and none is removed.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"
. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/nginxes.sh"

nginx_probe
count=200

# shellcheck disable=SC2086 # words
start up $cache_options -n 100000 7330 || finish
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"
# The masters of the end are no children of this test.
trap 'kill $(cat "$folder/a/pid" "$folder/b/pid"); cleanup' EXIT
for name in a b; do
	[ $name = a ] && port=7341 || port=7351
	# Only a daemon knows USR2.
	NGINX_DAEMON=on nginx_configure $name "sessiond_key $folder/key; sessiond_scope www; ssl_session_cache none;" \
		"server { listen 127.0.0.1:$port ssl; return 200 ok; }"
	NGINX_DAEMON=on nginx_start $name
done

# Both are programs, because the client runs them between making and resuming.
cat >"$folder/upgrade" <<-END
	#!/bin/bash
	set -e
	# until COMMAND...: it is true.
	until_true() {
		for _ in \$(seq 400); do
			"\$@" && return
			sleep 0.05
		done
		echo "it never came: \$*"
		exit 1
	}
	gone() { [ ! -e "/proc/\$1" ] || grep -qs '^State:.*Z' "/proc/\$1/status"; } # may end in between
	workers_run() { [ "\$(grep -c "start worker process " "$folder/\$1/error.log")" -ge "\$2" ]; }
	workers_gone() { ! pgrep -P "\$1" nginx -r S,R,D | grep -vxF "\$2" >/dev/null; }
	for name in a b; do
		old=\$(cat "$folder/\$name/pid")
		started=\$(grep -c "start worker process " "$folder/\$name/error.log")
		kill -USR2 "\$old"
		until_true [ -s "$folder/\$name/pid.oldbin" ]
		until_true workers_run \$name \$((started + 2))
		until_true [ -s "$folder/\$name/pid" ]
		new=\$(cat "$folder/\$name/pid")
		kill -WINCH "\$old"
		until_true workers_gone "\$old" "\$new"
		kill -QUIT "\$old"
		until_true gone "\$old"
		echo "\$name: \$old is \$new now"
	done
END
cat >"$folder/reload" <<-END
	#!/bin/bash
	for name in a b; do
		started=\$(grep -c "start worker process " "$folder/\$name/error.log")
		kill -HUP "\$(cat "$folder/\$name/pid")"
		for _ in \$(seq 400); do
			[ "\$(grep -c "start worker process " "$folder/\$name/error.log")" -lt \$((started + 2)) ] || break
			sleep 0.05
		done
	done
END
chmod 755 "$folder/upgrade" "$folder/reload"

# clients: until the file `quiet` is there.
clients() {
	local rounds=0 said

	while [ ! -e "$folder/quiet" ]; do
		said=$("$resume_many" "1.$((2 + rounds % 2))" 20 7341 7351 100 2>&1)
		[ "$said" = '20 of 20 resumed' ] || echo "$said" >>"$folder/lost"
		rounds=$((rounds + 1))
	done
	echo "$rounds rounds of others"
}

for what in reload upgrade; do
	for version in 1.2 1.3; do
		cases=$((cases + 1))
		rm -f "$folder/quiet" "$folder/lost"
		clients &
		others=$!
		said=$("$resume_many" -x "$folder/$what >$folder/what" $version $count 7341 7351 100 2>&1)
		cat "$folder/what"
		echo "$what, TLS $version: $said"
		[ "$said" = "$count of $count resumed" ] || fail "$what, TLS $version: $said"
		touch "$folder/quiet"
		wait $others
		[ ! -e "$folder/lost" ] || fail "meanwhile: $(head -n 3 "$folder/lost")"
	done
done
"$sessionctl" -C "$folder/up.sock" stats | grep '^remove_' >"$folder/removes"
grep -q '^remove_done 0$' "$folder/removes" || fail "stats have no remove_done"
! grep -v ' 0$' "$folder/removes" || fail "sessions were removed"
! grep -E 'exited on signal|\[(alert|crit)\]' "$folder"/[ab]/error.log || fail "nginx complains"
finish

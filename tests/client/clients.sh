#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# sessionctl clients: the counters of two servers, one sealed, as text, as JSON and for Prometheus; they end
# with the servers. docs/clients.md explains each.

. "$(dirname "$0")/../cli/lib.sh"

command -v openssl >/dev/null || skip "openssl is not installed"
export SESSIOND_CLIENTS=$folder/clients
docs=$(dirname "$0")/../../docs/clients.md
expect 1 'clients: cannot open the folder .*/clients: No such file' "$sessionctl" clients "$folder/clients"
expect 2 '--metrics works with clients only' "$sessionctl" --metrics stats
expect 2 '--metrics and --json: leave one out' "$sessionctl" --metrics --json clients
start up -m socket -n 1000 7310 || finish

cert=$folder/cert.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -days 1 \
	-keyout "$cert.key" -out "$cert.crt" 2>/dev/null || fail "no certificate can be made"
cat "$cert.key" "$cert.crt" >"$cert"
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# serve PORT CACHES [KEY]
serve() {
	# shellcheck disable=SC2086
	"$SESSIOND_BUILD/client/echo" "127.0.0.1:$1" "$cert" "$2" $3 &
	daemons="$daemons $!"
	for _ in $(seq 100); do
		(: </dev/tcp/127.0.0.1/"$1") 2>/dev/null && break
		sleep 0.05
	done
}
serve 7321 127.0.0.1:7310 ''
plain=${daemons##* }
# The second cache does not exist: its port is closed.
serve 7322 127.0.0.1:7310,127.0.0.1:7311 "$folder/key"
sealed=${daemons##* }
for port in 7321 7322; do
	echo | timeout 20 openssl s_client -connect "127.0.0.1:$port" -tls1_2 -sess_out "$folder/session" >/dev/null 2>&1
	echo | timeout 20 openssl s_client -connect "127.0.0.1:$port" -tls1_2 -sess_in "$folder/session" >/dev/null 2>&1
done

expect 0 '' "$sessionctl" clients "$folder/clients"
cat "$folder/out"
cases=$((cases + 3))
[ "$(grep -cE "^echo\.($plain|$sealed)\.0 (plain|sealed scope [a-z]+)\$" "$folder/out")" -eq 2 ] || fail "not both are named"
grep -qxF '  cache 127.0.0.1:7310 in-use' "$folder/out" || fail "no cache is in use"
[ "$(grep -cxE '  puts [1-9][0-9]*' "$folder/out")" -eq 2 ] || fail "not both have stored a session"
for name in $(sed -n 's/^  \([a-z_]*\) [0-9]*$/\1/p' "$folder/out" | sort -u); do
	cases=$((cases + 1))
	grep -qF "\`$name\`" "$docs" || fail "docs/clients.md does not explain $name"
done

expect 0 '' "$sessionctl" --json clients "$folder/clients"
cat "$folder/out"
python3 - "$folder/out" "$plain" "$sealed" <<-'END' || fail "the JSON is not as expected"
	import json, sys
	rows = {r["pid"]: r for r in map(json.loads, open(sys.argv[1]))}
	plain, sealed = rows[int(sys.argv[2])], rows[int(sys.argv[3])]
	assert len(rows) == 2
	assert plain["program"] == "echo" and plain["scope"] == "" and not plain["sealed"], plain
	assert sealed["sealed"] and sealed["scope"], sealed
	assert [c["address"] for c in sealed["caches"]] == ["127.0.0.1:7310", "127.0.0.1:7311"]
	assert plain["counters"]["hits"] >= 1 and plain["counters"]["misses"] == 0, plain
END

expect 0 '' "$sessionctl" --metrics clients "$folder/clients"
grep -qE "^sessiond_client_hits_total\{client=\"echo\.$plain\.0\",program=\"echo\",scope=\"\"\} [1-9]" "$folder/out" ||
	fail "no metric of hits: $(cat "$folder/out")"
grep -qE "^sessiond_client_cache_in_use\{client=\"echo\.$sealed\.0\",.*,cache=\"127.0.0.1:7310\"\} 1\$" "$folder/out" ||
	fail "no metric of the caches: $(cat "$folder/out")"
if command -v promtool >/dev/null; then
	cases=$((cases + 1))
	promtool check metrics <"$folder/out" || fail "promtool does not like the metrics"
fi

# Killed, a server leaves its file; it goes when somebody looks.
kill -KILL "$sealed"
wait "$sealed" 2>/dev/null
expect 0 '' "$sessionctl" clients "$folder/clients"
[ "$(grep -c '^echo' "$folder/out")" -eq 1 ] || fail "a killed server is still there: $(cat "$folder/out")"
[ "$(find "$folder/clients" -type f | wc -l)" -eq 1 ] || fail "its file is still there"
kill -KILL "$plain"
wait "$plain" 2>/dev/null
expect 0 '' "$sessionctl" clients "$folder/clients"
grep -qx 'no clients' "$folder/out" || fail "not told: $(cat "$folder/out")"

# Hostile files, and names.
cases=$((cases + 1))
head -c 20000 /dev/urandom >"$folder/clients/$(printf 'x\033[31m')"
mkfifo "$folder/clients/fifo"
expect 0 '' "$sessionctl" --json clients "$folder/clients"
[ ! -s "$folder/out" ] || fail "garbage is listed: $(cat "$folder/out")"
finish

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# httpd.sh MODE: two httpd that share a cache and nothing else: 1000 sessions made at A, resumed at B, TLS
# 1.2 and 1.3, plain and sealed, with MPM event, 20 of each with MPM prefork, and with client certificates.
# Certificate states (stapling) and passwords (authn) of A serve B as well. Never across scopes or virtual
# hosts. A graceful restart loses nothing. Without a cache handshakes go on.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"
. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/httpds.sh"

servers_need apache2
count=1000
place "$1"

# An issuer, and a certificate that names its OCSP responder.
pki=$folder/pki
cert=$folder/cert.pem
mkdir "$pki"
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=issuer -days 1 \
		-keyout "$pki/key" -out "$pki/cert" &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
			-keyout "$cert.key" -out "$pki/request" &&
		echo 'authorityInfoAccess = OCSP;URI:http://127.0.0.1:7399' >"$pki/extensions" &&
		openssl x509 -req -in "$pki/request" -CA "$pki/cert" -CAkey "$pki/key" -set_serial 17 -days 1 \
			-extfile "$pki/extensions" -out "$pki/leaf"
} 2>"$pki/log" || fail "no certificate can be made: $(cat "$pki/log")"
cat "$pki/leaf" "$pki/cert" >"$cert"
printf 'V\t%s\t\t11\tunknown\t/CN=localhost\n' "$(date -u -d tomorrow +%y%m%d%H%M%SZ)" >"$pki/index"
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# both LINES [MPM [LINES-OF-B]]: A on 7391 and B on 7393, a new start.
both() {
	httpd_stop
	rm -rf "$folder/a" "$folder/b"
	httpd_configure a 7391 "${2:-event}" "$1"
	httpd_configure b 7393 "${2:-event}" "${3:-$1}"
	httpd_start a
	httpd_start b
}

# expect_resumed WHAT VERSION COUNT OF [RESUME_MANY-OPTION...]
expect_resumed() {
	local said tries=1 what=$1 version=$2 expected=$3 of=$4

	shift 4
	cases=$((cases + 1))
	[ "$expected" -eq 0 ] || tries=100
	said=$(timeout 60 "$resume_many" "$@" "$version" "$of" 7391 7393 $tries 2>&1)
	echo "$what, TLS $version: $said"
	[ "$said" = "$expected of $of resumed" ] ||
		fail "$what, TLS $version: ${said:-not done in a minute}, expected $expected: $(tail -n 3 "$folder/b/error.log")"
}

# shellcheck disable=SC2086 # words
start up $cache_options -n 100000 --max-session 1400 7390 || finish
cache=$started
where="sessiond:$cache_at:7390?deadline-us=1000000"
sealed="$where&key=$folder/key&scope=www"

for line in "SSLSessionCache $where" "SSLSessionCache $sealed"; do
	both "$line"
	for version in 1.2 1.3; do
		expect_resumed "${line##*deadline-us=1000000}, event" $version $count $count
	done
	! grep -E ':(error|crit|alert|emerg)\]|sessiond:' "$folder"/[ab]/error.log || fail "httpd complains"
	http_get 7394 /status >"$folder/status"
	grep -q "cache type: <b>sessiond</b>, caches: <b>$cache_at:7390</b>" "$folder/status" ||
		fail "mod_status does not tell of it: $(cat "$folder/status")"
	grep -qE '^(<tr>.*)?hits: <b>[0-9]+</b>' "$folder/status" || fail "mod_status has no counters"
done
for version in 1.2 1.3; do
	expect_resumed 'another host' $version 20 20 -n other.example
	expect_resumed 'other.example for localhost' $version 0 20 -n other.example -m localhost
	expect_resumed 'localhost for other.example' $version 0 20 -n localhost -m other.example
	expect_resumed 'no name for other.example' $version 0 20 -m other.example
done
answered up $((4 * count))
"$sessionctl" -C "$folder/up.sock" stats | grep '^remove_' >"$folder/removes"
grep -q '^remove_done 0$' "$folder/removes" || fail "sessions were removed: $(cat "$folder/removes")"

# Graceful restarts while clients come, with a key that rotates.
(
	for _ in 1 2 3; do
		"$sessionctl" key rotate "$folder/key" >/dev/null
		kill -USR1 "$(cat "$folder/a/pid")" "$(cat "$folder/b/pid")"
		sleep 1
	done
) &
rotation=$!
rounds=0
while kill -0 $rotation 2>/dev/null; do
	said=$("$resume_many" 1.3 20 7391 7393 2>&1)
	case $said in
	*' of 20 resumed') rounds=$((rounds + 1)) ;;
	*) fail "a handshake fails during a restart: $said" ;;
	esac
done
echo "$rounds rounds during restarts"
expect_resumed 'after restarts' 1.3 20 20

both "SSLSessionCache $sealed" event "SSLSessionCache $where&key=$folder/key&scope=shop"
for version in 1.2 1.3; do
	expect_resumed 'another scope' $version 0 20
done
both "SSLSessionCache $sealed" prefork
for version in 1.2 1.3; do
	expect_resumed 'sealed, prefork' $version 20 20
done

# A client with a certificate of some 1000 bytes.
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$(printf 'x%.0s' $(seq 60))/O=$(printf 'y%.0s' $(seq 60))" -days 1 \
	-keyout "$folder/client.key" -out "$folder/client.crt" 2>/dev/null || fail "no certificate can be made"
cat "$folder/client.key" "$folder/client.crt" >"$folder/client.pem"
both "SSLSessionCache $sealed&max-session=1400
SSLVerifyClient require
SSLCACertificateFile $folder/client.crt"
for version in 1.2 1.3; do
	expect_resumed 'client certificate' $version 20 20 -c "$folder/client.pem"
done
"$sessionctl" -C "$folder/up.sock" list | awk '$3 > most { most = $3 } END { exit most < 1000 }' ||
	fail "no session has a client certificate in it"

# The responder answers A only, a password file has its user at A only: B has both from the cache.
cases=$((cases + 2))
both "SSLSessionCache $sealed
SSLUseStapling on
SSLStaplingCache $sealed&max-session=1400
AuthnCacheSOCache $sealed
<Location /private>
AuthType Basic
AuthName test
AuthBasicProvider socache file
AuthUserFile passwords
AuthnCacheProvideFor file
AuthnCacheContext farm
Require valid-user
</Location>"
# states PORT: what it staples
states() {
	openssl s_client -connect "127.0.0.1:$1" -status </dev/null 2>/dev/null |
		sed -n 's/^ *\(OCSP Response Status: [a-z]*\|Cert Status: [a-z]*\|OCSP response: no.*\).*/\1/p' | tr '\n' ' '
}
openssl ocsp -port 7399 -index "$pki/index" -CA "$pki/cert" -rsigner "$pki/cert" -rkey "$pki/key" \
	>"$pki/responder" 2>&1 &
responder=$!
daemons="$daemons $responder"
for _ in $(seq 100); do
	at_a=$(states 7391)
	[[ $at_a != *good* ]] || break
	sleep 0.1
done
kill $responder
wait $responder 2>/dev/null
at_b=$(states 7393)
echo "A staples: $at_a; B, without a responder: $at_b"
[[ $at_a == *'Cert Status: good'* ]] || fail "A does not staple: $(tail -n 3 "$folder/a/error.log" "$pki/responder")"
[ "$at_b" = "$at_a" ] || fail "B does not staple what A stored: $(tail -n 3 "$folder/b/error.log")"

login=Authorization="Basic $(printf 'ann:correct' | base64)"
wrong=Authorization="Basic $(printf 'ann:wrong' | base64)"
status_of() {
	http_get "$1" /private/ "$2" | head -n 1 | cut -d ' ' -f 1
}
before=$(status_of 7394 "$login")
printf 'ann:%s\n' "$(openssl passwd -apr1 correct)" >"$folder/a/passwords"
said="$before $(status_of 7392 "$login") $(status_of 7394 "$login") $(status_of 7394 "$wrong")"
echo "ann at B, at A, at B again, at B with a wrong password: $said"
[ "$said" = '401 200 200 401' ] || fail "passwords are not shared: $(tail -n 3 "$folder"/[ab]/error.log)"

# What is wrong is told in one line: by the test of the configuration, or at the start.
wrong() {
	cases=$((cases + 1))
	httpd_configure wrong 7395 event "$2"
	apache2 "$1" -f "$folder/wrong/httpd.conf" >"$folder/out" 2>&1 && fail "httpd takes: $2"
	cat "$folder/out" "$folder/wrong/error.log" 2>/dev/null | grep -qF -- "sessiond: $3" ||
		fail "$2: not told: $3: $(cat "$folder/out" "$folder/wrong/error.log")"
}
wrong -t 'SSLSessionCache sessiond:' 'caches: expected at least one'
wrong -t 'SSLSessionCache sessiond:nowhere.test' 'caches: '
wrong -t "SSLSessionCache $where&keys=x" 'keys: expected key=, scope=,'
wrong -t "SSLSessionCache $where&copies" 'copies: expected key=, scope=,'
wrong -t 'SSLSessionCache sessiond:10.0.0.1?deadline-us=soon' 'deadline-us: expected a number'
wrong -t 'SSLSessionCache sessiond:10.0.0.1?key=none&scope=www' "$folder/wrong/none: cannot read it: No such file"
wrong -t "SSLSessionCache $where&key=$folder/key" 'scope: expected 1 to 255 bytes'
wrong -DFOREGROUND "AuthnCacheSOCache $where
AuthnCacheEnable" 'authn-socache stores secrets: it needs ?key=FILE&scope=NAME'

both "SSLSessionCache $sealed"
kill "$cache"
wait "$cache"
for version in 1.2 1.3; do
	expect_resumed 'the cache is down' $version 0 20
done
grep -q 'sessiond: cache [0-9.:]* does not answer' "$folder/b/error.log" || fail "nobody told of it"
finish

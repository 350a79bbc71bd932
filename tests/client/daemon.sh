#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# libsessiond against the real daemon in socket mode: 1000 sessions of each kind by the test's own
# servers, and two processes of the example, whose clients are openssl's.

. "$(dirname "$0")/../cli/lib.sh"

command -v openssl >/dev/null || skip "openssl is not installed"
start up -m socket -n 10000 7310 || finish

# A daemon that knows TAKE says that it has no such session; another says nothing.
takes=$(python3 - <<-'END'
	import socket
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(2)
	s.sendto(b"\1\3\0\0" + b"T" * 32, ("127.0.0.1", 7310))
	try:
	    print("take" if s.recv(600)[1] == 0x80 else "")
	except TimeoutError:
	    pass
END
)
echo "the daemon knows TAKE: ${takes:-no}"
# shellcheck disable=SC2086
"$SESSIOND_BUILD/tests/client/test_client_openssl" 127.0.0.1:7310 $takes >"$folder/out" 2>&1 ||
	fail "sessions are not resumed: $(tail -n 20 "$folder/out")"
cat "$folder/out"

cert=$folder/cert.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -days 1 \
	-keyout "$cert.key" -out "$cert.crt" 2>/dev/null || fail "no certificate can be made"
cat "$cert.key" "$cert.crt" >"$cert"
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# visit PORT OPTION...: says something to an example, and prints what openssl says of the session.
visit() {
	local port=$1

	shift
	: >"$folder/visit"
	(
		echo hello
		for _ in $(seq 100); do
			grep -aq '^hello' "$folder/visit" && break
			sleep 0.05
		done
	) | timeout 20 openssl s_client -connect "127.0.0.1:$port" "$@" >"$folder/visit" 2>&1
	grep -aE '^(New|Reused|hello)' "$folder/visit"
}

port=7320
for key in '' "$folder/key"; do
	for _ in a b; do
		port=$((port + 1))
		# shellcheck disable=SC2086
		"$SESSIOND_BUILD/client/echo" "127.0.0.1:$port" "$cert" 127.0.0.1:7310 $key &
		daemons="$daemons $!"
		for _ in $(seq 100); do
			(: </dev/tcp/127.0.0.1/$port) 2>/dev/null && break
			sleep 0.05
		done
	done
	for version in -tls1_2 -tls1_3; do
		cases=$((cases + 1))
		first=$(visit $((port - 1)) $version -sess_out "$folder/session")
		[[ $first == New*hello ]] || fail "$version ${key##*/}: the first visit is $first"
		# A reply that a busy machine delays costs a full handshake.
		for _ in $(seq 5); do
			second=$(visit $port $version -sess_in "$folder/session")
			[[ $second != Reused*hello ]] || break
		done
		[[ $second == Reused*hello ]] || fail "$version ${key##*/}: the second visit is $second"
	done
done
finish

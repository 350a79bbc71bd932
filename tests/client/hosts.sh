#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# hosts.sh MODE: two nginx with several hosts on one port, one of which demands a client's certificate:
# sessions are resumed for their own host only, also if nginx's shared cache has them, and carry the
# certificate. Values have up to 1400 bytes; a session that is longer is not stored, which is told once.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/place.sh"
. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/nginxes.sh"

place "$1"
nginx_probe

# client_certificate NAME SAN-BYTES: signed by the authority, with a name that is so long.
client_certificate() {
	local san=

	while [ ${#san} -lt "$2" ]; do
		san=$san,DNS:$(head -c 60 /dev/zero | tr '\0' x).example
	done
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$folder/$1.key" -out "$folder/$1.csr" 2>/dev/null
	openssl x509 -req -in "$folder/$1.csr" -days 1 -CA "$folder/authority.pem" -CAkey "$folder/authority.pem.key" \
		-CAcreateserial -out "$folder/$1.crt" -extfile <(echo "subjectAltName=DNS:$1$san") 2>/dev/null ||
		fail "no certificate can be made"
	cat "$folder/$1.crt" "$folder/$1.key" >"$folder/$1.pem"
	echo "$1: a certificate of $(openssl x509 -in "$folder/$1.crt" -outform DER | wc -c) bytes"
}
make_certificate "$folder/authority.pem" authority
make_certificate "$folder/b.pem" b.example
client_certificate short 0
client_certificate middle 600
client_certificate long 700
client_certificate toolong 1300

# hosts PORT: the servers. That of c has no name that clients know of: it is the default.
hosts() {
	cat <<-END
		server { listen 127.0.0.1:$1 ssl default_server; server_name c.example; return 200 "c \$ssl_client_s_dn"; }
		server { listen 127.0.0.1:$1 ssl; server_name a.example; return 200 "a \$ssl_client_s_dn"; }
		server {
			listen 127.0.0.1:$1 ssl; server_name b.example;
			ssl_certificate $folder/b.pem; ssl_certificate_key $folder/b.pem.key;
			return 200 "b \$ssl_client_s_dn";
		}
		server {
			listen 127.0.0.1:$(($1 + 1)) ssl;
			ssl_verify_client on; ssl_client_certificate $folder/authority.pem;
			return 200 "d \$ssl_client_s_dn";
		}
		server {
			listen 127.0.0.1:$(($1 + 2)) ssl default_server; server_name open.example;
			return 200 "open \$ssl_client_s_dn";
		}
		server {
			listen 127.0.0.1:$(($1 + 2)) ssl; server_name closed.example;
			ssl_verify_client on; ssl_client_certificate $folder/authority.pem;
			return 200 "closed \$ssl_client_s_dn";
		}
	END
}

# both LINES
both() {
	nginx_stop
	nginx_configure a "sessiond_max_session 1400; $1" "$(hosts 7341)"
	nginx_configure b "sessiond_max_session 1400; $1" "$(hosts 7351)"
	nginx_start a
	nginx_start b
}

# shellcheck disable=SC2086 # words
start up $cache_options --max-session 1400 -n 100000 7330 || finish
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"
for lines in "" "sessiond_key $folder/key; sessiond_scope www;" \
	"sessiond_key $folder/key; sessiond_scope www; ssl_session_cache shared:s:1m;"; do
	both "$lines"
	for version in 1.2 1.3; do
		for host in a b c; do
			resumes "$host, $lines" 10 10 -n $host.example -b "$host " $version 10 7341 7351 40
		done
		resumes "an unknown host, $lines" 10 10 -n e.example -b "c " $version 10 7341 7351 40
		resumes "no host, $lines" 10 10 -b "c " $version 10 7341 7351 40
		# At home nginx's own cache has them.
		for port in 7341 7351; do
			for pair in 'a b' 'b a' 'a c' 'c a'; do
				resumes "${pair/ / for }, $lines" 0 4 -n "${pair% *}.example" -m "${pair#* }.example" \
					$version 4 7341 $port
			done
			resumes "a for none, $lines" 0 4 -n a.example -m '' $version 4 7341 $port
			resumes "none for a, $lines" 0 4 -m a.example $version 4 7341 $port
		done
	done
done
answered up $((3 * 2 * 5 * 10))

# Sessions of several hundred bytes. In xdp mode the sockets answer them, as a veth leaves no room behind
# small frames.
both "sessiond_key $folder/key; sessiond_scope www;"
for version in 1.2 1.3; do
	# The host that demands a certificate, and the one of the same port that does not.
	resumes "closed" 10 10 -c "$folder/short.pem" -n closed.example -b 'closed CN=short' \
		$version 10 7343 7353 40
	cases=$((cases + 1))
	said=$("$resume_many" -n open.example -m closed.example $version 1 7343 7353 2>&1) &&
		fail "closed was open to a session of open: $said"
	[[ $said == *'answered: HTTP/1.1 4'* || $said == *'handshake with port 7353 failed'* ]] ||
		fail "closed says to a session of open: $said"
	for name in short middle long; do
		resumes "$name certificate" 10 10 -c "$folder/$name.pem" -b "d CN=$name" $version 10 7342 7352 40
	done
done
# It is told, and costs a full handshake.
for name in a b; do
	! grep 'longer than value_max' "$folder/$name/error.log" || fail "$name complains"
done
for version in 1.2 1.3; do
	resumes "too long a certificate" 0 4 -c "$folder/toolong.pem" -b "d CN=toolong" $version 4 7342 7352
done
told=$(grep -c 'longer than value_max' "$folder/a/error.log")
[ "$told" -ge 1 ] && [ "$told" -le 2 ] || fail "two workers of A told $told times of sessions that are too long"
finish

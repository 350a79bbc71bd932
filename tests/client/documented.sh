#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# docs/clients.md, word for word: its commands and configurations, with its addresses, paths and defaults,
# in namespaces of this test's own. A session that is made at nginx, httpd, HAProxy or hitch is resumed after
# the server was stopped and started, which has nothing of it but in the caches. Every block of the document
# is used. With DOCUMENTED_INSTALLED the programs are those of installed packages, not of a build folder.

. "$(dirname "$0")/../cli/lib.sh"

if [ -z "${DOCUMENTED_MOUNTS:-}" ]; then
	DOCUMENTED_MOUNTS=1 exec unshare -m "$0" "$@"
fi
doc=$(readlink -f "$(dirname "$0")/../../docs/clients.md")
build=$(readlink -f "$SESSIOND_BUILD")
PATH=$build:$PATH:/usr/sbin
for program in nginx apache2 haproxy hitch openssl; do
	command -v "$program" >/dev/null || skip "$program is not installed"
done

# The files that the packages install, over the host's folders.
overlay() {
	local file dir name

	for file in client/nginx/ngx_http_sessiond_module.so client/httpd/mod_socache_sessiond.so; do
		[ -e "$build/$file" ] || skip "$file is not built"
	done
	mkdir "$folder/over"
	mount -t tmpfs none "$folder/over" || skip "nothing can be mounted here"
	trap 'umount -l "$folder/over"; cleanup' EXIT
	for dir in /etc /usr/lib /var/lib; do
		name=${dir//\//_}
		mkdir "$folder/over/$name" "$folder/over/$name.work"
		mount -t overlay -o "lowerdir=$dir,upperdir=$folder/over/$name,workdir=$folder/over/$name.work" none $dir ||
			skip "$dir cannot be overlaid here"
	done
	mount -t tmpfs none /run || skip "/run cannot be overlaid here"
	mkdir -p /etc/sessiond "/usr/lib/$triplet/sessiond"
	cp "$build/client/libsessiond.so.0" "/usr/lib/$triplet/"
	cp "$build/client/nginx/"ngx_*_sessiond_module.so /usr/lib/nginx/modules/
	cp "$build/client/httpd/mod_socache_sessiond.so" /usr/lib/apache2/modules/
	cp "$build/client/preload/libsessiond-preload.so" "/usr/lib/$triplet/sessiond/"
}
triplet=$(basename "$(dirname "$(ls -d /usr/lib/*/libssl.so.3)")")
[ -n "${DOCUMENTED_INSTALLED:-}" ] || overlay
mkdir -p /var/lib/prometheus/node-exporter
mkdir -p "$folder/prefix"
ln -s /usr/lib/nginx/modules "$folder/prefix/modules"

# block FIRST-LINE: prints the indented block that begins so, and notes that it was used.
block() {
	echo "$1" >>"$folder/used"
	awk -v first="    $1" '/^    / && !inside { inside = 1; on = $0 == first }
		!/^    / && !/^$/ { inside = on = 0 }
		on { sub(/^    /, ""); print }' "$doc" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$folder/block"
	[ -s "$folder/block" ] || fail "clients.md has no block that begins with: $1"
	cat "$folder/block"
}

# commands FIRST-LINE: runs it
commands() {
	block "$1" >"$folder/commands"
	cases=$((cases + 1))
	bash -eu "$folder/commands" >"$folder/out" 2>&1 || fail "$1: $(cat "$folder/out")"
}

cert=$folder/cert.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=www.example.com -days 1 \
	-keyout "$cert.key" -out "$cert.crt" 2>/dev/null || fail "no certificate can be made"
cat "$cert.key" "$cert.crt" >"$cert"

# The caches, with the document's addresses and the default port.
for address in 10.0.0.11 10.0.0.12; do
	ip addr add $address/32 dev lo
done
start one -m socket -l 10.0.0.11 || finish
start two -m socket -l 10.0.0.12 || finish
commands 'sessionctl key new /etc/sessiond/key'

# serve COMMAND...: as A and B, one after the other
serve() {
	"$@" >"$folder/server.out" 2>&1 &
	server=$!
	daemons="$daemons $server"
	for _ in $(seq 400); do
		(: </dev/tcp/127.0.0.1/443) 2>/dev/null && return
		kill -0 $server 2>/dev/null || break
		sleep 0.05
	done
	fail "$1 does not listen: $(cat "$folder/server.out")"
	finish
}
unserve() {
	kill "$server"
	wait "$server" 2>/dev/null
	for _ in $(seq 200); do
		(: </dev/tcp/127.0.0.1/443) 2>/dev/null || return
		sleep 0.05
	done
}

# visit OPTION...: what openssl says of the session
visit() {
	printf 'GET / HTTP/1.0\r\nHost: www.example.com\r\n\r\n' |
		timeout 20 openssl s_client -connect 127.0.0.1:443 -servername www.example.com -ign_eof "$@" 2>&1 |
		sed -nE 's/^(New|Reused), TLSv.*/\1/p'
}

# resumes WHAT COMMAND...: a session of each version outlives the server
resumes() {
	local what=$1 version first second

	shift
	serve "$@"
	for version in -tls1_2 -tls1_3; do
		first=$(visit $version -sess_out "$folder/session$version")
		[ "$first" = New ] || fail "$what, $version: the first visit is '$first': $(cat "$folder/server.out")"
	done
	unserve
	serve "$@"
	for version in -tls1_2 -tls1_3; do
		cases=$((cases + 1))
		# Within the deadline of 5 ms, on a busy machine.
		for _ in $(seq 40); do
			second=$(visit $version -sess_in "$folder/session$version")
			[ "$second" != Reused ] || break
			sleep 0.1
		done
		echo "$what, $version: $first, then $second"
		[ "$second" = Reused ] || fail "$what, $version: the session is not resumed: $(tail -n 3 "$folder/server.out")"
	done
}

# fill TEXT: what the reader is to write at the dots
fill() {
	sed "s|^ *\.\.\.\$|$1|"
}

{
	block 'load_module modules/ngx_http_sessiond_module.so;' |
		fill "server { listen 443 ssl; ssl_certificate $cert; ssl_certificate_key $cert; return 200 ok; }"
	echo 'events { }'
} >"$folder/nginx.conf"
resumes nginx nginx -p "$folder/prefix" -c "$folder/nginx.conf" -e stderr -g 'daemon off; pid nginx.pid; user root;'

# Three steps of a rotation, with a reload after each: nothing is lost.
for _ in 1 2 3; do
	commands 'sessionctl key rotate /etc/sessiond/key'
	kill -HUP "$server"
	sleep 1
done
commands 'sessionctl clients'
cat "$folder/out" >"$folder/said"
grep -q '^{.*"program": "nginx"' "$folder/said" || fail "no JSON of nginx"
grep -q '^sessiond_client_hits_total{.*program="nginx"' "$folder/said" || fail "no metrics of nginx"
commands 'sessionctl --metrics clients >/var/lib/prometheus/node-exporter/sessiond.new &&'
grep -q '^sessiond_client_hits_total{' /var/lib/prometheus/node-exporter/sessiond.prom || fail "no textfile"
unserve

{
	echo 'ServerRoot /usr/lib/apache2'
	for name in mpm_event ssl authz_core alias; do
		echo "LoadModule ${name}_module modules/mod_$name.so"
	done
	cat <<-END
		DefaultRuntimeDir $folder
		PidFile $folder/httpd.pid
		ErrorLog /dev/stderr
		User nobody
		Group nogroup
		Listen 443
		Redirect 404 /
	END
	block 'LoadModule socache_sessiond_module modules/mod_socache_sessiond.so' |
		fill "SSLCertificateFile $cert\nSSLCertificateKeyFile $cert"
} >"$folder/httpd.conf"
resumes httpd apache2 -D FOREGROUND -f "$folder/httpd.conf"
unserve

block 'caches = 10.0.0.11, 10.0.0.12' >/etc/sessiond/client.conf
block '[Service]' | sed -n "s|/usr/lib/x86_64-linux-gnu/|/usr/lib/$triplet/|; s/^Environment=//p" >"$folder/environment"
haproxy_conf() {
	cat <<-END
		global
		    $1
		defaults
		    mode http
		    timeout client 20s
		    timeout server 20s
		    timeout connect 20s
		frontend www
		    bind :443 ssl crt $cert no-tls-tickets
		    http-request return status 200 content-type text/plain string ok
		frontend plain
		    bind 127.0.0.1:8080
		    http-request return status 200 content-type text/plain string ok
	END
}
haproxy_conf '' >"$folder/haproxy.cfg"
resumes haproxy env "$(cat "$folder/environment")" haproxy -db -f "$folder/haproxy.cfg"
unserve
haproxy_conf "$(block ssl-mode-async)" >"$folder/haproxy.cfg"
echo 'async = yes' >>/etc/sessiond/client.conf
resumes 'haproxy, async' env "$(cat "$folder/environment")" haproxy -db -f "$folder/haproxy.cfg"
unserve
sed -i '/^async/d' /etc/sessiond/client.conf

# A backend for hitch.
haproxy_conf '' | sed '/^frontend www/,/^frontend plain/{/^frontend plain/!d}' >"$folder/backend.cfg"
haproxy -db -f "$folder/backend.cfg" >"$folder/backend.out" 2>&1 &
daemons="$daemons $!"
resumes hitch env "$(cat "$folder/environment")" hitch --user=nobody --group=nogroup \
	--backend='[127.0.0.1]:8080' --frontend='[*]:443' "$cert"
unserve

# Every block was used.
awk '/^    / && !inside { inside = 1; print substr($0, 5) } !/^    / && !/^$/ { inside = 0 }' "$doc" | sort >"$folder/all"
sort -u "$folder/used" | comm -23 "$folder/all" - >"$folder/unused"
cases=$((cases + 1))
[ ! -s "$folder/unused" ] || fail "not tried: $(cat "$folder/unused")"
"$sessionctl" -C "$folder/one.sock" list >"$folder/sessions"
echo "lengths of values: $(awk '{ print $3 }' "$folder/sessions" | sort -n | uniq -c | awk '{ printf "%s%s x %s bytes", sep, $1, $2; sep = ", " }')"
finish

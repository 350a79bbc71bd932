#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# HAProxy with ssl-mode-async, and async = yes in client.conf: 1000 sessions made at A, resumed at B, TLS 1.2
# and 1.3. One thread of B serves others while look-ups take 300 ms each; without async it does not. Clients
# that leave during a look-up do no harm.

. "$(dirname "$0")/../cli/lib.sh"
. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/preloads.sh"

servers_need haproxy
export SESSIOND_CLIENT_CONF=$folder/client.conf SESSIOND_DEADLINE_US=1000000 SESSIOND_CLIENTS=$folder/clients
count=1000
delay=0.3
together=10

preload_certificate "$folder/cert.pem" test
"$sessionctl" key new "$folder/key" >/dev/null || fail "no key can be made"

# run NAME PORT MODE: with one thread
run() {
	cat >"$folder/$1.cfg" <<-END
		global
		    nbthread 1
		    $3
		    log stdout format raw local0 warning
		defaults
		    mode http
		    timeout client 20s
		    timeout server 20s
		    timeout connect 20s
		frontend $1
		    bind 127.0.0.1:$2 ssl crt $folder/cert.pem no-tls-tickets
		    http-request return status 200 content-type text/plain string ok
	END
	LD_PRELOAD=$preload haproxy -db -f "$folder/$1.cfg" >"$folder/$1.out" 2>&1 &
	daemons="$daemons $!"
	preloaded="$preloaded $!"
	listens "$2"
}

# both CACHE [ASYNC]: A on 7381 and B on 7382, a new start.
both() {
	preload_stop 7381 7382
	printf 'caches = %s\nkey = %s\nscope = www\nasync = %s\n' "$1" "$folder/key" "${2:+yes}${2:-no}" |
		sed 's/yesyes/yes/' >"$folder/client.conf"
	run a 7381 "${2:+ssl-mode-async}"
	run b 7382 "${2:+ssl-mode-async}"
}

start up -m socket -n 100000 7380 || finish
both 127.0.0.1:7380 yes
for version in 1.2 1.3; do
	cases=$((cases + 1))
	said=$(timeout 60 "$resume_many" $version $count 7381 7382 100 2>&1)
	echo "async, TLS $version: $said"
	[ "$said" = "$count of $count resumed" ] || fail "TLS $version: $said"
done

# A way to the cache that delays replies.
cat >"$folder/slow.py" <<-END
	import socket, threading
	down = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	down.bind(("127.0.0.1", 7385))
	def carry(data, client):
	    up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    up.connect(("127.0.0.1", 7380))
	    up.send(data)
	    if data[1] in (0, 2):
	        return
	    up.settimeout(5)
	    reply = up.recv(2000)
	    threading.Timer($delay, down.sendto, (reply, client)).start()
	while True:
	    data, client = down.recvfrom(2000)
	    threading.Thread(target=carry, args=(data, client), daemon=True).start()
END
python3 "$folder/slow.py" &
daemons="$daemons $!"
for _ in $(seq 100); do
	ss -Hlun 'sport = :7385' | grep -q . && break
	sleep 0.05
done

# crowd: clients of B at the same time, each with a session of A; how long, in ms, until all are resumed
crowd() {
	local began i pids=

	began=$(date +%s%3N)
	for i in $(seq $together); do
		"$resume_many" 1.3 1 7381 7382 20 >"$folder/crowd.$i" 2>&1 &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086
	wait $pids
	took=$(($(date +%s%3N) - began))
	[ "$(cat "$folder"/crowd.* | grep -c '^1 of 1 resumed')" -eq $together ] ||
		fail "not all are resumed: $(sort "$folder"/crowd.* | uniq -c)"
}
serial=3000 # together * delay, ms
cases=$((cases + 2))
both 127.0.0.1:7385 yes
crowd
with=$took
echo "$together look-ups of $delay s at the same time, one thread, async: $with ms"
[ "$with" -lt $serial ] || fail "they wait for each other"

# Clients that leave while their look-up is on its way. OpenSSL leaks the jobs of the first 256.
cases=$((cases + 1))
pid=${preloaded##* }
rss() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status"; }
before=$(rss)
python3 - "$folder/session" <<-END
	import socket, ssl, time
	def context():
	    c = ssl.create_default_context()
	    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
	    c.maximum_version = ssl.TLSVersion.TLSv1_2
	    return c
	c = context()
	with c.wrap_socket(socket.create_connection(("127.0.0.1", 7381))) as s:
	    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
	    while s.recv(4096):
	        pass
	    session = s.session
	def hello():
	    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
	    t = c.wrap_bio(into, out, session=session)
	    try:
	        t.do_handshake()
	    except ssl.SSLWantReadError:
	        pass
	    return out.read()
	for i in range(600):
	    s = socket.create_connection(("127.0.0.1", 7382))
	    s.sendall(hello())
	    time.sleep(0.002)
	    s.close()
END
sleep 1
kill -0 "$pid" 2>/dev/null || fail "haproxy died of clients that left: $(tail -n 3 "$folder/b.out")"
said=$(timeout 60 "$resume_many" 1.3 1 7381 7382 100 2>&1)
[ "$said" = '1 of 1 resumed' ] || fail "after clients that left: $said"
echo "600 clients left during their look-ups: $(ls "/proc/$pid/fd" | wc -l) descriptors, $before kB before and $(rss) kB after"
[ $(($(rss) - before)) -lt 20000 ] || fail "memory leaks without a bound"
[ "$(ls "/proc/$pid/fd" | wc -l)" -lt 120 ] || fail "descriptors leak: $(ls -l "/proc/$pid/fd" | sed 's/.* -> //; s/[0-9]//g' | sort | uniq -c)"

both 127.0.0.1:7385 ''
crowd
echo "blocking: $took ms"
[ "$took" -ge $serial ] || fail "it does not block, so the test says nothing"
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# An engine 50 ms away (100 ms for an answer), as another site's: sessions cross that much later and none
# is lost, at 5,000 NEWs a second, and a cache that joins reads all of them. With a near engine beside it
# nothing waits for the far one.

. "$(dirname "$0")/lib.sh"

engine one || finish
relay far one 50 0 || finish
cache a 7001 --farm "unix://$folder/far.redis" || finish
cache b 7002 --farm "unix://$folder/far.redis" || finish
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002
has a farm_engine_rtt_us ge 90000 || fail "the engine is only $(stat a farm_engine_rtt_us) us away"
echo "the round trip to the engine: $(stat a farm_engine_rtt_us) us"
"$udpclient" store 127.0.0.1 7001 --count 30000 --rate 5000 --seed 1 >"$folder/news" 2>&1 &
news=$!
client fetch 7002 --seconds 5 --rate 500 --count 500 --seed 77 --expect miss
wait "$news"
grep '' "$folder/news"
same() {
	[ "$(stat b sessions)" = "$(stat a sessions)" ]
}
await 20 "b has what a has" same
echo "b has $(stat b sessions) sessions; lag $(stat b farm_lag_ms) ms"
has b farm_gaps eq 0 || fail "b has seen $(stat b farm_gaps) gaps"
has a farm_drop_engine_slow eq 0 || fail "a has not published $(stat a farm_drop_engine_slow)"
has a farm_drop_queue_full eq 0 || fail "the queue of a overflowed $(stat a farm_drop_queue_full) times"

cache c 7003 --farm "unix://$folder/far.redis" || finish
await 35 "c is ready" is_ready 7003
await 5 "c has read all" has c farm_warm_up_percent eq 100
echo "c read $(stat c farm_warm_up_sessions) sessions in $(stat c farm_warm_up_ms) ms"
[ "$(stat c sessions)" = "$(stat a sessions)" ] || fail "c has $(stat c sessions) sessions"

# A near engine as well.
engine near || finish
cache d 7004 --farm "unix://$folder/far.redis" --farm "unix://$folder/near.redis" || finish
cache e 7005 --farm "unix://$folder/far.redis" --farm "unix://$folder/near.redis" || finish
await 35 "d is ready" is_ready 7004
await 35 "e is ready" is_ready 7005
await 20 "e reaches both engines" has e farm_engines_up eq 2
await 20 "d reaches both engines" has d farm_engines_up eq 2
await 20 "d and e have all" has e sessions ge 29000
put_and_wait() {
	python3 - "$1" "$2" <<-'END'
		import os, socket, struct, sys, time
		ports = [("127.0.0.1", int(p)) for p in sys.argv[1:3]]
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(2)
		times = []
		for _ in range(20):
		    key = os.urandom(32)
		    begun = time.monotonic()
		    s.sendto(struct.pack(">BBH32s", 1, 0, 300, key) + b"v" * 100, ports[0])
		    while True:
		        s.sendto(struct.pack(">BBH32s", 1, 1, 0, key), ports[1])
		        reply = s.recv(600)
		        if reply[1] == 0x81 and reply[4:36] == key:
		            break
		        assert time.monotonic() - begun < 10, "not within 10 s"
		        time.sleep(0.001)
		    times.append((time.monotonic() - begun) * 1000)
		times.sort()
		print("%d" % times[10])
	END
}
far=$(put_and_wait 7001 7002) && near=$(put_and_wait 7004 7005) || fail "a session did not cross"
echo "from a NEW to the GET at the other cache, median: $far ms by the far engine, $near ms by the nearer of two"
[ "${far:-0}" -ge 95 ] || fail "sessions cross in $far ms: the engine is not far"
[ "${near:-999}" -lt 90 ] || fail "sessions wait for the far engine: $near ms"
finish

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# reload_options.sh MODE: rate-limit, metrics, busy-poll and xdp-histogram change while the daemon runs, without
# privileges: no session and no answer is lost meanwhile. A change that fails changes nothing.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_lab
id -u nobody >/dev/null 2>&1 || skip "there is no user nobody"
place_for "$mode"
config_for_all

says()
{
	grep -q "$1" "$LOGS/reload" || fail "the reload says: $(cat "$LOGS/reload")"
}

page()
{
	farm_in cache python3 -c 'import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:" + sys.argv[1] + "/metrics", timeout=5).read().decode())' "$1"
}

no_page()
{
	! page "$1" >"$LOGS/page" 2>&1
}

# The daemon has used a tenth of a second of CPU time since `before`.
busy()
{
	[ $(($(cpu_ticks) - before)) -ge 10 ]
}

cpu_ticks()
{
	awk '{ print $14 + $15 }' "/proc/$FARM_DAEMON/stat"
}

FARM_USER=nobody daemon_for "$mode" --config "$config"
udp store --count 2000 --confirm
farm_spawn t1 "$LOGS/watch.log" "$TOOLS/udpclient" fetch "$FARM_CACHE" "$FARM_PORT" --count 2000 --rate 2000 \
	--forever
watch=$FARM_PID

step "nothing is set"
no_page 9532 || fail "there is a page of metrics"
FROM=t2 udp store --count 100 --seed 5 --confirm
expect_stat drop_limit_new eq 0

step "all are set"
before=$(farm_stat get_hits)
reload_with 0 'rate-limit = 100k/20' 'busy-poll = yes' 'metrics = 9532' 'xdp-histogram = yes'
for name in rate-limit busy-poll metrics xdp-histogram; do
	says "^$name: from "
done
! grep -q restart "$LOGS/reload" || fail "the reload says: $(cat "$LOGS/reload")"
FROM=t2 udp store --count 1000 --seed 6
expect_stat drop_limit_new ge 900
expect_stat get_hits gt "$before"
page 9532 >"$LOGS/page" || fail "there is no page of metrics: $(cat "$LOGS/page")"
if [ "$mode" = xdp ]; then
	grep 'sessiond_xdp_answer_seconds_count' "$LOGS/page" | grep -qv ' 0$' ||
		fail "the program's answers are not measured"
else
	grep 'sessiond_answer_seconds_count' "$LOGS/page" | grep -qv ' 0$' || fail "answers are not measured"
fi
before=$(cpu_ticks)
farm_wait 30 busy || fail "it does not poll"

step "another page, and one that cannot be opened"
reload_with 0 'metrics = 127.0.0.1:9533'
says '^metrics: from 9532 to 127.0.0.1:9533'
page 9533 >"$LOGS/page" || fail "there is no page at the new port"
no_page 9532 || fail "the old page is still there"
farm_spawn cache "$LOGS/other.log" python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 9534))
print("here", flush=True)
time.sleep(60)'
farm_wait 10 grep -q here "$LOGS/other.log"
expect_stat reload_ok eq 1
read_at=$(farm_stat reload_timestamp_seconds)
reload_with 1 'metrics = 9534' 'rate-limit = 1/1' 'remove = ignore'
expect_stat reload_ok eq 0
expect_stat reload_timestamp_seconds eq "$read_at"
says 'cannot serve metrics on 9534: '
page 9533 >"$LOGS/page" || fail "the old page is gone"
grep -qx 'sessiond_reload_ok 0' "$LOGS/page" || fail "the page knows of no failed reload"
farm_ctl config >"$LOGS/config"
grep -q '^metrics = 127.0.0.1:9533 ' "$LOGS/config" || fail "config: $(cat "$LOGS/config")"
grep -q '^remove = honour ' "$LOGS/config" || fail "config: $(cat "$LOGS/config")"
FROM=t2 udp fetch --count 100

step "the process's own figures, without privileges"
descriptors=$(find "/proc/$FARM_DAEMON/fd" -type l | wc -l)
python3 - "$LOGS/page" "$descriptors" <<-'END' || fail "process_: $(grep process_ "$LOGS/page")"
	import re, sys, time
	of = dict(re.findall(r"^process_(\w+) ([0-9.]+)$", open(sys.argv[1]).read(), re.M))
	assert len(of) == 6, of
	assert abs(float(of["open_fds"]) - int(sys.argv[2])) <= 3, sys.argv[2]
	assert 0 < time.time() - float(of["start_time_seconds"]) < 300
	assert 1e6 < float(of["resident_memory_bytes"]) < float(of["virtual_memory_bytes"])
	assert float(of["cpu_seconds_total"]) > 0 and float(of["max_fds"]) >= 256
END

step "the same page, named otherwise; nothing is set again"
reload_with 0 'metrics = 9533'
page 9533 >"$LOGS/page" || fail "the page is gone"
reload_with 0 '# nothing'
no_page 9533 || fail "the page is still there"
before=$(farm_stat drop_limit_new)
FROM=t2 udp store --count 1000 --seed 7 --confirm
expect_stat drop_limit_new eq "$before"
reload_with 0 '# nothing'
says '^nothing has changed'
expect_stat reload_ok eq 1

farm_end "$watch" || fail "GETs were lost or wrong: $(cat "$LOGS/watch.log")"
note "the client: $(cat "$LOGS/watch.log")"

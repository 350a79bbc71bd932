#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Metrics over HTTP: promtool has no complaints, Debian's Prometheus scrapes them and answers the
# dashboard's queries, the alert rules pass their tests, and clients' resources are bounded.

. "$(dirname "$0")/lib.sh"

dist=$(dirname "$0")/../../dist
$sessiond --help | grep -q -- --metrics || skip "sessiond knows no --metrics"
"$sessiond" --check --metrics 9532 >/dev/null 2>&1 || skip "sessiond is built without libmicrohttpd"

expect 2 '--metrics nonsense: expected PORT' "$sessiond" --check --metrics nonsense
expect 2 '--metrics 10.0.0.1: expected PORT' "$sessiond" --check --metrics 10.0.0.1

start up -m socket -n 1000 --metrics 9532 7240 || finish
up=$started
python3 - <<-'END'
	import socket, struct
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.connect(("127.0.0.1", 7240))
	s.settimeout(5)
	s.send(struct.pack(">BBH32s", 1, 0, 300, b"k") + b"value")
	for key in b"k", b"k", b"n":
	    s.send(struct.pack(">BBH32s", 1, 1, 0, key))
	    s.recv(2000)
END
http_get 9532 /metrics >"$folder/page"
head -n 1 "$folder/page" | grep -qx '200 text/plain; version=0.0.4; charset=utf-8' ||
	fail "the type: $(head -n 1 "$folder/page")"
sed -i 1d "$folder/page"
documented_metrics "$folder/page" socket
grep -Eqx 'sessiond_gets_total\{path="daemon",outcome="(hits|misses)"\} [1-3]' "$folder/page" ||
	fail "no GETs: $(cat "$folder/page")"
grep -qx 'sessiond_answer_seconds_count 3' "$folder/page" || fail "answers are not measured"
grep -qx 'sessiond_insert_seconds_count 1' "$folder/page" || fail "inserts are not measured"
http_get 9532 /metrics Accept='application/openmetrics-text;version=1.0.0,text/plain;q=0.5' >"$folder/open"
head -n 1 "$folder/open" | grep -q '^200 application/openmetrics-text; version=1.0.0' ||
	fail "OpenMetrics: $(head -n 1 "$folder/open")"
[ "$(tail -n 1 "$folder/open")" = '# EOF' ] || fail "OpenMetrics ends with: $(tail -n 1 "$folder/open")"
# The same times, as quantiles, in stats and top.
"$sessionctl" -C "$folder/up.sock" stats >"$folder/stats"
documented "$folder/stats" socket
for name in answer_us_p50 answer_us_p99 insert_us_p50 insert_us_p99; do
	grep -Eqx "$name [1-9][0-9]*" "$folder/stats" || fail "stats lack $name"
done
"$sessionctl" -C "$folder/up.sock" top --once | grep -q '^latency .*answers [1-9].*inserts [1-9]' ||
	fail "top shows no latency"
http_get 9532 / | grep -q '^404 ' || fail "another path is not 404"
http_get 9532 'POST /metrics' | grep -q '^405 ' || fail "POST is not 405"
http_get 9532 'HEAD /metrics' | grep -q '^200 ' || fail "HEAD is not 200"

# More silent connections than it accepts block metrics only for a time, and never the daemon's other
# work.
python3 - "$sessionctl" "$folder/up.sock" <<-'END' || fail "idle connections"
	import http.client, socket, subprocess, sys, time
	idle = [socket.create_connection(("127.0.0.1", 9532)) for _ in range(24)]
	subprocess.run([sys.argv[1], "-C", sys.argv[2], "stats"], check=True, timeout=5,
	               stdout=subprocess.DEVNULL)
	end = time.time() + 30
	while True:
	    try:
	        c = http.client.HTTPConnection("127.0.0.1", 9532, timeout=2)
	        c.request("GET", "/metrics")
	        assert c.getresponse().status == 200
	        break
	    except OSError:
	        assert time.time() < end, "no place comes free"
	        time.sleep(0.5)
END
expect 1 'cannot serve metrics on 9532: Address already in use' \
	"$sessiond" -m socket -C "$folder/two.sock" --metrics 9532 7241

# A Unix socket: only for the daemon's user and group, replaced after a killed daemon, and removed at
# the end.
start unix -m socket -n 1000 --metrics "$folder/metrics.sock" 7242 || finish
http_get "$folder/metrics.sock" /metrics | grep -q '^sessiond_build_info{version=' || fail "the Unix socket"
[ "$(stat -c %a "$folder/metrics.sock")" = 660 ] || fail "mode $(stat -c %a "$folder/metrics.sock")"
kill -KILL "$started"
wait "$started" 2>/dev/null
daemons=$up
start unix -m socket -n 1000 --metrics "$folder/metrics.sock" 7242 || finish
http_get "$folder/metrics.sock" /metrics | grep -q '^200' || fail "the Unix socket after a kill -9"
stop unix "$started"
[ -e "$folder/metrics.sock" ] && fail "the Unix socket is left behind"

# All metrics and label values in the dashboard and the rules exist in the table of figures. They show
# all losses, but not frames for other hosts, which dpdk mode also sees.
"$SESSIOND_BUILD/docs/man/manual" --section figures >"$folder/figures"
python3 - "$folder/page" "$folder/figures" "$dist" <<-'END' || fail "the dashboard or the rules"
	import json, re, sys
	dropped = "sessiond_dropped_total"
	rows = [line.split() for line in open(sys.argv[2])]
	known = set(re.findall(r"^(sessiond_\w+)", open(sys.argv[1]).read(), re.M)) | {
	    "sessiond_xdp_run_seconds_sum", "sessiond_xdp_run_seconds_count",
	    "sessiond_xdp_answer_seconds_bucket"}
	values = {"path": {"xdp", "daemon", "af_xdp", "dpdk"}, "le": set()}
	for name, kind, metric, label, value in rows:
	    known.add(metric)
	    values.setdefault((metric, label), set()).add(value)
	lost = {r[4] for r in rows if r[2] == dropped and r[1] == "loss"}
	others = {r[4] for r in rows if r[2] == dropped and r[1] != "loss"}
	assert lost and others and not lost & others, lost & others
	board = json.load(open(sys.argv[3] + "/grafana/sessiond.json"))
	shown = [t["expr"] for p in board["panels"] for t in p["targets"]]
	assert len(shown) > 15 and len({p["id"] for p in board["panels"]}) == len(board["panels"])
	rules = re.sub(r"#.*", "", open(sys.argv[3] + "/prometheus/sessiond.rules.yml").read())
	for where, text in ("the dashboard", "\n".join(shown)), ("the rules", rules):
	    seen = set()
	    for name, labels in re.findall(r"(?<!:)\b(sessiond_\w+)(?!:)\b(?:\{([^}]*)\})?", text):
	        assert name in known or name in ("sessiond_gets", "sessiond_misses"), (where, name)
	        chosen = lost | others
	        for label, how, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', labels):
	            if label in ("job", "instance"):
	                continue
	            of = values.get((name, label)) or values[label]
	            for part in value.split("|") if "~" in how else [value]:
	                assert any(re.fullmatch(part, v) for v in of), (where, name, label, part)
	            if label == "reason":
	                match = lambda v: re.fullmatch(value, v) if "~" in how else v == value
	                chosen = {v for v in chosen if bool(match(v)) == (how[0] == "=")}
	        if name == dropped:
	            assert not chosen & others, (where, "is no loss", chosen & others)
	            seen |= chosen
	    assert seen == lost, (where, "lacks", lost - seen)
	    for name, kind, metric, label, value in rows:
	        assert kind != "loss" or metric in text, (where, "lacks", metric)
END

if ! command -v promtool >/dev/null || ! command -v prometheus >/dev/null; then
	[ "$failures" -eq 0 ] && skip "the rest: prometheus is not installed"
	finish
fi
timeout 60 promtool check metrics <"$folder/page" >"$folder/out" 2>&1 || fail "promtool check metrics"
[ -s "$folder/out" ] && fail "promtool check metrics: $(cat "$folder/out")"
(cd "$dist/prometheus" && timeout 60 promtool check rules sessiond.rules.yml &&
	timeout 60 promtool test rules sessiond.rules.test.yml) >"$folder/out" 2>&1 ||
	fail "the rules: $(cat "$folder/out")"

# The real Prometheus scrapes for some seconds, then answers the dashboard's queries.
mkdir "$folder/data"
cp "$dist/prometheus/sessiond.rules.yml" "$folder/"
cat >"$folder/prometheus.yml" <<-END
	global: {scrape_interval: 1s, evaluation_interval: 1s}
	rule_files: [sessiond.rules.yml]
	scrape_configs:
	  - job_name: sessiond
	    static_configs: [{targets: ['127.0.0.1:9532']}]
END
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" \
	--web.listen-address=127.0.0.1:9533 >"$folder/prometheus.log" 2>&1 </dev/null &
prometheus=$!
daemons="$daemons $prometheus"
timeout 100 python3 - "$dist" <<-'END' || fail "Prometheus: $(tail -n 5 "$folder/prometheus.log")"
	import json, re, socket, struct, sys, time, urllib.parse, urllib.request
	def ask(path):
	    with urllib.request.urlopen("http://127.0.0.1:9533/api/v1/" + path, timeout=10) as r:
	        return json.load(r)["data"]
	def query(text):
	    return ask("query?query=" + urllib.parse.quote(text))["result"]
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.connect(("127.0.0.1", 7240))
	end = time.time() + 60
	while time.time() < end:
	    for key in b"k", b"k", b"k", b"n":
	        s.send(struct.pack(">BBH32s", 1, 1, 0, key))
	    time.sleep(0.2)
	    try:
	        ratio = query('sum(rate(sessiond_gets_total{outcome="hits"}[5s]))'
	                      ' / sum(rate(sessiond_gets_total[5s]))')
	    except OSError:
	        continue
	    if ratio and 0.7 < float(ratio[0]["value"][1]) < 0.8:
	        break
	else:
	    raise SystemExit("the hit ratio never was three in four: %r" % ratio)
	target = ask("targets")["activeTargets"][0]
	assert target["health"] == "up" and not target["lastError"], target
	board = json.load(open(sys.argv[1] + "/grafana/sessiond.json"))
	for panel in board["panels"]:
	    for t in panel["targets"]:
	        text = t["expr"].replace("$job", "sessiond").replace("$instance", ".*") \
	            .replace("$__rate_interval", "5s")
	        result = query(text)
	        if not re.search("xdp|dpdk|passed|farm", text):
	            assert result, (panel["title"], text)
	groups = ask("rules")["groups"]
	rules = [r for g in groups for r in g["rules"]]
	bad = [r for r in rules if r["health"] != "ok" and r["health"] != "unknown"]
	assert len(rules) > 8 and not bad, bad
	print("scraped; hit ratio", ratio[0]["value"][1])
END
stop prometheus "$prometheus"
stop up "$up"
grep -aq 'Sanitizer' "$folder/up.log" && fail "a sanitizer found something"
finish

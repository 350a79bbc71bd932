# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Shared by the command-line tests. They run the built programs in a separate network namespace (only
# its loopback is used), with a temporary folder; both are removed at the end.
# shellcheck shell=sh

set -u

: "${SESSIOND_BUILD:?the build folder, as meson sets it}"
sessiond=$SESSIOND_BUILD/sessiond
sessionctl=$SESSIOND_BUILD/sessionctl

skip() {
	echo "SKIPPED: $*"
	exit 77
}

if [ -z "${CLI_TEST_NAMESPACE:-}" ]; then
	unshare -n true 2>/dev/null || skip "no network namespace can be made: run as root"
	CLI_TEST_NAMESPACE=1 exec unshare -n "$0" "$@"
fi
ip link set lo up || skip "loopback of the namespace cannot be set up"

folder=$(mktemp -d /tmp/sessiond-cli.XXXXXX)
chmod 755 "$folder"
daemons=
failures=0
cases=0

cleanup() {
	for pid in $daemons; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# expect CODE PATTERN COMMAND...: the command ends within 10 s with this code and, but for code 0,
# with exactly one line on stderr, which matches the pattern (grep -E). A daemon in xdp mode first
# warns, with PRIVATE, if the BPF file system here is private, as in a container.
expect() {
	code=$1 pattern=$2
	shift 2
	cases=$((cases + 1))
	timeout 10 "$@" >"$folder/out" 2>"$folder/err" </dev/null
	got=$?
	lines=$(grep -avc '^PRIVATE: ' "$folder/err")
	what=${1##*/}
	shift
	echo "$what $* -> $got: $(cat "$folder/err")"
	[ "$got" -eq "$code" ] || fail "$what $*: exit code $got, expected $code"
	if [ "$code" -ne 0 ]; then
		[ "$lines" -eq 1 ] || fail "$what $*: $lines lines on stderr, expected one"
		grep -av '^PRIVATE: ' "$folder/err" | grep -aEq -- "$pattern" || fail "$what $*: not like: $pattern"
	fi
}

# start NAME ARGUMENTS...: runs a daemon in the background and waits until it serves, which is when
# its admin socket, $folder/NAME.sock, answers. Sets $started to its pid.
start() {
	name=$1
	shift
	# Not the user sessiond of this machine, which may not access the test's files.
	case " $* " in
	*" --user "*) ;;
	*) set -- --user root "$@" ;;
	esac
	"$sessiond" -C "$folder/$name.sock" "$@" >"$folder/$name.log" 2>&1 </dev/null &
	started=$!
	daemons="$daemons $started"
	for _ in $(seq 100); do
		"$sessionctl" -C "$folder/$name.sock" version >/dev/null 2>&1 && return 0
		kill -0 "$started" 2>/dev/null || break
		sleep 0.1
	done
	fail "the daemon does not serve: sessiond $*"
	cat "$folder/$name.log"
	return 1
}

# stop NAME PID: ends a daemon as systemd does, and expects a clean exit.
stop() {
	kill "$2"
	wait "$2" || {
		fail "a daemon that was told to stop ends with $?"
		cat "$folder/$1.log"
	}
	rest=
	for pid in $daemons; do
		[ "$pid" = "$2" ] || rest="$rest $pid"
	done
	daemons=$rest
}

# documented FILE MODE: sessionctl(8) has every name in these lines of stats, without the prefix xdp_ or
# slow_, and with N for a number; and every name that it lists for this mode is printed.
documented() {
	sed -n 's/^\.It Sy //p' "$SESSIOND_BUILD/docs/man/sessionctl.8" >"$folder/documented"
	[ "$(wc -l <"$folder/documented")" -gt 60 ] || fail "sessionctl.8 lists hardly a counter"
	for name in $(cut -d ' ' -f 1 "$1"); do
		cases=$((cases + 1))
		grep -qxF -e "$name" -e "${name#xdp_}" -e "${name#slow_}" \
			-e "$(echo "$name" | sed -E 's/^(dpdk_(port|lcore))[0-9]+_/\1N_/')" \
			"$folder/documented" || fail "sessionctl.8 lacks $name"
	done
	for section in counters "counters-$2"; do
		"$SESSIOND_BUILD/docs/man/manual" --section "$section" | sed -n 's/^\.It Sy //p'
	done | sed 's/N_/[0-9]+_/' >"$folder/promised"
	while read -r name; do
		cases=$((cases + 1))
		grep -Eq "^$name [0-9]+\$" "$1" || fail "stats lack $name in $2 mode"
	done <"$folder/promised"
}

# documented_metrics PAGE MODE [OPTION...]: docs/metrics.md has every metric of this page of a daemon, with its type,
# its labels and their values; and the page has every one that the document promises for this mode and
# these options.
documented_metrics() {
	cases=$((cases + 1))
	python3 - "$(dirname "$0")/../../docs/metrics.md" "$@" >"$folder/undocumented" <<-'END' ||
		import re, sys
		tables = {"metric": [], "value": []}
		for line in open(sys.argv[1]):
		    cells = [c.strip().strip("`") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
		    if len(cells) >= 5 and line.startswith("| `"):
		        tables["metric" if len(cells) == 6 else "value"].append(cells)
		page, mode, options = open(sys.argv[2]).read(), sys.argv[3], sys.argv[4:]
		def is_due(modes):
		    modes, _, option = modes.partition("with ")
		    return (modes.strip() in ("", "all") or mode in modes) and \
		        (not option or option.strip("` ") in options)
		types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))
		labels, values = {}, {}
		for name, text in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", page, re.M):
		    family = name if name in types else re.sub("_(bucket|sum|count)$", "", name)
		    pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text)
		    labels.setdefault(family, set()).update(label for label, _ in pairs)
		    for label, value in pairs:
		        values.setdefault((family, label), set()).add(value)
		stored = 'outcome="stored"} 0\n' not in page
		wrong, known = [], {}
		for name, kind, unit, label, modes, meaning in tables["metric"]:
		    known[name] = kind, {l.strip("` ") for l in label.split(",") if l}
		    if is_due(modes) and name not in types and (stored or not re.search("_(context|source)_", name)):
		        wrong.append("there is no " + name)
		    # Prometheus wants the unit in the name, which is the unit that the table gives.
		    for word in "seconds", "bytes":
		        if (word in name.split("_")) != (unit == word):
		            wrong.append("%s has the unit %s" % (name, unit))
		for name, kind in types.items():
		    if name not in known:
		        wrong.append("docs/metrics.md lacks " + name)
		    elif known[name] != (kind, labels[name]):
		        wrong.append("%s: %s, not %s" % (name, (kind, labels[name]), known[name]))
		promised = {}
		for name, label, value, modes, meaning in tables["value"]:
		    of = promised.setdefault((name, label), {})
		    of[value] = of.get(value, False) or is_due(modes)
		for where, of in promised.items():
		    has = values.get(where, set())
		    wrong += ["docs/metrics.md lacks %s=%s of %s" % (where[1], v, where[0]) for v in has - set(of)]
		    wrong += ["there is no %s=%s of %s" % (where[1], v, where[0])
		              for v, due in of.items() if due and v not in has]
		assert len(known) > 60 and len(promised) > 5 and len(types) > 15, "tables or page cannot be read"
		print("\n".join(wrong))
		sys.exit(bool(wrong))
	END
		fail "metrics in $2 mode: $(cat "$folder/undocumented")"
}

# make_peer [SECONDS]: creates a veth, cli0 here with 10.99.0.1 and cli1 with 10.99.0.2 in a namespace
# that lives as long as the process $peer, for so long at most (120 s).
make_peer() {
	unshare -n sleep "${1:-120}" &
	peer=$!
	daemons="$daemons $peer"
	for _ in $(seq 50); do
		[ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break
		sleep 0.1
	done
	ip link add cli0 type veth peer name cli1 netns "$peer" || return 1
	ip addr add 10.99.0.1/24 dev cli0
	ip link set cli0 up
	nsenter -t "$peer" -n ip addr add 10.99.0.2/24 dev cli1
	nsenter -t "$peer" -n ip link set cli1 up
	# Full checksums, as from a wire: generic XDP leaves packets with offloaded checksums to the
	# socket.
	nsenter -t "$peer" -n ethtool -K cli1 tx off >/dev/null
}

# http_get TARGET PATH [HEADER...]: an HTTP GET from a port of 127.0.0.1 or a Unix socket; prints the
# status, the type and the body.
http_get() {
	python3 - "$@" <<-'END'
		import http.client, socket, sys
		class Local(http.client.HTTPConnection):
		    def connect(self):
		        self.sock = socket.socket(socket.AF_UNIX)
		        self.sock.connect(sys.argv[1])
		c = Local("x") if sys.argv[1].startswith("/") else \
		    http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
		method, _, path = sys.argv[2].rpartition(" ")
		c.request(method or "GET", path, headers=dict(h.split("=", 1) for h in sys.argv[3:]))
		r = c.getresponse()
		print(r.status, r.headers.get("Content-Type"), flush=True)
		body = r.read().decode()
		try:
		    print(body, end="", flush=True)
		except BrokenPipeError: # grep -q has ended
		    sys.stderr.close()
	END
}

finish() {
	echo "$cases commands, $failures failures"
	[ "$failures" -eq 0 ]
	exit
}

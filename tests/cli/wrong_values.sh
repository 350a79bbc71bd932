#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Every wrong value of sessiond's command line and configuration file: one line, exit code 2.

. "$(dirname "$0")/lib.sh"

[ -r /proc/self/status ] || skip "/proc is not mounted"

# No case may start a daemon; if one did, the time limit would end it.
wrong() {
	pattern=$1
	shift
	expect 2 "^sessiond: .*$pattern" "$sessiond" -C "$folder/s" "$@"
}

wrong 'PORT 0: expected a UDP port from 1 to 65535' 0
wrong 'PORT 70000: expected' 70000
wrong 'PORT abc: expected' abc
wrong 'PORT 2: given twice' 1 2
wrong '--mode turbo: expected auto, xdp, dpdk or socket' --mode turbo
wrong '--xdp-mode fast: expected' --xdp-mode fast
wrong '--listen example: expected ADDR' --listen example
wrong '--listen 127.0.0.1:0: expected' --listen 127.0.0.1:0
wrong '--allow 10.0.0.0/33: expected' --allow 10.0.0.0/33
wrong '--allow 10.0.0.1/8: expected' --allow 10.0.0.1/8
wrong '--allow localhost: expected' -a localhost
wrong '--capacity 0: expected a number of sessions from 1 to' --capacity 0
wrong '--capacity -5: expected' --capacity -5
wrong '--capacity 99999999999: expected' -n 99999999999
wrong '--max-session 0: expected a number of bytes from 1 to 1400' --max-session 0
wrong '--max-session 1401: expected' --max-session 1401
wrong '--remove perhaps: expected honour or ignore' --remove perhaps
wrong '--take perhaps: expected no, local or farm' --take perhaps
wrong '--take farm needs a farm of caches: add --farm URL' --take farm
wrong '--threads 0: expected a number of threads from 1 to 256' -t 0
wrong '--threads 257: expected' -t 257
wrong '--log-level loud: expected' --log-level loud
wrong '--pin-dir pins: expected an absolute path' --pin-dir pins
wrong '--interface nosuchname0123456: expected' -i nosuchname0123456
wrong '--interface eth0 has no use with --mode socket' -m socket -i eth0
for rate in '' 5 /5 5/ 5/x -1/5 5/99999999 1/2/3; do
	wrong '--rate-limit .*: expected GETS/NEWS' --rate-limit "$rate"
done
for url in '' 10.0.0.21 http://10.0.0.21 redis:// redis://:6379 redis://h:0 redis://h:70000 redis://h/1 \
	'redis://[::1' 'redis://[::g]:1' redis://a,b unix:// unix://run/redis.sock "redis://$(printf '%0300d' 0)"; do
	wrong '--farm .*: (expected redis://HOST|too long)' --farm "$url"
done
wrong '--farm .*: there is a blank' --farm 'redis://a:b c@h'
wrong '--farm redis://a: this server is named twice' --farm redis://a --farm redis://a
wrong '--farm redis://c: too many servers, expected at most 2' --farm redis://a --farm redis://b --farm redis://c
wrong '--farm-name a/b: expected letters, digits' --farm-name a/b
wrong '--farm-node 0*\.*: expected 1 to 32' --farm-node "$(printf '%033d' 0)"
wrong '--farm needs a key: add --farm-key' --farm redis://a
wrong '--farm-key has no use without --farm' --farm-key "$folder/key"
wrong '--farm-ca has no use without --farm' --farm-ca "$folder/key"
wrong '--farm-key .*/key: cannot read it: No such file' --check --farm redis://a --farm-key "$folder/key" --user root
"$sessionctl" key new "$folder/key" >/dev/null
expect 0 '' "$sessiond" --check --farm redis://a:1 --farm 'rediss://u:p@[::1]:2' --farm-key "$folder/key" --user root
chmod 644 "$folder/key"
wrong '--farm-key .*/key: others may read or write it: chmod 600' --check --farm unix:///r --farm-key "$folder/key" --user root
chmod 600 "$folder/key"
# As the user that the daemon will be, not as root, who can read anything.
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	wrong '--farm-key .*/key: cannot read it: Permission denied .the daemon reads it as user nobody' \
		--check --farm redis://a --farm-key "$folder/key" --user nobody
	chown nobody "$folder/key"
	expect 0 '' "$sessiond" --check --farm redis://a --farm-key "$folder/key" --user nobody
fi
# A password is not shown.
"$sessiond" --farm 'redis://u:sesame@h:x' 2>&1 | grep -q sesame && fail "an error shows a password"
wrong '--dpdk-args has no use without --mode dpdk' --dpdk-args --no-pci
wrong 'the path is [0-9]* bytes long, expected at most 107' -C "/$(printf '%0120d' 0)"
wrong 'unknown option --speed: try --help' --speed
wrong 'unknown option -Z: try --help' -Z
wrong 'unknown option -' "$(printf -- '-\377')"
wrong 'option --capacity needs a value' --capacity
wrong 'option --keep takes no value' --keep=1

# A misspelt word gets a suggestion.
wrong '--mode sokcet: expected auto, xdp, dpdk or socket: did you mean socket[?]$' --mode sokcet
wrong '--xdp-mode natve: .*: did you mean native[?]$' --xdp-mode natve
wrong '--remove ingore: expected honour or ignore: did you mean ignore[?]$' --remove ingore
wrong '--take frm: .*: did you mean farm[?]$' --take frm
wrong '--log-level warn: expected error, warning, notice, info or debug: did you mean warning[?]$' --log-level warn
wrong '--log-level in: expected error, warning, notice, info or debug$' --log-level in
wrong '--capacity 1MB: expected a number of sessions from 1 to [0-9]*, such as 20k or 1M$' --capacity 1MB
wrong '--log-level inof: .*: did you mean info[?]$' --log-level inof
wrong '--seccomp yse: .*: did you mean yes[?]$' --seccomp yse

# In any build: without xdp mode the error says that it is not built in.
wrong '--mode (xdp needs an interface|dpdk)|built without it' --mode xdp
wrong '(--interface absent0: no such interface here|built without)' --check --mode xdp -i absent0
wrong '(--interface absent0: no such interface here|built without)' --check -i absent0
# At a start, unlike --check, a missing interface is not a configuration error.
if "$sessiond" --check -i absent0 2>&1 | grep -q 'no such interface'; then
	expect 1 '^sessiond: --interface absent0: no such interface here' "$sessiond" -i absent0
	expect 1 '^sessiond: --interface absent0: no such interface here' "$sessiond" -m xdp -i absent0
fi
# The same for the interface of a link-local address.
wrong '--listen \[?fe80::1%absent0\]?.*: there is no such interface here' --check -l fe80::1%absent0
expect 1 '^sessiond: --listen .*fe80::1%absent0.*: there is no such interface here' \
	"$sessiond" -l fe80::1%absent0
wrong '--mode dpdk: this sessiond was built without it|dpdk mode .* add --listen ADDR' --mode dpdk

# Beyond this machine's memory: 67 million sessions of 1400 bytes take 94 GiB.
if [ "$(awk '/^MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)" -lt 90 ]; then
	wrong '--capacity 67108863: needs up to [0-9]+ MiB of memory, [0-9]+ MiB are available' \
		-n 67108863 --max-session 1400
else
	echo "not tried: a capacity beyond memory, because this machine has room for the largest"
fi

conf() {
	pattern=$1
	printf "$2" >"$folder/conf"
	wrong "$folder/conf$pattern" -c "$folder/conf"
}

wrong 'configuration file /nonexistent/conf: No such file' -c /nonexistent/conf
wrong 'configuration file /: Is a directory' -c /
conf ':1: port = 0: expected a UDP port' 'port = 0\n'
conf ':2: capacity = lots: expected' 'port = 5\ncapacity = lots\n'
conf ':1: unknown name speed' 'speed = 5\n'
conf ':1: sections are not used here' '[sessiond]\n'
conf ':1: expected name = value' 'port 5\n'
conf ':2: port = 6: given twice' 'port = 5\nport = 6\n'
conf ':1: keep = perhaps: expected yes, no' 'keep = perhaps\n'
conf ':1: keep = flase: expected yes, no, true, false, on or off: did you mean false' 'keep = flase\n'
conf ':1: mode = Socket: .*: did you mean socket' 'mode = Socket\n'
conf ':1: take = lcoal: .*: did you mean local' 'take = lcoal\n'
conf ':1: log-level = debgu: .*: did you mean debug' 'log-level = debgu\n'
conf ':3: allow = 10.0.0.0/33: expected' '# a list\nallow = ::1\nallow = 10.0.0.0/33\n'
conf ':1: config is for the command line only' 'config = /etc/other\n'
conf ':1: unknown name capcity: did you mean capacity' 'capcity = 5\n'
wrong 'unknown option --capcity: did you mean --capacity[?] try --help' --capcity 5

all_errors() {
	cases=$((cases + 1))
	timeout 10 "$sessiond" --check -c "$1" >"$folder/out" 2>"$folder/err" </dev/null
	got=$?
	[ "$got" -eq 2 ] || fail "exit code $got, expected 2"
}

# Every line that is wrong, in their order; twenty of very many.
printf 'port = 0\nmode = socket # a comment\nspeed = 5\nkeep = 9\n' >"$folder/conf"
all_errors "$folder/conf"
cut -d: -f3 "$folder/err" | tr '\n' ' ' | grep -qx '1 3 4 ' || fail "said: $(cat "$folder/err")"
for _ in $(seq 50); do echo 'x = 1'; done >"$folder/conf"
all_errors "$folder/conf"
[ "$(wc -l <"$folder/err")" -eq 21 ] || fail "said: $(cat "$folder/err")"
grep -qx 'sessiond: 30 more errors' "$folder/err" || fail "said: $(cat "$folder/err")"

# Files with several mistakes: --check and a start name the same lines.
mistakes() {
	lines=$1
	printf "$2" >"$folder/conf"
	for check in --check ''; do
		cases=$((cases + 1))
		timeout 10 "$sessiond" $check -c "$folder/conf" -C "$folder/s" >"$folder/out" 2>"$folder/err" </dev/null
		got=$?
		[ "$got" -eq 2 ] || fail "$2 ($check): exit code $got, expected 2"
		grep -vF "sessiond: $folder/conf:" "$folder/err" && fail "$2 ($check): another file is named"
		said=$(cut -d: -f3 "$folder/err" | sort -n | tr '\n' ' ')
		[ "$said" = "$lines " ] || fail "$2 ($check): lines $said, expected $lines: $(cat "$folder/err")"
	done
}
mistakes '1 2 3 4' 'capcity = 1M\ninterface = nope0\nuser = no-such-user\nmode = scoket\n'
mistakes '1 2 3' 'capcity = 1M\nrate-limit = 20k\nallow = 10.0.0.1/8\n'
mistakes '1 3' 'capacity = 1MB\nrate-limit = "20k/2k" ; right\nmetrics = "9532\n'
mistakes '2 3 4 5' 'mode = socket\ninterface = lo\nxdp-histogram = yes\nfarm-ca = /x\ndpdk-args = -l 1\n'
mistakes '2 3' 'listen = 127.0.0.1\nlisten = 127.0.0.1\nlisten = *\n'
mistakes '2 4' 'mode = socket\nuser = no-such-user\n# or\nlisten = fe80::1%%%%nope0\n'
mistakes '1 2' 'farm-key = /x\ntake = farm\n'

printf 'mode = socket\n' >"$folder/conf"
wrong '--interface lo has no use with --mode socket' -c "$folder/conf" -i lo

# Correct values are accepted: the checks above would pass a program that refuses everything.
expect 0 '' "$sessiond" --check
printf 'port = 5\nmode = socket\nallow = ::1\nlisten = 127.0.0.1\nkeep = no\n' >"$folder/conf"
expect 0 '' "$sessiond" --check -c "$folder/conf" -n 5 --max-session 1400 6
printf 'threads = 2\nkeep = yes\npin-dir = /x\nxdp-mode = native\nbusy-poll = no\n' >"$folder/conf"
expect 0 '' "$sessiond" --check -c "$folder/conf" --mode socket
grep -c 'has no effect in mode socket' "$folder/out" | grep -qx 2 &&
	grep -q 'pin-dir has no effect' "$folder/out" && grep -q 'xdp-mode has no effect' "$folder/out" ||
	fail "--check said: $(cat "$folder/out")"
expect 0 '' "$sessiond" --version
grep -Eqx 'sessiond [0-9.]+' "$folder/out" || fail "--version prints: $(cat "$folder/out")"
expect 0 '' "$sessiond" --help
for name in mode interface xdp-mode listen allow capacity max-session remove threads dpdk-args \
	keep config control pin-dir log-level check; do
	grep -q -- "--$name" "$folder/out" || fail "--help does not tell of --$name"
done

finish

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# A farm that shares sessions: two of Debian's stunnels, A and B, each in front of an echo server, and
# one sessiond. It runs in a lab of namespaces if the host allows this, else on the loopback interface.
# Shared by the demo and the end-to-end tests. To be sourced by bash.
#
#   farm_open BUILD DIR lab|loopback   creates the lab; starts nothing
#   farm_daemon [OPTION...]            starts sessiond and waits until it logs that it answers
#   farm_terminators [LINE...]         starts stunnels and echo servers; LINEs go into their service
#   farm_close                         stops everything
#
# FARM_A and FARM_B are then the addresses for clients, FARM_CACHE and FARM_PORT those of the cache.
# FARM_DIR has the logs: sessiond.log, stunnel-a.log, stunnel-b.log. FARM_ROOT_B may name the root of
# another system, which shares /tmp: B's stunnel then is the one there. FARM_SERVICE_B may name B's
# service, else `farm` as A's.

. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
. "$(dirname "${BASH_SOURCE[0]}")/resume.sh"

FARM_OPEN=

# Where the commands of a node run: cache, client, t1 (A) or t2 (B).
_farm_prefix()
{
	FARM_PREFIX=()
	if [ "$FARM_PLACE" = lab ]; then
		FARM_PREFIX=(nsenter "--net=/run/netns/$FARM_LAB-$1" --)
	fi
}

# farm_in NODE COMMAND...
farm_in()
{
	_farm_prefix "$1"
	shift
	"${FARM_PREFIX[@]}" "$@"
}

# farm_spawn NODE LOG COMMAND...: starts it in the background; FARM_PID is its process.
farm_spawn()
{
	local log=$2

	_farm_prefix "$1"
	shift 2
	"${FARM_PREFIX[@]}" "$@" >>"$log" 2>&1 </dev/null &
	FARM_PID=$!
	FARM_PIDS+=("$FARM_PID")
}

# farm_end PID [SIGNAL]: ends a spawned process, waits for it and returns its exit code. A process that
# does not end within 10 seconds is killed, which counts as a failure.
farm_end()
{
	local pid=$1 i code=0

	kill "-${2:-TERM}" "$pid" 2>/dev/null || true
	for ((i = 0; i < 100; i++)); do
		[ "${2:-}" != KILL ] && kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	if [ "$i" -eq 100 ]; then
		echo "farm: process $pid did not end on SIG${2:-TERM}" >&2
		kill -KILL "$pid" 2>/dev/null || true
	fi
	wait "$pid" 2>/dev/null || code=$?
	return "$code"
}

# A free TCP and UDP port, for a farm on the loopback interface.
_farm_port()
{
	local port

	while :; do
		port=$((20000 + RANDOM % 12000))
		ss -Htuln "sport = :$port" | grep -q . || break
	done
	echo "$port"
}

farm_open()
{
	FARM_BUILD=$1 FARM_DIR=$2 FARM_PLACE=$3
	FARM_PIDS=() FARM_DAEMON='' FARM_ADMIN="$FARM_DIR/control.sock" FARM_PORT=54321
	FARM_MOUNTED=
	FARM_OPEN=yes
	FARM_SECRETS=$(mktemp -d)
	if [ "$FARM_PLACE" = lab ]; then
		FARM_LAB="farm-$$"
		LAB_XDPPASS=$FARM_BUILD/tests/e2e/xdppass
		lab_up "$FARM_LAB" "${FARM_NODES:-2}"
		FARM_CACHE=$LAB_SERVICE FARM_CACHE6=$LAB_SERVICE6
		FARM_A=10.202.1.2:4433 FARM_B=10.202.2.2:4433
		FARM_INTERFACES=(-i t1 -i t2)
	else
		FARM_CACHE=127.0.0.1 FARM_PORT=$(_farm_port)
		FARM_A=127.0.0.1:$(_farm_port) FARM_B=127.0.0.1:$(_farm_port)
		FARM_INTERFACES=()
	fi
}

# A separate BPF file system for this farm, so that it neither touches nor meets other pins.
farm_bpffs()
{
	mkdir -p "$FARM_DIR/bpf"
	mount -t bpf "$$" "$FARM_DIR/bpf" || return 1
	FARM_MOUNTED=yes
}

farm_ctl()
{
	"$FARM_BUILD/sessionctl" -C "$FARM_ADMIN" "$@"
}

# farm_stat NAME: one figure of `sessionctl stats`, or 0 if there is no such figure.
farm_stat()
{
	farm_ctl stats | awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }'
}

# farm_wait SECONDS COMMAND...: repeats the command until it succeeds.
farm_wait()
{
	local tries=$(($1 * 50))

	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.02
	done
}

_farm_announcements()
{
	grep -c ' answers in mode ' "$FARM_DIR/sessiond.log" || true
}

# True if the daemon has announced its mode once more than before, or has ended.
_farm_daemon_settled()
{
	! kill -0 "$FARM_DAEMON" 2>/dev/null || [ "$(_farm_announcements)" != "$1" ]
}

farm_daemon()
{
	local before

	# The folder of the logs and the admin socket belongs to root.
	[ "$(id -u)" -ne 0 ] || set -- --user "${FARM_USER:-root}" "$@"
	touch "$FARM_DIR/sessiond.log"
	before=$(_farm_announcements)
	farm_spawn cache "$FARM_DIR/sessiond.log" "${FARM_SESSIOND:-$FARM_BUILD/sessiond}" "$FARM_PORT" \
		-C "$FARM_ADMIN" ${FARM_MOUNTED:+--pin-dir "$FARM_DIR/bpf"} "$@"
	FARM_DAEMON=$FARM_PID
	if ! farm_wait 20 _farm_daemon_settled "$before" ||
		[ "$(_farm_announcements)" = "$before" ]; then
		echo "farm: sessiond does not run:" >&2
		tail -n 5 "$FARM_DIR/sessiond.log" >&2
		return 1
	fi
}

_farm_stunnel()
{
	local letter=$1 node=$2 accept=$3 connect=$4 sessiond=$5 service=farm

	shift 5
	[ "$letter" != b ] || service=${FARM_SERVICE_B:-farm}
	# Without a syslog daemon, glibc writes syslog lines to the console: a millisecond per line. The log
	# is stderr, because newer stunnels write an `output` file in blocks.
	cat >"$FARM_DIR/stunnel-$letter.conf" <<-END
	foreground = yes
	pid =
	syslog = no
	debug = info
	[$service]
	accept = $accept
	connect = 127.0.0.1:$connect
	cert = $FARM_SECRETS/terminator.pem
	sessiond = $sessiond
	END
	printf '%s\n' "$@" >>"$FARM_DIR/stunnel-$letter.conf"
	set --
	[ "$letter" != b ] || [ -z "${FARM_ROOT_B:-}" ] || set -- chroot "$FARM_ROOT_B"
	farm_spawn "$node" /dev/null "$FARM_BUILD/tests/e2e/echod" "$connect"
	farm_spawn "$node" "$FARM_DIR/stunnel-$letter.log" "$@" stunnel4 "$FARM_DIR/stunnel-$letter.conf"
}

# farm_certificate FILE NAME [small]: a self-signed certificate and its key in one file. A small one has
# an elliptic curve key and no extensions: a third of the usual size.
farm_certificate()
{
	local kind=(-newkey rsa:2048)

	[ "${3:-}" != small ] || kind=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
	openssl req -new "${kind[@]}" -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" \
		2>/dev/null
	openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 2 -out "$1.crt" 2>/dev/null
	cat "$1.key" "$1.crt" >"$1"
}

farm_terminators()
{
	local echo_a=4434 echo_b=4434 letter

	if [ "$FARM_PLACE" != lab ]; then
		echo_a=$(_farm_port) echo_b=$(_farm_port)
	fi
	farm_certificate "$FARM_SECRETS/terminator.pem" farm.example
	_farm_stunnel a t1 "$FARM_A" "$echo_a" "$FARM_CACHE:$FARM_PORT" "$@"
	FARM_STUNNEL_A=$FARM_PID
	_farm_stunnel b t2 "$FARM_B" "$echo_b" "${FARM_SESSIOND_B:-$FARM_CACHE:$FARM_PORT}" "$@"
	FARM_STUNNEL_B=$FARM_PID
	for letter in a b; do
		if ! farm_wait 10 grep -q 'Configuration successful' \
			"$FARM_DIR/stunnel-$letter.log"; then
			echo "farm: stunnel $letter does not run:" >&2
			tail -n 5 "$FARM_DIR/stunnel-$letter.log" >&2
			return 1
		fi
	done
}

# farm_tls OPTION...: runs tlsclient as a client of the farm.
farm_tls()
{
	farm_in client "$FARM_BUILD/tests/e2e/tlsclient" "$@"
}

# GETs answered with OK so far, from the daemon, or from the pinned counters if it has ended.
_farm_hits()
{
	if farm_ctl stats >/dev/null 2>&1; then
		farm_stat get_hits
	else
		bpftool map dump pinned "$FARM_DIR/bpf/$FARM_PORT/stats" |
			awk -F '[:,]' '/"get_hits"/ { n += $2 } END { print n + 0 }'
	fi
}

# farm_resume COUNT TLSCLIENT-OPTION...: makes (or loads) COUNT sessions and resumes all of them. Fails
# if one was not resumed, except as resume.sh says. The delay is for the last NEWs: a busy machine may
# store them late.
farm_resume()
{
	local count=$1

	shift
	resume_set "$FARM_BUILD/tests/e2e" "$FARM_DIR" _farm_hits "$count" \
		farm_tls --count "$count" --threads 2 --delay 300 "$@"
}

farm_close()
{
	local pid

	[ -n "$FARM_OPEN" ] || return 0
	FARM_OPEN=
	for pid in "${FARM_PIDS[@]}"; do
		farm_end "$pid" 2>/dev/null || true
	done
	if [ -n "$FARM_MOUNTED" ]; then
		umount "$FARM_DIR/bpf"
	fi
	if [ "$FARM_PLACE" = lab ]; then
		lab_down "$FARM_LAB"
	fi
	rm -rf "$FARM_SECRETS" "$FARM_ADMIN"
}

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# Common to the end-to-end tests. A test sources this, says what it needs, and then acts; any
# command that fails ends it. It runs as `NAME.sh` with SESSIOND_BUILD naming the build folder
# (meson sets it; otherwise 'build' beside the sources). Its log, with the time of each step, and
# those of the daemon and the terminators are kept in BUILD/e2e-logs/NAME; nothing else is left.
# Exit codes: 0 passed, 1 failed, 77 skipped.
set -eu -o pipefail

SOURCE=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
BUILD=$(readlink -f "${SESSIOND_BUILD:-$SOURCE/build}")
TOOLS=$BUILD/tests/e2e
# shellcheck source=scripts/farm.sh
. "$SOURCE/scripts/farm.sh"

TEST=$(basename "$0" .sh)${1:+-${1// /-}} # the arguments, as one
LOGS=$BUILD/e2e-logs/$TEST
mkdir -p "$LOGS"
# BPF objects of an earlier run that was killed may still be mounted here.
umount "$LOGS/bpf" 2>/dev/null || true
rm -rf "$LOGS"
mkdir -p "$LOGS"

STEP='start'

note()
{
	printf '%6.2f %s\n' "$(_elapsed)" "$*" | tee -a "$LOGS/test.log"
}

_elapsed()
{
	awk -v a="$STARTED" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

step()
{
	STEP=$*
	note "$*"
}

skip()
{
	note "skipped: $*"
	exit 77
}

fail()
{
	note "FAILED in step '$STEP': $*"
	exit 1
}

STARTED=$EPOCHREALTIME
AT_END=()

_finish()
{
	local code=$? action

	set +e
	trap '' INT TERM
	for action in "${AT_END[@]}"; do
		eval "$action"
	done
	farm_close
	case $code in
	0) note "passed" ;;
	77) ;;
	*)
		note "failed in step '$STEP' with code $code; the logs are in $LOGS"
		if [ -s "$LOGS/sessiond.log" ]; then
			echo "the last lines of sessiond.log:"
			tail -n 15 "$LOGS/sessiond.log"
		fi
		;;
	esac
	exit "$code"
}
trap _finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need_program()
{
	[ -x "$1" ] || command -v "$1" >/dev/null || skip "there is no $(basename "$1") here"
}

# Real stunnels and the TLS client.
need_tls()
{
	need_program stunnel4
	need_program openssl
	need_program "$TOOLS/tlsclient"
}

need_lab()
{
	local why

	why=$(lab_probe) || skip "$why"
}

# A place to run the mode given: xdp needs a laboratory, socket mode makes do with loopback.
place_for()
{
	if [ "$1" = xdp ]; then
		need_xdp
		farm_open "$BUILD" "$LOGS" lab
		farm_bpffs || skip "no BPF file system can be mounted here"
	elif lab_probe >/dev/null; then
		farm_open "$BUILD" "$LOGS" lab
	else
		farm_open "$BUILD" "$LOGS" loopback
	fi
}

need_xdp()
{
	need_lab
	[ "${SESSIOND_XDP:-yes}" = yes ] || skip "sessiond is built without xdp mode"
}

# daemon_for MODE [OPTION...]. A small cache: the first touch of a page can take a virtual machine
# many milliseconds, and the tests have no use for more.
daemon_for()
{
	local mode=$1

	shift
	set -- --capacity 100000 "$@"
	if [ "$mode" = xdp ]; then
		farm_daemon --mode xdp --xdp-mode native "${FARM_INTERFACES[@]}" "$@"
	else
		farm_daemon --mode "$mode" "$@"
	fi
}

# udp OPTION...: udpclient towards the cache, from terminator A's host unless FROM says other.
udp()
{
	local command=$1

	shift
	farm_in "${FROM:-t1}" "$TOOLS/udpclient" "$command" "${TO:-$FARM_CACHE}" "$FARM_PORT" "$@"
}

# expect_stat NAME OPERATOR NUMBER: within two seconds, since the daemon counts as it goes.
expect_stat()
{
	farm_wait 2 _stat_is "$@" || fail "$1 is $(farm_stat "$1"), expected $2 $3"
}

_stat_is()
{
	[ "$(farm_stat "$1")" "-$2" "$3" ]
}

# GETs answered with OK so far: from the daemon, or where it is gone, from the pinned counters.
hits()
{
	if farm_ctl stats >/dev/null 2>&1; then
		farm_stat get_hits
	else
		bpftool map dump pinned "$LOGS/bpf/$FARM_PORT/stats" |
			awk -F '[:,]' '/"get_hits"/ { n += $2 } END { print n + 0 }'
	fi
}

_late()
{
	cat "$LOGS"/stunnel-?.log | grep -c 'cache_transfer: recv timeout' || true
}

# resume_all COUNT TLSCLIENT-OPTION...: makes (or loads) that many sessions and resumes every one.
#
# stunnel waits 200 us for an answer, rounded up to a tick or two of the kernel, and never asks
# again. On a machine whose CPUs are taken away for longer than that, a right and prompt answer can
# come too late through nobody's fault. So the whole set is tried again, at most twice, if and only
# if stunnel logged as many time-outs as sessions were not resumed and the cache counted an answer to
# every GET: then none was lost and none was wrong.
resume_all()
{
	local count=$1 try late before hits line

	shift
	for try in 1 2 3; do
		late=$(_late) before=$(hits)
		if line=$(farm_tls --count "$count" --threads 2 "$@"); then
			note "$line"
			return 0
		fi
		note "$line"
		late=$(($(_late) - late))
		hits=$(($(hits) - before))
		case $line in
		"made $count resumed $((count - late)) full $late failed 0") ;;
		*) fail "not all sessions were resumed; stunnel timed out $late times" ;;
		esac
		[ "$hits" -ge "$count" ] || fail "$count GETs, but only $hits answered with OK"
		note "all $hits GETs were answered, $late too late for stunnel on this machine"
	done
	fail "answers came too late for stunnel in each of $try tries"
}

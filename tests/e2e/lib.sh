# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# Common to the end-to-end tests. A test sources this, states what it needs, and then acts; any failing
# command ends it. It runs as `NAME.sh` with SESSIOND_BUILD naming the build folder (meson sets it;
# default 'build' beside the sources). Its log, with the time of each step, and the logs of the daemon
# and the terminators are kept in BUILD/e2e-logs/NAME; nothing else is left. Exit codes: 0 passed, 1
# failed, 77 skipped.
set -eu -o pipefail

SOURCE=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
BUILD=$(readlink -f "${SESSIOND_BUILD:-$SOURCE/build}")
TOOLS=$BUILD/tests/e2e
# shellcheck source=scripts/farm.sh
. "$SOURCE/scripts/farm.sh"

TEST=$(basename "$0" .sh)${1:+-${1// /-}} # with the arguments appended
LOGS=$BUILD/e2e-logs/$TEST
mkdir -p "$LOGS"
# A killed earlier run may have left a BPF file system mounted here.
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

[ -r /proc/self/status ] || skip "/proc is not mounted"

_finish()
{
	local code=$? action

	set +e
	trap '' INT TERM
	for action in "${AT_END[@]}"; do
		eval "$action"
	done
	farm_close
	if [ "$code" -eq 0 ] && grep -qE 'Sanitizer|runtime error' "$LOGS/sessiond.log"; then
		note "a sanitizer found a fault in the daemon"
		code=1
	fi
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

# Sets `config` to a file that a daemon without privileges can read, wherever the source tree is.
config_for_all()
{
	config=$(mktemp)
	chmod 644 "$config"
	AT_END+=("rm -f '$config'")
}

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
	need_program "$TOOLS/heldup"
}

need_lab()
{
	local why

	why=$(lab_probe) || skip "$why"
}

# Opens a farm for the mode: xdp mode needs a lab, loopback is enough for socket mode.
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

# daemon_for MODE [OPTION...]. A small cache is enough for the tests, and the first touch of a page can
# take many milliseconds on a virtual machine.
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

# udp OPTION...: runs udpclient against the cache, from terminator A's host or the node FROM.
udp()
{
	local command=$1

	shift
	farm_in "${FROM:-t1}" "$TOOLS/udpclient" "$command" "${TO:-$FARM_CACHE}" "$FARM_PORT" "$@"
}

# reload_with CODE LINE...: the file $config has these lines, and the reload ends with this code
reload_with()
{
	local wanted=$1 code=0

	shift
	printf '%s\n' "$@" >"$config"
	farm_ctl reload >"$LOGS/reload" 2>&1 || code=$?
	[ "$code" = "$wanted" ] || fail "the reload ends with $code: $(cat "$LOGS/reload")"
	note "$(tr '\n' ' ' <"$LOGS/reload")"
}

# expect_stat NAME OPERATOR NUMBER: becomes true within two seconds, because counters may lag.
expect_stat()
{
	farm_wait 2 _stat_is "$@" || fail "$1 is $(farm_stat "$1"), expected $2 $3"
}

_stat_is()
{
	# shellcheck disable=SC1072,SC1073 # the operator is an argument
	test "$(farm_stat "$1")" "-$2" "$3"
}

# Whether the daemon is built with a sanitizer.
sanitized()
{
	grep -qE 'b_sanitize.*(address|thread)' "$BUILD/meson-private/cmd_line.txt"
}

# resume_all COUNT TLSCLIENT-OPTION...: as farm_resume. With a sanitizer the daemon is many times
# slower, and speed is not tested: correct but late answers are accepted.
resume_all()
{
	local code=0 line last=

	farm_resume "$@" >"$LOGS/resume" || code=$?
	while read -r line; do
		note "$line"
		last=$line
	done <"$LOGS/resume"
	if [ "$code" -ne 0 ] && sanitized && [[ $last == 'each GET was answered with the session, but '* ]]; then
		return
	fi
	[ "$code" -eq 0 ] || fail "not every session was resumed"
}

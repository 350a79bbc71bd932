# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# What the command-line tests share. They run the built programs, in a network namespace of their
# own (only its loopback is used), with a folder for what they leave; both go at the end.
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
# with exactly one line on stderr, which matches the pattern (grep -E).
expect() {
	code=$1 pattern=$2
	shift 2
	cases=$((cases + 1))
	timeout 10 "$@" >"$folder/out" 2>"$folder/err" </dev/null
	got=$?
	lines=$(wc -l <"$folder/err")
	what=${1##*/}
	shift
	echo "$what $* -> $got: $(cat "$folder/err")"
	[ "$got" -eq "$code" ] || fail "$what $*: exit code $got, expected $code"
	if [ "$code" -ne 0 ]; then
		[ "$lines" -eq 1 ] || fail "$what $*: $lines lines on stderr, expected one"
		grep -Eq -- "$pattern" "$folder/err" || fail "$what $*: not like: $pattern"
	fi
}

# start NAME ARGUMENTS...: runs a daemon in the background and waits until it serves, which is when
# its admin socket, $folder/NAME.sock, answers. Sets $started to its pid.
start() {
	name=$1
	shift
	# A user sessiond of this machine would not be let into all that tests make.
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

# stop NAME PID: ends a daemon as systemd would, which it is to take well.
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

finish() {
	echo "$cases commands, $failures failures"
	[ "$failures" -eq 0 ]
	exit
}

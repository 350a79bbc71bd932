# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# Resumes a set of sessions at real stunnels, and judges the result on a busy machine. To be sourced by
# bash: scripts/farm.sh and tests/dpdk/ports.sh do.
#
# stunnel waits 200 us for an answer, rounded up to one or two ticks of the kernel, and never retries. If
# the host takes the CPUs away for longer, a correct and prompt answer arrives too late. A session that
# was not resumed is therefore accepted under three conditions: stunnel logged exactly one time-out for
# each of them, the cache counted a hit for every GET, and the machine was late itself. The last is
# measured by tests/e2e/heldup, which computes and waits as a terminator does: at least half as large a
# share of its waits as of the answers must be late. Otherwise the whole set is tried again, at most
# four times.

# heldup_begin TOOLS FILE: measures from now on.
heldup_begin()
{
	HELDUP_FILE=$2
	"$1/heldup" >"$2" &
	HELDUP=$!
}

# heldup_end: HELDUP_WAITS is then the number of waits, HELDUP_LATE that of the late ones, and
# HELDUP_LONGEST the longest in microseconds.
heldup_end()
{
	local _

	kill "$HELDUP" 2>/dev/null || true
	wait "$HELDUP" || true
	HELDUP_WAITS=0 HELDUP_LATE=0 HELDUP_LONGEST=0
	read -r _ HELDUP_WAITS _ HELDUP_LATE _ HELDUP_LONGEST <"$HELDUP_FILE" || true
}

_resume_late()
{
	cat "$1"/stunnel-*.log | grep -c 'cache_transfer: recv timeout' || true
}

# resume_set TOOLS LOGS HITS COUNT COMMAND...: runs COMMAND, a tlsclient that makes and resumes COUNT
# sessions, and prints its line and the reasons for the verdict. TOOLS is the folder of heldup, LOGS the
# folder of stunnel-*.log. HITS is a command that prints the number of GETs answered with OK so far.
resume_set()
{
	local tools=$1 logs=$2 hits_of=$3 count=$4 try late hits answered line code _

	shift 4
	for try in 1 2 3 4 5; do
		late=$(_resume_late "$logs") hits=$($hits_of) code=0
		heldup_begin "$tools" "$logs/heldup"
		line=$("$@") || code=$?
		heldup_end
		echo "$line"
		[ "$code" -ne 0 ] || return 0
		late=$(($(_resume_late "$logs") - late))
		# A GET that stunnel no longer waits for may still be on its way to the cache.
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			answered=$(($($hits_of) - hits))
			[ "$answered" -lt "$count" ] || break
			sleep 0.2
		done
		if [ "$line" != "made $count resumed $((count - late)) full $late failed 0" ]; then
			echo "not explained by stunnel's $late time-outs"
			return 1
		fi
		if [ "$answered" -lt "$count" ]; then
			echo "$count GETs, but only $answered answered with OK"
			return 1
		fi
		echo "each GET was answered with the session, but $late too late for stunnel;" \
			"of $HELDUP_WAITS waits of 200 us on this machine $HELDUP_LATE were late," \
			"the longest took $HELDUP_LONGEST us (try $try)"
		if [ "$late" -lt "$count" ] && [ "$HELDUP_WAITS" -gt 0 ] &&
			[ $((2 * HELDUP_LATE * count)) -ge $((late * HELDUP_WAITS)) ]; then
			return 0
		fi
	done
	return 1
}

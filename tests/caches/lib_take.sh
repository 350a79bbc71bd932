# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# For tests of TAKE across caches. Source it after lib.sh; set $both, addresses and ports, $names, the
# caches, and $near, a command that runs another one where the clients are, if that is not here.
# shellcheck shell=sh

near=
# at_once FILE COUNT SEED EXPECT: take_at_once; shows and returns its result.
at_once() {
	cases=$((cases + 1))
	# shellcheck disable=SC2086,SC2154 # several words, which the test sets
	$near "$SESSIOND_BUILD/tests/caches/take_at_once" "$@" $both >"$folder/takes" 2>&1
	at_once_code=$?
	echo "TAKE $*: $(cat "$folder/takes")"
	return "$at_once_code"
}

late() {
	late_sum=0
	for late_name in $names; do
		late_sum=$((late_sum + $(stat "$late_name" farm_take_late) + $(stat "$late_name" farm_take_down)))
	done
	echo "$late_sum"
}

# once FILE COUNT SEED: each session is given exactly once. On a busy machine a decision may take more
# than 20 ms: such a session is nobody's, and counted.
once() {
	late_before=$(late)
	at_once "$@" any || fail "TAKE $*"
	once_none=$(sed -n 's/.* none \([0-9]*\);.*/\1/p' "$folder/takes")
	[ "${once_none:-1}" -gt 0 ] || return 0
	sleep 0.3 # figures are 0.1 s old
	once_silent=$(grep -o 'silent [0-9]*' "$folder/takes" | awk '{ sum += $2 } END { print sum }')
	[ "$once_none" -le $(($(late) - late_before + once_silent)) ] ||
		fail "$once_none sessions were not given, and no TAKE of them was late"
}

# Whether the engines decide at a cache.
decides() {
	! "$sessionctl" -C "$folder/$1.sock" farm | grep -q 'no TAKE is decided'
}

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# sessionctl key: makes and rotates key files. No key is ever printed.

. "$(dirname "$0")/lib.sh"

key=$folder/key
expect 2 'key: expected|key needs an argument' "$sessionctl" key
expect 2 'key new: expected key new FILE or key rotate FILE' "$sessionctl" key new
expect 2 'key old FILE: expected key new FILE or key rotate FILE' "$sessionctl" key old "$key"
expect 2 'one too many' "$sessionctl" key new "$key" "$key"
expect 2 'one too many' "$sessionctl" show aa "$key"
expect 1 'cannot read it: No such file' "$sessionctl" key rotate "$key"
expect 1 'cannot make it: No such file' "$sessionctl" key new "$folder/nowhere/key"

# numbers: the numbers in the file, in its order.
numbers() {
	sed -n 's/^\([0-9]*\):[0-9a-f]\{64\}$/\1/p' "$key" | tr '\n' ' '
}
# step WORD NUMBERS: the last command said so, and left the file so.
step() {
	grep -q "$1" "$folder/out" || fail "not told: $1"
	[ "$(numbers)" = "$2" ] || fail "the file has keys $(numbers), not $2"
	[ "$(stat -c %a "$key")" = 600 ] || fail "the file is of mode $(stat -c %a "$key")"
	for secret in $(sed -n 's/^[0-9]*://p' "$key"); do
		! grep -q "$secret" "$folder/out" "$folder/err" || fail "a key is printed"
	done
}
umask 0
expect 0 '' "$sessionctl" key new "$key"
step 'made a key' '1 '
expect 1 'it exists' "$sessionctl" key new "$key"
expect 0 '' "$sessionctl" key rotate "$key"
step 'added a key' '1 2 '
expect 0 '' "$sessionctl" key rotate "$key"
step 'promoted' '2 1 '
expect 0 '' "$sessionctl" key rotate "$key"
step 'dropped' '2 '
# Root rotates the daemon's key, and it stays the daemon's.
if [ "$(id -u)" = 0 ]; then
	chown nobody "$key"
	expect 0 '' "$sessionctl" key rotate "$key"
	step 'added a key' '2 3 '
	[ "$(stat -c %U "$key")" = nobody ] || fail "the key now belongs to $(stat -c %U "$key")"
fi
chmod 644 "$key"
expect 1 'others may read or write it' "$sessionctl" key rotate "$key"
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The systemd unit: systemd accepts it and rates its exposure as low. The files for users and folders
# are valid too.

. "$(dirname "$0")/lib.sh"

[ -r /proc/self/status ] || skip "/proc is not mounted"

command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
systemd-analyze security --help 2>/dev/null | grep -q -- --offline ||
	skip "systemd-analyze is too old to check a file"
dist=$(dirname "$0")/../../dist/systemd
# systemd objects to a world-writable unit.
umask 022

sed "s|@sbindir@|$SESSIOND_BUILD|g; s|@sysconfdir@|/etc|g" "$dist/sessiond.service.in" \
	>"$folder/sessiond.service"
grep -E '@[a-z]+dir@' "$folder/sessiond.service" && fail "a name was not replaced"

# Exposure in tenths. One is for sched_setattr, which counts as all of @resources.
cases=$((cases + 1))
systemd-analyze security --offline=true --no-pager --threshold=21 "$folder/sessiond.service" \
	>"$folder/security" 2>&1 || fail "exposed more than 2.1: $(cat "$folder/security")"
tail -n 1 "$folder/security"
# systemd reports what it does not understand, and continues.
for pattern in 'Unknown' 'ignoring' 'Failed'; do
	grep "$pattern" "$folder/security" && fail "systemd does not understand the unit"
done

verify() {
	cases=$((cases + 1))
	systemd-analyze verify "$folder/sessiond.service" >"$folder/verify" 2>&1
	grep -E 'sessiond.service|dpdk.conf' "$folder/verify" | grep -v 'man sessiond' &&
		fail "systemd-analyze verify has objections"
}
verify

# Restarts: it restarts the daemon indefinitely, but not after a mistake in the configuration. The start
# time limit allows for adoption: 4 us per session were measured on a busy machine, 170 s for 40
# million, while systemd's default is 90 s.
for line in Restart=on-failure StartLimitIntervalSec=0 RestartPreventExitStatus=2 \
	TimeoutStartSec=15min; do
	cases=$((cases + 1))
	grep -qx "$line" "$folder/sessiond.service" || fail "the unit lacks $line"
done

# The same with the drop-in for dpdk mode. tests/e2e/systemd.sh runs it.
mkdir "$folder/sessiond.service.d"
cp "$dist/dpdk.conf" "$folder/sessiond.service.d"
verify
echo 'NoSuchSetting=yes' >>"$folder/sessiond.service.d/dpdk.conf"
systemd-analyze verify "$folder/sessiond.service" 2>&1 | grep -q 'dpdk.conf.*NoSuchSetting' ||
	fail "systemd-analyze does not look at the drop-in"

# The user and the folder, in a separate root.
if command -v systemd-sysusers >/dev/null && command -v systemd-tmpfiles >/dev/null; then
	mkdir -p "$folder/root/etc" "$folder/root/sys/fs/bpf"
	expect 0 '' systemd-sysusers --root="$folder/root" "$(readlink -f "$dist/sysusers.conf")"
	grep -q '^sessiond:' "$folder/root/etc/passwd" || fail "sysusers makes no user"
	grep -q '^sessiond:' "$folder/root/etc/group" || fail "sysusers makes no group"
	expect 0 '' systemd-tmpfiles --root="$folder/root" --create \
		"$(readlink -f "$dist/tmpfiles.conf")"
	uid=$(awk -F: '$1 == "sessiond" { print $3 }' "$folder/root/etc/passwd")
	[ "$(stat -c %u:%a "$folder/root/sys/fs/bpf/sessiond")" = "$uid:700" ] ||
		fail "tmpfiles makes no folder for pins"
fi

finish

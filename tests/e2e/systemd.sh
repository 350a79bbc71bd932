#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The unit under systemd itself, as process 1 of new namespaces: start, reload, restart, the watchdog,
# stop, in xdp mode as an unprivileged user.
. "$(dirname "$0")/lib.sh"

systemd=/lib/systemd/systemd
need_program "$systemd"
need_program systemctl
need_program python3
grep -q 'HAVE_SYSTEMD' "$BUILD/build.ninja" || skip "sessiond is built without libsystemd"
need_xdp

# Everything below is in a separate cgroup, so that nothing is left in the host's.
touch "$LOGS/sessiond.log"
place=$(mktemp -d)
mount -t cgroup2 none "$place" 2>/dev/null || skip "cgroup2 cannot be mounted here"
group=$place$(sed -n 's/^0:://p' /proc/self/cgroup)/sessiond-test-$$
clean()
{
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	umount "$place" && rmdir "$place"
}
AT_END+=(clean)
mkdir "$group" 2>/dev/null || skip "no cgroup can be made here"
unshare -fpmuiCn true 2>/dev/null || skip "namespaces cannot be made here"

step "systemd as process 1"
cat >"$LOGS/outside.sh" <<'END'
set -eu
source=$1 build=$2 logs=$3
mount --make-rprivate /
for folder in /run /var/log /etc/systemd/system; do
	mount -t tmpfs none $folder
done
mount -t proc proc /proc
umount -R /sys/fs/cgroup || true
mount -t cgroup2 none /sys/fs/cgroup
umount -R /sys/fs/bpf 2>/dev/null || true
mount -t bpf -o mode=0700 none /sys/fs/bpf
mkdir -p /run/systemd/system /run/tmpfiles.d /run/test/etc/sessiond
# The user of dist/systemd/sysusers.conf.
cp /etc/passwd /etc/group /run/test
grep -q '^sessiond:' /etc/passwd || echo 'sessiond:x:64999:64999::/:/bin/false' >>/run/test/passwd
grep -q '^sessiond:' /etc/group || echo 'sessiond:x:64999:' >>/run/test/group
mount --bind /run/test/passwd /etc/passwd
mount --bind /run/test/group /etc/group
cp "$source/dist/systemd/tmpfiles.conf" /run/tmpfiles.d/sessiond.conf
cp "$build/sessiond" "$build/sessionctl" "$source/dist/systemd/dpdk.conf" /run/test
ip link set lo up
ip link add e0 type veth peer name e1
ip link set e0 up
ip link set e1 up
printf 'mode = xdp\ninterface = e0\ncapacity = 10000\n' >/run/test/etc/sessiond/sessiond.conf
# Only the unit, without the targets of a whole system.
sed 's|@sbindir@|/run/test|g; s|@sysconfdir@|/run/test/etc|g; /network-online/d
	s|^\[Unit\]|&\nDefaultDependencies=no|; s|^WatchdogSec=.*|WatchdogSec=2s|
	s|^RestartSec=.*|RestartSec=100ms|' \
	"$source/dist/systemd/sessiond.service.in" >/run/systemd/system/sessiond.service
cat >/run/systemd/system/test.service <<-UNIT
	[Unit]
	DefaultDependencies=no
	[Service]
	Type=oneshot
	ExecStart=/bin/bash $logs/inside.sh $logs
	StandardOutput=append:$logs/inside.log
	StandardError=append:$logs/inside.log
UNIT
cat >/run/systemd/system/test.target <<-UNIT
	[Unit]
	DefaultDependencies=no
	Wants=test.service systemd-journald.service
UNIT
export container=sessiond-test
exec /lib/systemd/systemd --system --unit=test.target --log-target=console --show-status=no
END

cat >"$LOGS/inside.sh" <<'END'
set -u
logs=$1
export SYSTEMD_PAGER=
ctl=/run/test/sessionctl

check()
{
	echo "$*"
	"$@" || {
		journalctl --no-pager -u sessiond -o cat -n 20
		echo "FAILED: $*"
		exit 1
	}
}
refused() { ! "$@"; }
stat_is() { [ "$($ctl stats | awk -v n="$1" '$1 == n { print $2 }')" = "$2" ]; }
main() { systemctl show -p MainPID --value sessiond; }
field_is() { [ "$(awk -v n="$1:" '$1 == n { print $2 }' "/proc/$(main)/status")" = "$2" ]; }
said() { journalctl --no-pager -u sessiond -o cat "$@" | grep -q .; }
trap 'systemctl exit 0 2>/dev/null || kill -s RTMIN+13 1' EXIT

check systemctl start sessiond
check field_is Uid "$(id -u sessiond)"
check field_is CapPrm 0000000000000000
check field_is CapEff 0000000000000000
check field_is NoNewPrivs 1
check stat_is mode_xdp 1
check test "$(stat -c %U:%a /sys/fs/bpf/sessiond/54321)" = sessiond:700
check test "$(stat -c %U:%a /run/sessiond/control.sock)" = sessiond:660
python3 -c 'import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(50):
    s.sendto(struct.pack("!BBH", 1, 0, 300) + b"%032d" % i + b"v" * 140, ("127.0.0.1", 54321))'
sleep 0.5
check stat_is sessions 50

check systemctl reload sessiond
echo 'bogus = 1' >>/run/test/etc/sessiond/sessiond.conf
check refused systemctl reload sessiond
check grep -q 'the last reload failed' <(systemctl show -p StatusText sessiond)
sed -i '/bogus/d' /run/test/etc/sessiond/sessiond.conf
check systemctl is-active sessiond
check systemctl reload sessiond
check grep -qx 'StatusText=xdp: 50 of 10000 sessions, .* GETs.*' <(systemctl show -p StatusText sessiond)
check refused grep -q failed <(systemctl show -p StatusText sessiond)

before=$(main)
check systemctl restart sessiond
check test "$(main)" != "$before"
check stat_is sessions_adopted 50

# A hung daemon is killed and restarted, with every session.
before=$(main)
kill -STOP "$before"
for _ in $(seq 60); do
	[ "$(main)" != "$before" ] && stat_is sessions_adopted 50 2>/dev/null && break
	sleep 0.1
done
check test "$(systemctl show -p NRestarts --value sessiond)" = 1
check stat_is sessions_adopted 50
check refused systemctl is-failed sessiond

check systemctl stop sessiond
check test -z "$(ls /sys/fs/bpf/sessiond)"
check refused grep -q . <(ip link show e0 | grep xdp)

# An interface that appears late, after more starts than systemd's default limit of five.
ip link show e0 >/dev/null && ip link del e0
systemctl start sessiond
for _ in $(seq 100); do
	[ "$(systemctl show -p NRestarts --value sessiond)" -gt 6 ] && break
	sleep 0.1
done
check test "$(systemctl show -p NRestarts --value sessiond)" -gt 6
check refused systemctl -q is-failed sessiond
ip link add e0 type veth peer name e1
ip link set e0 up
ip link set e1 up
for _ in $(seq 50); do
	systemctl -q is-active sessiond && break
	sleep 0.1
done
check stat_is mode_xdp 1
ip link del e0 # an event about the interface
sleep 0.5
check systemctl stop sessiond
ip link add e0 type veth peer name e1
# After a mistake in the configuration it is not restarted.
echo 'bogus = 1' >>/run/test/etc/sessiond/sessiond.conf
systemctl start sessiond
sleep 1.5
check test "$(systemctl show -p ActiveState --value sessiond)" = failed
sed -i '/bogus/d' /run/test/etc/sessiond/sessiond.conf

# socket mode: systemd keeps the sessions for the next daemon, once, and after a crash there are none.
printf 'mode = socket\ncapacity = 10000\n' >/run/test/etc/sessiond/sessiond.conf
check systemctl start sessiond
check stat_is mode_socket 1
python3 -c 'import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(60):
    s.sendto(struct.pack("!BBH", 1, 0, 300) + b"%032d" % i + b"v" * 140, ("127.0.0.1", 54321))'
sleep 0.5
check stat_is sessions 60
sed -i 's/10000/40/' /run/test/etc/sessiond/sessiond.conf
$ctl reload | grep -q 'a restart keeps 40 of 60 sessions' || { echo "FAILED: the cost"; exit 1; }
sed -i 's/40/20000/' /run/test/etc/sessiond/sessiond.conf
for _ in 1 2; do
	before=$(main)
	check systemctl restart sessiond
	check test "$(main)" != "$before"
	check stat_is sessions_adopted 60
	check stat_is sessions 60
	check stat_is capacity 20000
	check field_is CapPrm 0000000000000000
done
check said -g 'gave 60 sessions to the service manager'
check said -g 'took over 60 sessions from the last daemon'
# As the value was, to the byte.
check python3 -c 'import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(struct.pack("!BBH", 1, 1, 0) + b"%032d" % 59, ("127.0.0.1", 54321))
assert s.recv(999)[36:] == b"v" * 140'
# To xdp mode, too: what is in its maps from then on is adopted as ever.
ip link show e0 >/dev/null || ip link add e0 type veth peer name e1
ip link set e0 up
printf 'mode = xdp\ninterface = e0\ncapacity = 10000\n' >/run/test/etc/sessiond/sessiond.conf
check systemctl restart sessiond
check stat_is mode_xdp 1
check stat_is sessions 60
check python3 -c 'import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(struct.pack("!BBH", 1, 1, 0) + b"%032d" % 58, ("127.0.0.1", 54321))
assert s.recv(999)[36:] == b"v" * 140'
check systemctl restart sessiond
check stat_is sessions_adopted 60
check systemctl stop sessiond
printf 'mode = socket\ncapacity = 20000\n' >/run/test/etc/sessiond/sessiond.conf
check systemctl start sessiond
check stat_is sessions 0
before=$(main)
kill -KILL "$before"
for _ in $(seq 50); do
	[ "$(main)" != "$before" ] && stat_is sessions 0 2>/dev/null && break
	sleep 0.1
done
check stat_is sessions 0
python3 -c 'import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(70):
    s.sendto(struct.pack("!BBH", 1, 0, 300) + b"%032d" % i + b"w" * 140, ("127.0.0.1", 54321))'
sleep 0.5
check stat_is sessions 70

# dpdk mode, with its drop-in. It gets the sessions, and gives them to the next daemon.
if [ -e "$logs/dpdk" ]; then
	mkdir /run/systemd/system/sessiond.service.d
	cp /run/test/dpdk.conf /run/systemd/system/sessiond.service.d
	cat >/run/test/etc/sessiond/sessiond.conf <<-CONF
		mode = dpdk
		listen = 10.0.0.5
		capacity = 1000
		dpdk-args = --no-huge -m 256 --vdev net_ring0
	CONF
	check systemctl daemon-reload
	check systemctl restart sessiond
	check stat_is mode_dpdk 1
	check stat_is sessions 70
	check test -e /run/sessiond/dpdk/sessiond
	check systemctl reload sessiond
	sed -i 's/capacity = 1000/capacity = 50/' /run/test/etc/sessiond/sessiond.conf
	$ctl reload | grep -q 'a restart keeps 50 of 70 sessions' || { echo "FAILED: the cost"; exit 1; }
	sed -i 's/capacity = 50/capacity = 2000/' /run/test/etc/sessiond/sessiond.conf
	check systemctl restart sessiond
	check stat_is mode_dpdk 1
	check stat_is sessions 70
	check stat_is capacity 2000
	printf 'mode = socket\ncapacity = 1000\n' >/run/test/etc/sessiond/sessiond.conf
	check systemctl restart sessiond
	check python3 -c 'import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(struct.pack("!BBH", 1, 1, 0) + b"%032d" % 69, ("127.0.0.1", 54321))
assert s.recv(999)[36:] == b"w" * 140'
	check systemctl stop sessiond
fi
check said SESSIOND_EVENT=interface SESSIOND_INTERFACE=e0
check said SESSIOND_EVENT=start
check said SESSIOND_EVENT=stop
echo "all is well"
END

"$BUILD/sessiond" --check --mode dpdk --listen 10.0.0.5 --capacity 1000 \
	--dpdk-args "--no-huge -m 256 --vdev net_ring0" 2>/dev/null >&2 && touch "$LOGS/dpdk"

# Its own cgroup becomes the root of its cgroup namespace.
code=0
timeout -k 5 60 bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' in "$group" \
	unshare -fpmuiCn --kill-child bash "$LOGS/outside.sh" "$SOURCE" "$BUILD" "$LOGS" \
	>"$LOGS/systemd.log" 2>&1 </dev/null || code=$?
while read -r line; do
	note "$line"
done <"$LOGS/inside.log"
grep -q '^all is well$' "$LOGS/inside.log" ||
	fail "systemd ended with $code: $(tail -n 3 "$LOGS/systemd.log")"

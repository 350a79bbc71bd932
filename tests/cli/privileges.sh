#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A running daemon's privileges: its user, its capabilities on every thread, its system call filter, its
# files, and who may connect to it.

. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to become another user"
[ -r /proc/self/status ] || skip "/proc is not mounted"
[ "$(id -u nobody)" = 65534 ] || skip "there is no user nobody"
for program in setpriv python3; do
	command -v "$program" >/dev/null || skip "$program is not installed"
done

# thread_field PID NAME: the distinct values of a field of /proc/PID/status over all threads.
thread_field() {
	cat /proc/"$1"/task/*/status | awk -v name="$2:" '$1 == name { $1 = ""; print }' |
		sort -u | tr -s ' \t\n' ' ' | sed 's/^ //; s/ $//'
}

is() {
	cases=$((cases + 1))
	[ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"
}

# Builds with a sanitizer have no filter, because sanitizers make calls that it forbids.
filtered=2
if grep -qE 'b_sanitize.*(address|thread)' "$SESSIOND_BUILD/meson-private/cmd_line.txt"; then
	filtered=0
fi
leaks_sought=$(grep -E 'b_sanitize.*address' "$SESSIOND_BUILD/meson-private/cmd_line.txt" || :)

# harmless PID USER-ID: no privilege of root is left.
harmless() {
	is "the user" "$(thread_field "$1" Uid)" "$2 $2 $2 $2"
	is "the group" "$(thread_field "$1" Gid)" "$2 $2 $2 $2"
	is "CapEff" "$(thread_field "$1" CapEff)" 0000000000000000
	is "CapPrm" "$(thread_field "$1" CapPrm)" 0000000000000000
	is "CapInh" "$(thread_field "$1" CapInh)" 0000000000000000
	is "CapAmb" "$(thread_field "$1" CapAmb)" 0000000000000000
	is "NoNewPrivs" "$(thread_field "$1" NoNewPrivs)" 1
	is "Seccomp" "$(thread_field "$1" Seccomp)" "$filtered"
	# Not dumpable: its files in /proc belong to root, so that no process of its user may attach. A
	# build with LeakSanitizer, which attaches, is dumpable.
	[ -n "$leaks_sought" ] || is "the owner of its memory" "$(stat -c %U "/proc/$1/mem")" root
	is "memory left out of core files" \
		"$(awk '/^VmFlags:.* dd/ { print "yes"; exit }' "/proc/$1/smaps")" yes
	is "the core limit" "$(awk '/Max core file size/ { print $5, $6 }' "/proc/$1/limits")" "0 0"
}

get='import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect(("127.0.0.1", int(sys.argv[1])))
key = b"k" * 32
s.send(struct.pack("!BBH", 1, 0, 300) + key + b"v" * 140)
time.sleep(0.2)
s.send(struct.pack("!BBH", 1, 1, 0) + key)
sys.exit(s.recv(1000)[36:] != b"v" * 140)'

# serves NAME PORT PID: checks NEWs, GETs, reload, the admin socket.
serves() {
	cases=$((cases + 1))
	python3 -c "$get" "$2" || fail "$1: a session that was stored is not found"
	expect 0 '' "$sessionctl" -C "$folder/$1.sock" stats
	kill -HUP "$3"
	expect 0 '' "$sessionctl" -C "$folder/$1.sock" reload
	expect 0 '' "$sessionctl" -C "$folder/$1.sock" list
}

# answers PID SOCKET: waits for a daemon's admin socket. The daemon is ended at the end.
answers() {
	started=$1
	daemons="$daemons $started"
	for _ in $(seq 100); do
		"$sessionctl" -C "$2" version >/dev/null 2>&1 && break
		sleep 0.1
	done
}

# as_nobody CAPABILITIES ARGUMENTS...: starts a daemon as systemd does: as user nobody from the start,
# with these capabilities. Its log is $folder/nobody.log.
as_nobody() {
	caps=$1
	shift
	# shellcheck disable=SC2086
	${limit:-} setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$caps" \
		--ambient-caps "$caps" \
		"$folder/sessiond" -n 1000 "$@" >"$folder/nobody.log" 2>&1 </dev/null &
}

# Started as root, it changes to the user of --user.
echo 'allow = 127.0.0.0/8' >"$folder/conf"
start named --user nobody -m socket -n 1000 -t 2 -c "$folder/conf" 7401 || finish
harmless "$started" 65534
serves named 7401 "$started"
is "the admin socket" "$(stat -c '%U:%a' "$folder/named.sock")" nobody:660
is "locked memory" "$(awk '$1 == "VmLck:" && $2 > 300 { print "yes" }' "/proc/$started/status")" yes

# Who may connect, even if the socket's mode is opened for everybody.
chmod 666 "$folder/named.sock"
cp "$sessionctl" "$folder/sessionctl"
expect 1 'permission denied: be root' setpriv --reuid 65533 --regid 65533 --clear-groups \
	"$folder/sessionctl" -C "$folder/named.sock" stats
expect 0 '' setpriv --reuid 65533 --regid 65534 --clear-groups \
	"$folder/sessionctl" -C "$folder/named.sock" stats
expect 0 '' setpriv --reuid 65533 --regid 65533 --groups 65532,65534 \
	"$folder/sessionctl" -C "$folder/named.sock" stats
expect 0 '' setpriv --reuid 65534 --regid 65533 --clear-groups \
	"$folder/sessionctl" -C "$folder/named.sock" stats
grep -q 'refused user 65533' "$folder/named.log" || fail "the refusal is not logged"
stop named "$started"

# A group of its own, and users and groups that do not exist.
start grouped --user nobody:daemon -m socket -n 1000 7402 || finish
is "the group" "$(thread_field "$started" Gid)" "1 1 1 1"
is "the groups" "$(thread_field "$started" Groups)" 1
is "the admin socket" "$(stat -c '%U:%G' "$folder/grouped.sock")" nobody:daemon
stop grouped "$started"
expect 2 'there is no user nosuchuser' "$sessiond" --check --user nosuchuser
expect 2 'there is no group nosuchgroup' "$sessiond" --check --user nobody:nosuchgroup
expect 2 'expected NAME' "$sessiond" --check --user nobody:
expect 2 'expected yes' "$sessiond" --check --seccomp perhaps
cp "$sessiond" "$folder/sessiond"
expect 2 'only root can become' setpriv --reuid 65533 --regid 65533 --clear-groups \
	"$folder/sessiond" --check --user nobody

# root in another group: no change of user removes the threads' capabilities, so they must drop them.
start rooted --user root:daemon -m socket -n 1000 -t 2 7406 || finish
is "the user" "$(thread_field "$started" Uid)" "0 0 0 0"
is "the group" "$(thread_field "$started" Gid)" "1 1 1 1"
is "CapEff" "$(thread_field "$started" CapEff)" 0000000000000000
is "CapPrm" "$(thread_field "$started" CapPrm)" 0000000000000000
is "the admin socket" "$(stat -c '%U:%G' "$folder/rooted.sock")" root:daemon
stop rooted "$started"

# Without the filter, by option.
start open --user nobody --seccomp no -m socket -n 1000 7403 || finish
is "Seccomp" "$(thread_field "$started" Seccomp)" 0
stop open "$started"

# As systemd starts it: as the user, with capabilities, which it drops once the port is open.
as_nobody +net_bind_service,+ipc_lock -m socket -C "$folder/ambient.sock" 999
wait $!
grep -q 'admin socket' "$folder/nobody.log" || fail "a folder of root's took a socket"
mkdir "$folder/own" && chown 65534:65534 "$folder/own"
as_nobody +net_bind_service,+ipc_lock -m socket -C "$folder/own/ambient.sock" 999
answers $! "$folder/own/ambient.sock"
harmless "$started" 65534
stop nobody "$started"
[ -e "$folder/own/ambient.sock" ] && fail "the admin socket is left behind"

# No --user, as root: user sessiond if it exists; else root, with a warning. The user is created in a
# separate namespace.
# shellcheck disable=SC2016
default_user() {
	unshare -m sh -c 'grep -v "^sessiond:" /etc/passwd >"$1/passwd"
		[ -z "$2" ] || echo "sessiond:x:65531:65531::/:/bin/false" >>"$1/passwd"
		mount --bind "$1/passwd" /etc/passwd
		exec "$3" -m socket -n 1000 -C "$1/default.sock" 7404' \
		default "$folder" "$1" "$sessiond" >"$folder/default.log" 2>&1 </dev/null &
	answers $! "$folder/default.sock"
}
default_user there
is "the user" "$(thread_field "$started" Uid)" "65531 65531 65531 65531"
grep -q 'running as user sessiond' "$folder/default.log" || fail "its user is not logged"
stop default "$started"
rm -f "$folder/default.sock"
default_user ''
is "the user" "$(thread_field "$started" Uid)" "0 0 0 0"
is "CapEff" "$(thread_field "$started" CapEff)" 0000000000000000
grep -q 'running as root: make a system user' "$folder/default.log" || fail "root is not warned"
stop default "$started"

# xdp mode: the pins belong to the new user; program and pins are removed at the end.
bpf_folder() {
	mkdir "$folder/bpf" && mount -t bpf -o mode=0700 none "$folder/bpf" 2>/dev/null
}
if [ "${SESSIOND_XDP:-yes}" = yes ] && bpf_folder; then
	trap 'umount -l "$folder/bpf" 2>/dev/null; cleanup' EXIT
	ip link add cli0 type veth peer name cli1 && ip link set cli0 up && ip link set cli1 up
	mkdir "$folder/bpf/root" && chown nobody "$folder/bpf/root"
	start xdp --user nobody -m xdp -i cli0 -n 1000 --pin-dir "$folder/bpf/root" 7405 || finish
	harmless "$started" 65534
	is "locked memory" \
		"$(awk '$1 == "VmLck:" && $2 > 300 { print "yes" }' "/proc/$started/status")" yes
	serves xdp 7405 "$started"
	is "the pins' owner" "$(stat -c %U "$folder"/bpf/root/7405/* | sort -u)" nobody
	ip address add 192.0.2.1/32 dev lo
	for _ in $(seq 30); do
		grep -q '192.0.2.1 was added' "$folder/xdp.log" && break
		sleep 0.1
	done
	grep -q '192.0.2.1 was added' "$folder/xdp.log" || fail "a new address is not followed"
	# A recreated interface gets the program, and a pin, from a daemon without privileges that may
	# not even enter the folder above its pins.
	ip link delete cli0
	ip link add cli0 type veth peer name cli1 && ip link set cli0 up && ip link set cli1 up
	for _ in $(seq 30); do
		grep -q 'cli0 is another interface now.* XDP on it' "$folder/xdp.log" && break
		sleep 0.1
	done
	grep -q 'cli0 is another interface now.* XDP on it' "$folder/xdp.log" ||
		fail "a new cli0 is not taken: $(tail -n 2 "$folder/xdp.log")"
	is "the links" "$(cd "$folder/bpf/root/7405" && echo link-*)" \
		"link-$(ip -o link show cli0 | cut -d : -f 1)"
	# Killed, started again, adopted.
	kill -9 "$started"
	wait "$started" 2>/dev/null
	start xdp --user nobody -m xdp -i cli0 -n 1000 --pin-dir "$folder/bpf/root" 7405 || finish
	grep -q 'adopted 1 sessions' "$folder/xdp.log" || fail "the session is not adopted"
	stop xdp "$started"
	is "what is left" "$(ls "$folder/bpf/root")" ''
	ip link show cli0 | grep -q 'xdp' && fail "the program is still attached"
	# As systemd starts it: as the user from the start.
	chmod 711 "$folder/bpf"
	limit='prlimit --memlock=0:0'
	for more in '' ,+net_raw; do
		as_nobody "+bpf,+net_admin,+perfmon$more" -m xdp -i cli0 \
			--pin-dir "$folder/bpf/root" -C "$folder/own/x.sock" 7405
		answers $! "$folder/own/x.sock"
		harmless "$started" 65534
		# Sessions pass through the daemon, although it stores none.
		grep -q 'may be swapped' "$folder/nobody.log" || [ -z "$limit" ] ||
			fail "memory that cannot be locked is not warned of"
		limit=
		stop nobody "$started"
		is "what is left" "$(ls "$folder/bpf/root")" ''
	done
	# Each of the three capabilities is needed, and doctor reports a missing one.
	for lacking in net_admin bpf perfmon; do
		caps=
		for name in net_admin bpf perfmon; do
			[ "$name" = "$lacking" ] || caps="$caps${caps:+,}+$name"
		done
		expect 1 'CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON' setpriv --reuid 65534 --regid 65534 \
			--clear-groups --inh-caps "$caps" --ambient-caps "$caps" "$folder/sessiond" \
			-m xdp -i cli0 -n 1000 --pin-dir "$folder/bpf/root" -C "$folder/own/x.sock" 7405
		setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$caps" \
			--ambient-caps "$caps" "$folder/sessionctl" -C "$folder/own/x.sock" doctor cli0 \
			>"$folder/out" 2>&1
		grep -iq "^warning  capabilities: .*: it lacks CAP_$lacking\$" "$folder/out" ||
			fail "doctor without $lacking: $(grep capabilities "$folder/out")"
	done
else
	echo "xdp mode is left out: not built, or no BPF file system can be mounted here"
fi

finish

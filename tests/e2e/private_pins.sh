#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A BPF file system that ends with its mount namespace takes the pins with it. The daemon warns of it at
# the start, and doctor too: under `ip netns exec`, and in a container that mounted its own; but not for
# the host's file system, also if mounted into the container.
. "$(dirname "$0")/lib.sh"

place_for xdp
first='pid:[4026531836]' # the kernel's initial PID namespace

# said_of COMMAND...: whether a daemon that COMMAND starts warns that its pins are private. The daemon
# is killed at the end.
said_of()
{
	local told=0

	mkdir -p "$LOGS/bpf"
	printf '#!/bin/sh\nexec %s "$@"\n' "$*" >"$LOGS/start"
	chmod +x "$LOGS/start"
	: >"$LOGS/private.log"
	"$LOGS/start" "$BUILD/sessiond" "$FARM_PORT" --mode xdp --user root --capacity 1000 -C "$FARM_ADMIN" \
		"${FARM_INTERFACES[@]}" "${pins[@]}" >"$LOGS/private.log" 2>&1 </dev/null &
	daemon=$!
	AT_END+=("kill -KILL $daemon 2>/dev/null")
	farm_wait 20 farm_ctl version || fail "it does not start: $(cat "$LOGS/private.log")"
	cat "$LOGS/private.log" >>"$LOGS/test.log"
	case $(grep -c '^PRIVATE: ' "$LOGS/private.log") in
	0) told=1 ;;
	1) ;;
	*) fail "it is said more than once" ;;
	esac
	"$BUILD/sessionctl" -C "$FARM_ADMIN" "${pins[@]}" doctor >"$LOGS/doctor" || true
	if [ "$told" -eq 0 ]; then
		grep -q '^warning  pins: .*belongs to one mount namespace only' "$LOGS/doctor" ||
			fail "the doctor does not say so: $(grep pins "$LOGS/doctor")"
	elif grep 'belongs to one mount namespace' "$LOGS/doctor"; then
		fail "the doctor says so"
	fi
	return "$told"
}

# It ends and leaves nothing. It may be the first process of its PID namespace.
gone()
{
	local child

	child=$(cat "/proc/$daemon/task/$daemon/children")
	kill -TERM ${child:-$daemon}
	farm_wait 10 eval '! farm_ctl version' || fail "it does not end"
	wait "$daemon" || true
}

step "under ip netns exec, at the default place"
pins=()
said_of ip netns exec "$FARM_LAB-cache" || fail "it is not said"
gone

step "in a mount namespace of its own"
pins=(--pin-dir "$LOGS/own")
mkdir "$LOGS/own"
cat >"$LOGS/mounts-own" <<-END
	#!/bin/sh
	mount -t bpf own '$LOGS/own' && exec "\$@"
END
chmod +x "$LOGS/mounts-own"
said_of nsenter "--net=/run/netns/$FARM_LAB-cache" -- unshare --mount "$LOGS/mounts-own" || fail "it is not said"
gone

step "in a container that mounts its own"
said_of nsenter "--net=/run/netns/$FARM_LAB-cache" -- unshare --pid --fork --kill-child --mount-proc \
	sh -c "'sleep 0.1; exec \"\$@\"'" sh "$LOGS/mounts-own" || fail "it is not said"
gone

step "in a container that was given one"
pins=(--pin-dir "$LOGS/bpf")
sleep 0.1
if [ "$(readlink /proc/self/ns/pid)" != "$first" ]; then
	note "not tested: this is a container, and the BPF file system of the test is younger"
else
	if said_of nsenter "--net=/run/netns/$FARM_LAB-cache" -- unshare --pid --fork --kill-child --mount-proc; then
		fail "it is said"
	fi
	gone
fi

step "on the host"
if [ "$(readlink /proc/self/ns/pid)" = "$first" ] && grep -qF " $LOGS/bpf " /proc/1/mountinfo; then
	if said_of nsenter "--net=/run/netns/$FARM_LAB-cache" --; then
		fail "it is said"
	fi
	gone
else
	note "not tested: this is no host, or the BPF file system was mounted elsewhere"
fi

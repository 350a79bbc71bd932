# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# For tests with a cache in xdp mode, x: a veth pair to a namespace of clients, and a BPF file system.
# Source it after lib.sh. Before start_x set $farm, its options of the farm.
# shellcheck shell=sh

[ "${SESSIOND_XDP:-yes}" = yes ] || skip "sessiond is built without xdp mode"
if [ -z "${FARM_TEST_MOUNT:-}" ]; then
	rm -rf "$folder"
	FARM_TEST_MOUNT=1 exec unshare -m "$0" "$@"
fi
make_peer "${PEER_SECONDS:-120}" || skip "no veth pair can be made"
mkdir "$folder/bpf"
mount -t bpf none "$folder/bpf" 2>/dev/null || skip "no BPF file system can be mounted"
trap 'umount -l "$folder/bpf" 2>/dev/null; cleanup' EXIT

# start_x [OPTION...]
start_x() {
	# shellcheck disable=SC2086,SC2154 # several options, which the test sets
	start x 7001 --mode xdp --xdp-mode generic --interface cli0 --pin-dir "$folder/bpf/s" \
		--capacity 200000 --farm-node x $farm "$@"
}
# From the peer's side, through the driver. far COMMAND OPTION...: fails the test if it fails.
far() {
	cases=$((cases + 1))
	far_command=$1
	shift
	nsenter -t "$peer" -n "$udpclient" "$far_command" 10.99.0.1 7001 "$@" >"$folder/client" 2>&1 || {
		fail "$far_command $*: $(cat "$folder/client")"
		return 1
	}
	echo "$far_command at x $*: $(cat "$folder/client")"
}
# The same for `fetch`, without a verdict.
quiet() {
	nsenter -t "$peer" -n "$udpclient" fetch 10.99.0.1 7001 "$@"
}
ready_x() {
	nsenter -t "$peer" -n "$sessionctl" check 10.99.0.1:7001
}

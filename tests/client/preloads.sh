# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# HAProxy and hitch in a test, with libsessiond-preload.so: $server says which. To be sourced by bash after
# servers.sh.
#
#   preload_certificate FILE NAME         a certificate with its key in FILE
#   preload_backend                       what hitch passes requests on to
#   preload_start NAME PORT LD_PRELOAD    starts one, with $folder/cert.pem and, for other.example,
#                                         $folder/other.pem; its output is $folder/NAME.out
#   haproxy_reload NAME                   executes HAProxy anew, which takes its listeners over
#   preload_stop PORT...                  stops all, and waits until nobody listens there

preload=$SESSIOND_BUILD/client/preload/libsessiond-preload.so
preloaded=

preload_certificate() {
	make_certificate "$1" "$2"
	cat "$1.key" >>"$1"
}

haproxy_conf() {
	cat <<-END
		global
		    nbthread 2
		    log stdout format raw local0 warning
		defaults
		    mode http
		    timeout client 20s
		    timeout server 20s
		    timeout connect 20s
		frontend $1
		    bind 127.0.0.1:$2 $3
		    http-request return status 200 content-type text/plain string ok
	END
}

preload_backend() {
	[ "$server" = hitch ] || return 0
	haproxy_conf backend 7389 '' >"$folder/backend.cfg"
	haproxy -db -f "$folder/backend.cfg" >"$folder/backend.out" 2>&1 &
	daemons="$daemons $!"
	listens 7389
}

preload_start() {
	if [ "$server" = haproxy ]; then
		haproxy_conf "$1" "$2" "ssl crt $folder/cert.pem crt $folder/other.pem no-tls-tickets" >"$folder/$1.cfg"
		LD_PRELOAD=$3 haproxy -W -db -f "$folder/$1.cfg" -p "$folder/$1.pid" >"$folder/$1.out" 2>&1 &
	else
		LD_PRELOAD=$3 hitch --workers=2 --user=nobody --group=nogroup --backend='[127.0.0.1]:7389' \
			--frontend="[127.0.0.1]:$2" "$folder/other.pem" "$folder/cert.pem" >"$folder/$1.out" 2>&1 &
	fi
	daemons="$daemons $!"
	preloaded="$preloaded $!"
}

haproxy_reload() {
	local before try

	before=$(grep -c 'Loading success' "$folder/$1.out")
	for try in $(seq 400); do
		# A master that has just started may not hear of it.
		[ $((try % 100)) -ne 1 ] || kill -USR2 "$(cat "$folder/$1.pid")"
		sleep 0.05
		[ "$(grep -c 'Loading success' "$folder/$1.out")" -eq "$before" ] || return 0
	done
	fail "$1 does not reload: $(tail -n 3 "$folder/$1.out")"
}

preload_stop() {
	local port

	servers_end "$preloaded"
	preloaded=
	# hitch's workers may outlive it by a moment.
	for port; do
		for _ in $(seq 200); do
			(: </dev/tcp/127.0.0.1/"$port") 2>/dev/null || break
			sleep 0.05
		done
	done
}

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# Two servers of a kind, A on $port_a and B on $port_b, for a test that treats all kinds alike. To be
# sourced by bash after cli/lib.sh and place.sh; the cache is on port 7330.
#
#   pair_probe KIND         nginx, httpd, haproxy or hitch; skips the test if it is not installed
#   pair_start HOW PORT     a new start: "sealed" with $folder/key, or "plain"; A asks the cache, and B asks
#                           PORT, which is the cache's or one of loopback, for $deadline_ms at most
#   pair_reload             both read the key again; fails if a server refuses it. B's clients of
#                           before may be cut off only if $pair_cuts is set
#   pair_seen, pair_look_ups   what B's look-ups since pair_seen came to: "STATUS COUNT [SHORT LONG]", with
#                           the times in us of the fastest tenth and the longest, where the server tells
#   pair_told               how often B told that it cannot use the key

. "$(dirname "$0")/servers.sh"
. "$(dirname "$0")/nginxes.sh"
. "$(dirname "$0")/httpds.sh"
. "$(dirname "$0")/preloads.sh"

pair_cuts=

pair_probe() {
	server=$1
	case $server in
	nginx)
		nginx_probe
		port_a=7341 port_b=7351
		;;
	httpd)
		servers_need apache2
		cert=$folder/cert.pem
		make_certificate "$cert" localhost
		port_a=7391 port_b=7393
		;;
	haproxy | hitch)
		servers_need haproxy "$server"
		preload_certificate "$folder/cert.pem" test
		preload_certificate "$folder/other.pem" other.example
		preload_backend
		port_a=7381 port_b=7382
		[ "$server" != hitch ] || pair_cuts=yes
		;;
	esac
}

# one NAME PORT HOW ADDRESS CACHE-PORT DEADLINE-MS
one() {
	local name=$1 port=$2 sealed=

	[ "$3" != sealed ] || sealed=yes
	case $server in
	nginx)
		(
			# shellcheck disable=SC2030 # for nginx_configure
			cache_at=$4
			NGINX_CACHE=$5 NGINX_DEADLINE=${6}ms nginx_configure "$name" \
				"ssl_session_cache none; ${sealed:+sessiond_key $folder/key; sessiond_scope www;}" \
				"server { listen 127.0.0.1:$port ssl; return 200 ok; }"
		)
		nginx_start "$name"
		;;
	httpd)
		httpd_configure "$name" "$port" event \
			"SSLSessionCache sessiond:$4:$5?deadline-us=${6}000${sealed:+&key=$folder/key&scope=www}"
		SESSIOND_CLIENTS=$folder/clients.$name httpd_start "$name"
		;;
	*)
		printf 'caches = %s:%s\n' "$4" "$5" >"$folder/$name.conf"
		[ -z "$sealed" ] || printf 'key = %s\nscope = www\n' "$folder/key" >>"$folder/$name.conf"
		SESSIOND_CLIENT_CONF=$folder/$name.conf SESSIOND_DEADLINE_US=${6}000 \
			SESSIOND_CLIENTS=$folder/clients.$name preload_start "$name" "$port" "$preload"
		;;
	esac
}

pair_start() {
	local at=127.0.0.1

	# shellcheck disable=SC2031
	[ "$2" != 7330 ] || at=$cache_at
	pair_how="$1 $2"
	nginx_stop
	httpd_stop
	preload_stop $port_a $port_b
	rm -rf "$folder/clients.a" "$folder/clients.b"
	mkdir "$folder/clients.a" "$folder/clients.b"
	# shellcheck disable=SC2031
	one a $port_a "$1" "$cache_at" 7330 1000
	one b $port_b "$1" "$at" "$2" "$deadline_ms"
	listens $port_a $port_b
}

pair_reload() {
	local name

	for name in a b; do
		case $server in
		nginx) nginx_reload $name ;;
		# As apachectl does.
		httpd) httpd_reload $name || return ;;
		haproxy) haproxy_reload $name ;;
		esac
	done
	# shellcheck disable=SC2086 # words
	[ "$server" != hitch ] || pair_start $pair_how
}

counts() {
	"$sessionctl" clients "$folder/clients.b" | awk '
		$1 ~ /^(hits|misses|timeouts|off)$/ { n[$1] += $2 }
		END { print "hit", n["hits"] + 0; print "miss", n["misses"] + 0
			print "timeout", n["timeouts"] + 0; print "off", n["off"] + 0 }'
}

pair_seen() {
	if [ "$server" = nginx ]; then
		seen=$(wc -l <"$folder/b/access.log")
	else
		counts >"$folder/seen"
	fi
}

pair_look_ups() {
	local status

	if [ "$server" != nginx ]; then
		# A new start counts from 0.
		counts | paste -d ' ' - "$folder/seen" | awk '{ n = $2 - $4; if (n < 0) n = $2; if (n) print $1, n }'
		return
	fi
	tail -n "+$((seen + 1))" "$folder/b/access.log" >"$folder/log"
	for status in hit miss timeout off; do
		awk -v status=$status '$2 == status { print int($3 * 1e6 + 0.5) }' "$folder/log" | sort -n |
			awk -v status=$status '{ us[NR] = $1 }
				END { if (NR) print status, NR, us[1 + int(NR / 10)], us[NR] }'
	done
}

pair_told() {
	cat "$folder/b/error.log" "$folder/b/out" "$folder/b.out" "$folder/refused" 2>/dev/null |
		grep -cE "sessiond(-preload)?: .*$folder/key"
}

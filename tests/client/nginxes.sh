# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# nginx in a test. To be sourced by bash after cli/lib.sh, place.sh and servers.sh.
#
#   nginx_probe                     skips the test if there is none
#   nginx_configure NAME LINES SERVERS [MODULES MORE]   LINES and SERVERS in http, after it MORE, which
#                                   needs these modules of nginx
#   nginx_start NAME, nginx_stop    starts one and waits until it listens; stops all
#   resumes WHAT COUNT OF RESUME_MANY-ARGUMENT...   that so many of OF are resumed

nginxes=

nginx_probe() {
	servers_need nginx
	cert=$folder/cert.pem
	make_certificate "$cert" test
}

nginx_configure() {
	local dir=$folder/$1

	mkdir -p "$dir"
	cat >"$dir/nginx.conf" <<-END
		${4:-}
		load_module $SESSIOND_BUILD/client/nginx/ngx_http_sessiond_module.so;
		daemon ${NGINX_DAEMON:-off};
		user root;
		pid $dir/pid;
		error_log $dir/error.log notice;
		worker_processes ${NGINX_WORKERS:-2};
		env LD_LIBRARY_PATH; # for a binary upgrade
		events { worker_connections 512; }
		http {
			log_format sessiond '\$ssl_session_reused \$sessiond_status \$sessiond_time';
			access_log $dir/access.log sessiond;
			client_body_temp_path $dir/tmp; proxy_temp_path $dir/tmp; fastcgi_temp_path $dir/tmp;
			uwsgi_temp_path $dir/tmp; scgi_temp_path $dir/tmp;
			ssl_certificate $cert;
			ssl_certificate_key $cert.key;
			ssl_protocols TLSv1.2 TLSv1.3;
			ssl_session_tickets off;
			sessiond $cache_at:${NGINX_CACHE:-7330};
			sessiond_deadline ${NGINX_DEADLINE:-1s};
			$2
			$3
		}
		${5:-}
	END
}

nginx_start() {
	: >"$folder/$1/error.log"
	"$(command -v nginx)" -p "$folder/$1" -c "$folder/$1/nginx.conf" -e "$folder/$1/error.log" >"$folder/$1/out" 2>&1 &
	if [ "${NGINX_DAEMON:-off}" = on ]; then
		wait $!
	else
		nginxes="$nginxes $!"
		daemons="$daemons $!"
	fi
	for _ in $(seq 200); do
		[ -s "$folder/$1/pid" ] && grep -q 'start worker process ' "$folder/$1/error.log" && return
		sleep 0.05
	done
	fail "nginx does not start: $(cat "$folder/$1/out" "$folder/$1/error.log")"
	finish
}

nginx_stop() {
	servers_end "$nginxes"
	nginxes=
}

# workers_of NAME: how many have been started so far.
workers_of() {
	grep -c 'start worker process ' "$folder/$1/error.log"
}

# nginx_reload NAME: and waits until new workers run.
nginx_reload() {
	local before

	before=$(workers_of "$1")
	kill -HUP "$(cat "$folder/$1/pid")"
	for _ in $(seq 400); do
		[ "$(workers_of "$1")" -lt $((before + ${NGINX_WORKERS:-2})) ] || return
		sleep 0.05
	done
	fail "$1 does not reload: $(tail -n 3 "$folder/$1/error.log")"
}

resumes() {
	local what=$1 count=$2 of=$3 said

	shift 3
	cases=$((cases + 1))
	said=$("$resume_many" "$@" 2>&1)
	[ "$said" = "$count of $of resumed" ] && return
	fail "$what: $*: $said, expected $count"
	tail -n 3 "$folder"/[ab]/error.log
}

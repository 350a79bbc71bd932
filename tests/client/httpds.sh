# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# httpd in a test. To be sourced by bash after servers.sh. $cert is a certificate, its key in $cert.key.
#
#   httpd_configure NAME PORT MPM LINES   with TLS on PORT and, without, on PORT + 1
#   httpd_start NAME, httpd_stop          starts one and waits until it serves; stops all
#   httpd_reload NAME                     a graceful restart, as apachectl does; if the configuration is
#                                         refused it fails, and $folder/refused says why

httpds=

httpd_configure() {
	local dir=$folder/$1 name

	mkdir -p "$dir/root/private"
	echo ok >"$dir/root/index.html"
	echo secret >"$dir/root/private/index.html"
	: >"$dir/passwords"
	{
		for name in mpm_"$3" ssl status authz_core authz_user authn_core authn_file authn_socache auth_basic dir; do
			echo "LoadModule ${name}_module /usr/lib/apache2/modules/mod_$name.so"
		done
		cat <<-END
			LoadModule socache_sessiond_module $SESSIOND_BUILD/client/httpd/mod_socache_sessiond.so
			ServerRoot $dir
			ServerName localhost
			PidFile $dir/pid
			ErrorLog $dir/error.log
			LogLevel warn
			User nobody
			Group nogroup
			DefaultRuntimeDir $dir
			DocumentRoot $dir/root
			DirectoryIndex index.html
			StartServers 2
			$([ "$3" = prefork ] || echo MinSpareThreads 1)
			MaxRequestWorkers $([ "$3" = event ] && echo 16 || echo 2)
			KeepAlive off
			$([ "$3" = prefork ] || echo ThreadsPerChild 8)
			Listen 127.0.0.1:$2
			Listen 127.0.0.1:$(($2 + 1))
			SSLCertificateFile $cert
			SSLCertificateKeyFile $cert.key
			SSLProtocol -all +TLSv1.2 +TLSv1.3
			SSLSessionTickets off
			$4
			<VirtualHost 127.0.0.1:$2>
			ServerName localhost:443
			SSLEngine on
			</VirtualHost>
			<VirtualHost 127.0.0.1:$2>
			ServerName other.example:443
			SSLEngine on
			</VirtualHost>
			<Location /status>
			SetHandler server-status
			</Location>
		END
	} >"$dir/httpd.conf"
}

httpd_start() {
	# In a group of its own: MPM prefork ends its whole group.
	setsid apache2 -D FOREGROUND -f "$folder/$1/httpd.conf" >"$folder/$1/out" 2>&1 &
	daemons="$daemons $!"
	httpds="$httpds $!"
	for _ in $(seq 200); do
		[ "$(http_get "$(sed -n 's/^Listen .*://p' "$folder/$1/httpd.conf" | tail -n 1)" / 2>/dev/null | tail -n 1)" = ok ] && return
		kill -0 $! 2>/dev/null || break
		sleep 0.05
	done
	fail "httpd does not start: $(cat "$folder/$1/out" "$folder/$1/error.log")"
	finish
}

httpd_stop() {
	servers_end "$httpds"
	httpds=
}

httpd_reload() {
	local before

	if ! apache2 -t -f "$folder/$1/httpd.conf" >>"$folder/refused" 2>&1; then
		return 1
	fi
	before=$(grep -c 'resuming normal operations' "$folder/$1/error.log")
	kill -USR1 "$(cat "$folder/$1/pid")"
	for _ in $(seq 400); do
		[ "$(grep -c 'resuming normal operations' "$folder/$1/error.log")" -eq "$before" ] || return 0
		sleep 0.05
	done
	fail "$1 does not restart: $(tail -n 3 "$folder/$1/error.log")"
}

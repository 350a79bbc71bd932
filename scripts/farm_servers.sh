# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# Servers with libsessiond in the place of a farm's stunnels: nginx, haproxy, httpd or hitch as A and B,
# with sealed sessions, each in front of an echo server (httpd echoes by itself). To be sourced by bash,
# after farm.sh.
#
#   farm_servers KIND          starts them; FARM_LINE is then the line that sets A up
#   farm_counter a|b NAME      a counter of libsessiond in A or B
#
# The deadline is long: a busy machine may be late, and shall not decide.

_FARM_SCOPE=farm

# _farm_server_config KIND LETTER ADDR ECHO-PORT: prints the configuration.
_farm_server_config()
{
	local cache=$FARM_CACHE:$FARM_PORT pem=$FARM_SECRETS/terminator.pem key=$FARM_SECRETS/key

	case $1 in
	nginx)
		FARM_LINE="sessiond $cache; sessiond_key $key; sessiond_scope $_FARM_SCOPE;"
		cat <<-END
			load_module /usr/lib/nginx/modules/ngx_stream_module.so;
			load_module $FARM_BUILD/client/nginx/ngx_stream_sessiond_module.so;
			daemon off;
			pid $FARM_DIR/nginx-$2.pid;
			error_log $FARM_DIR/nginx-$2.log notice;
			worker_processes 2;
			events { worker_connections 512; }
			stream {
			    ssl_certificate $pem;
			    ssl_certificate_key $pem;
			    ssl_protocols TLSv1.2 TLSv1.3;
			    ssl_session_tickets off;
			    $FARM_LINE
			    sessiond_deadline 1s;
			    server { listen $3 ssl; proxy_pass 127.0.0.1:$4; }
			}
		END
		;;
	httpd)
		FARM_LINE="SSLSessionCache sessiond:$cache?key=$key&scope=$_FARM_SCOPE&deadline-us=1000000"
		cat <<-END
			LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
			LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
			LoadModule echo_module /usr/lib/apache2/modules/mod_echo.so
			LoadModule socache_sessiond_module $FARM_BUILD/client/httpd/mod_socache_sessiond.so
			ServerRoot $FARM_DIR
			DefaultRuntimeDir $FARM_DIR
			PidFile $FARM_DIR/httpd-$2.pid
			ErrorLog $FARM_DIR/httpd-$2.log
			User nobody
			Group nogroup
			StartServers 2
			MinSpareThreads 1
			ThreadsPerChild 16
			MaxRequestWorkers 32
			Listen $3
			ServerName farm.example:443
			SSLEngine on
			SSLCertificateFile $pem
			SSLCertificateKeyFile $pem
			SSLProtocol -all +TLSv1.2 +TLSv1.3
			SSLSessionTickets off
			$FARM_LINE
			ProtocolEcho On
		END
		;;
	haproxy)
		cat <<-END
			global
			    nbthread 2
			defaults
			    mode tcp
			    timeout client 20s
			    timeout server 20s
			    timeout connect 20s
			frontend $2
			    bind $3 ssl crt $pem no-tls-tickets
			    default_backend echo
			backend echo
			    server echo 127.0.0.1:$4
		END
		;;
	hitch)
		cat <<-END
			frontend = "[${3%:*}]:${3##*:}"
			backend = "[127.0.0.1]:$4"
			pem-file = "$pem"
			workers = 2
			$([ "$(id -u)" -ne 0 ] || printf 'user = "nobody"\ngroup = "nogroup"')
		END
		;;
	esac
	case $1 in
	haproxy | hitch)
		FARM_LINE="LD_PRELOAD=libsessiond-preload.so, with caches = $cache in client.conf"
		cat >"$FARM_DIR/client.conf" <<-END
			caches = $cache
			key = $key
			scope = $_FARM_SCOPE
			deadline-us = 1000000
			log = none
		END
		;;
	esac
}

# _farm_server KIND LETTER NODE ADDR ECHO-PORT
_farm_server()
{
	local config=$FARM_DIR/$1-$2.conf preload=$FARM_BUILD/client/preload/libsessiond-preload.so
	local command=(env "LD_LIBRARY_PATH=$FARM_BUILD/client" "SESSIOND_CLIENTS=$FARM_DIR/clients"
		"PATH=$PATH:/usr/sbin")

	_farm_server_config "$1" "$2" "$4" "$5" >"$config"
	case $1 in
	nginx) command+=(nginx -p "$FARM_DIR" -c "$config" -e "$FARM_DIR/nginx-$2.log") ;;
	httpd) command+=(apache2 -D FOREGROUND -f "$config") ;;
	*)
		command+=("LD_PRELOAD=$preload" "SESSIOND_CLIENT_CONF=$FARM_DIR/client.conf")
		case $1 in
		haproxy) command+=(haproxy -db -f "$config") ;;
		hitch) command+=(hitch "--config=$config") ;;
		esac
		;;
	esac
	[ "$1" = httpd ] || farm_spawn "$3" /dev/null "$FARM_BUILD/tests/e2e/echod" "$5"
	farm_spawn "$3" "$FARM_DIR/$1-$2.out" "${command[@]}"
}

_farm_listens()
{
	farm_in client bash -c ": </dev/tcp/${1%:*}/${1##*:}"
}

farm_servers()
{
	local echo_a=4434 echo_b=4434 server

	if [ "$FARM_PLACE" != lab ]; then
		echo_a=$(_farm_port) echo_b=$(_farm_port)
	fi
	mkdir -p "$FARM_DIR/clients"
	farm_certificate "$FARM_SECRETS/terminator.pem" farm.example
	farm_ctl key new "$FARM_SECRETS/key" >/dev/null
	_farm_server "$1" a t1 "$FARM_A" "$echo_a"
	FARM_SERVER_A=$FARM_PID
	_farm_server "$1" b t2 "$FARM_B" "$echo_b"
	FARM_SERVER_B=$FARM_PID
	for server in "$FARM_A" "$FARM_B"; do
		if ! farm_wait 20 _farm_listens "$server"; then
			echo "farm: nobody listens on $server:" >&2
			tail -qn 5 "$FARM_DIR/$1"-*.log "$FARM_DIR/$1"-*.out >&2
			return 1
		fi
	done
}

farm_counter()
{
	local pid=$FARM_SERVER_A

	[ "$1" = a ] || pid=$FARM_SERVER_B
	farm_ctl clients "$FARM_DIR/clients" |
		awk -v pid="$pid" -v name="$2" '/^[^ ]/ { split($1, part, "."); on = part[2] == pid }
			on && $1 == name { n += $2 } END { print n + 0 }'
}

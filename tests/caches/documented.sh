#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# docs/farm-of-caches.md, word for word: two hosts, which are namespaces with the document's addresses and
# folders of their own, from nothing to a failover by keepalived that loses nothing; then the rotation of
# the key, and a cache that is stopped and started as by an upgrade. Every block of commands is used. A
# stand-in for systemctl starts the engine by the command of its unit.

. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to become other users"
for program in keepalived redis-server useradd setpriv; do
	command -v $program >/dev/null || skip "$program is not installed"
done
unit=/lib/systemd/system/redis-server@.service
[ -r $unit ] || skip "there is no $unit"
id -u redis >/dev/null 2>&1 || skip "there is no user redis"
source=$(readlink -f "$(dirname "$0")/../..")
build=$(readlink -f "$SESSIOND_BUILD")
doc=$source/docs/farm-of-caches.md
vip=10.0.0.5

mkdir "$folder/bin"
cat >"$folder/bin/systemctl" <<-END
	#!/bin/sh
	[ "\$1 \$2" = "start redis-server@farm" ] || exit 0
	install -d -o redis -g redis -m 2755 /run/redis-farm
	command=\$(sed -n 's/^ExecStart=//p' $unit | sed 's/%i/farm/g')
	cd /run/redis-farm
	setpriv --reuid redis --regid redis --init-groups \$command >/run/redis-farm/log 2>&1 </dev/null &
	echo \$! >/run/redis-farm/pid
END
cat >"$folder/bin/apt-get" <<-'END'
	#!/bin/sh
	[ "$1" = install ] && shift && exec dpkg -s "$@" >/dev/null
END
chmod 755 "$folder/bin"/*

# in HOST COMMAND...
in_host() {
	local pid=host_$1

	shift
	nsenter -t "${!pid}" -n -m -u -- env PATH="$folder/bin:$build:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
}

# host NAME ADDRESS: a host with files in /etc, /run and /usr/share/doc of its own.
host() {
	local name=$1 address=$2 pid

	unshare -n -m -u sleep 600 &
	pid=$!
	daemons="$daemons $pid"
	printf -v "host_$name" %s "$pid"
	for _ in $(seq 50); do
		[ "$(readlink /proc/$pid/ns/uts)" = "$(readlink /proc/self/ns/uts)" ] || break
		sleep 0.1
	done
	ip link add "$name" type veth peer name eth1 netns "$pid"
	ip link set "$name" master br0 up
	in_host "$name" sh -eu -c '
		hostname "$1"
		ip link set lo up
		ip address add "$2/24" dev eth1
		ip link set eth1 up
		mount --make-rprivate /
		mkdir "$3/$1"
		mount -t tmpfs none "$3/$1"
		for dir in /etc /usr/share/doc; do
			mkdir -p "$3/$1/up$dir" "$3/$1/work$dir"
			mount -t overlay -o "lowerdir=$dir,upperdir=$3/$1/up$dir,workdir=$3/$1/work$dir" none "$dir"
		done
		mount -t tmpfs none /run
		useradd --system --no-create-home sessiond
		install -d /etc/sessiond /usr/share/doc/sessiond/examples
		cp -r "$4"/dist/redis "$4"/dist/keepalived /usr/share/doc/sessiond/examples
		printf "%s\n" "mode = socket" "threads = 1" "capacity = 100000" >/etc/sessiond/sessiond.conf
		install -d -o sessiond -g sessiond /run/sessiond' - "$name" "$address" "$folder" "$source" ||
		skip "folders cannot be overlaid here"
	cases=$((cases + 1))
}

# daemon HOST: as the unit starts it, $daemon_HOST.
daemon() {
	local name=$1

	in_host "$name" sessiond --config /etc/sessiond/sessiond.conf >>"$folder/$name.log" 2>&1 </dev/null &
	printf -v "daemon_$name" %s "$!"
	daemons="$daemons $!"
	await 20 "the daemon of $name serves" in_host "$name" sessionctl version
}

# block FIRST-LINE: prints the indented block that begins so, and notes that it was used.
block() {
	echo "$1" >>"$folder/used"
	awk -v first="    $1" '/^    / && !inside { inside = 1; on = $0 == first }
		!/^    / && !/^$/ { inside = on = 0 }
		on { sub(/^    /, ""); print }' "$doc" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$folder/block"
	[ -s "$folder/block" ] || fail "farm-of-caches.md has no block that begins with: $1"
	cat "$folder/block"
}

# commands HOST FIRST-LINE
commands() {
	block "$2" >"$folder/commands"
	cases=$((cases + 1))
	in_host "$1" bash -eu "$folder/commands" >"$folder/out" 2>&1 || fail "$1: $2: $(cat "$folder/out")"
	sed "s/^/$1: /" "$folder/out"
}

figure() {
	in_host "$1" sessionctl stats | sed -n "s/^$2 //p"
}
# is HOST FIGURE VALUE
is() {
	[ "$(figure "$1" "$2")" = "$3" ]
}

ip link add br0 type bridge
ip link set br0 up
ip address add 10.0.0.1/24 dev br0
host cache1 10.0.0.11
host cache2 10.0.0.12
daemon_cache1=
daemon cache1
daemon cache2
# What cache1 has before there is a farm is published when it joins.
# Again where a busy machine loses a datagram: the first NEW wins, and a miss stays one.
await 20 "500 sessions are stored before there is a farm" \
	"$udpclient" store 10.0.0.11 54321 --count 500 --seed 9 --timeout 3000 --confirm

for name in cache1 cache2; do
	commands $name 'apt-get install redis-server'
	# "change both passwords, and the second address of `bind` to the host's own. Set `maxmemory`"
	address=$([ $name = cache1 ] && echo 10.0.0.11 || echo 10.0.0.12)
	in_host $name sed -i -e 's/CHANGE-THIS-TOO/operator-secret/; s/CHANGE-THIS/cache-secret/' \
		-e "s/^bind 127.0.0.1 .*/bind 127.0.0.1 $address/; s/^maxmemory .*/maxmemory 64mb/" \
		/etc/redis/redis-farm.conf
	[ "$(in_host $name stat -c %U:%a /etc/redis/redis-farm.conf)" = redis:640 ] ||
		fail "the engine's configuration can be read by others"
	commands $name 'systemctl enable redis-server@farm'
	daemons="$daemons $(in_host $name cat /run/redis-farm/pid)"
	await 20 "the engine of $name answers" in_host $name redis-cli -h 127.0.0.1 --user operator \
		--pass operator-secret --no-auth-warning PING
done

copy_key() {
	in_host cache1 cat /etc/sessiond/farm.key |
		in_host cache2 sh -c 'umask 077; cat >/etc/sessiond/farm.key; chown sessiond:sessiond /etc/sessiond/farm.key'
}
commands cache1 'sessionctl key new /etc/sessiond/farm.key'
copy_key
for name in cache1 cache2; do
	block 'farm = redis://sessiond:PASSWORD@10.0.0.11:6379' | sed 's/PASSWORD/cache-secret/' |
		in_host $name sh -c 'cat >>/etc/sessiond/sessiond.conf
			chown root:sessiond /etc/sessiond/sessiond.conf; chmod 640 /etc/sessiond/sessiond.conf'
done
for name in cache1 cache2; do
	commands $name 'sessiond --check --config /etc/sessiond/sessiond.conf'
	grep -q 'the configuration is good' "$folder/out" || fail "--check on $name"
	# The other host's engine is behind a network, without TLS: the document says that, too.
	[ "$(grep -c '^sessiond: engine ' "$folder/out")" = 1 ] && grep -q 'no TLS' "$folder/out" ||
		fail "--check on $name finds more than the lack of TLS"
done
farm_shows() {
	in_host "$1" sessionctl farm >"$folder/farm" && [ "$(grep -c 'redis://10.0.0.1[12]:6379 * up ' "$folder/farm")" = 2 ] &&
		grep -Eq "^$2 +alive " "$folder/farm"
}
await 30 "cache1 shows both engines up and cache2 alive" farm_shows cache1 cache2
await 30 "cache2 shows both engines up and cache1 alive" farm_shows cache2 cache1
cat "$folder/farm"
fetch() {
	"$udpclient" fetch "$@"
}
await 30 "cache2 has what cache1 had before" fetch 10.0.0.12 54321 --count 500 --seed 9

# Failover.
for name in cache1 cache2; do
	priority=$([ $name = cache1 ] && echo 100 || echo 90)
	in_host $name sh -c 'mkdir -p /etc/keepalived
		sed -e "s|/usr/sbin/sessionctl|$1|; s/priority 100/priority $2/" \
			/usr/share/doc/sessiond/examples/keepalived/keepalived.conf >/etc/keepalived/keepalived.conf' \
		- "$build/sessionctl" "$priority"
	in_host $name keepalived --dont-fork --log-console --vrrp --use-file /etc/keepalived/keepalived.conf \
		--pid /run/keepalived.pid --vrrp_pid /run/vrrp.pid >"$folder/$name.keepalived.log" 2>&1 </dev/null &
	printf -v "keepalived_$name" %s "$!"
	daemons="$daemons $!"
	has_vip() {
		in_host "$1" ip -o address show dev eth1 | grep -q " $vip/"
	}
	[ $name = cache2 ] || await 20 "cache1 takes the address" has_vip cache1
done
await 20 "5000 sessions are stored at the address" \
	"$udpclient" store $vip 54321 --count 5000 --seed 1 --rate 5000 --timeout 3000 --confirm
sleep 0.1 # what is older than this is not lost
kill -9 "$daemon_cache1"
ended "$daemon_cache1"
ip link set cache1 down
await 20 "cache2 takes the address" has_vip cache2
await 20 "the address answers" fetch $vip 54321 --count 10 --seed 1
await 20 "all 5000 are answered there" fetch $vip 54321 --count 5000 --seed 1 --rate 5000

# The host comes back, as after an upgrade: it is unhealthy until it has the sessions.
ip link set cache1 up
daemon cache1
await 35 "cache1 is ready" in_host cache1 sessionctl check 127.0.0.1
await 20 "cache1 has all 5000 again" fetch 10.0.0.11 54321 --count 5000 --seed 1 --rate 5000
is cache1 sessions 5500 || fail "cache1 has $(figure cache1 sessions) sessions, not 5500"
is cache2 sessions 5500 || fail "cache2 has $(figure cache2 sessions) sessions, not 5500"

# Rotation, three steps of each cache; sessions cross before, between and after.
seed=20
crosses() {
	seed=$((seed + 1))
	await 10 "$1: stored at cache1" "$udpclient" store 10.0.0.11 54321 --count 200 --seed $seed --confirm
	await 10 "$1: sessions cross to cache2" fetch 10.0.0.12 54321 --count 200 --seed $seed
	await 10 "$1: stored at cache2" "$udpclient" store 10.0.0.12 54321 --count 200 --seed $((seed + 100)) --confirm
	await 10 "$1: and to cache1" fetch 10.0.0.11 54321 --count 200 --seed $((seed + 100))
}
block 'sessionctl key rotate /etc/sessiond/farm.key' >"$folder/rotation"
[ "$(wc -l <"$folder/rotation")" = 3 ] && sed -n 2p "$folder/rotation" | grep -q '^# copy it' ||
	fail "the rotation is another: $(cat "$folder/rotation")"
first=$(in_host cache1 sed -n 's/:.*//p' /etc/sessiond/farm.key)
for step in 1 2 3; do
	for line in 1 3; do
		sed -n ${line}p "$folder/rotation" >"$folder/commands"
		for name in cache1 cache2; do
			[ $line = 3 ] || [ $name = cache1 ] || continue
			cases=$((cases + 1))
			in_host $name bash -eu "$folder/commands" >"$folder/out" 2>&1 ||
				fail "step $step on $name: $(cat "$folder/out")"
			sed "s/^/step $step, $name: /" "$folder/out"
			[ $line = 1 ] || crosses "step $step, $name reloaded"
		done
		[ $line = 3 ] || copy_key
	done
	[ "$(in_host cache1 stat -c %U:%a /etc/sessiond/farm.key)" = sessiond:600 ] ||
		fail "after step $step the key belongs to $(in_host cache1 stat -c %U:%a /etc/sessiond/farm.key)"
done
[ "$(in_host cache1 sed -n 's/:.*//p' /etc/sessiond/farm.key)" != "$first" ] || fail "the key is the old one"
for name in cache1 cache2; do
	for why in key seal truncated foreign version; do
		is $name farm_refused_$why 0 || fail "$name refused $(figure $name farm_refused_$why) batches: $why"
	done
done

awk '/^    / && !inside { inside = 1; print substr($0, 5) } !/^    / && !/^$/ { inside = 0 }' "$doc" | sort >"$folder/all"
sort -u "$folder/used" | comm -23 "$folder/all" - >"$folder/unused"
cases=$((cases + 1))
[ ! -s "$folder/unused" ] || fail "not tried: $(cat "$folder/unused")"
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A reload takes new engines and rotated keys, without a restart and without a lost session; a wrong
# one changes nothing.

. "$(dirname "$0")/lib.sh"

engine one && engine two || finish
for name in a b; do
	cp "$folder/key" "$folder/$name.key"
	printf 'farm = unix://%s\nfarm-key = %s\nfarm-node = %s\ncapacity = 10000\nlisten = 127.0.0.1\n' \
		"$folder/one.redis" "$folder/$name.key" "$name" >"$folder/$name.conf"
done
start a 7001 --mode socket --threads 1 --config "$folder/a.conf" || finish
start b 7002 --mode socket --threads 1 --config "$folder/b.conf" || finish
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002
crosses() {
	client store 7001 --count 200 --seed "$1" --confirm
	await 15 "$2" try fetch 7002 --count 200 --seed "$1"
}
crosses 1 "sessions cross"

reload() {
	for name in a b; do
		expect 0 '' "$sessionctl" -C "$folder/$name.sock" reload
		grep -q "$1" "$folder/out" || fail "reload of $name: $(cat "$folder/out")"
	done
}
add_engine() {
	for name in a b; do
		sed -i "1i farm = unix://$folder/two.redis" "$folder/$name.conf"
	done
}
add_engine
reload 'two.redis was added'
await 10 "a uses both engines" has a farm_engines_up eq 2
await 10 "b uses both engines" has b farm_engines_up eq 2
crosses 2 "sessions cross over two engines"
sed -i '/one.redis/d' "$folder/a.conf" "$folder/b.conf"
reload 'one.redis was removed'
await 10 "a uses the new engine alone" has a farm_engines eq 1
crosses 3 "sessions cross over the new engine"

# Each step of a rotation: on all caches before the next. In between one has it and the other not.
for step in add promote drop; do
	"$sessionctl" key rotate "$folder/a.key"
	cp "$folder/a.key" "$folder/b.key.new"
	expect 0 '' "$sessionctl" -C "$folder/a.sock" reload
	grep -qx "farm-key: $folder/a.key was read again" "$folder/out" &&
		grep -qx 'no option has changed' "$folder/out" || fail "reload says: $(cat "$folder/out")"
	crosses "1$(echo "$step" | wc -c)" "sessions cross while $step is half done"
	mv "$folder/b.key.new" "$folder/b.key"
	expect 0 '' "$sessionctl" -C "$folder/b.sock" reload
	crosses "2$(echo "$step" | wc -c)" "sessions cross after $step"
done
has b farm_refused_key eq 0 || fail "b refused $(stat b farm_refused_key) batches"

# A wrong key is refused and counted; a wrong file changes nothing.
cp "$folder/b.key" "$folder/good"
rm "$folder/b.key"
"$sessionctl" key new "$folder/b.key" >/dev/null
expect 0 '' "$sessionctl" -C "$folder/b.sock" reload
refuses() {
	try store 7001 --count 10 --seed 40 && has b farm_refused_key gt 0
}
await 15 "b refuses what it cannot open" refuses
client store 7001 --count 200 --seed 42 --confirm
sleep 0.5
client fetch 7002 --count 200 --seed 42 --expect miss
chmod 644 "$folder/b.key"
expect 1 'others may read' "$sessionctl" -C "$folder/b.sock" reload
cp "$folder/good" "$folder/b.key"
chmod 600 "$folder/b.key"
expect 0 '' "$sessionctl" -C "$folder/b.sock" reload
crosses 41 "sessions cross again"

# A cache leaves the farm and joins it again, with what its clients stored meanwhile.
cp "$folder/a.conf" "$folder/in.conf"
sed -i '/^farm/d' "$folder/a.conf"
expect 0 '' "$sessionctl" -C "$folder/a.sock" reload
grep -q 'two.redis was removed' "$folder/out" || fail "leaving a farm: $(cat "$folder/out")"
expect 1 'there is no farm' "$sessionctl" -C "$folder/a.sock" farm
is_ready 7001 >/dev/null || fail "a is not ready without a farm"
client store 7001 --count 500 --seed 50 --confirm
client fetch 7002 --count 500 --seed 50 --expect miss
cp "$folder/in.conf" "$folder/a.conf"
expect 0 '' "$sessionctl" -C "$folder/a.sock" reload
is_ready 7001 >/dev/null || fail "a is not ready after it joined"
await 15 "b has what was stored while a was out" try fetch 7002 --count 500 --seed 50
crosses 51 "sessions cross again"
# Under another name, and one that had no farm when it started.
sed -i 's/^farm-node.*/farm-node = other/' "$folder/a.conf"
expect 0 '' "$sessionctl" -C "$folder/a.sock" reload
crosses 52 "sessions cross under another name"
"$sessionctl" -C "$folder/b.sock" farm | grep -Eq '^other  *alive' || fail "b does not know a by its new name"
printf 'capacity = 10000\nlisten = 127.0.0.1\n' >"$folder/c.conf"
start c 7003 --mode socket --threads 1 --config "$folder/c.conf" || finish
is_ready 7003 >/dev/null || fail "c is not ready without a farm"
cp "$folder/a.key" "$folder/c.key"
sed -e 's/a.key/c.key/; s/^farm-node.*/farm-node = c/' "$folder/in.conf" >"$folder/c.conf"
expect 0 '' "$sessionctl" -C "$folder/c.sock" reload
await 15 "c has what the others had" try fetch 7003 --count 500 --seed 50

# A key that is missing lets it stay out.
sed -i '/^farm/d' "$folder/a.conf"
expect 0 '' "$sessionctl" -C "$folder/a.sock" reload
cp "$folder/in.conf" "$folder/a.conf"
mv "$folder/a.key" "$folder/away"
expect 1 'cannot read it' "$sessionctl" -C "$folder/a.sock" reload
expect 1 'there is no farm' "$sessionctl" -C "$folder/a.sock" farm
client fetch 7001 --count 500 --seed 50
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The network splits between two sites: each cache reaches the engine of its site only, and each side
# stores other sessions, and some of the same keys with other values. When it heals, both have all of
# them, and of a key that both sides stored each keeps its own: the first NEW wins, on each side.

. "$(dirname "$0")/lib.sh"

engine one || finish
engine two || finish
# The way of each cache to the engine of the other site.
relay far_one one 0 0 || finish
far_one=$started
relay far_two two 0 0 || finish
far_two=$started
cache a 7001 --farm "unix://$folder/one.redis" --farm "unix://$folder/far_two.redis" || finish
cache b 7002 --farm "unix://$folder/two.redis" --farm "unix://$folder/far_one.redis" || finish
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002
await 20 "a reaches both engines" has a farm_engines_up eq 2
await 20 "b reaches both engines" has b farm_engines_up eq 2
await 20 "1000 are stored at a" try store 7001 --count 1000 --seed 1 --confirm
await 10 "b has them" try fetch 7002 --count 1000 --seed 1

kill -9 "$far_one" "$far_two"
ended "$far_one"
ended "$far_two"
rm -f "$folder/far_one.redis" "$folder/far_two.redis"
await 20 "a has one engine" has a farm_engines_up eq 1
await 20 "b has one engine" has b farm_engines_up eq 1
await 20 "3000 are stored at a" try store 7001 --count 3000 --seed 2 --confirm
await 20 "3000 others at b" try store 7002 --count 3000 --seed 3 --confirm
# The same keys at both, with other values.
key=aabb000000000000000000000000000000000000000000000000000000000000
put() {
	python3 - "$1" "$2" <<-'END'
		import socket, struct, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.sendto(struct.pack(">BBH32s", 1, 0, 300, b"\xaa\xbb") + sys.argv[2].encode() * 50,
		         ("127.0.0.1", int(sys.argv[1])))
	END
}
value_is() {
	python3 - "$1" "$2" <<-'END'
		import socket, struct, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(1)
		s.sendto(struct.pack(">BBH32s", 1, 1, 0, b"\xaa\xbb"), ("127.0.0.1", int(sys.argv[1])))
		sys.exit(s.recv(600)[36:] != sys.argv[2].encode() * 50)
	END
}
put 7001 a
put 7002 b
await 10 "$key has one value at a" value_is 7001 a
await 10 "and another at b" value_is 7002 b
client fetch 7002 --count 3000 --seed 2 --expect miss
client fetch 7001 --count 3000 --seed 3 --expect miss
await 5 "a is ready on its side" is_ready 7001
await 5 "b is ready on its side" is_ready 7002

relay far_one one 0 0 && relay far_two two 0 0 || finish
healed=$(date +%s%N)
await 30 "a has what b's side stored" try fetch 7001 --count 3000 --seed 3
await 30 "b has what a's side stored" try fetch 7002 --count 3000 --seed 2
echo "both sides have all of it $((($(date +%s%N) - healed) / 1000000)) ms after the healing"
await 10 "$key is as it was at a" value_is 7001 a
await 10 "$key is as it was at b" value_is 7002 b
await 20 "a has 7001 sessions" has a sessions eq 7001
await 20 "b has 7001 sessions" has b sessions eq 7001
for name in a b; do
	echo "$name: gaps $(stat $name farm_gaps), published again $(stat $name farm_resends), copies $(stat $name farm_copies)," \
		"had already $(stat $name farm_exists), not published $(stat $name farm_drop_engine_slow)"
done
"$sessionctl" -C "$folder/b.sock" farm
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The layers of the source, by its includes: no circles of folders or files, no include from a layer
# above; every file name is unique; and only the table of modes knows which modes are built in.

. "$(dirname "$0")/lib.sh"

cd "$(dirname "$0")/../.." || exit 1

# A line for each include of an own file: the including file, the included file.
find include common dataplane control ebpf client -name '*.[ch]' | sort >"$folder/sources"
[ "$(wc -l <"$folder/sources")" -gt 150 ] || fail "hardly a source is found"
while read -r file; do
	cases=$((cases + 1))
	sed -n 's/^#include [<"]\([a-z0-9_./]*\)[">].*/\1/p' "$file" | sed 's|^sessiond/|include/&|' |
		grep -E '^(include|common|dataplane|control|ebpf|client|bench|tests)/' | sed "s|^|$file |"
done <"$folder/sources" >"$folder/includes"
[ "$(wc -l <"$folder/includes")" -gt 400 ] || fail "hardly an include is found"

# tsort prints the members of a circle on stderr, one per line.
no_circle() {
	tsort >/dev/null 2>"$folder/circle" || true
	[ ! -s "$folder/circle" ] || fail "$1 include each other: $(sed 's/.*: //' "$folder/circle" | tr '\n' ' ')"
}
no_circle files <"$folder/includes"
sed 's|/[^/ ]*\( \)|\1|; s|/[^/]*$||' "$folder/includes" | sort -u | awk '$1 != $2' >"$folder/all"
cp "$folder/all" "$folder/folders"
no_circle folders <"$folder/folders"

rank() {
	case $1 in
	include/*) echo 0 ;;
	common) echo 1 ;;
	dataplane/table) echo 2 ;;
	dataplane | dataplane/packet | ebpf) echo 3 ;;
	dataplane/*) echo 4 ;;
	control/sessionctl) echo 7 ;;
	control/*) echo 5 ;;
	control) echo 6 ;;
	*) echo 8 ;;
	esac
}
while read -r from to; do
	cases=$((cases + 1))
	# The library is on its own: it goes into other programs.
	case $from:$to in
	client:common | client:include/*) continue ;;
	client:* | *:client) fail "$from includes $to" ;;
	esac
	[ "$(rank "$from")" -ge "$(rank "$to")" ] || fail "$from includes $to, a layer above"
done <"$folder/folders"

for name in $(grep -v '^include/' "$folder/sources" | sed 's|.*/||' | sort | uniq -d); do
	fail "more than one file is called $name: $(grep "/$name$" "$folder/sources" | tr '\n' ' ')"
done

grep -rlE 'HAVE_(XDP|DPDK)' --include='*.[ch]' include common dataplane control ebpf client bench tests docs |
	grep -vxF dataplane/engines.c >"$folder/asks"
grep -rnE 'str[a-z]*cmp\(.*(ops|mode)->name' control >>"$folder/asks"
[ ! -s "$folder/asks" ] || fail "asks which mode it is, or which are built in: $(cat "$folder/asks")"
finish

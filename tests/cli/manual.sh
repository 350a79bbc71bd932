#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The man pages, the tables in docs/options.md and docs/metrics.md and the example configuration match the programs: all are
# generated from the tables of --help.

. "$(dirname "$0")/lib.sh"

man=$SESSIOND_BUILD/docs/man
docs=$(dirname "$0")/../../docs
pages='sessionbench.1 sessionctl.8 sessiond.8 sessiond.conf.5'
[ ! -e "$man/libsessiond.3" ] || pages="$pages libsessiond.3"

# A table begins with the first line of its section, and ends with an empty one.
for table in options:options metrics:metrics metrics:metrics-values; do
	"$man/manual" --section "markdown-${table#*:}" >"$folder/table" || fail "manual makes no table"
	page=${table%:*}
	awk 'NR == FNR { if (NR == 1) first = $0; next }
		$0 == first { inside = 1 }
		/^$/ { inside = 0 }
		inside { print }' "$folder/table" "$docs/$page.md" >"$folder/written"
	diff -u "$folder/written" "$folder/table" ||
		fail "a table in docs/$page.md differs: run 'ninja -C build $page-table'"
done

# Every option and every command of --help is in its page.
for page in sessionbench.1 sessionctl.8 sessiond.8; do
	program=${page%.*}
	expect 0 '' "$SESSIOND_BUILD/$program" --help
	names=$(grep -Eo -- '^ *(-[A-Za-z?], *)?--[a-z-]+' "$folder/out" | grep -Eo -- '-[a-z-]+$' |
		grep -v -- '--usage')
	[ "$(echo "$names" | wc -l)" -gt 5 ] || fail "$program --help shows no options: $names"
	for name in $names; do
		grep -Eq -- "^\\.It (Fl [^ ]+ , )?Fl ${name#-}( |$)" "$man/$page" ||
			fail "$page lacks the option $name"
	done
done
# Each of the three programs accepts both short options for help.
for program in sessionbench sessionctl sessiond; do
	"$SESSIOND_BUILD/$program" --help >"$folder/help"
	for name in '-h' '-?'; do
		expect 0 '' "$SESSIOND_BUILD/$program" "$name"
		diff -u "$folder/help" "$folder/out" || fail "$program $name is not its --help"
	done
done
for name in $("$sessiond" --help | grep -Eo 'SIG[A-Z0-9]+' | sort -u); do
	grep -Eq "^\\.It Dv (SIG[A-Z]+ , )?$name( |$)" "$man/sessiond.8" ||
		fail "sessiond.8 lacks $name"
done
"$sessionctl" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' >"$folder/commands"
[ "$(wc -l <"$folder/commands")" -gt 5 ] || fail "sessionctl --help shows no commands"
while read -r name; do
	grep -Eq "^\\.It Ic $name( |$)" "$man/sessionctl.8" || fail "sessionctl.8 lacks $name"
done <"$folder/commands"

# Every name that stats prints in dpdk mode. Other tests check the other modes, where such a daemon
# runs.
if start dpdk -m dpdk -n 1000 -l 10.0.0.5 --dpdk-args '--no-huge -m 256 --vdev net_ring0' 7421 \
	>"$folder/out"; then
	"$sessionctl" -C "$folder/dpdk.sock" stats >"$folder/stats"
	documented "$folder/stats" dpdk
	grep -q '^dpdk_port0_imissed ' "$folder/stats" || fail "stats of dpdk mode: $(cat "$folder/stats")"
	stop dpdk "$started"
elif grep -q 'built without' "$folder/out"; then
	failures=$((failures - 1))
else
	cat "$folder/out"
fi

# The example is valid as a whole, and each line alone.
conf=$man/sessiond.conf
expect 0 '' "$sessiond" --check -c "$conf"
ip link add eth1 type veth peer name other || fail "no interface can be made"
grep -E '^#[a-z-]+ = ' "$conf" >"$folder/lines"
[ "$(wc -l <"$folder/lines")" -gt 10 ] || fail "the example has hardly a line"
"$sessionctl" key new "$folder/key" >/dev/null
id sessiond >/dev/null 2>&1 && chown sessiond "$folder/key"
chmod 755 "$folder"
while read -r line; do
	mode=
	case $line in
	'#interface'*)
		[ "${SESSIOND_XDP:-}" != no ] || continue
		;;
	'#dpdk-args'*)
		mode='-m dpdk -l 10.0.0.5'
		# shellcheck disable=SC2086
		if "$sessiond" --check $mode 2>&1 | grep -q 'built without'; then
			continue
		fi
		line="$line --no-huge" # this host may have no free hugepages
		;;
	'#farm = '*) mode="--farm-key $folder/key" ;;
	'#farm-ca'*) continue ;; # a file that is not here
	'#farm-key'*)
		mode='--farm redis://10.0.0.21'
		line="#farm-key = $folder/key" # the service's is not here
		;;
	esac
	echo "${line#?}" >"$folder/conf"
	# shellcheck disable=SC2086
	expect 0 '' "$sessiond" --check -c "$folder/conf" $mode
done <"$folder/lines"

# Ignore complaints about other pages, and about a missing index of pages.
for page in $pages; do
	if command -v mandoc >/dev/null; then
		mandoc -T lint -W style "$man/$page" 2>&1 | grep -Ev 'mandoc.db|referenced manual not found' \
			>"$folder/lint"
		[ -s "$folder/lint" ] && fail "mandoc: $(cat "$folder/lint")"
	fi
	if command -v man >/dev/null && command -v groff >/dev/null; then
		LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$man/$page" 2>"$folder/lint" \
			>/dev/null
		[ -s "$folder/lint" ] && fail "man: $(cat "$folder/lint")"
	fi
done
command -v mandoc >/dev/null || echo "mandoc is not installed: pages are not checked by it"
finish

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The commands, counters and paths that README and docs/ name: a daemon starts with the options that they
# give it, a running daemon and the pages take the commands of sessionctl, and programs of the source tree
# take the arguments. The commands of the quick start run in scripts/package --try.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$(dirname "$0")/../.." || exit 1

# A line each: PAGE, a tab, and the words of a command, separated by the character US. From blocks, and from code within a sentence.
python3 - README.md CONTRIBUTING.md SECURITY.md docs/*.md docs/bench/*.md >"$folder/commands" <<-'END'
	import pathlib, re, shlex, sys
	own = r"(?:build/)?(?:sessiond|sessionctl|sessionbench|scripts/[a-z]+|ninja|meson)(?: |$)"
	for page in sys.argv[1:]:
	    text = re.sub(r"\\\n\s*", " ", pathlib.Path(page).read_text())
	    found, fenced = [], False
	    for line in text.splitlines():
	        if line.startswith("```"):
	            fenced = not fenced
	        elif fenced or line.startswith("    "):
	            found += re.split(r"&&|\|\||\||;|\$\(|\)|(?<=\S) &$", re.sub(r"(^|\s+)#.*", "", line))
	    found += [re.sub(r"\s+", " ", code) for code in re.findall(r"`([^`]+)`", re.sub(r"(?ms)^```.*?^```", "", text))]
	    for command in sorted({command.strip() for command in found}):
	        if re.match(own, command) and "►" not in command:
	            command = re.sub(r"\s*[0-9]?>.*", "", command)
	            try:
	                words = shlex.split(command)
	            except ValueError:
	                words = command.split()
	            print(page, "\037".join(words), sep="\t")
END
[ "$(wc -l <"$folder/commands")" -gt 60 ] || fail "hardly a command is found"

# What is no command: stunnel's option, and lines of output.
known_text() {
	case $(echo "$1" | tr '\037' ' ') in
	'sessiond ='* | 'sessiond/'* | 'sessiond '[0-9].[0-9]* | 'sessiond 10.0.0.'* | 'sessiond ADDR'*) return 0 ;;
	esac
	return 1
}

# A file of the documents is one of this test; a word for a value becomes a value.
mkdir "$folder/etc"
cp "$SESSIOND_BUILD/dist/sessiond.conf" "$folder/etc/sessiond.conf" 2>/dev/null ||
	printf 'capacity = 1000\n' >"$folder/etc/sessiond.conf"
with_values() {
	echo "$1" | sed "s|/etc/sessiond/sessiond.conf|$folder/etc/sessiond.conf|g
		s|/etc/sessiond/key|$folder/etc/key|g; s|/run/sessiond/[a-z0-9.]*sock|$folder/up.sock|g
		s|\bBYTES\b|144|g; s|\bADDR\[:PORT\]|127.0.0.1:7204|g; s|\bADDR:PORT|127.0.0.1:7204|g
		s|\bADDR\b|127.0.0.1:7204|g; s|\bPORT\b|7204|g; s|\bCIDR\b|10.0.0.0/8|g
		s|\bNAME\b|docs|g; s|\[[^]]*\]||g; s|…||g; s|\.\.\.||g"
}

ip link add eth1 type veth peer name other && ip link set eth1 up || skip "no interface can be made"
start up -m socket -n 1000 7204 || finish

# daemon PAGE OPTION...: the daemon takes the options, if it can have what they need.
daemon() {
	page=$1
	shift
	case " $* " in
	*' --interface '* | *' -i '*) [ "${SESSIOND_XDP:-yes}" = yes ] || return ;;
	esac
	case " $* " in
	*' --version '* | *' --help '*) ;;
	*) set -- "$@" --check ;;
	esac
	timeout 20 "$sessiond" "$@" >"$folder/out" 2>&1 </dev/null ||
		grep -qE 'this sessiond was built without|MiB of hugepages' "$folder/out" ||
		fail "$page: sessiond $*: $(tail -n 1 "$folder/out")"
}

# control PAGE ARGUMENT...: a wrong command line is exit code 2. A command without the argument that it
# needs is a mention of it.
control() {
	page=$1
	shift
	case "$*" in
	detach* | top | '') return ;; # detach is in cli_xdp, top in cli_top
	doctor*) set -- --help ;;
	esac
	timeout 20 "$sessionctl" -C "$folder/up.sock" "$@" >"$folder/out" 2>&1 </dev/null
	[ $? -ne 2 ] || grep -q 'needs an argument' "$folder/out" ||
		fail "$page: sessionctl $*: $(tail -n 1 "$folder/out")"
}

# script PAGE PATH ARGUMENT...: it exists, and so does each option and subcommand.
script() {
	page=$1 path=$2
	shift 2
	[ -x "$path" ] || fail "$page: there is no $path"
	for word; do
		case $word in
		docs | [0-9]*) ;;
		*) grep -rqE -- "(^|[^a-z-])$word([^a-z-]|\$)" "$path" scripts/benchlib scripts/*.sh ||
			grep -rqE -- "[\"']${word%-*}-[%{]" scripts/benchlib || fail "$page: $path knows no $word" ;;
		esac
	done
}

tab=$(printf '\t') normal=$IFS
# shellcheck disable=SC2046,SC2086
while IFS=$tab read -r page command; do
	known_text "$command" && continue
	cases=$((cases + 1))
	set -f
	IFS=$(printf '\037')
	set -- $(with_values "$command")
	IFS=$normal
	set +f
	program=${1#build/}
	shift
	case $program in
	sessiond) daemon "$page" "$@" ;;
	sessionctl) control "$page" "$@" ;;
	sessionbench)
		timeout 20 "$SESSIOND_BUILD/sessionbench" -q -n 100 -c 100 "$@" -n 100 127.0.0.1:7204 \
			>"$folder/out" 2>&1 </dev/null
		[ $? -ne 2 ] || fail "$page: $command: $(tail -n 1 "$folder/out")"
		;;
	scripts/*) script "$page" "$program" "$@" ;;
	ninja)
		for target; do
			case $target in
			-C | build | install) ;;
			*) grep -q "^build .*\\b$target\\b" "$SESSIOND_BUILD/build.ninja" ||
				fail "$page: $command: there is no target $target" ;;
			esac
		done
		;;
	meson)
		for option; do
			case $option in
			-D*)
				option=${option#-D}
				grep -q "^option('${option%%=*}'" meson_options.txt ||
					fail "$page: $command: there is no option $option"
				;;
			esac
		done
		;;
	esac
done <"$folder/commands"

# Paths of an installed sessiond are installed, or the default of an option, or the unit's.
{
	python3 - "$SESSIOND_BUILD/meson-info/intro-installed.json" <<-'END'
		import json, sys
		print("\n".join(json.load(open(sys.argv[1])).values()))
	END
	"$sessiond" --help
	"$sessionctl" --help
	cat dist/systemd/* debian/*.postinst debian/*.install debian/*.dirs debian/*.examples client/README* client/*.c 2>/dev/null
} >"$folder/places"
for path in $(grep -ohE '`/(etc|run|usr|sys|var)/[^` ]*sessiond[^` ]*`' README.md SECURITY.md docs/*.md |
	tr -d '`' | sort -u); do
	cases=$((cases + 1))
	tail=${path#/usr}
	grep -qF -e "${tail%/PORT}" -e "@sysconfdir@${path#/etc}" "$folder/places" && continue
	# What is in the folder of a unit (RuntimeDirectory=).
	below=${path#/*/}
	grep -qE "Directory=${below%%/*}( |\$)" "$folder/places" && continue
	# What the daemon makes as it runs.
	grep -rqF -e "$path" common control dataplane client --include='*.[ch]' && continue
	fail "the docs name $path, which nothing makes"
done

# Figures of the metrics page, by their full names.
"$SESSIOND_BUILD/docs/man/manual" --section figures >"$folder/metrics" || fail "no figures"
cat control/stats/*.c dist/prometheus/*.yml >>"$folder/metrics"
for name in $(grep -ohE '`sessiond_[a-z0-9_]+`' README.md docs/*.md | tr -d '`' | sort -u); do
	cases=$((cases + 1))
	short=${name#sessiond_}
	grep -qE "(^|[^a-z0-9_])(sessiond_)?${short%_total}([^a-z0-9_]|_total|\$)" "$folder/metrics" ||
		fail "no metric is called $name"
done
finish

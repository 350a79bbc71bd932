#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Whatever the docs refer to exists: links and anchors, source files, options, counters and
# configuration. And docs/architecture.md names every source file.

. "$(dirname "$0")/lib.sh"

cd "$(dirname "$0")/../.." || exit 1
pages="README.md CONTRIBUTING.md SECURITY.md $(echo docs/*.md docs/bench/*.md)"
for page in $pages; do
	cases=$((cases + 1))
	for link in $(grep -Eo '\]\([^)#]+' "$page" | sed 's/^](//'); do
		case $link in
		*://*) ;;
		*) [ -e "$(dirname "$page")/$link" ] || fail "$page: there is no $link" ;;
		esac
	done
	for file in $(grep -Eo '`(bench|client|common|control|dataplane|dist|docs|ebpf|include|scripts|tests)/[^` ]*`' "$page" |
		tr -d '`'); do
		# shellcheck disable=SC2086
		ls $file >/dev/null 2>&1 || fail "$page: there is no $file"
	done
done

# An anchor is a heading of the linked page, spelled as on GitHub.
python3 - $pages >"$folder/anchors" <<-'END' || fail "$(cat "$folder/anchors")"
	import pathlib, re, sys
	def anchors(page):
	    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
	    heads = re.findall(r"^#+ (.*)$", text, flags=re.M)
	    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
	found, missing = 0, []
	for page in map(pathlib.Path, sys.argv[1:]):
	    for path, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
	        found += 1
	        if anchor not in anchors(page.parent / path if path else page):
	            missing.append("%s: no heading for %s#%s" % (page, path, anchor))
	print("\n".join(missing) if found > 5 else "the docs have hardly an anchor")
	sys.exit(bool(missing) or found <= 5)
END
cases=$((cases + 1))

# In the tables of architecture.md a file without a folder is in a folder named in the same row.
for file in $(grep '^|' docs/architecture.md | grep -Eo '`[a-z_]+\.[ch]`' | tr -d '`' | sort -u); do
	[ -n "$(find client common control dataplane include -name "$file")" ] || fail "architecture.md: there is no $file"
done

# Conversely, each file is named, or its folder, or for a header its source.
grep -Eo '`[^` ]+`' docs/architecture.md | tr -d '`' >"$folder/named"
find client common control dataplane ebpf include bench -name '*.[ch]' >"$folder/sources"
while read -r file; do
	cases=$((cases + 1))
	name=${file##*/}
	grep -qxF -e "$file" -e "${file%/*}/" -e "$name" "$folder/named" && continue
	sed 's|.*/||' "$folder/named" | grep -qxF -e "$name" -e "${name%.h}.c" && continue
	# Parts of one file, or private to one folder.
	case $name in
	*_private.h | doctor.h | sessionctl.h | xdp.h | dpdk.h | daemon.h | top.h) ;;
	*) fail "architecture.md lacks $file, and its folder" ;;
	esac
done <"$folder/sources"

# Options belong to sessiond's programs or scripts, or to this list, of xdp-loader, dpdk-devbind and DPDK's EAL.
for program in sessiond sessionctl sessionbench; do
	"$SESSIOND_BUILD/$program" --help
done | grep -oE -- '--[a-z-]+' | sort -u >"$folder/options"
[ "$(wc -l <"$folder/options")" -gt 40 ] || fail "--help shows hardly an option"
printf '%s\n' --all --bind --file-prefix --huge-dir --huge-unlink --in-memory --no-huge --no-shconf \
	>>"$folder/options"
for option in $(grep -ohE -- '(^|[^a-z0-9-])--[a-z][a-z0-9-]+' $pages | sed 's/.*--/--/' | sort -u); do
	cases=$((cases + 1))
	grep -qxF -e "$option" "$folder/options" && continue
	grep -rqE -- "^[[:space:]]*$option( \|.*)?\)" scripts && continue
	grep -qF -- "\"$option\"" docs/man/manual.c dataplane/dpdk/args.c && continue
	fail "no program has the option $option"
done

# The docs name the build dependencies of the Debian package. (libdpdk-dev brings the last two.)
sed -n "/^build=/,/'$/p" scripts/setup | grep -Eo '[a-z0-9-]+-dev' |
	grep -vxE 'libc6-dev|linux-libc-dev|libnuma-dev|libpcap-dev' >"$folder/dev"
[ "$(wc -l <"$folder/dev")" -gt 5 ] || fail "scripts/setup names hardly a library"
while read -r package; do
	grep -Eq "^ $package( |,)" debian/control || fail "debian/control lacks $package"
done <"$folder/dev"

# Names in stats that the docs mention. xdp mode has more than this daemon.
start up -m socket -n 1000 7203 || finish
"$sessionctl" -C "$folder/up.sock" stats | cut -d ' ' -f 1 >"$folder/names"
"$SESSIOND_BUILD/docs/man/manual" --section counters-xdp | sed -n 's/^\.It Sy //p' >>"$folder/names"
"$SESSIOND_BUILD/docs/man/manual" --section counters | sed -n 's/^\.It Sy //p' |
	sed 'p;s/^/slow_/;p;s/^slow_/xdp_/' >>"$folder/names"
"$SESSIOND_BUILD/docs/man/manual" --section counters-dpdk | sed -n 's/^\.It Sy //p' |
	sed 's/\(port\|lcore\)N/\10/' >>"$folder/names"
for name in $(grep -ohE '`(xdp|xsk|dpdk_(drop|port0|lcore0)|slow|get|new|drop|pass|remove|memory|sessions)_[a-z0-9_]+`' $pages |
	tr -d '`' | sort -u); do
	cases=$((cases + 1))
	grep -qx "$name" "$folder/names" || fail "no figure of stats is called $name"
done

# The example of a message in protocol.md, byte for byte.
reply=$(python3 - <<-'END'
	import socket, time
	message = lambda kind, timeout: bytes([1, kind]) + timeout + bytes([0xaa]) * 32
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(5)
	s.sendto(message(0, b"\0\x0a") + b"\x30\0", ("127.0.0.1", 7203))
	for _ in range(50):
	    s.sendto(message(1, b"\0\0"), ("127.0.0.1", 7203))
	    reply = s.recv(600)
	    if len(reply) > 36:
	        break
	    time.sleep(0.02)
	print(reply.hex(" "))
END
)
aa=$(printf ' aa%.0s' $(seq 32))
[ "$reply" = "01 81 00 00$aa 30 00" ] || fail "the reply is $reply"

# All configuration lines in the docs together are a valid configuration.
ip link add eth1 type veth peer name other || fail "no interface can be made"
sed -n '/^    interface = eth1$/,/^$/s/^    //p' docs/quick-start.md >"$folder/conf"
grep -q '^allow = ' "$folder/conf" || fail "quick-start.md has no example of a configuration"
# A build without xdp mode refuses `interface` with an error.
if [ "${SESSIOND_XDP:-}" = no ]; then
	expect 2 'built without xdp mode' "$sessiond" --check -c "$folder/conf"
else
	expect 0 '' "$sessiond" --check -c "$folder/conf"
fi
finish

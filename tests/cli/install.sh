#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# `meson install` installs every file in its place, and keeps an operator's configuration.

. "$(dirname "$0")/lib.sh"

command -v meson >/dev/null || skip "meson is not installed"

install_to() {
	DESTDIR=$1 meson install --no-rebuild -C "$SESSIOND_BUILD" >"$folder/out" 2>&1 ||
		fail "meson install: $(cat "$folder/out")"
}

root=$folder/root
install_to "$root"
# The places depend on the build's prefix.
prefix=$(find "$root" -path '*/sbin/sessiond' -printf '%h\n')
prefix=${prefix%/sbin}
[ -d "$prefix" ] || fail "there is no sbin/sessiond"
etc=$root/etc
case $prefix in
*/usr) ;;
*) etc=$prefix/etc ;;
esac

# is MODE FILE...
is() {
	mode=$1
	shift
	for file; do
		cases=$((cases + 1))
		[ "$(stat -c %a "$file" 2>&1)" = "$mode" ] || fail "$file: not a file of mode $mode"
	done
}
is 755 "$prefix/sbin/sessiond" "$prefix/sbin/sessionctl" "$prefix/bin/sessionbench"
is 644 "$prefix/share/man/man8/sessiond.8" "$prefix/share/man/man8/sessionctl.8" \
	"$prefix/share/man/man5/sessiond.conf.5" "$prefix/share/man/man1/sessionbench.1" \
	"$prefix/share/doc/sessiond/README.md" "$prefix/share/doc/sessiond/LICENSE" \
	"$prefix/share/doc/sessiond/docs/quick-start.md" \
	"$etc/sessiond/sessiond.conf"
# Files for other programs: systemd's unit in the configured folder, else below the prefix.
unit=$(find "$root" -name sessiond.service)
is 644 "$unit" "$prefix/lib/sysusers.d/sessiond.conf" "$prefix/lib/tmpfiles.d/sessiond.conf" \
	"$prefix/share/bash-completion/completions/sessionctl" \
	"$prefix/share/bash-completion/completions/sessiond" \
	"$prefix/share/bash-completion/completions/sessionbench" \
	"$prefix/share/sessiond/grafana/sessiond.json" \
	"$prefix/share/sessiond/prometheus/sessiond.rules.yml" \
	"$prefix/share/doc/sessiond/examples/keepalived/keepalived.conf" \
	"$prefix/share/doc/sessiond/examples/systemd/dpdk.conf"
# The unit starts the installed program.
grep -qx "ExecReload=${prefix#"$root"}/sbin/sessionctl reload" "$unit" ||
	fail "the unit's programs are elsewhere: $(grep Exec "$unit")"
# Links between the installed docs work.
find "$prefix/share/doc/sessiond" -name '*.md' >"$folder/pages"
while read -r page; do
	for link in $(grep -Eo '\]\([^)#]+' "$page" | sed 's/^](//'); do
		cases=$((cases + 1))
		case $link in
		*://*) ;;
		*) [ -e "${page%/*}/$link" ] || fail "$page is installed, but not its $link" ;;
		esac
	done
done <"$folder/pages"
[ -z "$(find "$root" -name '*.test.yml')" ] || fail "a test of the rules was installed"
[ -z "$(find "$root" -name manual -o \( -name '*.a' ! -name libsessiond.a \) -o -name '*.in')" ] ||
	fail "what only the build needs was installed"
expect 0 '' "$prefix/sbin/sessiond" --check -c "$etc/sessiond/sessiond.conf"
expect 0 '' "$prefix/sbin/sessionctl" --help
expect 0 '' "$prefix/bin/sessionbench" --version

echo 'capacity = 4321' >"$etc/sessiond/sessiond.conf"
install_to "$root"
grep -qx 'capacity = 4321' "$etc/sessiond/sessiond.conf" ||
	fail "the operator's configuration was overwritten"
finish

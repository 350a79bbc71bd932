# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# Shared by scripts/package and scripts/distros. To be sourced by bash.

# copy_tree SOURCE FOLDER: the files that are committed or new, without build folders.
copy_tree()
{
	mkdir -p "$2"
	if git -C "$1" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$1" ls-files -z --cached --others --exclude-standard |
			(cd "$1" && while IFS= read -r -d '' file; do
				[ ! -e "$file" ] || printf '%s\0' "$file"
			done) |
			tar -C "$1" --null -T - -cf - | tar -C "$2" -xf -
	else
		tar -C "$1" --exclude './build*' -cf - . | tar -C "$2" -xf -
	fi
}

# debian_codename NUMBER
debian_codename()
{
	case $1 in
	12) echo bookworm ;;
	13) echo trixie ;;
	*) return 1 ;;
	esac
}

# debian_sources CODENAME: the lines of a sources.list. They name this machine's mirrors.
debian_sources()
{
	local found mirror security

	found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' 2>/dev/null | sed -n 's|/* \(.* main\)$| \1|p')
	if grep -q " $1 " <<<"$found"; then
		awk -v name="$1" '$2 == name || $2 == name "-updates" || $2 == name "-security" {
			print "deb", $1, $2, $3 }' <<<"$found" | sort -u
		return
	fi
	mirror=$(awk '$2 !~ /-/ { print $1; exit }' <<<"$found")
	security=$(awk '$2 ~ /-security$/ { print $1; exit }' <<<"$found")
	[ -n "$mirror" ] || {
		echo 'the package lists of this machine name no Debian mirror: run apt-get update' >&2
		return 1
	}
	printf 'deb %s %s main\n' "$mirror" "$1"
	[ "$1" != sid ] || return 0
	printf 'deb %s %s main\n' "$mirror" "$1-updates"
	[ -z "$security" ] || printf 'deb %s %s main\n' "$security" "$1-security"
}

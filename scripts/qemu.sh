# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# Debian kernels in QEMU, for scripts/kernels and scripts/nics. To be sourced by bash.
#
#   qemu_missing TOOL...            prints the first of these programs that is not installed
#   qemu_package VERSION            prints the package of Debian's newest kernel of this version (6.12)
#   qemu_kernel PACKAGE FOLDER      unpacks a kernel below FOLDER, prints where
#   qemu_accelerator IMAGE          prints QEMU's options for the fastest way that boots this kernel
#   qemu_copy ROOT PROGRAM...       copies programs with the libraries that they use
#   qemu_ramdisk ROOT FILE          packs a folder as an initial RAM disk

qemu_missing()
{
	local tool

	for tool; do
		command -v "$tool" >/dev/null || {
			echo "$tool"
			return
		}
	done
	return 1
}

# Not those for clouds, which lack most drivers.
qemu_package()
{
	apt-cache pkgnames "linux-image-$1." | grep -E '^linux-image-[0-9.]+([-+~][a-z0-9]+)?-amd64$' |
		sort -V | tail -n 1 | grep .
}

# A metapackage stands for the kernel that it depends on. Since Linux 7, the kernel and its modules are in
# packages of their own.
qemu_kernel()
{
	local package file

	package=$(_qemu_depends "$1" 'linux-image-[0-9]' | head -n 1)
	[ -n "$package" ] || package=$1
	if [ ! -d "$2/$package" ]; then
		rm -rf "$2/$package.new" "$2/$package.debs"
		mkdir -p "$2/$package.debs"
		# shellcheck disable=SC2046
		(cd "$2/$package.debs" && apt-get -o APT::Sandbox::User=root download "$package" \
			$(_qemu_depends "$package" 'linux-(binary|modules)-[0-9]') >&2) || return 1
		for file in "$2/$package.debs"/*.deb; do
			dpkg-deb -x "$file" "$2/$package.new" || return 1
		done
		rm -rf "$2/$package.debs"
		mv "$2/$package.new" "$2/$package" || return 1
	fi
	echo "$2/$package"
}

# _qemu_depends PACKAGE PATTERN: dependencies whose names match
_qemu_depends()
{
	apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: //p' | grep -E "^$2"
}

# KVM within a virtual machine may refuse some of the host's CPU features, or hang. A kernel without a
# root file system soon panics, which ends QEMU.
qemu_accelerator()
{
	local options

	if [ -w /dev/kvm ]; then
		for options in '-accel kvm -cpu host' '-accel kvm -cpu host,arch-capabilities=off'; do
			# shellcheck disable=SC2086
			{ timeout 20 qemu-system-x86_64 $options -m 512 -nodefaults -display none -no-reboot \
				-kernel "$1" -append "panic=-1"; } >/dev/null 2>&1 </dev/null || continue
			echo "$options"
			return
		done
	fi
	echo '-accel tcg,thread=multi -cpu max'
}

qemu_copy()
{
	local root=$1 program file

	shift
	for program; do
		program=$(readlink -f "$program")
		mkdir -p "$root/$(dirname "$program")"
		cp "$program" "$root/$program"
		for file in $(ldd "$program" 2>/dev/null | grep -o '/[^ ]*'); do
			[ -e "$root/$file" ] && continue
			mkdir -p "$root/$(dirname "$file")"
			cp -L "$file" "$root/$file"
		done
	done
}

qemu_ramdisk()
{
	(cd "$1" && find . | cpio -o -H newc --quiet) | gzip -1 >"$2"
}

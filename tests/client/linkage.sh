#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# What the libraries show: the header's functions and nothing else, each with a version.

. "$(dirname "$0")/../cli/lib.sh"

cd "$(dirname "$0")/../.." || exit 1
header=include/sessiond/client.h
grep -oE '\bsessiond_[a-z_]+\(' "$header" | tr -d '(' | sort -u |
	grep -vxE 'sessiond_(client|lookup|log_fn)' >"$folder/declared"
nm -D --defined-only "$SESSIOND_BUILD/client/libsessiond.so.0" | sed -n 's/.* T //p' | sort >"$folder/shared"
nm -g --defined-only "$SESSIOND_BUILD/client/libsessiond.a" | sed -n 's/.* [TDBR] //p' | sort >"$folder/static"
[ "$(wc -l <"$folder/declared")" -gt 10 ] || fail "the header declares hardly a function"
cases=$((cases + 3))
sed 's/@@SESSIOND_0$//' "$folder/shared" | cmp -s - "$folder/declared" ||
	fail "the shared library differs from the header: $(sed 's/@@SESSIOND_0$//' "$folder/shared" | diff - "$folder/declared")"
! grep -v '@@SESSIOND_[0-9]' "$folder/shared" || fail "a symbol without a version"
# A sanitizer adds symbols of its own.
grep -v '^__' "$folder/static" | cmp -s - "$folder/declared" ||
	fail "the static library differs from the header: $(diff "$folder/static" "$folder/declared")"
readelf -d "$SESSIOND_BUILD/client/libsessiond.so.0" >"$folder/dynamic"
grep -q 'NODELETE' "$folder/dynamic" || fail "the library can be unloaded, and OpenSSL would call it"
grep -q 'SONAME.*\[libsessiond.so.0\]' "$folder/dynamic" || fail "it has another soname"
# It needs nothing but OpenSSL and the C library.
grep NEEDED "$folder/dynamic" | grep -vE 'lib(ssl|crypto|c|pthread|asan|tsan|ubsan|gcov)\.so|ld-linux' &&
	fail "it needs more libraries"

# A C++ program can use the header, and a program can be linked with the static library.
cat >"$folder/use.cc" <<-'END'
	#include <sessiond/client.h>
	int main() { return sessiond_result_name(SESSIOND_HIT)[0] != 'h'; }
END
if [ "$(nm "$SESSIOND_BUILD/client/libsessiond.a" | grep -cE '__(asan|tsan|ubsan|gcov)')" -eq 0 ]; then
	cases=$((cases + 1))
	if command -v g++ >/dev/null; then
		g++ -Wall -Werror -I include "$folder/use.cc" -o "$folder/use" "$SESSIOND_BUILD/client/libsessiond.a" \
			-lssl -lcrypto -lpthread && "$folder/use" || fail "the static library cannot be used"
	else
		cp "$folder/use.cc" "$folder/use.c"
		cc -Wall -Werror -I include "$folder/use.c" -o "$folder/use" "$SESSIOND_BUILD/client/libsessiond.a" \
			-lssl -lcrypto -lpthread && "$folder/use" || fail "the static library cannot be used"
	fi
fi
finish

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# What bash completes for sessionctl, and that it knows every command and option of --help.
set -u

: "${SESSIOND_BUILD:?the build folder, as meson sets it}"
sessionctl=$SESSIOND_BUILD/sessionctl
. "$(dirname "$0")/../../dist/completion/sessionctl" || exit 1
failures=0
cases=0

# completes 'WORDS OF THE LINE' EXPECTED...: what TAB gives for the last word, which may be empty.
completes()
{
	local line=$1 got

	shift
	cases=$((cases + 1))
	read -ra COMP_WORDS <<<"$line"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_sessionctl
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' ')
	if [ "$got" != "$*" ]; then
		echo "FAILED: '$line' gives '$got', expected '$*'"
		failures=$((failures + 1))
	fi
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/pins/54321" "$folder/pins/54322"
touch "$folder/one.sock"

[ "$(complete -p sessionctl)" = 'complete -F _sessionctl sessionctl' ] || {
	echo "FAILED: not registered"
	failures=1
}
completes 'sessionctl st' stats
completes 'sessionctl re' reload remove
completes 'sessionctl -C /run/x.sock fl' flush
completes 'sessionctl --json s' show stats
completes 'sessionctl log-level ' debug error info notice warning
completes 'sessionctl log-level n' notice
completes 'sessionctl stats '
completes 'sessionctl show a'
completes 'sessionctl doctor l' lo
completes 'sessionctl --p' --pin-dir --port
completes 'sessionctl stats --j' --json
completes "sessionctl --pin-dir $folder/pins --port " 54321 54322
completes "sessionctl --pin-dir = $folder/pins --port = 54321" 54321
completes "sessionctl -C $folder/o" "$folder/one.sock"
completes "sessionctl --control = $folder/o" "$folder/one.sock"
completes "sessionctl --pin-dir $folder/pins/5" "$folder/pins/54321" "$folder/pins/54322"
completes 'sessionctl --interval '

# Nothing that --help names is missing, and nothing is there that it does not name.
help=$("$sessionctl" --help)
# shellcheck disable=SC2046
completes 'sessionctl ' $(sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$help" | sort)
# shellcheck disable=SC2046
completes 'sessionctl --' $(grep -oE '^ +(-.*, )?--[a-z-]+' <<<"$help" | grep -oE -- '--[a-z-]+' | sort)
echo "$cases lines, $failures failures"
[ "$failures" -eq 0 ]

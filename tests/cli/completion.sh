#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Bash completion for the three programs: it completes every command and option of --help.
set -u

: "${SESSIOND_BUILD:?the build folder, as meson sets it}"
sessionctl=$SESSIOND_BUILD/sessionctl
for file in "$SESSIOND_BUILD/dist/completion/sessionctl" "$SESSIOND_BUILD/dist/completion/sessiond" \
	"$(dirname "$0")/../../dist/completion/sessionbench"; do
	# shellcheck disable=SC1090 # in another folder, checked there
	. "$file" || exit 1
done
failures=0
cases=0

# completes 'WORDS OF THE LINE' EXPECTED...: TAB offers these for the last word, which may be empty.
completes()
{
	local line=$1 got

	shift
	cases=$((cases + 1))
	read -ra COMP_WORDS <<<"$line"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	"_${COMP_WORDS[0]}" "$SESSIOND_BUILD/${COMP_WORDS[0]}"
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

for program in sessionctl sessiond sessionbench; do
	[ "$(complete -p $program)" = "complete -F _$program $program" ] || {
		echo "FAILED: $program is not registered"
		failures=1
	}
done
completes 'sessionctl st' stats
completes 'sessionctl re' reload remove
completes 'sessionctl -C /run/x.sock fl' flush
completes 'sessionctl --json s' show sources stats
completes 'sessionctl log-level ' debug error info notice warning
completes 'sessionctl log-level n' notice
completes 'sessionctl stats '
completes 'sessionctl doctor l' lo
completes 'sessionctl --p' --pin-dir --port
completes 'sessionctl stats --j' --json
completes "sessionctl --pin-dir $folder/pins --port " 54321 54322
completes "sessionctl --pin-dir = $folder/pins --port = 54321" 54321
completes 'sessionctl --interface lo det' detach
completes 'sessionctl --interface = l' lo
completes "sessionctl -C $folder/o" "$folder/one.sock"
completes "sessionctl --control = $folder/o" "$folder/one.sock"
completes "sessionctl --pin-dir $folder/pins/5" "$folder/pins/54321" "$folder/pins/54322"
completes 'sessionctl --interval '

completes 'sessiond -m x' xdp
completes 'sessiond --mode ' auto dpdk socket xdp
completes 'sessiond --xdp-mode = n' native
completes 'sessiond --log-level w' warning
completes 'sessiond -i l' lo
completes 'sessiond --user roo' root
completes 'sessiond --max' --max-session
completes 'sessiond --capacity '
completes "sessiond -c $folder/o" "$folder/one.sock"
completes "sessiond --pin-dir $folder/pins/5" "$folder/pins/54321" "$folder/pins/54322"
completes 'sessiond 5'
completes 'sessionbench -w m' miss mix
completes 'sessionbench --workload = c' churn
completes 'sessionbench -i l' lo
completes 'sessionbench --preload-o' --preload-only
completes 'sessionbench 10'

# It completes all that --help names, and nothing else.
help=$("$sessionctl" --help)
# shellcheck disable=SC2046
completes 'sessionctl ' $(sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$help" | sort)
for program in sessiond sessionbench; do
	options=$("$SESSIOND_BUILD/$program" --help | grep -oE '^ {2,6}(-.*, )?--[a-z-]+' |
		grep -oE -- '--[a-z-]+' | sort -u)
	[ "$(wc -w <<<"$options")" -gt 15 ] || {
		echo "FAILED: $program --help shows hardly an option"
		failures=$((failures + 1))
	}
	# shellcheck disable=SC2086
	completes "$program --" $options
done
# shellcheck disable=SC2046
completes 'sessionctl --' $(grep -oE '^ {2,6}(-.*, )?--[a-z-]+' <<<"$help" | grep -oE -- '--[a-z-]+' | sort)
echo "$cases lines, $failures failures"
[ "$failures" -eq 0 ]

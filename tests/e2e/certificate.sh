#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# certificate.sh MODE: sessions with a small client certificate are resumed too, because they fit into
# the 512 bytes that stunnel sends at most. With a certificate of usual size they do not fit, and
# stunnel does not share them.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_tls
place_for "$mode"
daemon_for "$mode"
farm_certificate "$FARM_SECRETS/small.pem" c small
farm_certificate "$FARM_SECRETS/usual.pem" client.example
farm_terminators 'verify = 0'

for version in 1.2 1.3; do
	step "TLS $version with a small client certificate"
	resume_all 50 --tls "$version" --cert "$FARM_SECRETS/small.pem" --make "$FARM_A" \
		--resume "$FARM_B"
	note "$(grep -o 'request=new.*length=[0-9]*' "$LOGS/stunnel-a.log" | tail -n 1 |
		sed 's/.*length=/bytes of a session: /')"
done

step "a usual one"
note "$(farm_tls --tls 1.3 --count 5 --cert "$FARM_SECRETS/usual.pem" --make "$FARM_A" \
	--resume "$FARM_B" --expect full)"
grep -q 'encoded session too big' "$LOGS/stunnel-a.log" || fail "stunnel did send it?"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# certificate.sh MODE: sessions with a client certificate, which are longer, are resumed too, as long
# as they are within the 512 bytes that stunnel sends at most.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_tls
place_for "$mode"
daemon_for "$mode"
farm_certificate "$FARM_SECRETS/client.pem" c ec
farm_terminators 'requestCert = yes'

for version in 1.2 1.3; do
	step "TLS $version with a client certificate"
	resume_all 50 --tls "$version" --cert "$FARM_SECRETS/client.pem" --make "$FARM_A" \
		--resume "$FARM_B"
done
note "$(grep -o 'request=new.*length=[0-9]*' "$LOGS/stunnel-a.log" | tail -n 1)"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# xdp mode in the driver: requests over IPv4 and IPv6.
# Guests: igb virtio vmxnet3
. tests/nics/lib.sh

wire
row native serve --interface eth0 --xdp-mode native
row ipv4 by_xdp traffic $S
row ipv6 by_xdp traffic $S6
sessionctl stats

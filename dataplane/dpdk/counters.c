/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * No default case, so that the compiler asks for the counter of a new result.
 */
#include "dataplane/dpdk/counters.h"

#include <stddef.h>

uint64_t *counters_of_parse(struct dpdk_counters *counters, enum parse_result result)
{
	switch (result) {
	case PARSE_TRUNCATED:
		return &counters->drop_truncated;
	case PARSE_OTHER_HOST:
		return &counters->drop_other_host;
	case PARSE_NOT_IP:
		return &counters->drop_not_ip;
	case PARSE_NOT_UDP:
		return &counters->drop_not_udp;
	case PARSE_IP_OPTIONS:
		return &counters->drop_ip_options;
	case PARSE_FRAGMENT:
		return &counters->drop_fragment;
	case PARSE_BAD_LENGTH:
		return &counters->drop_bad_length;
	case PARSE_BAD_CHECKSUM:
		return &counters->drop_bad_checksum;
	case PARSE_UDP:
	case PARSE_ARP:
	case PARSE_ICMP:
		break;
	}
	return NULL;
}

uint64_t *counters_of_neighbour(struct dpdk_counters *counters, enum neighbour_result result)
{
	switch (result) {
	case NEIGHBOUR_ARP_REPLY:
		return &counters->arp_replies;
	case NEIGHBOUR_ADVERTISEMENT:
		return &counters->neighbour_replies;
	case NEIGHBOUR_ECHO_REPLY:
		return &counters->echo_replies;
	case NEIGHBOUR_ARP_IGNORED:
		return &counters->drop_arp;
	case NEIGHBOUR_ICMP_IGNORED:
		return &counters->drop_icmp;
	case NEIGHBOUR_CONFLICT:
		return &counters->address_conflicts;
	}
	return NULL;
}

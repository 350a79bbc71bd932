/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The attributes of an RTM_NEWLINK.
 */
#ifndef SESSIOND_CONTROL_HOST_LINK_ATTRIBUTES_H
#define SESSIOND_CONTROL_HOST_LINK_ATTRIBUTES_H

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <stdbool.h>
#include <stdint.h>

/* Indexed by type; NULL if missing. Valid as long as the message. */
struct link_attributes {
	const struct nlattr *at[IFLA_MAX + 1];
};

void link_attributes_parse(const struct nlmsghdr *header, struct link_attributes *attributes);
/* Of a nested attribute, which may be NULL. */
void link_attributes_nested(const struct nlattr *nest, struct link_attributes *attributes);
/* The u32 or u16 of an attribute, 0 if missing. */
uint32_t link_attribute_number(const struct nlattr *attr);
/* Whether the attribute is this text. */
bool link_attribute_says(const struct nlattr *attr, const char *text);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/host/link_attributes.h"

#include <linux/rtnetlink.h>
#include <string.h>

static int on_attribute(const struct nlattr *attr, void *data)
{
	struct link_attributes *attributes = data;
	unsigned type = mnl_attr_get_type(attr);

	if (type <= IFLA_MAX)
		attributes->at[type] = attr;
	return MNL_CB_OK;
}

void link_attributes_parse(const struct nlmsghdr *header, struct link_attributes *attributes)
{
	memset(attributes, 0, sizeof(*attributes));
	mnl_attr_parse(header, sizeof(struct ifinfomsg), on_attribute, attributes);
}

void link_attributes_nested(const struct nlattr *nest, struct link_attributes *attributes)
{
	memset(attributes, 0, sizeof(*attributes));
	if (nest)
		mnl_attr_parse_nested(nest, on_attribute, attributes);
}

uint32_t link_attribute_number(const struct nlattr *attr)
{
	if (attr && mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		return mnl_attr_get_u32(attr);
	if (attr && mnl_attr_get_payload_len(attr) == sizeof(uint16_t))
		return mnl_attr_get_u16(attr);
	return 0;
}

bool link_attribute_says(const struct nlattr *attr, const char *text)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
	       strcmp(mnl_attr_get_str(attr), text) == 0;
}

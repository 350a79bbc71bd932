/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int ethtool_ask(const char *interface, void *command)
{
	struct ifreq request = {.ifr_data = command};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, interface, strnlen(interface, IF_NAMESIZE - 1));
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int ethtool_driver(const char *interface, char name[32])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int ret = ethtool_ask(interface, &info);

	name[0] = '\0';
	if (ret == 0)
		snprintf(name, 32, "%.31s", info.driver);
	return ret == 0 && !name[0] ? -EOPNOTSUPP : ret;
}

int ethtool_offloads(const char *interface, uint32_t *flags)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	int ret = ethtool_ask(interface, &value);

	*flags = ret == 0 ? value.data : 0;
	return ret;
}

uint32_t ethtool_receive_queues(const char *interface)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	uint32_t queues = 0;

	if (ethtool_ask(interface, &channels) == 0)
		queues = channels.rx_count + channels.combined_count;
	return queues ? queues : 1;
}

void ethtool_tags_remedy(const char *interface, const char *driver, char *text, size_t size)
{
	/* A veth strips nothing: its other end passes the tag outside of the frame. */
	snprintf(text, size, "ethtool -K %s rxvlan off%s", interface,
		strcmp(driver, "veth") == 0 ? ", and at its other end: ethtool -K PEER txvlan off"
					    : "");
}

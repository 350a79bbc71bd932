/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/dpdk.h"

#include "common/log.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#define MBUF_CACHE 256

/* Announcements after a start or link-up: two, as RFC 5227 2.3 requires. */
#define PORT_TELLS 2

/* Drivers whose arguments set the number of queues and that spread packets themselves: all queues
 * must be polled. */
static bool spreads_by_itself(const char *driver)
{
	static const char *const names[] = {
		"net_af_packet", "net_af_xdp", "net_pcap", "net_ring", "net_vhost"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(driver, names[i]) == 0)
			return true;
	}
	return false;
}

static int port_error(const struct port *port, int err, const char *what)
{
	/* EINVAL is reserved for the user's arguments. */
	return error_set(err == -EINVAL ? EIO : -err, "port %u (%s): %s: %s", port->id, port->name,
		what, rte_strerror(-err));
}

/* One queue per lcore if the port supports RSS. */
static uint16_t choose_queues(const struct port *port, unsigned lcores,
	const struct rte_eth_dev_info *info, uint64_t *rss)
{
	uint16_t most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);

	*rss = info->flow_type_rss_offloads &
	       (RTE_ETH_RSS_IP | RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP);
	if (spreads_by_itself(info->driver_name)) {
		*rss = 0;
		return most;
	}
	if (lcores > 1 && !*rss) {
		log_notice("port %u (%s) cannot spread requests over queues (no RSS): one of "
			   "%u lcores serves it",
			port->id, port->name, lcores);
		return 1;
	}
	if (lcores > most) {
		log_notice("port %u (%s) has %u queues: as many of %u lcores serve it", port->id,
			port->name, most, lcores);
		return most;
	}
	return (uint16_t)lcores;
}

static struct rte_mempool *make_pool(
	const struct port *port, const struct engine *engine, uint16_t rxd, uint16_t txd)
{
	unsigned count = engine->args.mbufs;
	int socket = rte_eth_dev_socket_id(port->id);
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;

	if (!count)
		count = port->queues * (rxd + txd + 2U * BURST) +
			engine->lcore_count * MBUF_CACHE * 3 / 2 +
			(engine->takes ? engine->lcore_count * LCORE_TAKES : 0);
	snprintf(name, sizeof(name), "mbufs%u", port->id);
	pool = rte_pktmbuf_pool_create(
		name, count, MBUF_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
	if (pool || socket == SOCKET_ID_ANY)
		return pool;
	pool = rte_pktmbuf_pool_create(
		name, count, MBUF_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool)
		log_warning(MEMORY_FAR, name, socket);
	return pool;
}

static int configure(struct port *port, const struct engine *engine)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	uint16_t rxd = engine->args.rxd, txd = engine->args.txd;
	uint64_t checks = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	struct rte_eth_txconf txconf;
	int err;

	err = rte_eth_dev_info_get(port->id, &info);
	if (err)
		return port_error(port, err, "does not report its capabilities");
	port->queues =
		choose_queues(port, engine->lcore_count, &info, &conf.rx_adv_conf.rss_conf.rss_hf);
	if (port->queues > 1 && conf.rx_adv_conf.rss_conf.rss_hf)
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	else
		conf.rx_adv_conf.rss_conf.rss_hf = 0;
	/* VLAN tags are kept: a reply repeats its request's. */
	conf.rxmode.offloads = info.rx_offload_capa &
			       (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
	port->offload.udp = port->offload.ip4 = (info.tx_offload_capa & checks) == checks;
	if (port->offload.udp)
		conf.txmode.offloads = checks;
	/* Only for drivers that support the removal interrupt: others refuse it. */
	conf.intr_conf.rmv = (*info.dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
	/* FAST_FREE: all buffers of a port are from its one pool, with no other references. Not for
	 * mlx5, which may receive into external buffers. */
	if (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE &&
		strncmp(info.driver_name, "mlx5", 4) != 0)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;

	err = rte_eth_dev_configure(port->id, port->queues, port->queues, &conf);
	if (err)
		return port_error(port, err, "cannot be configured");
	err = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rxd, &txd);
	if (err)
		return port_error(port, err, "refuses its descriptors");
	port->pool = make_pool(port, engine, rxd, txd);
	if (!port->pool)
		return error_set(rte_errno, "port %u (%s): no memory for its packet buffers: %s",
			port->id, port->name, hugepages_hint());
	txconf = info.default_txconf;
	txconf.offloads = conf.txmode.offloads;
	for (uint16_t q = 0; q < port->queues; q++) {
		int socket = rte_eth_dev_socket_id(port->id);

		err = rte_eth_rx_queue_setup(port->id, q, rxd, (unsigned)socket, NULL, port->pool);
		if (err)
			return port_error(port, err, "cannot set up a receive queue");
		err = rte_eth_tx_queue_setup(port->id, q, txd, (unsigned)socket, &txconf);
		if (err)
			return port_error(port, err, "cannot set up a transmit queue");
	}
	log_debug("port %u (%s): %s, %u queue%s, %s, checksums by %s", port->id, port->name,
		info.driver_name, port->queues, port->queues == 1 ? "" : "s",
		conf.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS ? "RSS" : "no RSS",
		port->offload.udp ? "the port" : "software");
	return 0;
}

int ports_open(struct engine *engine)
{
	uint16_t id;

	engine->ports = aligned_alloc(64, RTE_MAX_ETHPORTS * sizeof(struct port));
	if (!engine->ports)
		return error_set(ENOMEM, "out of memory at start");
	memset(engine->ports, 0, RTE_MAX_ETHPORTS * sizeof(struct port));
	RTE_ETH_FOREACH_DEV(id)
	{
		struct port *port = &engine->ports[engine->port_count];
		struct rte_ether_addr mac;
		int err;

		port->id = id;
		rte_eth_dev_get_name_by_port(id, port->name);
		err = rte_eth_macaddr_get(id, &mac);
		if (err)
			return port_error(port, err, "has no MAC address");
		memcpy(port->mac, mac.addr_bytes, FRAME_MAC);
		if (engine->neighbour_ports.count < NEIGHBOUR_PORTS_MAX)
			memcpy(engine->neighbour_ports.macs[engine->neighbour_ports.count++],
				port->mac, FRAME_MAC);
		fast_prepare(port, &engine->local, engine->config.take == TAKE_LOCAL);
		engine->port_count++;
		err = configure(port, engine);
		if (err)
			return err;
	}
	if (engine->port_count == 0)
		return error_set(ENODEV, "DPDK has no port: bind a NIC to vfio-pci and name it "
					 "with -a, or a --vdev, "
					 "in --dpdk-args");
	return 0;
}

int ports_start(struct engine *engine)
{
	for (unsigned i = 0; i < engine->port_count; i++) {
		struct port *port = &engine->ports[i];
		int err = rte_eth_dev_start(port->id);

		if (err)
			return port_error(port, err, "cannot be started");
		port->started = true;
		/* Neighbour solicitations are multicast. */
		if (rte_eth_allmulticast_enable(port->id) != 0 &&
			rte_eth_promiscuous_enable(port->id) != 0 && engine->local.ip6_count)
			log_warning("port %u (%s) receives no multicast: IPv6 neighbours may not "
				    "find this node",
				port->id, port->name);
	}
	port_events_watch(engine);
	ports_watch(engine);
	return 0;
}

void ports_close(struct engine *engine)
{
	port_events_unwatch(engine);
	for (unsigned i = 0; i < engine->port_count; i++) {
		struct port *port = &engine->ports[i];

		if (port->started)
			rte_eth_dev_stop(port->id);
		rte_eth_dev_close(port->id);
		rte_mempool_free(port->pool);
	}
	free(engine->ports);
	engine->ports = NULL;
	engine->port_count = 0;
}

void ports_watch(struct engine *engine)
{
	for (unsigned i = 0; i < engine->port_count; i++) {
		struct port *port = &engine->ports[i];
		struct rte_eth_link link = {0};
		bool up;

		if (!port->started || rte_eth_link_get_nowait(port->id, &link) < 0)
			continue;
		up = link.link_status == RTE_ETH_LINK_UP;
		if (up != port->link) {
			log_notice(
				"port %u (%s): link %s", port->id, port->name, up ? "up" : "down");
			port->link = up;
			port->tells = up ? PORT_TELLS : 0;
		}
		if (port->tells) {
			port->tells--;
			__atomic_store_n(&port->announce, 1, __ATOMIC_RELAXED);
		}
	}
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Ports that are taken away while they are served: a virtual function reset by its host, a device
 * pulled out or given to another driver. Such a port receives nothing any more and reports no
 * error. The daemon exits with an error; when restarted, it uses the ports that are there.
 */
#include "dataplane/dpdk/dpdk.h"

#include "common/log.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_dev.h>

static void lose(struct engine *engine, uint16_t id, enum port_lost how)
{
	uint32_t none = 0, lost = (uint32_t)how << 16 | id;

	/* The first event is the one reported. */
	__atomic_compare_exchange_n(
		&engine->lost, &none, lost, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	__atomic_store_n(&engine->wake, true, __ATOMIC_RELEASE);
}

/* Both callbacks run on EAL's interrupt thread. */
static int on_port_event(uint16_t id, enum rte_eth_event_type type, void *engine, void *unused)
{
	(void)unused;
	lose(engine, id, type == RTE_ETH_EVENT_INTR_RMV ? PORT_REMOVED : PORT_RESET);
	return 0;
}

/* The kernel requests a vfio-pci device back, and waits until it is released. */
static void on_device_event(const char *name, enum rte_dev_event_type event, void *engine)
{
	uint16_t id;

	if (event == RTE_DEV_EVENT_REMOVE && rte_eth_dev_get_port_by_name(name, &id) == 0)
		lose(engine, id, PORT_REMOVED);
}

static const enum rte_eth_event_type events[] = {RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_INTR_RMV};

void port_events_watch(struct engine *engine)
{
	int err = rte_dev_event_callback_register(NULL, on_device_event, engine);

	for (unsigned i = 0; i < engine->port_count; i++) {
		for (unsigned k = 0; k < RTE_DIM(events); k++)
			err |= rte_eth_dev_callback_register(
				engine->ports[i].id, events[k], on_port_event, engine);
	}
	if (err)
		log_warning("a port's reset or removal will not be detected");
}

void port_events_unwatch(struct engine *engine)
{
	/* -EAGAIN: a callback is running; wait for it. */
	while (rte_dev_event_callback_unregister(NULL, on_device_event, engine) == -EAGAIN)
		rte_delay_us_sleep(100);
	for (unsigned i = 0; i < engine->port_count; i++) {
		for (unsigned k = 0; k < RTE_DIM(events); k++) {
			while (rte_eth_dev_callback_unregister(engine->ports[i].id, events[k],
				       on_port_event, engine) == -EAGAIN)
				rte_delay_us_sleep(100);
		}
	}
}

int port_events_error(struct engine *engine)
{
	uint32_t lost = __atomic_load_n(&engine->lost, __ATOMIC_ACQUIRE);
	char name[RTE_ETH_NAME_MAX_LEN] = "?";

	if (!lost)
		return 0;
	rte_eth_dev_get_name_by_port((uint16_t)lost, name);
	return error_set(ENODEV,
		"port %u (%s) was %s: restart sessiond to use the ports that are there now",
		lost & UINT16_MAX, name, lost >> 16 == PORT_RESET ? "reset" : "removed");
}

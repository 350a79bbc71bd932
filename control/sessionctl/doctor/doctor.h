/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * `sessionctl doctor`: checks this host for problems and suggests improvements. Every check is a
 * function that examines a host and adds findings. It reads files below `root`, and asks everything
 * else through `probe`, so that a test can imitate any host.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_DOCTOR_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_DOCTOR_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCTOR_INTERFACES_MAX 16
#define DOCTOR_PORTS_MAX      8 /* of a bond */
#define DOCTOR_FINDINGS_MAX   256

enum doctor_severity {
	DOCTOR_GOOD,
	DOCTOR_NOTE,	/* works; worth knowing */
	DOCTOR_WARNING, /* works, but slower or less safely than it could */
	DOCTOR_PROBLEM, /* does not work without a change */
};

struct doctor_finding {
	enum doctor_severity severity;
	const char *check;	   /* its name, which is stable */
	char subject[IF_NAMESIZE]; /* the interface, or "" */
	char text[256];		   /* what was found */
	char advice[256];	   /* what to do, or "" */
};

struct doctor_report {
	unsigned count;
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
};

/* Bits of `flags`, below. */
enum doctor_offload {
	DOCTOR_RXVLAN = 1,
	DOCTOR_LRO = 2,
	DOCTOR_GRO = 4,
	DOCTOR_TXVLAN = 8,
};

/* Sources of packet filter rules: nft in JSON, the others as iptables-save prints them. */
enum doctor_filter {
	DOCTOR_NFT,
	DOCTOR_IPTABLES,
	DOCTOR_IP6TABLES,
	DOCTOR_IPTABLES_LEGACY,
	DOCTOR_IP6TABLES_LEGACY,
	DOCTOR_FILTERS,
};

/* Bits of the kernel's NETDEV_A_DEV_XDP_FEATURES that matter here. */
#define DOCTOR_XDP_BASIC 1 /* native XDP with XDP_TX */

/* An interface, as rtnetlink shows it. */
struct doctor_link {
	char name[IF_NAMESIZE];
	unsigned index, mtu;
	uint64_t received; /* packets */
	uint32_t program;  /* the id of its XDP program; 0 if it has none */
	bool generic;	   /* the program is in generic mode */
	bool elsewhere;	   /* it is in another network namespace */
};

/* A loaded BPF program. */
#define DOCTOR_MAPS_MAX 64
struct doctor_program {
	char name[16];
	unsigned map_count;
	uint32_t maps[DOCTOR_MAPS_MAX]; /* ids of the maps that it uses */
};

/* Queries of a live host. Each returns 0 or a negative errno; -EOPNOTSUPP if the kernel or the
 * driver does not report it. */
struct doctor_probe {
	int (*driver)(void *ctx, const char *interface, char name[32]);
	int (*offloads)(void *ctx, const char *interface, unsigned *flags);
	int (*xdp_features)(void *ctx, const char *interface, uint64_t *features);
	int (*link)(void *ctx, const char *interface, struct doctor_link *link);
	/* The other end of a veth. -EXDEV if it is in another namespace and not visible from
	 * here. */
	int (*peer)(void *ctx, const char *interface, struct doctor_link *peer);
	/* A program by its id, a pinned map's id, and how often a program runs in some
	 * milliseconds. -EPERM if this user may not ask. */
	int (*program)(void *ctx, uint32_t id, struct doctor_program *program);
	int (*pinned_map)(void *ctx, const char *path, uint32_t *id);
	int (*runs)(void *ctx, uint32_t id, unsigned milliseconds, uint64_t *runs);
	/* Whether the receive queue for UDP depends on the source port. */
	int (*hashes_port)(void *ctx, const char *interface, bool v6, bool *port);
	/* A filter's rules, a text that the caller frees. -ENOENT if its program is not installed,
	 * -EPERM if it fails. */
	int (*rules)(void *ctx, enum doctor_filter filter, char **text);
	/* Whether a folder of pins is locked: a running daemon locks it. */
	int (*locked)(void *ctx, const char *path, bool *locked);
	/* bpffs_is_private (common/private_bpffs.h). */
	bool (*private_bpffs)(void *ctx, const char *path);
	void *ctx;
};

/* What the running daemon says of its farm of caches; all 0 without one. */
struct doctor_farm {
	struct {
		char url[128], faults[128]; /* names with blanks between them */
	} engine[2];
	unsigned engine_count;
	uint64_t engines, engines_up, caches, lag_ms, gaps, name_clash, refused_key, refused_seal,
		queue_full, engine_full;
};

/* Whether the daemon is in this network namespace. */
enum doctor_namespace {
	DOCTOR_NAMESPACE_SAME,
	DOCTOR_NAMESPACE_ENTERED, /* in another, which this process has entered */
	DOCTOR_NAMESPACE_CLOSED,  /* in another, which it may not enter */
	DOCTOR_NAMESPACE_HIDDEN,  /* this user may not know */
};

#define DOCTOR_SYSFS_SIZE   32
#define DOCTOR_PINS_AT_SIZE 32

struct doctor_host {
	const char *root;     /* before each path; "" on the host itself */
	const char *pin_root; /* without `root` before it */
	/* Before pin_root, where the daemon has a mount namespace of its own; else "". */
	char pins_at[DOCTOR_PINS_AT_SIZE];
	/* Instead of /sys, for interfaces: /sys may show those of another network namespace. "" if
	 * this user may not mount one. */
	char sysfs[DOCTOR_SYSFS_SIZE];
	enum doctor_namespace namespace;
	uint16_t port;
	uint64_t tick_ns; /* the resolution of CLOCK_MONOTONIC_COARSE */
	struct doctor_farm farm;
	int daemon_pid;		       /* 0 if none runs; if one runs, what it tells: */
	uint64_t resumed, not_resumed; /* sessions that were asked for, estimated */
	char contexts[96];	       /* session id contexts, the most used first */
	/* Those to check; the first `own` are the daemon's. */
	char interfaces[DOCTOR_INTERFACES_MAX][IF_NAMESIZE];
	unsigned interface_count, own;
	const struct doctor_probe *probe;
};

/* Runs all checks, in the order for reading. */
void doctor_run(const struct doctor_host *host, struct doctor_report *report);
enum doctor_severity doctor_worst(const struct doctor_report *report);

/* check_kernel.c */
void doctor_kernel(const struct doctor_host *host, struct doctor_report *report);
void doctor_btf(const struct doctor_host *host, struct doctor_report *report);
void doctor_bpffs(const struct doctor_host *host, struct doctor_report *report);
void doctor_capabilities(const struct doctor_host *host, struct doctor_report *report);
void doctor_hugepages(const struct doctor_host *host, struct doctor_report *report);
void doctor_tick(const struct doctor_host *host, struct doctor_report *report);

/* Once for each interface. check_driver.c */
void doctor_driver(
	const struct doctor_host *host, const char *interface, struct doctor_report *report);
void doctor_mtu(
	const struct doctor_host *host, const char *interface, struct doctor_report *report);

/* check_offloads.c */
void doctor_offloads(
	const struct doctor_host *host, const char *interface, struct doctor_report *report);

/* check_veth.c */
void doctor_veth(
	const struct doctor_host *host, const char *interface, struct doctor_report *report);

/* check_vrf.c */
void doctor_vrf(
	const struct doctor_host *host, const char *interface, struct doctor_report *report);

/* check_program.c */
void doctor_program(
	const struct doctor_host *host, const char *interface, struct doctor_report *report);

/* check_cores.c */
void doctor_cores(
	const struct doctor_host *host, const char *interface, struct doctor_report *report);

/* check_hash.c */
void doctor_hash(
	const struct doctor_host *host, const char *interface, struct doctor_report *report);

/* check_firewall.c: connection tracking, too */
void doctor_firewall(const struct doctor_host *host, struct doctor_report *report);

/* check_port.c */
void doctor_port(const struct doctor_host *host, struct doctor_report *report);

/* check_farm.c */
void doctor_farm(const struct doctor_host *host, struct doctor_report *report);
/* Notes a figure of the daemon's stats, if it is one of the farm's that count here. */
void doctor_farm_figure(struct doctor_farm *farm, const char *name, uint64_t value);
/* Notes a line of the daemon's reply to `farm`. */
void doctor_farm_line(struct doctor_farm *farm, const char *line);
/* check_resumption.c */
void doctor_resumption(const struct doctor_host *host, struct doctor_report *report);

/* enter_namespace.c: enters the network namespace of a process, if that is another one. */
enum doctor_namespace doctor_enter_namespace(int pid);
/* enter_namespace.c: where the interfaces of the present network namespace are, or "". */
void doctor_mount_sysfs(char path[DOCTOR_SYSFS_SIZE]);
/* enter_namespace.c: what leads from here to the paths of a process. */
void doctor_find_pins(int pid, char at[DOCTOR_PINS_AT_SIZE]);

/* check_pins.c */
void doctor_pins(const struct doctor_host *host, struct doctor_report *report);

/* probe.c: the host itself. */
extern const struct doctor_probe doctor_probe_host;

/* For the checks: the XDP mode of an interface, or the expected one by its driver. */
enum doctor_mode {
	DOCTOR_NATIVE,
	DOCTOR_NATIVE_EXPECTED,
	DOCTOR_GENERIC,
};
enum doctor_mode doctor_mode(const struct doctor_host *host, const char *interface);
/* A bond's ports; for any other interface, the interface itself. Returns how many. */
unsigned doctor_ports(const struct doctor_host *host, const char *interface,
	char ports[DOCTOR_PORTS_MAX][IF_NAMESIZE]);
/* The interface that it is a port of, of any kind; false if none. */
bool doctor_master(const struct doctor_host *host, const char *interface, char master[IF_NAMESIZE]);
/* The bond that it is a port of; false if none. */
bool doctor_bond(const struct doctor_host *host, const char *interface, char bond[IF_NAMESIZE]);
/* Its receive queues. */
unsigned doctor_queues(const struct doctor_host *host, const char *interface);
/* Adds a finding; `advice` may be "". */
void doctor_say(struct doctor_report *report, enum doctor_severity severity, const char *check,
	const char *subject, const char *advice, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* Reads a file below the root as text, truncated to `size`, without its last newline; false if it
 * cannot be read. */
bool doctor_read(const struct doctor_host *host, char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The path of a file below the root; `format` begins with /sys/class/net for files of interfaces.
 */
char *doctor_path(const struct doctor_host *host, char path[PATH_MAX], const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The path of a file in the pins' folder, or of that for "". */
char *doctor_pin_path(const struct doctor_host *host, char path[PATH_MAX], const char *file);

#endif

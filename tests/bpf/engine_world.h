/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * xdp mode's engine, driven by its operations as in the daemon, on a veth pair in a temporary
 * network namespace and with a temporary pin folder.
 */
#ifndef TESTS_BPF_ENGINE_WORLD_H
#define TESTS_BPF_ENGINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/xdp/xdp.h"

#define WORLD_FOUND_MAX 256

struct world {
	char root[64], pin_dir[80];
	struct engine_config config;
	struct engine *engine; /* NULL: closed */
	/* What adopt found. */
	struct session found[WORLD_FOUND_MAX];
	unsigned found_count;
	uint32_t skip_slot; /* `found` returns false for it */
	uint32_t keep_each; /* and for those that are no multiples of this; 1: for none */
	unsigned failed;    /* commits */
};

/* Exits 77 with the reason if a requirement is missing; else creates the namespace, the veth pair
 * t0 and t1, and the name of the pin folder. */
void world_require(struct world *world);
void world_make_veth(void);
/* Whether the engine knows that its interfaces are veths, one of which may lose what the other
 * answers. False but where a test wants it. */
extern bool world_shows_veth;
/* A configuration of one interface, t0, and 127.0.0.1. */
void world_reset(struct world *world);
/* Removes what a failed test may have left. */
void world_clean(struct world *world);
/* A test that uses the file's `world`, with this teardown. */
#define world_test(f) cmocka_unit_test_prestate_setup_teardown(f, NULL, world_after, &world)
int world_after(void **state);

int world_open(struct world *world); /* open and adopt */
/* The callback for adoption: `ctx` is the world. */
bool world_found(void *ctx, const struct session *session);
int world_start(struct world *world);
void world_run(struct world *world); /* both, which must succeed */
void world_close(struct world *world, enum engine_close how);
/* Runs a daemon that stores one session of 100 bytes in slot 1, and keeps it. */
void world_keep_one(struct world *world);
/* Runs one that must find nothing to adopt, and must leave nothing. */
void world_clean_start(struct world *world);

/* Stores a session of `len` bytes in `slot` that ends `life` ticks from now. */
void world_put(struct world *world, uint32_t slot, int64_t life, unsigned len);
void world_key(uint32_t slot, uint8_t key[SESSD_KEY_SIZE]);
uint8_t world_value(uint32_t slot, unsigned i);
void world_commit(struct world *world);

int world_pin(const struct world *world, const char *name); /* a map's descriptor */
bool world_has_pin(const struct world *world, const char *name);
unsigned world_elements(int fd);
/* Whether the program answers on this address and on world_reset's port. */
bool world_serves(const struct world *world, const char *address);
/* The id of the program on an interface, 0 for none. */
uint32_t world_program(const char *interface);
unsigned world_descriptors(void); /* that are open */
void world_sh(const char *command);

#endif

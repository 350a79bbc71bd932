/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * recycle INTERFACE PIN-DIR ADDR[:PORT] KEYS VALUE-MIN VALUE-MAX RUN SECONDS: xdp mode's engine
 * without the daemon. Its writer deletes a session and stores another as fast as the kernel allows,
 * so that map elements are reused while the program reads them. It stores the sessions that
 * `sessionbench --workload churn --run RUN` expects. Ends with SIGTERM or after SECONDS, and prints
 * how many changes it made.
 */
#include "common/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sessiond/checksum.h>

#include "bench/population.h"
#include "common/clock.h"
#include "dataplane/engine.h"

static volatile sig_atomic_t stop;
static unsigned failures;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void on_failed(void *ctx, uint32_t slot)
{
	(void)ctx;
	(void)slot;
	failures++;
}

static bool on_found(void *ctx, const struct session *session)
{
	(void)ctx;
	(void)session;
	return false;
}

/* Builds the session of a number and a store. */
static void make(const struct population *p, uint64_t number, uint64_t generation,
	struct session *session, uint8_t *value)
{
	__u64 key[POPULATION_KEY_WORDS], words[POPULATION_KEY_WORDS], word;

	population_key(p, number, key);
	population_generation(key, generation, words);
	memcpy(session->key, key, SESSD_KEY_SIZE);
	session->len = (uint16_t)population_value_len(p, words);
	for (unsigned at = 0; at < session->len; at += 8) {
		word = at == 0 ? generation : population_value_word(words, at / 8);
		memcpy(value + at, &word, session->len - at < 8 ? session->len - at : 8);
	}
	session->sum = checksum_fold(checksum_bytes(value, session->len));
}

/* Half of the keys are stored at any time. The next session uses the slot of the deleted one. */
static uint64_t recycle(struct engine *engine, const struct population *p, uint32_t keys,
	uint64_t run, double seconds)
{
	uint64_t end = clock_tick() + clock_ticks((uint32_t)seconds), random = 1, changes;
	struct session *sessions = calloc(keys, sizeof(*sessions)); /* by slot */
	uint32_t *slots = calloc(keys, sizeof(*slots));		    /* by number; 0: not stored */
	uint32_t *numbers = calloc(keys, sizeof(*numbers));	    /* by slot */
	uint32_t used = 0;

	for (changes = 0; sessions && slots && numbers && !stop && !failures; changes++) {
		uint32_t number = scale32(mix64(random++), keys), slot;
		uint8_t value[SESSD_VALUE_LIMIT];

		if (changes % 1024 == 0 && clock_tick() > end)
			break;
		if (slots[number])
			continue;
		if (used < keys / 2) {
			slot = ++used;
		} else {
			slot = 1 + scale32(mix64(random++), used);
			engine_xdp.del(engine, &sessions[slot]);
			slots[numbers[slot]] = 0;
		}
		make(p, number, run << POPULATION_RUN_SHIFT | changes, &sessions[slot], value);
		sessions[slot].slot = slot;
		sessions[slot].expires = clock_tick() + clock_ticks(3600);
		slots[number] = slot;
		numbers[slot] = number;
		engine_xdp.put(engine, &sessions[slot], value);
		engine_xdp.commit(engine, on_failed, NULL);
	}
	free(sessions);
	free(slots);
	free(numbers);
	return changes;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	static struct allow_list allow;
	struct table_config table = {0};
	struct update_sink none = {0};
	struct engine_config config = {
		.listen_count = 1,
		.interface_count = 1,
		.xdp_mode = XDP_MODE_NATIVE,
		.value_max = SESSD_VALUE_DEFAULT_MAX,
	};
	struct population p = {.seed = 1};
	struct engine *engine = NULL;
	uint64_t changes;
	int ret;

	if (argc != 9 || endpoint_parse(argv[3], SESSD_PORT, &config.listen[0]) < 0)
		return 2;
	snprintf(config.interfaces[0], IF_NAMESIZE, "%s", argv[1]);
	snprintf(config.pin_dir, sizeof(config.pin_dir), "%s", argv[2]);
	config.capacity = (uint32_t)atoi(argv[4]);
	p.value_min = (uint32_t)atoi(argv[5]);
	p.value_max = (uint32_t)atoi(argv[6]);
	sigaction(SIGTERM, &action, NULL);
	log_open(LOG_LEVEL_INFO);
	allow_list_default(&allow);
	ret = engine_xdp.open(&engine, &config);
	if (ret == 0) {
		table.capacity = config.capacity;
		engine_xdp.table_config(engine, &table);
		ret = engine_xdp.adopt(engine, &(struct adoption){.found = on_found});
	}
	if (ret == 0)
		ret = engine_xdp.set_allow(engine, &allow);
	if (ret == 0)
		ret = engine_xdp.set_local(engine, &config.listen[0].addr, true);
	if (ret == 0)
		ret = engine_xdp.start(engine, NULL, &none);
	if (ret < 0) {
		fprintf(stderr, "recycle: %s\n", error_message());
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	changes = recycle(engine, &p, config.capacity, (uint64_t)atoi(argv[7]), atof(argv[8]));
	printf("%llu changes, %u failed\n", (unsigned long long)changes, failures);
	engine_xdp.close(engine, false);
	return failures > 0;
}

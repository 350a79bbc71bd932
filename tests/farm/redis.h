/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A real redis-server in a folder of its own, without persistence, with the ACL that a farm needs
 * and no more.
 */
#ifndef TESTS_FARM_REDIS_H
#define TESTS_FARM_REDIS_H

#include <stdbool.h>
#include <sys/types.h>

struct redisContext;

struct redis {
	char folder[64];
	char url[160]; /* as the user of the ACL */
	int tls_port;  /* 0: a Unix socket only */
	pid_t pid;     /* 0: it does not run */
};

/* Makes the folder and starts the server. Exits 77 if there is no redis-server. `tls_port` other
 * than 0: TLS on loopback too, with a certificate that ca.pem in the folder certifies. */
void redis_open(struct redis *redis, int tls_port);
void redis_start(struct redis *redis);
void redis_signal(const struct redis *redis, int signal);
/* kill -9. */
void redis_kill(struct redis *redis);
void redis_close(struct redis *redis);

/* A connection as a user that may do everything. The caller frees it. */
struct redisContext *redis_connect(const struct redis *redis);

#endif

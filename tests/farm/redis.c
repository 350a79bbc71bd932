/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/farm/redis.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis.h>

#define ACL \
	"user farm on >se%%cret ~sd:* resetchannels -@all +xadd +xread +xrevrange +xinfo +set " \
	"+expire " \
	"+time +info +ping +auth +hello\n"

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		die(path);
}

static void make_certificates(const char *folder)
{
	char command[512];

	snprintf(command, sizeof(command),
		"cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		"-keyout "
		"key.pem -out ca.pem -days 2 -subj /CN=localhost -addext "
		"subjectAltName=DNS:localhost,IP:127.0.0.1 2>openssl.log",
		folder);
	if (system(command) != 0)
		die("openssl req");
}

/* As in tests/caches. */
static const char *program(void)
{
	const char *name = getenv("SESSIOND_TEST_ENGINE");

	return name && *name ? name : "redis-server";
}

static bool is_installed(const char *name)
{
	char command[512];

	snprintf(command, sizeof(command), "command -v '%s' >/dev/null", name);
	return system(command) == 0;
}

void redis_open(struct redis *redis, int tls_port)
{
	if (!is_installed(program())) {
		printf("skipped: there is no %s\n", program());
		exit(77);
	}
	memset(redis, 0, sizeof(*redis));
	snprintf(redis->folder, sizeof(redis->folder), "/tmp/sessiond-farm-XXXXXX");
	if (!mkdtemp(redis->folder))
		die("mkdtemp");
	redis->tls_port = tls_port;
	if (tls_port != 0) {
		make_certificates(redis->folder);
		snprintf(redis->url, sizeof(redis->url), "rediss://farm:se%%25cret@127.0.0.1:%d",
			tls_port);
	} else {
		snprintf(redis->url, sizeof(redis->url), "unix://farm:se%%25cret@%s/redis.sock",
			redis->folder);
	}
	redis_start(redis);
}

struct redisContext *redis_connect(const struct redis *redis)
{
	const struct timeval limit = {.tv_sec = 5};
	struct redisContext *context;
	char path[128];

	snprintf(path, sizeof(path), "%s/redis.sock", redis->folder);
	context = redisConnectUnixWithTimeout(path, limit);
	if (context && context->err) {
		redisFree(context);
		context = NULL;
	}
	return context;
}

void redis_start(struct redis *redis)
{
	char text[1024], tls[512] = "port 0\n";
	struct redisContext *context = NULL;

	if (redis->tls_port != 0)
		snprintf(tls, sizeof(tls),
			"port 0\ntls-port %d\nbind 127.0.0.1\ntls-cert-file "
			"%s/ca.pem\ntls-key-file "
			"%s/key.pem\ntls-ca-cert-file %s/ca.pem\ntls-auth-clients no\n",
			redis->tls_port, redis->folder, redis->folder, redis->folder);
	snprintf(text, sizeof(text),
		"%sunixsocket %s/redis.sock\nsave \"\"\nappendonly no\ndir %s\nlogfile %s/log\n"
		"maxmemory-policy noeviction\n" ACL,
		tls, redis->folder, redis->folder, redis->folder);
	write_file(redis->folder, "redis.conf", text);
	redis->pid = fork();
	if (redis->pid < 0)
		die("fork");
	if (redis->pid == 0) {
		char path[128];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(path, sizeof(path), "%s/redis.conf", redis->folder);
		execlp(program(), program(), path, (char *)NULL);
		_exit(127);
	}
	for (unsigned i = 0; i < 3000 && !context; i++) {
		usleep(10000);
		if (waitpid(redis->pid, NULL, WNOHANG) == redis->pid) {
			fprintf(stderr, "%s ended: see %s/log\n", program(), redis->folder);
			exit(1);
		}
		context = redis_connect(redis);
	}
	if (!context)
		die("redis-server does not answer");
	redisFree(context);
}

void redis_signal(const struct redis *redis, int signal)
{
	if (kill(redis->pid, signal) < 0)
		die("kill");
}

void redis_kill(struct redis *redis)
{
	if (redis->pid == 0)
		return;
	redis_signal(redis, SIGKILL);
	waitpid(redis->pid, NULL, 0);
	redis->pid = 0;
}

void redis_close(struct redis *redis)
{
	static const char *const files[] = {
		"redis.sock", "redis.conf", "log", "ca.pem", "key.pem", "openssl.log"};
	char path[128];

	redis_kill(redis);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", redis->folder, files[i]);
		unlink(path);
	}
	rmdir(redis->folder);
}

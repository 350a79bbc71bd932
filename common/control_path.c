/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/control_path.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(
	sizeof(((struct sockaddr_un *)0)->sun_path) == CONTROL_PATH_SIZE, "a path fits sun_path");

static bool may_make_system_path(void)
{
	if (access(CONTROL_DIR_SYSTEM, F_OK) == 0)
		return access(CONTROL_DIR_SYSTEM, W_OK | X_OK) == 0;
	return access("/run", W_OK | X_OK) == 0;
}

static bool user_path(char path[CONTROL_PATH_SIZE])
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	int n;

	if (!dir || dir[0] != '/') /* the XDG specification says to ignore relative paths */
		return false;
	n = snprintf(path, CONTROL_PATH_SIZE, "%s/sessiond.sock", dir);
	return n > 0 && n < CONTROL_PATH_SIZE;
}

void control_path_default(enum control_role role, char path[CONTROL_PATH_SIZE])
{
	char user[CONTROL_PATH_SIZE];
	bool has_user = user_path(user);
	const char *first = CONTROL_PATH_SYSTEM, *second = user;

	if (has_user && !may_make_system_path()) {
		first = user;
		second = CONTROL_PATH_SYSTEM;
	}
	if (role == CONTROL_CONNECT && has_user && access(first, F_OK) != 0 &&
		access(second, F_OK) == 0)
		first = second;
	strcpy(path, first);
}

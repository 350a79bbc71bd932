/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <stdio.h>
#include <string.h>

#include "common/key_file.h"
#include "control/sessionctl/sessionctl.h"

static const char *const said[] = {
	[KEY_FILE_ADDED] = "added a key, which only opens",
	[KEY_FILE_PROMOTED] = "promoted the new key: it seals, the old one only opens",
	[KEY_FILE_DROPPED] = "dropped the old key: the rotation is done",
};

int ctl_key(const struct ctl *ctl)
{
	enum key_file_step step;

	if (strcmp(ctl->argument, "new") == 0) {
		if (key_file_create(ctl->file) < 0)
			return ctl_fail(EXIT_RUNTIME);
		puts("made a key: copy the file to all servers that share sessions");
		return 0;
	}
	if (key_file_rotate(ctl->file, &step) < 0)
		return ctl_fail(EXIT_RUNTIME);
	printf("%s: copy the file to all servers and reload them%s\n", said[step],
		step == KEY_FILE_DROPPED ? "" : ", then rotate again");
	return 0;
}

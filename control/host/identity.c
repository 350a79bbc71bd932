/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/host/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/text.h"

static int find_group(const char *name, gid_t *gid)
{
	struct group *group;
	char quoted[TEXT_QUOTE];

	errno = 0;
	group = getgrnam(name);
	if (!group)
		return error_set(EINVAL, "--user: there is no group %s: make it, or name another",
			text_quote(name, quoted));
	*gid = group->gr_gid;
	return 0;
}

static int find_user(struct identity *identity, const char *group_name)
{
	struct passwd *passwd = getpwnam(identity->name);
	char quoted[TEXT_QUOTE];

	if (!passwd)
		return error_set(EINVAL, "--user: there is no user %s: make it, or name another",
			text_quote(identity->name, quoted));
	identity->uid = passwd->pw_uid;
	identity->gid = passwd->pw_gid;
	return group_name ? find_group(group_name, &identity->gid) : 0;
}

int identity_find(struct identity *identity, const char *user, bool stays_root)
{
	char *colon;
	int err;

	memset(identity, 0, sizeof(*identity));
	identity->uid = geteuid();
	identity->gid = getegid();
	identity->named = user[0] != '\0';
	if (!identity->named) {
		/* A user other than root was chosen on purpose. */
		if (geteuid() != 0 || stays_root || !getpwnam(IDENTITY_DEFAULT_USER))
			return 0;
		strcpy(identity->name, IDENTITY_DEFAULT_USER);
		err = find_user(identity, NULL);
	} else {
		strcpy(identity->name, user);
		colon = strchr(identity->name, ':');
		if (colon)
			*colon = '\0';
		err = find_user(identity, colon ? colon + 1 : NULL);
	}
	if (err)
		return err;
	identity->change = identity->uid != geteuid() || identity->gid != getegid();
	if (identity->change && geteuid() != 0)
		return error_set(EINVAL,
			"--user %s: only root can become another user: start as root, or leave it "
			"out",
			user);
	return 0;
}

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

/* Whether this errno of getpwnam or getgrnam means "not found"; else the lookup itself failed. */
static bool is_missing(int err)
{
	return err == 0 || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM;
}

static int not_found(const char *kind, const char *name, int err)
{
	char quoted[TEXT_QUOTE];

	text_quote(name, quoted);
	if (is_missing(err))
		return error_set(EINVAL, "--user: there is no %s %s: make it, or name another",
			kind, quoted);
	return error_set(
		EAGAIN, "--user: cannot look up %s %s: %s: try again", kind, quoted, strerror(err));
}

static int find_group(const char *name, gid_t *gid)
{
	struct group *group;

	errno = 0;
	group = getgrnam(name);
	if (!group)
		return not_found("group", name, errno);
	*gid = group->gr_gid;
	return 0;
}

static int find_user(struct identity *identity, const char *group_name)
{
	struct passwd *passwd;

	errno = 0;
	passwd = getpwnam(identity->name);
	if (!passwd)
		return not_found("user", identity->name, errno);
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
		/* Started as another user than root: keep that user. */
		if (geteuid() != 0 || stays_root)
			return 0;
		strcpy(identity->name, IDENTITY_DEFAULT_USER);
		err = find_user(identity, NULL);
		/* Without the default user it stays root. A failed lookup is an error. */
		if (err == -EINVAL) {
			identity->name[0] = '\0';
			return 0;
		}
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

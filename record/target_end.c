/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a target still what it was, and if not, what became of it? */
#include "target_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PF_EXITING 0x4u /* include/linux/sched.h, shown in stat field 9 */

enum { STAT_STATE = 3, STAT_FLAGS = 9, STAT_EXIT_CODE = 52 };

/* Field N, from 3 on, of the stat file; NULL: there is no process any more. */
static const char *stat_field(const struct gt_target *t, char *buf, size_t size, int n)
{
	char *p = gt_proc_read(t, "stat", buf, size) < 0 ? NULL : strrchr(buf, ')');

	if (!p || p[1] != ' ')
		return NULL;
	p += 2;
	for (int field = STAT_STATE; p && field < n; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p;
}

bool gt_target_alive(const struct gt_target *t)
{
	struct pollfd p = { t->pidfd, POLLIN, 0 };

	return poll(&p, 1, 0) == 0;
}

/* An exiting process has given its memory back for a while before its pidfd says that it ended. */
static bool exiting(const struct gt_target *t)
{
	char buf[2048];
	const char *flags = stat_field(t, buf, sizeof(buf), STAT_FLAGS);

	return !flags || strtoul(flags, NULL, 10) & PF_EXITING;
}

enum gt_target_life gt_target_life(const struct gt_target *t)
{
	if (!gt_target_alive(t))
		return GT_TL_ENDED;
	return gt_target_same_image(t) || exiting(t) ? GT_TL_LIVES : GT_TL_EXECUTED;
}

bool gt_target_exit(const struct gt_target *t, int *ret_wstatus)
{
	char buf[2048];
	const char *code = stat_field(t, buf, sizeof(buf), STAT_EXIT_CODE);

	if (!code)
		return false;
	*ret_wstatus = (int)strtol(code, NULL, 10);
	if (*ret_wstatus)
		return true;
	/* 0 is also what the kernel shows to those who may not know; these may not read links. */
	return readlinkat(t->procfd, "exe", buf, sizeof(buf)) < 0 && errno == ENOENT;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Users, capabilities, limits. Group and uid changes of single threads use raw system calls: libc's
 * wrappers change all threads. */
#include "priv.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

/* ---- users ---------------------------------------------------------------------------- */

static bool parse_id(const char *s, unsigned *ret)
{
	char *end;

	if (!s || *s < '0' || *s > '9')
		return false;
	errno = 0;
	unsigned long v = strtoul(s, &end, 10);
	if (errno || *end || v >= UINT32_MAX) /* (uid_t)-1 means "no change" */
		return false;
	*ret = (unsigned)v;
	return true;
}

static void fill_groups(struct gt_user *u, const char *name)
{
	gid_t many[1024];
	int n = 1024;

	u->n_groups = 0;
	if (getgrouplist(name, u->gid, many, &n) < 0)
		n = 0;
	for (int i = 0; i < n && u->n_groups < GT_USER_GROUPS; i++)
		u->groups[u->n_groups++] = many[i];
}

/* By NAME, or by UID when NAME is NULL. 1 found, 0 none. */
static int lookup(struct gt_user *u, const char *name, uid_t uid)
{
	struct passwd pw, *found = NULL;
	char buf[16384];
	int rc = name ? getpwnam_r(name, &pw, buf, sizeof(buf), &found)
		      : getpwuid_r(uid, &pw, buf, sizeof(buf), &found);

	if (rc || !found)
		return 0;
	u->uid = pw.pw_uid;
	u->gid = pw.pw_gid;
	(void)snprintf(u->name, sizeof(u->name), "%s", pw.pw_name);
	fill_groups(u, pw.pw_name);
	return 1;
}

static void ourselves(struct gt_user *u)
{
	struct gt_user found = { 0 };

	u->uid = geteuid();
	u->gid = getegid();
	u->n_groups = getgroups(GT_USER_GROUPS, u->groups);
	if (u->n_groups < 0)
		u->n_groups = 0;
	if (lookup(&found, NULL, u->uid))
		memcpy(u->name, found.name, sizeof(u->name));
}

int gt_user_invoker(struct gt_user *ret, const char *name, struct gt_err *err)
{
	struct gt_user u = { 0 };
	unsigned id;

	if (name) {
		if (!lookup(&u, name, 0)) {
			if (!parse_id(name, &id))
				return gt_fail(err, GT_USAGE, "no such user: '%s'", name);
			if (!lookup(&u, NULL, id)) { /* a bare number: fine in containers */
				u.uid = id;
				u.gid = id;
			}
		}
		u.other = u.uid != geteuid();
	} else if (!getuid() && !geteuid() && parse_id(getenv("SUDO_UID"), &id) && id) {
		if (!lookup(&u, NULL, id)) {
			u.uid = id;
			u.gid = parse_id(getenv("SUDO_GID"), &id) ? id : u.uid;
		}
		u.other = true;
	} else {
		ourselves(&u);
	}
	*ret = u;
	return GT_OK;
}

int gt_user_become(const struct gt_user *u)
{
	if (!u->other)
		return 0;
	if (syscall(SYS_setgroups, u->n_groups, u->groups) ||
	    syscall(SYS_setresgid, u->gid, u->gid, u->gid) ||
	    syscall(SYS_setresuid, u->uid, u->uid, u->uid))
		return -1;
	return 0;
}

int gt_user_fs_enter(struct gt_user_fs *saved, const struct gt_user *u, struct gt_err *err)
{
	memset(saved, 0, sizeof(*saved));
	if (!u->other || geteuid() == u->uid) /* gt_priv_drop has been here */
		return GT_OK;
	saved->n_groups = getgroups(GT_USER_GROUPS, saved->groups);
	if (saved->n_groups < 0)
		return gt_fail_errno(err, GT_IO, "cannot read our groups");
	if (syscall(SYS_setgroups, u->n_groups, u->groups))
		return gt_fail_errno(err, GT_DENIED, "cannot act as user %u", (unsigned)u->uid);
	saved->gid = (gid_t)setfsgid(u->gid);
	saved->uid = (uid_t)setfsuid(u->uid);
	saved->on = true;
	/* setfsuid tells failure only through its next answer */
	if ((uid_t)setfsuid((uid_t)-1) != u->uid || (gid_t)setfsgid((gid_t)-1) != u->gid) {
		gt_user_fs_leave(saved);
		errno = EPERM;
		return gt_fail_errno(err, GT_DENIED, "cannot act as user %u", (unsigned)u->uid);
	}
	return GT_OK;
}

void gt_user_fs_leave(struct gt_user_fs *saved)
{
	if (!saved->on)
		return;
	(void)setfsuid(saved->uid);
	(void)setfsgid(saved->gid);
	(void)syscall(SYS_setgroups, saved->n_groups, saved->groups);
	saved->on = false;
}

/* ---- capabilities --------------------------------------------------------------------- */

static const struct need {
	unsigned bit;
	cap_value_t cap;
	const char *name, *why;
} needs[] = {
	{ GT_PRIV_ATTACH, CAP_BPF, "CAP_BPF", "to load the probes" },
	{ GT_PRIV_ATTACH, CAP_PERFMON, "CAP_PERFMON", "to attach the probes" },
	{ GT_PRIV_READ, CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "to read other users' processes" },
	{ GT_PRIV_SIGNAL, CAP_KILL, "CAP_KILL", "to end the command" },
};
#define N_NEEDS (sizeof(needs) / sizeof(needs[0]))

static bool effective(cap_t caps, cap_value_t cap)
{
	cap_flag_value_t v = CAP_CLEAR;

	return !cap_get_flag(caps, cap, CAP_EFFECTIVE, &v) && v == CAP_SET;
}

int gt_priv_check(unsigned need, struct gt_err *err)
{
	char missing[128] = "", all[128] = "";
	cap_t caps = cap_get_proc();

	if (!caps)
		return gt_fail_errno(err, GT_IO, "cannot read our capabilities");
	bool admin = effective(caps, CAP_SYS_ADMIN); /* holds CAP_BPF and CAP_PERFMON too */
	for (size_t i = 0; i < N_NEEDS; i++) {
		const struct need *n = &needs[i];
		char *end = all + strlen(all);

		if (!(need & n->bit))
			continue;
		(void)snprintf(end, sizeof(all) - (size_t)(end - all), "%s%s", *all ? ", " : "",
			       n->name);
		if (effective(caps, n->cap) || (n->bit == GT_PRIV_ATTACH && admin))
			continue;
		end = missing + strlen(missing);
		(void)snprintf(end, sizeof(missing) - (size_t)(end - missing), "%s%s",
			       *missing ? ", " : "", n->name);
	}
	(void)cap_free(caps);
	if (*missing)
		return gt_fail(err, GT_DENIED, "need root (try sudo), or %s; missing: %s", all,
			       missing);
	return GT_OK;
}

unsigned gt_kernel_version(void)
{
	struct utsname u;
	unsigned a = 0, b = 0, c = 0;

	if (uname(&u) || sscanf(u.release, "%u.%u.%u", &a, &b, &c) < 2)
		return 0;
	return a << 16 | (b > 255 ? 255 : b) << 8 | (c > 255 ? 255 : c);
}

int gt_priv_memlock(struct gt_err *err)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY }, now;

	if (gt_kernel_version() >= (5 << 16 | 11 << 8))
		return GT_OK; /* charged to the memory cgroup */
	if (!setrlimit(RLIMIT_MEMLOCK, &all) ||
	    (!getrlimit(RLIMIT_MEMLOCK, &now) && now.rlim_cur == RLIM_INFINITY))
		return GT_OK;
	return gt_fail_errno(err, GT_DENIED,
			     "cannot raise the limit of locked memory (need CAP_SYS_RESOURCE, or "
			     "ulimit -l unlimited)");
}

void gt_priv_raise_files(void)
{
	struct rlimit max;

	if (getrlimit(RLIMIT_NOFILE, &max) || max.rlim_cur == max.rlim_max)
		return;
	max.rlim_cur = max.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &max);
}

uint64_t gt_priv_files(void)
{
	struct rlimit max;
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!d || getrlimit(RLIMIT_NOFILE, &max))
		max.rlim_cur = d ? RLIM_INFINITY : 0;
	while (d && readdir(d))
		n++;
	if (d)
		(void)closedir(d);
	return max.rlim_cur > n ? max.rlim_cur - n : 0;
}

/* ---- giving up ------------------------------------------------------------------------ */

static int limit_caps(unsigned keep, struct gt_err *err)
{
	cap_t old = cap_get_proc(), new = cap_init();
	bool admin_only = false;
	int rc = GT_OK;

	if (!old || !new) {
		rc = gt_fail_errno(err, GT_NOMEM, "cannot handle capabilities");
		goto out;
	}
	for (size_t i = 0; i < N_NEEDS; i++) {
		const struct need *n = &needs[i];
		cap_flag_value_t v = CAP_CLEAR;
		cap_value_t cap = n->cap;

		if (!(keep & n->bit))
			continue;
		if (cap_get_flag(old, cap, CAP_PERMITTED, &v) || v != CAP_SET) {
			if (n->bit != GT_PRIV_ATTACH)
				continue;
			cap = CAP_SYS_ADMIN; /* what an old libc or container gave instead */
			admin_only = !cap_get_flag(old, cap, CAP_PERMITTED, &v) && v == CAP_SET;
			if (!admin_only)
				continue;
		}
		if (cap_set_flag(new, CAP_PERMITTED, 1, &cap, CAP_SET) ||
		    cap_set_flag(new, CAP_EFFECTIVE, 1, &cap, CAP_SET))
			rc = gt_fail_errno(err, GT_IO, "cannot handle capabilities");
	}
	if (!rc && cap_set_proc(new))
		rc = gt_fail_errno(err, GT_DENIED, "cannot give up capabilities");
out:
	(void)cap_free(old);
	(void)cap_free(new);
	return rc;
}

static void tell_kept(const struct gt_user *u, unsigned keep, char *ret, size_t n)
{
	size_t at = 0;
	char who[80];

	if (*u->name)
		(void)snprintf(who, sizeof(who), "'%s'", u->name);
	else
		(void)snprintf(who, sizeof(who), "uid %u", (unsigned)u->uid);
	at += (size_t)snprintf(ret, n, "running as %s, kept", who);
	for (size_t i = 0; i < N_NEEDS && at < n; i++)
		if (keep & needs[i].bit)
			at += (size_t)snprintf(ret + at, n - at, " %s (%s)", needs[i].name,
					       needs[i].why);
	if (!keep && at < n)
		(void)snprintf(ret + at, n - at, " no capability");
}

int gt_priv_drop(const struct gt_user *u, unsigned keep, char *ret_kept, size_t n,
		 struct gt_err *err)
{
	if (ret_kept && n)
		*ret_kept = 0;
	if (!u->other && geteuid() == 0)
		return GT_OK; /* root asked as root */
	if (u->other) {
		if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) ||
		    setgroups((size_t)u->n_groups, u->groups) ||
		    setresgid(u->gid, u->gid, u->gid) || setresuid(u->uid, u->uid, u->uid))
			return gt_fail_errno(err, GT_DENIED, "cannot become user %u",
					     (unsigned)u->uid);
		(void)prctl(PR_SET_KEEPCAPS, 0L, 0L, 0L, 0L);
	}
	int rc = limit_caps(keep, err);
	if (!rc && ret_kept && n)
		tell_kept(u, keep, ret_kept, n);
	return rc;
}

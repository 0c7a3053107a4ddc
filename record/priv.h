/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who gtrec works for and with which rights: the invoking user (sudo, --user), the
 * capabilities that tracing needs, and giving them up once the probes are in place.
 *
 * All of this is process-wide: call it before threads are started.
 */
#ifndef GT_PRIV_H
#define GT_PRIV_H

#include <stdbool.h>
#include <sys/types.h>

#include "format/base/err.h"

#define GT_USER_GROUPS 64

/* Somebody with a uid. Plain data, no ownership. */
struct gt_user {
	uid_t uid;
	gid_t gid;
	int n_groups;
	gid_t groups[GT_USER_GROUPS]; /* supplementary; what exceeds the array is left out */
	char name[64];		      /* "" where the uid has no name */
	bool other;		      /* not who we are now: files and later life change hands */
};

/*
 * gt_user_invoker: NAME (--user NAME, a number also) or, with NULL, who called sudo, else who
 * we are. GT_USAGE: no such user. SUDO_UID counts only when real and effective uid are 0.
 */
int gt_user_invoker(struct gt_user *ret, const char *name, struct gt_err *err) GT_MUST_CHECK;

/* gt_user_become: become U for good, groups too, in a child before exec; async-signal-safe. */
int gt_user_become(const struct gt_user *u) GT_MUST_CHECK;

/*
 * gt_user_fs_enter, _leave: the calling thread touches files as U (fsuid, fsgid, groups)
 * between the two. No-ops when !u->other. Not nestable.
 */
struct gt_user_fs {
	bool on;
	uid_t uid;
	gid_t gid;
	int n_groups;
	gid_t groups[GT_USER_GROUPS];
};
int gt_user_fs_enter(struct gt_user_fs *saved, const struct gt_user *u,
		     struct gt_err *err) GT_MUST_CHECK;
void gt_user_fs_leave(struct gt_user_fs *saved);

/* What tracing needs, for gt_priv_check and gt_priv_drop. */
#define GT_PRIV_ATTACH                                                                             \
	0x1 /* load programs, open uprobes: CAP_BPF, CAP_PERFMON (or CAP_SYS_ADMIN) */
#define GT_PRIV_READ   0x2 /* open other users' processes: CAP_SYS_PTRACE */
#define GT_PRIV_SIGNAL 0x4 /* signal a command that runs as somebody else: CAP_KILL */

/*
 * gt_priv_check: GT_DENIED with "need CAP_BPF and CAP_PERFMON, or root (missing: ...)" when a
 * capability for one of NEED is not in the effective set.
 */
int gt_priv_check(unsigned need, struct gt_err *err) GT_MUST_CHECK;

/* gt_priv_memlock: raise RLIMIT_MEMLOCK where the kernel charges BPF memory to it (< 5.11). */
int gt_priv_memlock(struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_priv_raise_files: as many descriptors as the hard limit allows, as each process under trace
 * takes some 20. gt_priv_files: how many may be opened still, about.
 */
void gt_priv_raise_files(void);
uint64_t gt_priv_files(void);

/*
 * gt_priv_drop: become U for the rest of our life, keeping only the capabilities for KEEP
 * (permitted and effective, not inheritable). What is already open (probes, rings,
 * /proc/PID/mem) keeps working without any. With !u->other only the capabilities shrink, and only
 * when we are not root. RET_KEPT (may be NULL) takes a sentence like "running as 'alice', kept
 * CAP_KILL (to end the command)".
 */
int gt_priv_drop(const struct gt_user *u, unsigned keep, char *ret_kept, size_t n,
		 struct gt_err *err) GT_MUST_CHECK;

/* gt_kernel_version: major << 16 | minor << 8 | patch of the running kernel. */
unsigned gt_kernel_version(void);

#endif

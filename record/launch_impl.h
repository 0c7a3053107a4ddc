/* SPDX-License-Identifier: BSD-2-Clause */
/* What launch.c (starting, ending, asking) and launch_step.c (ptrace stops) share. */
#ifndef GT_LAUNCH_IMPL_H
#define GT_LAUNCH_IMPL_H

#include "launch.h"

#include "format/base/out.h"
#include "format/base/u64map.h"

#define GT_LAUNCH_PATHS 32 /* executables remembered for messages */

struct gt_launch {
	pid_t pid; /* COMMAND */
	bool ended;
	int wstatus;
	int sigfd;
	sigset_t old_mask; /* the caller's, given back by _free */
	bool follow;
	bool releasing;	 /* detach everything at its next stop */
	bool first_exec; /* COMMAND sits in its first exec stop, on_exec not yet called */
	pid_t held;	 /* stays in its exec stop: first_exec, or on_exec failed; 0 none */
	struct gt_launch_ops ops;
	struct gt_u64map seized;      /* tid -> tgid */
	char *paths[GT_LAUNCH_PATHS]; /* owned: executed, each once */
	size_t n_paths, more_paths;
	struct gt_out joined; /* answer of gt_launch_executed */
};

/* The stop WSTATUS (WIFSTOPPED) of TID: let it go on as it must. 0 or a gt_code. */
int gt_launch_on_stop(struct gt_launch *l, pid_t tid, int wstatus, struct gt_err *err);
/* The exec stop of PID, which stays stopped when on_exec fails. */
int gt_launch_on_exec(struct gt_launch *l, pid_t pid, struct gt_err *err);
/* Detach TID, which is stopped; SIG is the signal it was about to get, or 0. */
void gt_launch_let_go(struct gt_launch *l, pid_t tid, int sig);
/* TID has ended. */
void gt_launch_on_end(struct gt_launch *l, pid_t tid, int wstatus);

#endif

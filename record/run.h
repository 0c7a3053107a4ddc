/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From "what to trace" to an exit status: one poll loop over signals, the command, the
 * targets and the session.
 */
#ifndef GT_RUN_H
#define GT_RUN_H

#include "launch.h"
#include "session.h"

struct gt_run_opts {
	struct gt_session_opts session;
	const pid_t *pids; /* attach to these ... */
	uint32_t n_pids;
	char *const *command; /* ... or start this (NULL-terminated); one of the two */
	bool follow;
	uint64_t duration_ns;		  /* 0: until it ends */
	struct gt_user owner;		  /* whose file, and whom gtrec becomes after attaching */
	const struct gt_user *run_as;	  /* COMMAND runs as; NULL: as gtrec */
	const struct gt_signals *signals; /* as gtrec was started with */
};

/* Exit statuses of gtrec's own failures. */
#define GT_EXIT_RECORDER 125 /* with a command; without one it is GT_EXIT_ENV */

/*
 * gt_run: record as told; messages go to the log. The exit status; does not return when the
 * command was killed by a signal (gtrec then dies of the same).
 */
int gt_run(const struct gt_run_opts *o);

#endif
